//! How an appender learns whether its message reached the disk.

use super::Position;

/// What an append gives: where the message will be, once it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The place of the message.
    pub position: Position,
    /// The epoch it was appended in. Positions are used again in a later epoch when they were lost in this one.
    pub epoch: u64,
}

/// How far the journal is fsynced. Watched by everybody who owes an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// Everything up to here is on disk.
    pub position: Position,
    /// Rises with every write or fsync that failed. Tickets of an older epoch that were not durable by then
    /// never will be.
    pub epoch: u64,
    /// What was durable when the epoch rose to `epoch`, for watchers that slept through it.
    pub rose_at: Position,
}

/// What became of an appended message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Not on disk yet.
    Pending,
    /// On disk: acknowledge.
    Durable,
    /// It will never be on disk: do not acknowledge; close the connection, so that the sender sends again.
    Lost,
}

impl Durable {
    /// What became of the message of `ticket`, as of this state.
    ///
    /// A ticket two or more epochs old counts as lost even if it was made durable in between: the sender sends
    /// again, and the repeated message is found to be a duplicate.
    #[must_use]
    pub fn covers(&self, ticket: Ticket) -> Settled {
        if ticket.epoch > self.epoch {
            // The ticket is younger than this state.
            Settled::Pending
        } else if ticket.epoch == self.epoch {
            if ticket.position <= self.position { Settled::Durable } else { Settled::Pending }
        } else if ticket.epoch + 1 == self.epoch && ticket.position <= self.rose_at {
            Settled::Durable
        } else {
            Settled::Lost
        }
    }
}

/// Why an append was refused. Nothing of the message was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The buffer or the disk budget is used up.
    #[error("the journal is full: wait until it has room")]
    Full,
    /// The disk does not take writes at the moment.
    #[error("the journal is stalled by a disk that fails: wait until it goes on")]
    Stalled,
    /// The message is over the limit of the journal.
    #[error("the message is larger than the journal takes: send a smaller one")]
    TooLarge,
    /// The journal is closing.
    #[error("the journal is closed: send again after the restart")]
    Closed,
}

/// Why a message did not become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDurable {
    /// It was not taken at all.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The disk failed before the message was safe.
    #[error("the message was lost by a failed write to the journal: send it again")]
    Lost,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64, epoch: u64) -> Ticket {
        Ticket { position: Position::new(position), epoch }
    }

    #[test]
    fn a_risen_epoch_loses_what_was_not_durable_and_nothing_else() {
        let durable = Durable { position: Position::new(9), epoch: 3, rose_at: Position::new(7) };
        assert_eq!(durable.covers(at(9, 3)), Settled::Durable);
        assert_eq!(durable.covers(at(10, 3)), Settled::Pending);
        assert_eq!(durable.covers(at(10, 4)), Settled::Pending);
        assert_eq!(durable.covers(at(7, 2)), Settled::Durable);
        // The same place as a durable message of epoch 3, and not the same message.
        assert_eq!(durable.covers(at(8, 2)), Settled::Lost);
        assert_eq!(durable.covers(at(2, 1)), Settled::Lost);
    }
}
