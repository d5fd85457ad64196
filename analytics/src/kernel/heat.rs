//! Mean, extremes and mean kinetic temperature of what is known of a trace.

use model::assessment::{Extent, MeanKinetic, MktFigures};
use model::instant::ValidAt;
use model::registry::Mkt;

use super::envelope::{self, Slope};
use super::exposure::Exposure;
use super::fixed::Sum;
use super::level::View;
use super::rate::mean_kinetic_celsius;
use super::trace::{Part, Trace};

/// Mean kinetic temperatures closer than this are one, K.
const SAME_K: f64 = 1e-9;

/// The known part of a trace at its highest, by time; ms since `origin`.
#[derive(Debug)]
pub(super) struct Known {
    origin: i64,
    slopes: Vec<Slope>,
}

impl Known {
    pub(super) fn of(trace: &Trace) -> Self {
        let origin = trace.window().0;
        let mut slopes = Vec::new();
        for piece in &trace.pieces {
            slopes.append(&mut envelope::of_piece(piece, View::Hot, false, origin, (piece.from, piece.to)));
        }
        Self { origin, slopes }
    }

    /// The known part itself.
    pub(super) fn slopes(&self) -> &[Slope] {
        &self.slopes
    }

    /// Extremes and mean; `trace` is the one this was made of.
    pub(super) fn extent(&self, trace: &Trace) -> Extent {
        let (mut highest, mut lowest) = (f64::NEG_INFINITY, f64::INFINITY);
        let (mut weighted, mut length) = (Sum::default(), Sum::default());
        for slope in &self.slopes {
            highest = highest.max(slope.a).max(slope.b);
            lowest = lowest.min(slope.a).min(slope.b);
            weighted.add(f64::midpoint(slope.a, slope.b) * slope.length() / 1e6);
            length.add(slope.length() / 1000.0);
        }
        let plain = |piece: &super::trace::Piece| {
            piece.strands.len() == 1 && piece.strands.iter().all(|strand| strand.series.conflicts() == 0)
        };
        for piece in &trace.pieces {
            if !plain(piece) {
                let cold = envelope::of_piece(piece, View::Cold, false, self.origin, (piece.from, piece.to));
                lowest = cold.iter().fold(lowest, |lowest, slope| lowest.min(-slope.a).min(-slope.b));
            }
            for strand in &piece.strands {
                for index in piece.indexes(&strand.series) {
                    highest = highest.max(f64::from(strand.series.high(index)));
                    lowest = lowest.min(f64::from(strand.series.low(index)));
                }
            }
        }
        let value = |extreme: f64| extreme.is_finite().then_some(extreme / 1000.0);
        let mean = (length.value() > 0.0).then(|| weighted.value() / length.value());
        Extent { min: value(lowest), max: value(highest), mean }
    }

    /// Mean kinetic temperature over rolling windows that end at a reading or with the trace.
    pub(super) fn mkt(&self, mkt: &Mkt, exposure: &Exposure, trace: &Trace) -> MeanKinetic {
        let (from, to) = trace.window();
        let window = i64::try_from(mkt.window.as_millis()).unwrap_or(i64::MAX);
        let sums = Sums::new(self, exposure);
        let celsius = |mean: Option<f64>| mean.map(|mean| mean_kinetic_celsius(mkt.dh, mean));
        let partial_window = to - from < window;
        let mut means: Vec<(f64, i64)> = Vec::new();
        let mut cursor = (0, 0);
        for end in ends(trace, to).into_iter().filter(|end| partial_window || end - window >= from) {
            let since = (end - self.origin) as f64;
            means.extend(sums.mean(since - window as f64, since, &mut cursor).map(|mean| (mean, end)));
        }
        let most = means.iter().map(|(mean, _)| *mean).reduce(f64::max);
        let value = |mean: f64| mean_kinetic_celsius(mkt.dh, mean);
        // The first of equal ones; the guess spares most of the logarithms.
        let same = |mean: f64, most: f64| mean > most * (1.0 - 1e-6) && value(mean) >= value(most) - SAME_K;
        let highest = most.and_then(|most| means.iter().find(|(mean, _)| same(*mean, most)));
        let since = (to - self.origin) as f64;
        MeanKinetic::Of(MktFigures {
            value_c: celsius(sums.mean(since - window as f64, since, &mut (0, 0))),
            window_s: mkt.window.as_secs_f64(),
            max_window_c: celsius(most),
            max_window_to: highest.map(|(_, end)| ValidAt::from_millis(*end)),
            partial_window,
            dh_kj_per_mol: mkt.dh.kilojoules_per_mole(),
        })
    }
}

/// Where windows end: at every reading, and at the end of the trace.
fn ends(trace: &Trace, to: i64) -> Vec<i64> {
    let mut ends = Vec::new();
    for piece in &trace.pieces {
        for strand in &piece.strands {
            let range = piece.indexes(&strand.series);
            ends.extend_from_slice(&strand.series.instants()[range]);
        }
        if piece.strands.len() > 1 {
            ends.sort_unstable();
        }
    }
    ends.push(to);
    ends.dedup();
    ends
}

/// Prefix sums of a rate over the known slopes.
struct Sums<'a> {
    slopes: &'a [Slope],
    integrator: super::exposure::Integrator,
    /// Before each slope and after the last: (integral of the rate, length), s.
    before: Vec<(Sum, Sum)>,
}

impl<'a> Sums<'a> {
    fn new(known: &'a Known, exposure: &Exposure) -> Self {
        let values = known.slopes.iter().flat_map(|slope| [slope.a, slope.b]);
        let (lowest, highest) = values.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        #[expect(clippy::cast_possible_truncation, reason = "thousandths of a degree are far inside i32")]
        let integrator = exposure.between(lowest.floor() as i32, highest.ceil() as i32 + 1);
        let mut before = Vec::with_capacity(known.slopes.len() + 1);
        let (mut integral, mut length) = (Sum::default(), Sum::default());
        before.push((integral, length));
        for slope in &known.slopes {
            let seconds = slope.length() / 1000.0;
            integral.add(seconds * integrator.mean_between(slope.a, slope.b));
            length.add(seconds);
            before.push((integral, length));
        }
        Self { slopes: &known.slopes, integrator, before }
    }

    /// The mean rate over what is known in (from, to]. `cursor` goes along with rising windows.
    fn mean(&self, from: f64, to: f64, cursor: &mut (usize, usize)) -> Option<f64> {
        let forward = |index: &mut usize, at: f64| {
            while *index < self.slopes.len() && self.slopes[*index].to <= at {
                *index += 1;
            }
            self.until(*index, at)
        };
        let (first, first_length) = forward(&mut cursor.0, from);
        let (last, last_length) = forward(&mut cursor.1, to);
        let length = (last_length - first_length).value();
        (length > 0.0).then(|| (last - first).value() / length)
    }

    /// The sums up to `at`, which lies in slope `index` or before it.
    fn until(&self, index: usize, at: f64) -> (Sum, Sum) {
        let (mut integral, mut length) = self.before[index];
        if let Some(part) = self.slopes.get(index).and_then(|slope| slope.cut(f64::NEG_INFINITY, at)) {
            let seconds = part.length() / 1000.0;
            integral.add(seconds * self.integrator.mean_between(part.a, part.b));
            length.add(seconds);
        }
        (integral, length)
    }
}

/// Whether a trace has a reading at all.
pub(super) fn is_heard(trace: &Trace) -> bool {
    let known = |part: &Part| matches!(part, Part::Known(_));
    trace.pieces.iter().flat_map(|piece| &piece.strands).any(|strand| strand.parts().iter().any(known))
}
