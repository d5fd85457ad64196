//! `coldtrail set-aside`.

use std::process::ExitCode;

use crate::arguments::SetAside;
use crate::exit::Failure;
use crate::node::{self, Layout};

/// Moves damaged bytes of the journal to files of their own.
pub(crate) fn run(arguments: &SetAside) -> Result<ExitCode, Failure> {
    let _lock = node::lock(&arguments.data)?;
    let moved = store::journal::set_aside(&Layout::of(&arguments.data).journal())?;
    for part in &moved {
        println!("{part}");
    }
    if moved.is_empty() {
        println!("the journal has no damage");
    }
    Ok(ExitCode::SUCCESS)
}
