//! What a trace has come to up to an instant, brought forward to what follows.
//!
//! An assessment goes through a trace by time, and all that it needs of what lies behind it are sums and lists: of each
//! rule whether it fired and for how long it was out, the time that is known, ages, extremes, the use of a budget. So a
//! trace may be cut where nothing is under way ([`Balance::carries`]), and what came before the cut need not be gone
//! through again, however much it was: [`super::past`] cuts the traces of units that are followed for years. What both
//! parts come to one after the other is to the byte what the whole comes to, because
//!
//! * at a cut one sensor is read, nothing is beyond any level, and nothing is unknown, so that no excursion, alarm, silence
//!   or stay in a band reaches over it. Linear pieces end there, because they do at the reading of any sensor; what the
//!   line of another sensor comes to there follows from its readings on either side ([`super::envelope`]), which both
//!   parts have;
//! * ages, means and lengths are sums of integers ([`super::fixed`], [`super::moment`]);
//! * what is added up as floats (the fractions of a budget) is added in the same order.
//!
//! Rolling windows reach back over any cut. They begin in what follows it: whoever cuts sees to that.

use model::assessment::{Alarm, Coverage, Excursion, Extent, Life};
use model::registry::Severity;

use super::budget::Spent;
use super::excursion::{Found, Out, Tally};
use super::heat::{self, Heat};
use super::known::{Known, Reach};
use super::level::Beyond;
use super::life::{Aged, by_the_clock};
use super::moment::Moment;
use super::profile::Profile;
use super::trace::Trace;
use super::verdict::Reasons;
use super::watch::{Quantity, Watch};

/// What the trace of a quantity has come to, part by part.
#[derive(Clone, Debug)]
pub(super) struct Balance {
    quantity: Quantity,
    /// The beginning of the unit's time, ms.
    pub(super) begin: i64,
    /// By (start, rule).
    pub(super) excursions: Vec<Excursion>,
    /// Those that are told one by one, by (instant, rule).
    alarms: Vec<Alarm>,
    /// Of each of the product's rules about the quantity, in their order.
    tallies: Vec<Tally>,
    reasons: Reasons,
    reach: Reach,
    heat: Heat,
    aged: Aged,
    spent: Spent,
    /// Whether there was a reading.
    pub(super) is_heard: bool,
}

impl Balance {
    /// Of which nothing was looked at yet.
    pub(super) fn new(profile: &Profile, quantity: Quantity, begin: i64) -> Self {
        let tallies = vec![Tally::default(); watches(profile, quantity).count()];
        Self {
            quantity,
            begin,
            excursions: Vec::new(),
            alarms: Vec::new(),
            tallies,
            reasons: Reasons::default(),
            reach: Reach::default(),
            heat: Heat::default(),
            aged: Aged::default(),
            spent: Spent::default(),
            is_heard: false,
        }
    }

    /// What a trace goes on from.
    pub(super) fn before(profile: &Profile, quantity: Quantity, trace: &Trace) -> Self {
        match &trace.before {
            Some(before) => Self::clone(before),
            None => Self::new(profile, quantity, trace.begin()),
        }
    }

    /// Takes in the next part of the trace: what is known of it.
    pub(super) fn take(&mut self, profile: &Profile, trace: &Trace) -> heat::Known {
        let known = Known::of(trace);
        let (first_excursion, first_alarm) = (self.excursions.len(), self.alarms.len());
        let mut hot: Vec<Beyond> = Vec::new();
        for (watch, tally) in watches(profile, self.quantity).zip(&mut self.tallies) {
            let doubts = profile.product.guard_band && watch.severity != Severity::Notify;
            let found: Found = watch.evaluate(trace, &known, doubts, tally);
            if !watch.limit.view.is_mirrored() {
                hot.extend(found.times.iter().map(Out::time));
            }
            self.excursions.extend(found.excursions);
            self.alarms.extend(found.alarms);
        }
        by_start(&mut self.excursions[first_excursion..]);
        by_instant(&mut self.alarms[first_alarm..]);
        self.is_heard |= heat::is_heard(trace);
        self.reach.take(&known);
        let seen = heat::Known::of(trace);
        seen.add_to(&mut self.heat, trace);
        if self.quantity == Quantity::Temperature {
            self.reasons.of_silence(&profile.product, &known);
            self.reasons.of_model(&profile.product, trace);
            if let Some(budget) = &profile.product.budget {
                self.spent.take(budget, trace);
            }
            if let Some(aging) = &profile.aging {
                self.aged.take(aging, trace, &known, hot);
            }
        }
        seen
    }

    /// Makes it fit to be kept, and tells whether it carries over `at`, ms, where the last part ended: nothing that
    /// follows can be bridged to an excursion before.
    pub(super) fn carries(&mut self, at: i64) -> bool {
        self.reasons.settle();
        let at = Moment::from_millis(at);
        !self.tallies.iter().filter_map(|tally| tally.bridgeable).any(|until| until.is_after(at))
    }

    /// All reasons it has come to, those of mean kinetic temperature and of dates aside.
    pub(super) fn tell(&self, profile: &Profile, reasons: &mut Reasons) {
        reasons.join(&self.reasons);
        for (watch, tally) in watches(profile, self.quantity).zip(&self.tallies) {
            reasons.of_rule(watch, tally);
        }
    }

    /// Every firing of a rule, by (instant, rule).
    pub(super) fn alarms(&mut self, profile: &Profile) -> Vec<Alarm> {
        let mut alarms = std::mem::take(&mut self.alarms);
        let told = alarms.len();
        alarms
            .extend(watches(profile, self.quantity).zip(&self.tallies).filter_map(|(watch, tally)| tally.alarm(watch)));
        if told < alarms.len() {
            by_instant(&mut alarms);
        }
        alarms
    }

    /// Whether the product was frozen.
    pub(super) fn is_frozen(&self, profile: &Profile) -> bool {
        let mut tallies = watches(profile, self.quantity).zip(&self.tallies);
        tallies.any(|(watch, tally)| watch.is_freeze && tally.fired.is_some())
    }

    /// The beginning of the time that counts, ms.
    pub(super) fn counted_from(&self) -> i64 {
        self.reach.counted().0
    }

    /// How much is known.
    pub(super) fn coverage(&self) -> Coverage {
        self.reach.coverage()
    }

    /// Extremes and mean.
    pub(super) fn extent(&self) -> Extent {
        self.heat.extent()
    }

    /// What it used of the budget of its product.
    pub(super) fn spent(&self) -> &Spent {
        &self.spent
    }

    /// How the unit aged.
    pub(super) fn life(&mut self, profile: &Profile) -> Life {
        let counted = self.reach.counted();
        match &profile.aging {
            Some(_) => std::mem::take(&mut self.aged).life(counted),
            None => by_the_clock(counted),
        }
    }
}

/// The product's rules about a quantity.
fn watches(profile: &Profile, quantity: Quantity) -> impl Iterator<Item = &Watch> {
    profile.watches.iter().filter(move |watch| watch.quantity == quantity)
}

/// By (start, rule).
pub(super) fn by_start(excursions: &mut [Excursion]) {
    excursions.sort_by(|left, right| (left.start, &left.rule).cmp(&(right.start, &right.rule)));
}

/// By (instant, rule).
pub(super) fn by_instant(alarms: &mut [Alarm]) {
    let instant = |alarm: &Alarm| alarm.at.or(alarm.worst_case_at);
    alarms.sort_by(|left, right| (instant(left), &left.rule).cmp(&(instant(right), &right.rule)));
}
