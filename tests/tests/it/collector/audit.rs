//! The rule about acknowledgements, checked on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tests::proxy::Way;
use tests::wire::{Packet, kind};

/// Follows every PUBLISH of QoS 1 and every PUBACK through a proxy. An acknowledgement must answer a message of the
/// same connection that was not acknowledged before.
#[derive(Clone, Default)]
pub(super) struct Audit(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    /// By connection: the packet ids delivered and not acknowledged.
    owed: BTreeMap<u64, BTreeSet<u16>>,
    published: u64,
    acknowledged: u64,
    wrong: Vec<String>,
}

impl Audit {
    /// Enters one packet.
    pub(super) fn see(&self, connection: u64, way: Way, packet: &Packet) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = packet.id() else { return };
        match (way, packet.kind()) {
            (Way::ToClient, kind::PUBLISH) => {
                books.published += 1;
                if !books.owed.entry(connection).or_default().insert(id) {
                    books.wrong.push(format!("connection {connection}: id {id} delivered twice"));
                }
            }
            (Way::ToBroker, kind::PUBACK) => {
                books.acknowledged += 1;
                if !books.owed.entry(connection).or_default().remove(&id) {
                    books.wrong.push(format!("connection {connection}: id {id} acknowledged and not owed"));
                }
            }
            _ => {}
        }
    }

    /// Messages delivered and messages acknowledged, over all connections.
    pub(super) fn counts(&self) -> (u64, u64) {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (books.published, books.acknowledged)
    }

    /// Fails when an acknowledgement broke the rule.
    pub(super) fn check(&self) {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(books.wrong.is_empty(), "{:?}", books.wrong);
    }
}
