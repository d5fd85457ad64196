//! The acknowledgements one connection owes its broker, in the order the messages came.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::journal::{Durable, Settled, Ticket};
use tokio::sync::Notify;

use super::link::{Receipt, Requests};
use crate::sink::Sink;

/// The most messages MQTT can have in flight on one connection: one for each packet id.
const PACKET_IDS: usize = 65_535;

/// The queue between the side that receives and the side that acknowledges. It belongs to one connection and goes
/// with it: an acknowledgement never reaches a later one, where its packet id means another message.
pub(super) struct Owed {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Default)]
struct Queue {
    receipts: VecDeque<(Option<Ticket>, Receipt)>,
    closing: bool,
}

/// What stands at the head of the queue after everything settled was taken.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// Nothing is owed.
    Empty,
    /// Nothing is owed and nothing will be.
    Finished,
    /// A message that isn't durable yet.
    Waiting,
    /// A message that will never be durable.
    Lost,
}

/// Why acknowledging ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AcksEnded {
    /// The journal lost a message it had taken: the broker has to deliver it again.
    Lost,
    /// The journal is gone.
    Closed,
    /// The connection is gone.
    Disconnected,
}

impl Owed {
    pub(super) fn new() -> Self {
        Self { queue: Mutex::default(), changed: Notify::new() }
    }

    /// `receipt` is owed once `ticket` is durable, or at once without one. `false` when the broker has more in
    /// flight than MQTT has packet ids, so that ids can't be trusted any more.
    pub(super) fn push(&self, ticket: Option<Ticket>, receipt: Receipt) -> bool {
        let mut queue = self.queue();
        if queue.receipts.len() >= PACKET_IDS {
            return false;
        }
        queue.receipts.push_back((ticket, receipt));
        if queue.receipts.len() == 1 {
            self.changed.notify_one();
        }
        true
    }

    /// Nothing more will be pushed: say goodbye once everything owed is sent.
    pub(super) fn close(&self) {
        self.queue().closing = true;
        self.changed.notify_one();
    }

    /// Sends each acknowledgement once its message is durable, until that can't go on. Runs beside the side that
    /// polls, never inside it: the request channel it waits for is emptied by polling.
    pub(super) async fn acknowledge(&self, sink: &Sink, requests: &Requests) -> AcksEnded {
        let mut durable = sink.durable();
        let mut ready = Vec::new();
        loop {
            let covered = durable.as_mut().map(|durable| *durable.borrow_and_update());
            let head = self.take_settled(covered, &mut ready);
            for receipt in ready.drain(..) {
                if !requests.acknowledge(receipt).await {
                    return AcksEnded::Disconnected;
                }
            }
            match (head, durable.as_mut()) {
                (Head::Lost, _) => return AcksEnded::Lost,
                (Head::Waiting, Some(durable)) => {
                    if durable.changed().await.is_err() {
                        return AcksEnded::Closed;
                    }
                }
                (Head::Waiting, None) => return AcksEnded::Closed,
                (Head::Empty, _) => self.changed.notified().await,
                (Head::Finished, _) => {
                    requests.disconnect().await;
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Moves the receipts of all settled messages at the head of the queue to `ready`.
    fn take_settled(&self, covered: Option<Durable>, ready: &mut Vec<Receipt>) -> Head {
        let mut queue = self.queue();
        while let Some((ticket, receipt)) = queue.receipts.front() {
            let settled = match (ticket, covered) {
                (None, _) => Settled::Durable,
                (Some(ticket), Some(covered)) => covered.covers(*ticket),
                (Some(_), None) => Settled::Pending,
            };
            match settled {
                Settled::Durable => ready.push(*receipt),
                Settled::Pending => return Head::Waiting,
                Settled::Lost => return Head::Lost,
            }
            queue.receipts.pop_front();
        }
        if queue.closing { Head::Finished } else { Head::Empty }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole between any two statements, so a panic elsewhere leaves it usable.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
