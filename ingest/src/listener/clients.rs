//! The connected clients by name, so that a client that connects again takes over from its old connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::ended::Ended;

/// Who a client is to the listener: the gateway it signed in as (empty when anonymous) and its client id.
///
/// The gateway is part of it, so that no gateway can throw another one out by using its client id.
pub(super) type ClientKey = (Box<str>, Box<str>);

/// The connected clients of a listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    generation: AtomicU64,
    connected: Mutex<HashMap<ClientKey, Connected>>,
    is_closed: AtomicBool,
}

#[derive(Debug)]
struct Connected {
    generation: u64,
    end: oneshot::Sender<Ended>,
}

impl Clients {
    /// Enters a client; the connection it had before is told that it is taken over.
    pub(super) fn enter(&self, key: ClientKey) -> (Entry, oneshot::Receiver<Ended>) {
        let (end, ended) = oneshot::channel();
        let generation = self.0.generation.fetch_add(1, Ordering::Relaxed);
        let mut connected = self.0.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.is_closed.load(Ordering::Relaxed) {
            // Came too late to be told with the others.
            let _ = end.send(Ended::Shutdown);
            return (Entry { clients: self.clone(), key, generation }, ended);
        }
        if let Some(old) = connected.insert(key.clone(), Connected { generation, end }) {
            // A connection that is ending by itself does not listen any more.
            let _ = old.end.send(Ended::TakenOver);
        }
        (Entry { clients: self.clone(), key, generation }, ended)
    }

    /// Tells all connections, those yet to come too, that the server stops.
    pub(super) fn close(&self) {
        let mut connected = self.0.connected.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.is_closed.store(true, Ordering::Relaxed);
        for (_, client) in connected.drain() {
            let _ = client.end.send(Ended::Shutdown);
        }
    }
}

/// A client's place among the connected; given back when dropped.
#[derive(Debug)]
pub(super) struct Entry {
    clients: Clients,
    key: ClientKey,
    generation: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut connected = self.clients.0.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if connected.get(&self.key).is_some_and(|client| client.generation == self.generation) {
            connected.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_connection_of_a_client_ends_the_first_and_keeps_its_place() {
        let clients = Clients::default();
        let key = || ("gw".into(), "id".into());
        let (first, mut first_end) = clients.enter(key());
        let (_other, mut other_end) = clients.enter(("gw2".into(), "id".into()));
        let (second, mut second_end) = clients.enter(key());
        assert_eq!(first_end.try_recv().unwrap(), Ended::TakenOver);
        drop(first);
        assert!(second_end.try_recv().is_err());
        assert!(other_end.try_recv().is_err());
        clients.close();
        assert_eq!(second_end.try_recv().unwrap(), Ended::Shutdown);
        drop(second);
        let (_late, mut late_end) = clients.enter(key());
        assert_eq!(late_end.try_recv().unwrap(), Ended::Shutdown);
    }
}
