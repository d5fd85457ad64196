//! What can go wrong when the doors are opened. A bad message is never an error: it is data (`rejected`).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a door could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken, not ours, or needs a privilege.
    #[error("cannot listen for MQTT on `{address}`: choose a free address with `--mqtt` or in the configuration")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },

    /// A certificate or key file could not be read as PEM.
    #[error("cannot read PEM from `{path}`: give a readable file with {expected}")]
    Pem {
        /// The file named in the configuration.
        path: PathBuf,
        /// What the file should hold.
        expected: &'static str,
        /// What the PEM reader found instead.
        #[source]
        source: rustls_pki_types::pem::Error,
    },

    /// Certificates and keys were read, but do not make a TLS configuration.
    #[error("the TLS files with `{path}` do not fit together: check that key and certificate are a pair")]
    Tls {
        /// The certificate file named in the configuration.
        path: PathBuf,
        /// What rustls said.
        #[source]
        source: rustls::Error,
    },

    /// No certificate of the file can serve as a root of trust.
    #[error("`{path}` holds no usable certificate authority: give the PEM file of the authority")]
    Authority {
        /// The file named in the configuration.
        path: PathBuf,
    },

    /// The password file could not be read.
    #[error("cannot read the password file `{path}`")]
    PasswordFile {
        /// The file named in the configuration.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },

    /// A line of the password file is not `name:hash`.
    #[error("`{path}` line {line}: {problem}: write `name:hash` with an argon2 hash (`$argon2id$…`)")]
    PasswordLine {
        /// The file named in the configuration.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },

    /// An option of a broker to collect from is outside its limits.
    #[error("collector `{broker}`: `{option}` is `{value}`, give {expected}")]
    Collector {
        /// The broker's name.
        broker: String,
        /// The option.
        option: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: &'static str,
    },

    /// The operating system gave no thread.
    #[error("cannot start a thread: check the limits of the process")]
    Thread {
        /// What it said.
        #[source]
        source: io::Error,
    },

    /// The journal, the lake or the ledger failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An error with its causes in one line, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
