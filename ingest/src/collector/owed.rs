//! The acknowledgements one connection owes its broker, in the order the messages came.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::journal::{Durable, Settled, Ticket};
use tokio::sync::Notify;

use super::link::{Receipt, Requests};
use crate::sink::Sink;

/// The most acknowledgements one connection may owe; about 32 MB.
///
/// MQTT allows one for each packet id, 65,535, and MQTT 5 our receive maximum. mosquitto 2.0.11 goes past the receive
/// maximum while acknowledgements flow, and past the ids with `max_inflight_messages 0` and MQTT 3.1.1. It gives an
/// acknowledgement to the oldest message of the id and ours keep the order, so that does no harm; but it has an end.
const MOST_OWED: usize = 1_000_000;

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

    /// `receipt` is owed once `ticket` is durable, or at once without one. `false` when too many are owed already.
    pub(super) fn push(&self, ticket: Option<Ticket>, receipt: Receipt) -> bool {
        let mut queue = self.queue();
        if queue.receipts.len() >= MOST_OWED {
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

#[cfg(test)]
mod tests {
    use store::journal::Position;

    use super::*;

    fn ticket(position: u64, epoch: u64) -> Option<Ticket> {
        Some(Ticket { position: Position::new(position), epoch })
    }

    fn durable(position: u64, epoch: u64, rose_at: u64) -> Option<Durable> {
        Some(Durable { position: Position::new(position), epoch, rose_at: Position::new(rose_at) })
    }

    #[test]
    fn acknowledges_in_order_and_only_what_is_durable() {
        let (owed, mut ready) = (Owed::new(), Vec::new());
        assert_eq!(owed.take_settled(durable(9, 0, 0), &mut ready), Head::Empty);
        for (position, packet_id) in [(10, 7), (11, 3), (12, 5)] {
            assert!(owed.push(ticket(position, 0), Receipt::at_least_once(packet_id)));
        }
        assert_eq!(owed.take_settled(durable(9, 0, 0), &mut ready), Head::Waiting);
        assert!(ready.is_empty());
        owed.close();
        assert_eq!(owed.take_settled(durable(11, 0, 0), &mut ready), Head::Waiting);
        assert_eq!(ready, [7, 3].map(Receipt::at_least_once));
        assert_eq!(owed.take_settled(durable(12, 0, 0), &mut ready), Head::Finished);
        assert_eq!(ready, [7, 3, 5].map(Receipt::at_least_once));
    }

    #[test]
    fn stops_at_a_message_the_journal_lost() {
        let (owed, mut ready) = (Owed::new(), Vec::new());
        for (position, packet_id) in [(1, 1), (2, 2)] {
            assert!(owed.push(ticket(position, 0), Receipt::at_least_once(packet_id)));
        }
        assert!(owed.push(ticket(2, 1), Receipt::at_least_once(3)));
        // The epoch rose after the first: the second is lost, whatever took its place since.
        assert_eq!(owed.take_settled(durable(2, 1, 1), &mut ready), Head::Lost);
        assert_eq!(ready, [Receipt::at_least_once(1)]);
    }

    #[test]
    fn without_a_journal_everything_is_settled() {
        let (owed, mut ready) = (Owed::new(), Vec::new());
        assert!(owed.push(None, Receipt::at_least_once(1)));
        assert_eq!(owed.take_settled(None, &mut ready), Head::Empty);
        assert_eq!(ready.len(), 1);
    }
}
