//! One file for each command.

pub(crate) mod apply;
pub(crate) mod assess;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod demo;
pub(crate) mod import;
pub(crate) mod password;
pub(crate) mod remote;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod set_aside;
pub(crate) mod sql;
pub(crate) mod token;
pub(crate) mod verify;
