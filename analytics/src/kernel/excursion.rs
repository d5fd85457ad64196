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

/// What a rule makes of a trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) excursions: Vec<Excursion>,
    pub(super) alarms: Vec<Alarm>,
    /// Lone readings out of limits.
    pub(super) levels: Vec<ValidAt>,
    /// The excursions with exact bounds.
    pub(super) times: Vec<Out>,
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
    /// Evaluates the rule over a trace of its quantity.
    pub(super) fn evaluate(&self, trace: &Trace, known: &Known) -> Found {
        let beyond = self.limit.times(trace);
        let times = self.outs(trace, known, &beyond);
        let excursions = times.iter().map(|out| self.describe(trace, &beyond, out)).collect();
        Found { excursions, alarms: self.alarms(trace, known, &times), levels: self.lone(trace, &times), times }
    }

    /// When the rule fires.
    fn alarms(&self, trace: &Trace, known: &Known, times: &[Out]) -> Vec<Alarm> {
        let worst = self.worst(trace, known, times);
        match self.mode {
            Mode::Single => self.single(times, &worst),
            Mode::Cumulative { window } => {
                let window = window.map(super::watch::span);
                let spans = |outs: &[Out]| outs.iter().map(|out| (out.from, out.to)).collect::<Vec<_>>();
                let at = reached(&spans(times), self.delay, window).map(Moment::floor);
                let worst_case_at = reached(&worst, self.delay, window).map(Moment::floor);
                let fired = at.is_some() || worst_case_at.is_some();
                fired.then(|| Alarm { rule: self.id.clone(), at, worst_case_at }).into_iter().collect()
            }
        }
    }

    /// Whether the rule fires when every reading is as far off as it may be; for the guard band.
    pub(super) fn fires_within_doubt(&self, trace: &Trace, known: &Known) -> Option<ValidAt> {
        let view = if self.limit.view.is_mirrored() { View::Coldest } else { View::Hottest };
        let doubted = Self { limit: Level { view, ..self.limit }, reset: Level { view, ..self.reset }, ..self.clone() };
        let times = doubted.outs(trace, known, &doubted.limit.times(trace));
        doubted.alarms(trace, known, &times).iter().filter_map(|alarm| alarm.at).min()
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

/// The first instant at which the summed length of `times` (within a rolling window, if one is given) is `enough`.
fn reached(times: &[(Moment, Moment)], enough: Span, window: Option<Span>) -> Option<Moment> {
    let Some(window) = window else {
        let mut sum = Span::ZERO;
        for (from, to) in times {
            let length = *to - *from;
            if (sum + length).reaches(enough) {
                return Some(*from + (enough - sum));
            }
            sum += length;
        }
        return None;
    };
    // Within a time out the sum grows, but for what leaves the window at its other end.
    let within = |until: Moment| -> Span {
        let start = until - window;
        let first = times.partition_point(|(_, to)| *to <= start);
        let shared = times[first..].iter().take_while(|(from, _)| *from < until);
        shared.map(|(from, to)| (*to).min(until) - (*from).max(start)).sum()
    };
    for (index, (from, to)) in times.iter().enumerate() {
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
