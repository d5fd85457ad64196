//! The endpoints, one file per group.

pub(crate) mod acts;
pub(crate) mod alarms;
pub(crate) mod audit;
pub(crate) mod dispatch;
pub(crate) mod events;
pub(crate) mod excursions;
pub(crate) mod health;
pub(crate) mod holds;
pub(crate) mod lists;
pub(crate) mod lots;
pub(crate) mod moves;
pub(crate) mod notifications;
pub(crate) mod oidc;
pub(crate) mod readings;
pub(crate) mod recipients;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod scan;
pub(crate) mod session;
pub(crate) mod sites;
pub(crate) mod sql;
pub(crate) mod tokens;
pub(crate) mod units;
pub(crate) mod users;
