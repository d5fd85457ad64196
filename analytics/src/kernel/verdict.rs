//! What follows from the findings: reasons and a verdict.

use std::collections::BTreeSet;

use model::assessment::{Reason, ReasonCode, Verdict};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Product, Severity};

use super::excursion::Tally;
use super::known::Known;
use super::level::{Level, View};
use super::moment::{Moment, Span};
use super::trace::{Part, Trace};
use super::watch::{Watch, span};

/// The reasons found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Reasons(Vec<Reason>);

impl Reasons {
    pub(super) fn add(&mut self, verdict: Verdict, code: ReasonCode, rule: Option<&Name>, at: ValidAt) {
        self.0.push(Reason { verdict, code, rule: rule.cloned(), at });
    }

    /// Takes in others.
    pub(super) fn join(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// What one rule has come to says.
    pub(super) fn of_rule(&mut self, watch: &Watch, tally: &Tally) {
        let rule = Some(&watch.id);
        let code = if watch.is_freeze { ReasonCode::Frozen } else { ReasonCode::Excursion };
        let verdict = match watch.severity {
            Severity::Notify => return,
            Severity::Review => Verdict::Review,
            Severity::Hold => Verdict::Hold,
        };
        if let Some(at) = tally.lone {
            self.add(Verdict::Review, ReasonCode::Level, rule, at);
        }
        if let Some(at) = tally.fired {
            return self.add(verdict, code, rule, at);
        }
        if let Some(at) = tally.worst_case.filter(|_| watch.severity == Severity::Hold) {
            self.add(Verdict::Review, ReasonCode::WorstCase, rule, at);
        }
        if let Some(at) = tally.within_doubt {
            self.add(Verdict::Review, ReasonCode::GuardBand, rule, at);
        }
    }

    /// What silence says of a product.
    pub(super) fn of_silence(&mut self, product: &Product, known: &Known) {
        let after = |from: i64, span: Span| (Moment::from_millis(from) + span).ceil();
        if let Some(longest) = product.max_unmonitored.map(span) {
            let long = |interval: &&(i64, i64)| Span::from_millis(interval.1 - interval.0).exceeds(longest);
            for (from, _) in known.gaps.iter().filter(long) {
                self.add(Verdict::Review, ReasonCode::Unmonitored, None, after(*from, longest));
            }
            for (from, _) in known.partial.iter().filter(long) {
                self.add(Verdict::Review, ReasonCode::SensorSilent, None, after(*from, longest));
            }
        }
        if let (Some(freeze), Some(low)) = (product.freeze, product.gap_bound_low)
            && low < freeze.limit
        {
            let delay = span(freeze.delay);
            for (from, to) in &known.gaps {
                if Span::from_millis(to - from).exceeds(delay) {
                    self.add(Verdict::Review, ReasonCode::FreezePossible, None, after(*from, delay));
                }
            }
        }
    }

    /// A temperature outside the range in which the product's kinetics hold.
    pub(super) fn of_model(&mut self, product: &Product, trace: &Trace) {
        let Some((low, high)) = product.kinetics.valid else { return };
        let level = |view, at| Level { view, at, inclusive: false, step: false };
        let sides = [level(View::Hot, high.millidegrees()), level(View::Cold, -low.millidegrees())];
        let first = sides.iter().filter_map(|side| {
            let crossed = side.times(trace).first().map(|beyond| beyond.from.floor());
            let lone = momentary(trace).filter(|(_, value)| side.is_beyond(value(side.view))).map(|(at, _)| at).min();
            [crossed, lone].into_iter().flatten().min()
        });
        if let Some(at) = first.min() {
            self.add(Verdict::Indeterminate, ReasonCode::ModelRange, None, at);
        }
    }

    /// Forgets all but the first of each cause, and puts them in order: gravest first.
    pub(super) fn settle(&mut self) {
        let order =
            |reason: &Reason| (std::cmp::Reverse(reason.verdict), reason.at, reason.code.as_str(), reason.rule.clone());
        self.0.sort_by_cached_key(order);
        // One reason for each cause, from when it first held.
        let mut told = BTreeSet::new();
        self.0.retain(|reason| told.insert((reason.code, reason.rule.clone())));
    }

    /// All of them, gravest first, and the verdict they give.
    pub(super) fn conclude(mut self) -> (Verdict, Vec<Reason>) {
        self.settle();
        let verdict = self.0.first().map_or(Verdict::Pass, |reason| reason.verdict);
        (verdict, self.0)
    }
}

/// Readings whose values hold for an instant and no longer, each with its value by view.
fn momentary(trace: &Trace) -> impl Iterator<Item = (ValidAt, impl Fn(View) -> i32)> {
    let strands = trace.pieces.iter().flat_map(|piece| piece.strands.iter().map(move |strand| (piece, strand)));
    strands.flat_map(|(piece, strand)| {
        let series = &strand.series;
        let runs = strand.parts().iter().filter_map(move |part| match part {
            Part::Known(run) if run.to == series.at(run.last) && (run.to < piece.to || piece.last) => Some(*run),
            _ => None,
        });
        let runs = runs.filter(|run| run.is_instant() || series.is_step());
        runs.map(move |run| (ValidAt::from_millis(run.to), move |view: View| view.value(series, run.last)))
    })
}
