//! A trace in a few columns: lowest and highest, so that no spike is averaged away.

use model::assessment::{Coverage, Extent};
use model::instant::ValidAt;

use super::envelope;
use super::heat;
use super::known::Known;
use super::level::View;
use super::trace::Trace;

/// One column of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outline {
    /// What was known of it, °C or %RH.
    Known {
        /// The lowest value.
        lowest: f64,
        /// The highest value.
        highest: f64,
    },
    /// Nothing was known.
    Unknown,
}

impl Trace {
    /// The trace in `columns` of equal length.
    #[must_use]
    pub fn outline(&self, columns: usize) -> Vec<Outline> {
        let (from, to) = self.window();
        self.outline_between(ValidAt::from_millis(from), ValidAt::from_millis(to), columns)
    }

    /// What of the trace lies between two instants, in `columns` of equal length.
    #[must_use]
    pub fn outline_between(&self, from: ValidAt, to: ValidAt, columns: usize) -> Vec<Outline> {
        let (from, to) = (from.millis(), to.millis());
        let whole = (to - from).max(1) as f64;
        let length = whole / columns.max(1) as f64;
        let mut extremes = vec![(f64::INFINITY, f64::NEG_INFINITY); columns];
        let mut see = |at: f64, value: f64| {
            if !(0.0..=whole).contains(&at) {
                return;
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to columns")]
            let column = ((at / length) as usize).min(columns.saturating_sub(1));
            if let Some((lowest, highest)) = extremes.get_mut(column) {
                (*lowest, *highest) = (lowest.min(value), highest.max(value));
            }
        };
        for piece in self.pieces.iter().filter(|piece| piece.from <= to && from <= piece.to) {
            for (view, sign) in [(View::Hot, 1.0), (View::Cold, -1.0)] {
                for slope in envelope::of_piece(piece, view, false, from, (from, to)) {
                    let mut edge = (slope.from.max(0.0) / length).ceil() * length;
                    see(slope.from, sign * slope.a / 1000.0);
                    while edge < slope.to.min(whole) {
                        see(edge, sign * slope.at(edge) / 1000.0);
                        edge += length;
                    }
                    see(slope.to, sign * slope.b / 1000.0);
                }
            }
            for strand in &piece.strands {
                for index in piece.indexes(&strand.series) {
                    let at = (strand.series.at(index) - from) as f64;
                    see(at, f64::from(strand.series.high(index)) / 1000.0);
                    see(at, f64::from(strand.series.low(index)) / 1000.0);
                }
            }
        }
        let column = |(lowest, highest): (f64, f64)| match lowest <= highest {
            true => Outline::Known { lowest, highest },
            false => Outline::Unknown,
        };
        extremes.into_iter().map(column).collect()
    }

    /// How much of it is known.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        Known::of(self).coverage()
    }

    /// Its extremes and mean.
    #[must_use]
    pub fn extent(&self) -> Extent {
        heat::Known::of(self).extent(self)
    }
}
