//! A small MQTT publisher, 3.1.1 and 5, QoS 1, over TCP or TLS: enough to count acknowledgements exactly.
//!
//! A full client hides what the simulator is about: which packet was acknowledged, which was sent again, and a
//! connection cut at a chosen moment. It is also several times cheaper, which the load generator needs.

mod socket;
pub(crate) mod wire;

use std::path::PathBuf;
use std::str::FromStr;

pub(crate) use socket::{Session, open};

/// Which MQTT is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// MQTT 3.1.1.
    V311,
    /// MQTT 5.
    #[default]
    V5,
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "3.1.1" | "3" | "4" => Ok(Self::V311),
            "5" => Ok(Self::V5),
            _ => Err(format!("`{text}` is not a protocol: use `5` or `3.1.1`")),
        }
    }
}

/// Where and how to publish.
#[derive(Clone, Debug)]
pub struct Broker {
    /// `host:port`.
    pub address: String,
    /// Which MQTT is spoken.
    pub protocol: Protocol,
    /// A PEM file with the certificate authority to trust; with it, the connection is TLS.
    pub ca: Option<PathBuf>,
    /// A user name; `{gateway}` in it becomes the gateway's name.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
}

impl Broker {
    /// The broker at `address` (`host:port`) over plain TCP, MQTT 5, without a user.
    #[must_use]
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: address.into(), protocol: Protocol::V5, ca: None, user: None, password: None }
    }
}
