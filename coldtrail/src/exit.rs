//! How the program ends: 0 done, 1 failed, 2 wrong usage or bad input, 3 finished and found something wrong.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something outside refused: exit code 1.
    Failed(anyhow::Error),
    /// The input is wrong; the message says where and what to do: exit code 2.
    Input(String),
}

/// Exit code 3: the command finished and found something wrong.
pub(crate) const FOUND_WRONG: u8 = 3;

impl Failure {
    /// The exit code for it.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Input(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => {
                // An error may carry its cause in its own text already; a cause is added only if it says more.
                let mut text = error.to_string();
                for cause in error.chain().skip(1) {
                    let cause = cause.to_string();
                    if !text.contains(&cause) {
                        text.push_str(": ");
                        text.push_str(&cause);
                    }
                }
                f.write_str(&text)
            }
            Self::Input(message) => f.write_str(message),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
