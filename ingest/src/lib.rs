//! Messages in, durable out: sources (MQTT listener, MQTT collector, HTTP) to the journal, acknowledged when on disk.

pub mod admit;
pub mod clock;
pub mod collector;
pub mod credentials;
pub mod decode;
pub mod error;
pub mod http_door;
pub mod import;
pub mod listener;
pub mod pipeline;
pub mod sink;
pub mod tls;

pub use error::Error;
