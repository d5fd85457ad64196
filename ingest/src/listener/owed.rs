//! The acknowledgements a connection owes, in the order in which the publishes came.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use bytes::{BufMut, BytesMut};
use store::journal::{Durable, Settled, Ticket};

use super::ended::Ended;

/// Which acknowledgement is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// PUBACK, for at least once.
    Puback,
    /// PUBREC, for exactly once.
    Pubrec,
}

/// One acknowledgement that is owed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    /// What must be durable first; `None` for nothing: a refusal, or a repeated packet of the null path.
    pub(super) after: Option<Ticket>,
    pub(super) id: NonZeroU16,
    pub(super) kind: Kind,
    /// The reason code of a refusal (MQTT 5); 0 for success.
    pub(super) refused: u8,
}

/// The acknowledgements a connection owes, oldest first.
///
/// Positions rise within a connection, so looking at the oldest one alone keeps the order, and one watch on the
/// journal serves all of them. A connection is woken at most twice for a message: by the commit that was under
/// way when the message came, and by the one that holds it.
#[derive(Debug, Default)]
pub(super) struct OwedAcks {
    queue: VecDeque<Owed>,
}

/// What a round of acknowledging did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settlement {
    /// Successful acknowledgements written.
    pub(super) acknowledged: u64,
    /// Publishes that are finished by these acknowledgements: they count no longer as in flight.
    pub(super) finished: usize,
}

impl OwedAcks {
    pub(super) fn push(&mut self, owed: Owed) {
        self.queue.push_back(owed);
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Writes the acknowledgements that may be sent as of `durable`; tells `received` the ids of the PUBRECs.
    ///
    /// # Errors
    /// [`Ended::Lost`] when a message will never be durable; what was durable before it has been written.
    pub(super) fn settle(
        &mut self,
        durable: &Durable,
        out: &mut BytesMut,
        mut received: impl FnMut(NonZeroU16),
    ) -> Result<Settlement, Ended> {
        let mut settlement = Settlement::default();
        while let Some(owed) = self.queue.front() {
            match owed.after.map_or(Settled::Durable, |ticket| durable.covers(ticket)) {
                Settled::Durable => {}
                Settled::Pending => break,
                Settled::Lost => return Err(Ended::Lost),
            }
            let first_byte = match owed.kind {
                Kind::Puback => 0x40,
                Kind::Pubrec => 0x50,
            };
            out.put_u8(first_byte);
            out.put_u8(if owed.refused == 0 { 2 } else { 3 });
            out.put_u16(owed.id.get());
            if owed.refused == 0 {
                settlement.acknowledged += 1;
            } else {
                out.put_u8(owed.refused);
            }
            if owed.kind == Kind::Puback || owed.refused != 0 {
                settlement.finished += 1;
            } else {
                received(owed.id);
            }
            self.queue.pop_front();
        }
        Ok(settlement)
    }

    /// Gives memory back that a burst needed.
    pub(super) fn shrink(&mut self) {
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use store::journal::Position;

    use super::*;

    fn durable(position: u64, epoch: u64, rose_at: u64) -> Durable {
        Durable { position: Position::new(position), epoch, rose_at: Position::new(rose_at) }
    }

    fn owe(acks: &mut OwedAcks, position: u64, id: u16) {
        let after = Some(Ticket { position: Position::new(position), epoch: 0 });
        acks.push(Owed { after, id: NonZeroU16::new(id).unwrap(), kind: Kind::Puback, refused: 0 });
    }

    #[test]
    fn nothing_is_acknowledged_before_it_is_durable_and_order_is_kept() {
        let (mut acks, mut out) = (OwedAcks::default(), BytesMut::new());
        owe(&mut acks, 5, 1);
        let id = NonZeroU16::new(2).unwrap();
        acks.push(Owed { after: None, id, kind: Kind::Pubrec, refused: 0x87 });
        owe(&mut acks, 6, 3);
        assert_eq!(acks.settle(&durable(4, 0, 0), &mut out, drop), Ok(Settlement::default()));
        assert!(out.is_empty());
        let settled = acks.settle(&durable(5, 0, 0), &mut out, drop);
        assert_eq!(settled, Ok(Settlement { acknowledged: 1, finished: 2 }));
        assert_eq!(&out[..], [0x40, 2, 0, 1, 0x50, 3, 0, 2, 0x87]);
        assert_eq!(acks.len(), 1);
    }

    #[test]
    fn a_lost_message_stops_the_acknowledgements() {
        let (mut acks, mut out) = (OwedAcks::default(), BytesMut::new());
        owe(&mut acks, 5, 1);
        owe(&mut acks, 6, 2);
        owe(&mut acks, 7, 3);
        assert_eq!(acks.settle(&durable(7, 1, 5), &mut out, drop), Err(Ended::Lost));
        assert_eq!(&out[..], [0x40, 2, 0, 1]);
    }
}
