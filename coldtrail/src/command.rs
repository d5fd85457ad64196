//! One file for each command.

pub mod apply;
pub mod backup;
pub mod demo;
pub mod password;
pub mod remote;
pub mod restore;
pub mod serve;
pub mod set_aside;
pub mod sql;
pub mod token;
pub mod verify;
