//! What is sent: forms of their own, apart from what they are made of.

pub(crate) mod alarm;
pub(crate) mod assessment;
pub(crate) mod block;
pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod hold;
pub(crate) mod notification;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod site;
pub(crate) mod token;
pub(crate) mod unit;
pub(crate) mod user;

/// The places of a limit, by id.
pub(crate) fn sites(sites: &model::sight::Sites) -> Vec<String> {
    sites.iter().map(ToString::to_string).collect()
}
