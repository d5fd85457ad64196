//! What is sent: forms of their own, apart from what they are made of.

pub(crate) mod event;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod token;
