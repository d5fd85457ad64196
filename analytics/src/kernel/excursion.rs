//! Times out of a rule's limit, and when the rule fires.
//!
//! An excursion begins beyond the limit and goes on while the trace is beyond the limit less the hysteresis. A
//! recovery shorter than the rule's merge time is bridged, but never across a gap. The worst case adds every silence
//! that has an end out of limits.

use model::assessment::{Alarm, EndKind, Excursion, StartKind};
use model::instant::ValidAt;
use model::registry::Mode;

use super::envelope;
use super::fold::Fold;
use super::known::{Known, counts};
use super::level::{Begins, Beyond, Ends, Level, View, measure, union};
use super::moment::{Moment, Span};
use super::trace::{Part, Side, Trace};
use super::watch::Watch;

/// What a rule makes of a part of a trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) excursions: Vec<Excursion>,
    /// Firings that are told one by one; of a cumulative rule, see [`Tally::alarm`].
    pub(super) alarms: Vec<Alarm>,
    /// The excursions with exact bounds.
    pub(super) times: Vec<Out>,
}

/// What a rule has come to over the parts of a trace that were evaluated so far, by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// When it first fired.
    pub(super) fired: Option<ValidAt>,
    /// When it first fired in the worst case.
    pub(super) worst_case: Option<ValidAt>,
    /// When it first would have fired, had every reading been as far off as it may be; of no meaning once it has fired.
    pub(super) within_doubt: Option<ValidAt>,
    /// The first lone reading out of limits.
    pub(super) lone: Option<ValidAt>,
    /// Time out of limits, of a cumulative rule: as read, in the worst case, and within doubt.
    out: Lasted,
    worst: Lasted,
    doubted: Lasted,
    /// Until then what follows may be bridged to an excursion.
    pub(super) bridgeable: Option<Moment>,
}

/// Time out of limits, as far as it still counts.
#[derive(Clone, Debug, Default)]
struct Lasted {
    /// All of it.
    sum: Span,
    /// What a rolling window that ends later can begin in.
    recent: Vec<(Moment, Moment)>,
}

/// One excursion, exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub(super) from: Moment,
    pub(super) to: Moment,
    pub(super) start_kind: StartKind,
    pub(super) end_kind: EndKind,
}

impl Out {
    /// Its time alone.
    pub(super) fn time(&self) -> Beyond {
        Beyond { from: self.from, to: self.to, begins: Begins::Cut, ends: Ends::Cut }
    }
}

impl Watch {
    /// Evaluates the rule over the next part of a trace of its quantity; `doubts`: also within the doubt of readings.
    ///
    /// Where one part ends and the next begins nothing is out of limits and nothing unknown.
    pub(super) fn evaluate(&self, trace: &Trace, known: &Known, doubts: bool, tally: &mut Tally) -> Found {
        let beyond = self.limit.times(trace);
        let times = self.outs(trace, known, &beyond);
        let excursions = times.iter().map(|out| self.describe(trace, &beyond, out)).collect();
        let worst = self.worst(trace, known, &times);
        let alarms = match self.mode {
            Mode::Single => self.single(&times, &worst),
            Mode::Cumulative { .. } => Vec::new(),
        };
        let spans = |outs: &[Out]| outs.iter().map(|out| (out.from, out.to)).collect::<Vec<_>>();
        let first = |seen: &mut Option<ValidAt>, now: Option<ValidAt>| *seen = (*seen).or(now);
        first(&mut tally.fired, self.first_firing(&spans(&times), &mut tally.out));
        first(&mut tally.worst_case, self.first_firing(&worst, &mut tally.worst));
        first(&mut tally.lone, self.lone(trace, &times).first().copied());
        let mut last = times.last().copied();
        if doubts && tally.fired.is_none() {
            let doubted = self.doubted();
            let times = doubted.outs(trace, known, &doubted.limit.times(trace));
            first(&mut tally.within_doubt, doubted.first_firing(&spans(&times), &mut tally.doubted));
            last = last.into_iter().chain(times.last().copied()).max_by_key(|out| out.to);
        }
        tally.bridgeable = last.map(|out| out.to + self.merge).or(tally.bridgeable);
        Found { excursions, alarms, times }
    }

    /// The rule as it is when every reading is as far off as it may be; for the guard band.
    fn doubted(&self) -> Self {
        let view = if self.limit.view.is_mirrored() { View::Coldest } else { View::Hottest };
        Self { limit: Level { view, ..self.limit }, reset: Level { view, ..self.reset }, ..self.clone() }
    }

    /// When the rule first fires over further `times` out of limits; `lasted` is what came before.
    fn first_firing(&self, times: &[(Moment, Moment)], lasted: &mut Lasted) -> Option<ValidAt> {
        match self.mode {
            Mode::Single => {
                let mut firing = times.iter().filter(|(from, to)| (*to - *from).reaches(self.delay));
                firing.next().map(|(from, _)| (*from + self.delay).floor())
            }
            Mode::Cumulative { window } => {
                lasted.reached(times, self.delay, window.map(super::watch::span)).map(Moment::floor)
            }
        }
    }

    /// The excursions: with hysteresis, and short recoveries bridged.
    pub(super) fn outs(&self, trace: &Trace, known: &Known, beyond: &[Beyond]) -> Vec<Out> {
        let last = trace.window().1;
        let kinds = |begin: &Beyond, end: &Beyond| Out {
            from: begin.from,
            to: end.to,
            start_kind: start_kind(begin, known),
            end_kind: end_kind(end, known, last),
        };
        let outs: Vec<Out> = if self.reset == self.limit {
            beyond.iter().map(|time| kinds(time, time)).collect()
        } else {
            let lasting = self.reset.times(trace);
            let begun = lasting.iter().filter_map(|whole| {
                let next = beyond.partition_point(|time| time.from < whole.from);
                let first = beyond.get(next).filter(|time| time.from < whole.to)?;
                Some(kinds(first, whole))
            });
            begun.collect()
        };
        let mut merged: Vec<Out> = Vec::with_capacity(outs.len());
        for out in outs {
            match merged.last_mut() {
                Some(last) if self.bridges(last, &out, known) => (last.to, last.end_kind) = (out.to, out.end_kind),
                _ => merged.push(out),
            }
        }
        merged
    }

    fn bridges(&self, last: &Out, next: &Out, known: &Known) -> bool {
        let recovered = last.end_kind == EndKind::Recovered;
        let back = matches!(next.start_kind, StartKind::Crossing | StartKind::Handover);
        recovered
            && back
            && self.merge.exceeds(next.from - last.to)
            && !known.has_gap_within(last.to.floor().millis(), next.from.ceil().millis())
    }

    /// The excursions and every silence that has an end out of limits, joined where they touch.
    fn worst(&self, trace: &Trace, known: &Known, outs: &[Out]) -> Vec<(Moment, Moment)> {
        let as_beyond = |from, to| Beyond { from, to, begins: Begins::Cut, ends: Ends::Cut };
        let mut all: Vec<Beyond> = outs.iter().map(Out::time).collect();
        let is_cut_at = |at: Moment| {
            let ended = outs.partition_point(|out| out.to < at);
            outs.get(ended).is_some_and(|out| out.to == at && out.end_kind != EndKind::Recovered)
        };
        for piece in &trace.pieces {
            for strand in &piece.strands {
                for part in strand.parts() {
                    let Part::Silent(silence) = *part else { continue };
                    let since = strand.silent_since(&silence).map(Moment::from_millis);
                    let beyond = since.is_some_and(is_cut_at) || self.limit.ends_beyond(strand, &silence);
                    if beyond && counts(strand, &silence) {
                        all.push(as_beyond(Moment::from_millis(silence.from), Moment::from_millis(silence.to)));
                    }
                }
            }
        }
        for &(gap_from, gap_to) in &known.gaps {
            let (from, to) = (Moment::from_millis(gap_from), Moment::from_millis(gap_to));
            let mut ends = trace.edges(gap_from, Side::Before).chain(trace.edges(gap_to, Side::After));
            if is_cut_at(from) || ends.any(|end| self.limit.is_beyond_at(&end)) {
                all.push(as_beyond(from, to));
            }
        }
        union(all).iter().map(|time| (time.from, time.to)).collect()
    }

    fn single(&self, outs: &[Out], worst: &[(Moment, Moment)]) -> Vec<Alarm> {
        let firing = outs.iter().filter(|out| (out.to - out.from).reaches(self.delay));
        let mut alarms: Vec<Alarm> = Vec::new();
        let mut covered = vec![false; worst.len()];
        for out in firing {
            let around = worst.partition_point(|(from, _)| *from <= out.from).checked_sub(1);
            if let Some(around) = around {
                covered[around] = true;
            }
            let worst_case_at = around.map(|around| (worst[around].0 + self.delay).floor());
            let at = Some((out.from + self.delay).floor());
            alarms.push(Alarm { rule: self.id.clone(), at, worst_case_at });
        }
        for ((from, to), covered) in worst.iter().zip(covered) {
            if !covered && (*to - *from).reaches(self.delay) {
                let worst_case_at = Some((*from + self.delay).floor());
                alarms.push(Alarm { rule: self.id.clone(), at: None, worst_case_at });
            }
        }
        alarms
    }

    /// Readings out of limits in no interval: without a neighbour, or (where values stay until the next) without a
    /// next one.
    fn lone(&self, trace: &Trace, outs: &[Out]) -> Vec<ValidAt> {
        let mut lone = Vec::new();
        for piece in &trace.pieces {
            for strand in &piece.strands {
                let series = &*strand.series;
                let step = self.limit.step || series.is_step();
                for part in strand.parts() {
                    let Part::Known(run) = *part else { continue };
                    let (last, at) = (run.last, Moment::from_millis(run.to));
                    if run.to != series.at(last) || (run.to == piece.to && !piece.last) || strand.is_followed(last) {
                        continue;
                    }
                    let follows = strand.follows(last);
                    let reached = follows && (!step || outs.iter().any(|out| out.from <= at && at <= out.to));
                    if !reached && self.limit.is_beyond(self.limit.view.value(series, last)) {
                        lone.push(ValidAt::from_millis(run.to));
                    }
                }
            }
        }
        lone.sort_unstable();
        lone.dedup();
        lone
    }

    fn describe(&self, trace: &Trace, beyond: &[Beyond], out: &Out) -> Excursion {
        let of_fold = |fold: &Fold| fold.worst(self);
        let (worst, _) = envelope::worst(trace, self.limit, (out.from, out.to), &of_fold, &[]);
        let open = out.end_kind == EndKind::Open;
        let sign = if self.limit.view.is_mirrored() { -1.0 } else { 1.0 };
        Excursion {
            rule: self.id.clone(),
            start: out.from.floor(),
            end: (!open).then(|| out.to.ceil()),
            start_kind: out.start_kind,
            end_kind: out.end_kind,
            duration_s: (out.to - out.from).seconds(),
            time_out_s: measure(beyond, out.from, out.to).seconds(),
            peak: sign * worst.peak / 1000.0,
            peak_at: ValidAt::from_millis(worst.peak_at),
            degree_seconds: worst.area / 1000.0,
        }
    }
}

fn start_kind(begin: &Beyond, known: &Known) -> StartKind {
    let at = begin.from.floor().millis();
    match begin.begins {
        Begins::Crossing => StartKind::Crossing,
        Begins::Cut if known.before(at) => StartKind::Handover,
        Begins::Cut | Begins::Heard if known.ever_before(at) => StartKind::AfterGap,
        Begins::Cut | Begins::Heard => StartKind::SeriesStart,
    }
}

fn end_kind(end: &Beyond, known: &Known, window_end: i64) -> EndKind {
    let at = end.to.ceil().millis();
    let still = known.last().is_none_or(|last| last <= at);
    match end.ends {
        Ends::Crossing => EndKind::Recovered,
        Ends::Cut if at >= window_end => EndKind::Open,
        Ends::Cut if known.after(at) => EndKind::Recovered,
        Ends::Cut | Ends::Silent if still => EndKind::Open,
        Ends::Cut | Ends::Silent => EndKind::Gap,
    }
}

impl Tally {
    /// The one firing that is told of a cumulative rule, if it fired.
    pub(super) fn alarm(&self, watch: &Watch) -> Option<Alarm> {
        let told = matches!(watch.mode, Mode::Cumulative { .. }) && (self.fired.is_some() || self.worst_case.is_some());
        told.then(|| Alarm { rule: watch.id.clone(), at: self.fired, worst_case_at: self.worst_case })
    }
}

impl Lasted {
    /// Takes in further `times`, and tells the first instant in them at which the summed length of all (within a rolling
    /// window, if one is given) is `enough`.
    fn reached(&mut self, times: &[(Moment, Moment)], enough: Span, window: Option<Span>) -> Option<Moment> {
        let Some(window) = window else {
            let mut found = None;
            for (from, to) in times {
                let length = *to - *from;
                if found.is_none() && (self.sum + length).reaches(enough) {
                    found = Some(*from + (enough - self.sum));
                }
                self.sum += length;
            }
            return found;
        };
        let before = self.recent.len();
        self.recent.extend_from_slice(times);
        let found = within_window(&self.recent, before, enough, window);
        if let Some(&(_, last)) = self.recent.last() {
            self.recent.retain(|(_, to)| *to + window > last);
        }
        found
    }
}

/// The first instant in `times` from number `first` on at which their summed length within a rolling window is `enough`.
fn within_window(times: &[(Moment, Moment)], first: usize, enough: Span, window: Span) -> Option<Moment> {
    // Within a time out the sum grows, but for what leaves the window at its other end.
    let within = |until: Moment| -> Span {
        let start = until - window;
        let first = times.partition_point(|(_, to)| *to <= start);
        let shared = times[first..].iter().take_while(|(from, _)| *from < until);
        shared.map(|(from, to)| (*to).min(until) - (*from).max(start)).sum()
    };
    for (index, (from, to)) in times.iter().enumerate().skip(first) {
        // Between these instants the sum changes evenly.
        let gone = times[..=index].partition_point(|(_, to)| *to + window <= *from);
        let leaving = times[gone..=index].iter().flat_map(|(from, to)| [*from + window, *to + window]);
        let mut turns: Vec<Moment> = leaving.filter(|turn| from < turn && turn < to).collect();
        turns.push(*to);
        turns.sort_unstable();
        let mut since = *from;
        for turn in turns {
            let (before, after) = (within(since), within(turn));
            if before.reaches(enough) {
                return Some(since);
            }
            if after.reaches(enough) {
                // It grows by one second a second here, or not at all.
                return Some(since + (enough - before));
            }
            since = turn;
        }
    }
    None
}
