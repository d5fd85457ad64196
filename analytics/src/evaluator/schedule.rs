//! Who is looked at, and when.
//!
//! Two ways lead to an assessment. The urgent one is for cohorts about which something may have changed in kind: nobody
//! else is on it. Of those that one reading is about at once, one goes first, since what it is found to have gone through
//! the others mostly have as well; those that follow and the first ones of other readings take turns. The other way is for
//! the rest, in this order: what is due by itself, what was never looked at, what
//! late readings are about, and what is shown and grows old. The last two have a bounded share of processor time, paced
//! by what they were measured to cost, so that a server to which nothing happens does nearly nothing.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use model::instant::ValidAt;

use super::cohorts::{CohortId, Cohorts};

/// How long a piece of work takes, about: nobody waits for longer than that behind others.
const PIECE: Duration = Duration::from_millis(5);
/// The same of those that follow: a first one may come any moment.
const FOLLOWING_PIECE: Duration = Duration::from_millis(2);
/// Cohorts in a piece of work at most, whatever they cost.
const COHORTS_AT_ONCE: usize = 256;
/// The share of one processor that shown assessments may take to be kept new, as 1 in so many.
const REFRESH_ONE_IN: u32 = 50;
/// The share of one processor for what late readings are about, as 1 in so many.
const LATE_ONE_IN: u32 = 4;
/// Shown assessments are gone through once in this time at most.
const ROUND: Duration = Duration::from_millis(500);
/// How much of its share may be saved up.
const SAVED_UP: Duration = Duration::from_millis(10);
/// A cohort that late readings are about is not looked at again for that sooner than this …
const LATE_REST: Duration = Duration::from_millis(500);
/// … and than so many times what it took.
const LATE_REST_COSTS: u32 = 10;

/// Why a cohort is looked at: what comes first counts more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// A reading may have changed it in kind.
    Urgent,
    /// The same, and another one goes first that stands under the same sensors.
    Following,
    /// An instant has come at which it changes by itself.
    Due,
    /// It is new, or the registry says something else of it.
    New,
    /// A reading came that lies among those before.
    Late,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Urgent,
    Other,
}

/// A cohort whose turn it is, and when that was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) id: CohortId,
    pub(super) noticed_at: ValidAt,
}

/// Cohorts that wait to be looked at.
#[derive(Debug)]
pub(super) struct Schedule {
    waiting: HashMap<CohortId, (Urgency, ValidAt)>,
    /// By urgency; who was called for again more urgently stands in two, and counts in the first.
    queues: [VecDeque<CohortId>; 4],
    /// Whether it is the turn of those that follow.
    following: bool,
    late: BTreeSet<(Instant, CohortId)>,
    /// When late readings may be looked at again, by cohort.
    rested: HashMap<CohortId, Instant>,
    late_share: Share,
    refresh_share: Share,
    refreshed: Option<CohortId>,
    round_began: Instant,
}

impl Schedule {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            waiting: HashMap::new(),
            queues: Default::default(),
            following: false,
            late: BTreeSet::new(),
            rested: HashMap::new(),
            late_share: Share::new(LATE_ONE_IN, now),
            refresh_share: Share::new(REFRESH_ONE_IN, now),
            refreshed: None,
            round_began: now,
        }
    }

    /// Has a cohort looked at, if it is not waiting for as urgent a reason already.
    pub(super) fn mark(&mut self, id: CohortId, urgency: Urgency, noticed_at: ValidAt, now: Instant) {
        let known = self.waiting.get(&id).copied();
        if known.is_some_and(|(known, _)| known <= urgency) {
            return;
        }
        self.waiting.insert(id, (urgency, known.map_or(noticed_at, |(_, earlier)| earlier)));
        match urgency {
            Urgency::Urgent | Urgency::Following | Urgency::Due | Urgency::New => {
                self.queues[urgency as usize].push_back(id);
            }
            Urgency::Late => {
                let rested = self.rested.get(&id).copied().unwrap_or(now);
                self.late.insert((rested.max(now), id));
            }
        }
    }

    /// Forgets a cohort.
    pub(super) fn forget(&mut self, id: CohortId) {
        self.waiting.remove(&id);
        self.rested.remove(&id);
    }

    /// Those whose turn it is now on this way, together not much more than a piece of work, and why the first of them
    /// is: `None` for one that is merely shown.
    pub(super) fn turns(
        &mut self,
        way: Way,
        cohorts: &Cohorts,
        now: ValidAt,
        clock: Instant,
    ) -> (Option<Urgency>, Vec<Turn>) {
        let queues = match way {
            Way::Urgent if self.following => [Urgency::Following, Urgency::Urgent],
            Way::Urgent => [Urgency::Urgent, Urgency::Following],
            Way::Other => [Urgency::Due, Urgency::New],
        };
        for wanted in queues {
            let mut piece = Piece::new(if wanted == Urgency::Following { FOLLOWING_PIECE } else { PIECE });
            while piece.has_room() {
                let Some(id) = self.queues[wanted as usize].pop_front() else { break };
                let Some((urgency, noticed_at)) = self.waiting.get(&id).copied() else { continue };
                if urgency == wanted {
                    self.waiting.remove(&id);
                    piece.take(cohorts, Turn { id, noticed_at });
                }
            }
            if !piece.turns.is_empty() {
                if way == Way::Urgent {
                    self.following = wanted == Urgency::Urgent;
                }
                return (Some(wanted), piece.turns);
            }
        }
        if way == Way::Urgent {
            return (None, Vec::new());
        }
        let mut piece = Piece::new(PIECE);
        if self.late_share.is_open(clock) {
            while piece.has_room() && self.late.first().is_some_and(|(from, _)| *from <= clock) {
                let Some((_, id)) = self.late.pop_first() else { break };
                if let Some((Urgency::Late, noticed_at)) = self.waiting.get(&id).copied() {
                    self.waiting.remove(&id);
                    piece.take(cohorts, Turn { id, noticed_at });
                }
            }
            if !piece.turns.is_empty() {
                return (Some(Urgency::Late), piece.turns);
            }
        }
        if self.refresh_share.is_open(clock) {
            let most = self.refresh_share.saved;
            for _ in 0..cohorts.len() {
                let Some(id) = cohorts.next_after(self.refreshed) else { break };
                if self.refreshed.is_none_or(|last| id <= last) {
                    if clock < self.round_began + ROUND {
                        break;
                    }
                    self.round_began = clock;
                }
                self.refreshed = Some(id);
                // Who waits for a graver reason has its turn then, and of who rests nothing new is to be said.
                let rests = cohorts.get(id).is_some_and(|cohort| cohort.rests.is_some());
                if !rests && !self.waiting.contains_key(&id) {
                    piece.take(cohorts, Turn { id, noticed_at: now });
                }
                if !piece.has_room() || piece.cost >= most {
                    break;
                }
            }
        }
        (None, piece.turns)
    }

    /// Gives turns back for which there was no room, so that they are the next ones again.
    pub(super) fn put_back(&mut self, turns: Vec<Turn>, urgency: Urgency, clock: Instant) {
        for Turn { id, noticed_at } in turns.into_iter().rev() {
            self.waiting.insert(id, (urgency, noticed_at));
            match urgency {
                Urgency::Urgent | Urgency::Following | Urgency::Due | Urgency::New => {
                    self.queues[urgency as usize].push_front(id);
                }
                Urgency::Late => {
                    self.late.insert((clock, id));
                }
            }
        }
    }

    /// Notes what a piece of work took, which was done for that reason.
    pub(super) fn took(
        &mut self,
        urgency: Option<Urgency>,
        each: &[(CohortId, Duration)],
        all: Duration,
        clock: Instant,
    ) {
        match urgency {
            Some(Urgency::Late) => {
                self.late_share.spend(all);
                for (id, cost) in each {
                    self.rested.insert(*id, clock + LATE_REST.max(*cost * LATE_REST_COSTS));
                }
            }
            None => self.refresh_share.spend(all),
            Some(Urgency::Urgent | Urgency::Following | Urgency::Due | Urgency::New) => {}
        }
    }
}

/// A piece of work as it grows.
#[derive(Debug)]
struct Piece {
    turns: Vec<Turn>,
    cost: Duration,
    /// What it may cost.
    room: Duration,
}

impl Piece {
    fn new(room: Duration) -> Self {
        Self { turns: Vec::new(), cost: Duration::ZERO, room }
    }

    fn has_room(&self) -> bool {
        self.turns.len() < COHORTS_AT_ONCE && self.cost < self.room
    }

    fn take(&mut self, cohorts: &Cohorts, turn: Turn) {
        let Some(cohort) = cohorts.get(turn.id) else { return };
        self.cost += cohort.cost;
        self.turns.push(turn);
    }
}

/// A share of processor time: it grows with time, and is spent by work.
#[derive(Debug)]
struct Share {
    one_in: u32,
    since: Instant,
    saved: Duration,
    owed: Duration,
}

impl Share {
    fn new(one_in: u32, now: Instant) -> Self {
        Self { one_in, since: now, saved: SAVED_UP, owed: Duration::ZERO }
    }

    /// Whether something is left of it now.
    fn is_open(&mut self, now: Instant) -> bool {
        let grown = now.saturating_duration_since(self.since) / self.one_in;
        self.since = now;
        let paid = grown.min(self.owed);
        self.owed -= paid;
        self.saved = (self.saved + (grown - paid)).min(SAVED_UP);
        self.owed.is_zero() && !self.saved.is_zero()
    }

    fn spend(&mut self, spent: Duration) {
        self.owed += spent.saturating_sub(self.saved);
        self.saved = self.saved.saturating_sub(spent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::{Custody, Index};
    use crate::fleet::Fleet;
    use crate::fleet::random::{Draw, registry};

    /// Cohorts that take a millisecond each.
    fn cohorts() -> (Cohorts, Vec<CohortId>) {
        let registry = registry(&mut Draw::new(0), 12);
        let (mut cohorts, index) = (Cohorts::new(8), Index::new(&registry));
        let far = ValidAt::from_millis(i64::MAX);
        let units = Fleet::units(&registry).into_iter();
        let made =
            cohorts.regroup(&registry, units.map(|unit| (Custody::of(&registry, &index, &unit, far), unit))).made;
        cohorts.iter_mut().for_each(|cohort| cohort.cost = Duration::from_millis(1));
        assert!(made.len() > 10, "{}", made.len());
        (cohorts, made)
    }

    #[test]
    fn those_that_follow_keep_no_first_one_waiting_and_are_kept_waiting_by_none() {
        let (cohorts, ids) = cohorts();
        let (now, clock) = (ValidAt::from_millis(0), Instant::now());
        let mut schedule = Schedule::new(clock);
        let next = |schedule: &mut Schedule| -> (Option<Urgency>, Vec<CohortId>) {
            let (urgency, turns) = schedule.turns(Way::Urgent, &cohorts, now, clock);
            (urgency, turns.into_iter().map(|turn| turn.id).collect())
        };
        schedule.mark(ids[0], Urgency::Urgent, now, clock);
        for id in &ids[1..8] {
            schedule.mark(*id, Urgency::Following, now, clock);
        }
        assert_eq!(next(&mut schedule), (Some(Urgency::Urgent), ids[..1].to_vec()), "nobody else is with the first");
        // Others come one after another: each waits for one piece at most, and so do those that follow.
        schedule.mark(ids[8], Urgency::Urgent, now, clock);
        assert_eq!(next(&mut schedule), (Some(Urgency::Following), ids[1..3].to_vec()));
        assert_eq!(next(&mut schedule), (Some(Urgency::Urgent), ids[8..9].to_vec()));
        // One that follows becomes a first one, and is not looked at twice.
        schedule.mark(ids[5], Urgency::Urgent, now, clock);
        schedule.mark(ids[5], Urgency::Following, now, clock);
        assert_eq!(next(&mut schedule), (Some(Urgency::Following), vec![ids[3], ids[4]]));
        assert_eq!(next(&mut schedule), (Some(Urgency::Urgent), vec![ids[5]]));
        assert_eq!(next(&mut schedule), (Some(Urgency::Following), vec![ids[6], ids[7]]));
        assert_eq!(next(&mut schedule), (None, vec![]));
    }
}
