//! What can go wrong before anything is told. A delivery that fails is no error but an attempt in the outbox.

use std::path::PathBuf;

/// Why nobody can be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option of a channel is outside its limits.
    #[error("notifications: `{option}` of `{channel}` {problem}")]
    Option {
        /// The channel.
        channel: String,
        /// The option.
        option: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// A file with certificates cannot be used.
    #[error("notifications: `{path}` of `{channel}` holds no usable certificate authority: give its PEM file")]
    Authority {
        /// The channel.
        channel: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A client cannot be made.
    #[error("notifications: `{channel}` cannot be set up")]
    Client {
        /// The channel.
        channel: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The ledger or the outbox failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
