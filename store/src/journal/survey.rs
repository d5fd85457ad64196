//! What the frames of one segment say: which read, where they break off, and what lies between.

use super::frame::{self, Frame, Parsed};
use super::{Entry, Position};

/// Bytes between frames that do not read, and the positions that are missing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    /// Where it begins, bytes from the start of the file.
    pub(super) offset: u64,
    /// Its length, bytes.
    pub(super) len: u64,
    /// The first position missing.
    pub(super) first: Position,
    /// The last position missing.
    pub(super) last: Position,
    /// What was found where the next frame should have begun.
    pub(super) what: &'static str,
}

/// All that was found between a segment's header and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Survey {
    /// Breaks with frames after them.
    pub(super) holes: Vec<Hole>,
    /// Where the last frame that reads ends, bytes from the start of the file.
    pub(super) end: u64,
    /// The position after the last frame that reads.
    pub(super) next: Position,
    /// The commit of the last frame that reads: everything before it was fsynced.
    pub(super) commit: Position,
    /// What was found at `end`, when bytes are left there.
    pub(super) rest: Option<&'static str>,
    /// Positions that stand in gap frames.
    pub(super) gap_positions: u64,
}

/// Reads the frames in `bytes` from `start` on. The first should have the position `first`; frames at or after `before`
/// do not belong to the segment any more.
pub(super) fn survey(bytes: &[u8], start: usize, mark: u32, first: Position, before: Option<Position>) -> Survey {
    let mut found =
        Survey { holes: Vec::new(), end: start as u64, next: first, commit: first, rest: None, gap_positions: 0 };
    let mut at = start;
    while at < bytes.len() && before.is_none_or(|before| found.next < before) {
        let what = match frame::parse(&bytes[at..], mark) {
            Parsed::Whole(frame) if frame.head.position == found.next => {
                found.take(&frame, at);
                at += frame.len;
                continue;
            }
            Parsed::Whole(_) => "the frame has the position of another",
            Parsed::Short(_) => "the frame is cut short",
            Parsed::Bad(what) => what,
        };
        let Some((next, frame)) = find(bytes, at + 1, mark, found.next, before) else {
            found.rest = Some(what);
            break;
        };
        let last = Position::new(frame.head.position.get() - 1);
        let len = (next - at) as u64;
        found.holes.push(Hole { offset: at as u64, len, first: found.next, last, what });
        found.take(&frame, next);
        at = next + frame.len;
    }
    found
}

impl Survey {
    fn take(&mut self, frame: &Frame<'_>, at: usize) {
        if let Entry::Gap(gap) = frame.entry {
            self.gap_positions += gap.last.get() - gap.first.get() + 1;
        }
        self.end = (at + frame.len) as u64;
        self.next = frame.entry.last().next();
        self.commit = frame.head.commit;
    }
}

/// The next frame at or after `from` whose position is after `expected` and before `before`.
fn find(
    bytes: &[u8],
    from: usize,
    mark: u32,
    expected: Position,
    before: Option<Position>,
) -> Option<(usize, Frame<'_>)> {
    let mark_bytes = mark.to_le_bytes();
    let last = bytes.len().checked_sub(frame::HEADER_BYTES)?;
    (from..=last).find_map(|at| {
        if bytes[at..at + 4] != mark_bytes {
            return None;
        }
        let Parsed::Whole(frame) = frame::parse(&bytes[at..], mark) else {
            return None;
        };
        let position = frame.head.position;
        (position > expected && before.is_none_or(|before| position < before)).then_some((at, frame))
    })
}
