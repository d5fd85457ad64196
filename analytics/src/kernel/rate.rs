//! How fast a product ages at a temperature, relative to its reference; and the rate mean kinetic temperature uses.

use model::quantity::Temperature;
use model::registry::{Kinetics, Model, MolarEnergy};

/// The molar gas constant of kinetics, J/mol/K (CODATA 2018, exact by the definition of the SI).
pub const GAS_CONSTANT: f64 = 8.314_462_618_153_24;
/// The molar gas constant of mean kinetic temperature, J/mol/K (the convention of USP <1160>).
pub const MKT_GAS_CONSTANT: f64 = 8.3144;
/// Zero degrees Celsius, in kelvin.
pub(super) const ZERO_CELSIUS_K: f64 = 273.15;

/// Which bound of what is known a rate stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bound {
    /// Every doubt about the kinetics in the product's favour.
    Low,
    /// The kinetics as stated.
    Nominal,
    /// Every doubt against it.
    Upper,
}

/// A rate as a function of temperature, without jumps; kinks only at whole thousandths of a degree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    law: Law,
    /// What is taken off: ageing counts beyond the clock's, so that none at the reference is exactly none.
    less: f64,
    /// The least it is.
    floor: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Law {
    /// exp(a/T₀ − a/T), in kelvin; `warm` above the reference and `cold` below.
    Arrhenius { warm: f64, cold: f64, reference_k: f64 },
    /// exp(b (T − T₀)).
    Exponential { per_kelvin: f64, reference_c: f64 },
    /// ((T − T_min)/(T₀ − T_min))², zero below T_min.
    SquareRoot { t_min_c: f64, reference_c: f64 },
}

impl Rate {
    /// The rate of a product's kinetics at one bound, less one; `None` when it ages with the clock alone.
    #[must_use]
    pub(super) fn beyond_clock(kinetics: &Kinetics, bound: Bound) -> Option<Self> {
        let reference_c = kinetics.reference.map(Temperature::celsius)?;
        let law = match kinetics.model {
            Model::None => return None,
            Model::Arrhenius { ea, ea_low, ea_high } => {
                let stated = [Some(ea), ea_low, ea_high].into_iter().flatten().map(MolarEnergy::kilojoules_per_mole);
                let (least, most) =
                    stated.fold((f64::INFINITY, 0.0f64), |(least, most), ea| (least.min(ea), most.max(ea)));
                // Above the reference a high energy ages faster, below it a low one.
                let (warm, cold) = match bound {
                    Bound::Low => (least, most),
                    Bound::Nominal => (ea.kilojoules_per_mole(), ea.kilojoules_per_mole()),
                    Bound::Upper => (most, least),
                };
                let kelvin = |energy: f64| energy * 1000.0 / GAS_CONSTANT;
                Law::Arrhenius { warm: kelvin(warm), cold: kelvin(cold), reference_k: reference_c + ZERO_CELSIUS_K }
            }
            Model::Q10(q10) => Law::Exponential { per_kelvin: libm::log(q10.factor()) / 10.0, reference_c },
            Model::Exponential(b) => Law::Exponential { per_kelvin: b.per_kelvin(), reference_c },
            Model::SquareRoot { t_min } => Law::SquareRoot { t_min_c: t_min.celsius(), reference_c },
        };
        Some(Self { law, less: 1.0, floor: (!kinetics.credit_below_reference).then_some(0.0) })
    }

    /// The rate of mean kinetic temperature, relative to 0 °C.
    #[must_use]
    pub(super) fn of_mkt(dh: MolarEnergy) -> Self {
        let a = mkt_kelvin(dh);
        Self { law: Law::Arrhenius { warm: a, cold: a, reference_k: ZERO_CELSIUS_K }, less: 0.0, floor: None }
    }

    /// The rate at `celsius`.
    #[must_use]
    pub(super) fn at(&self, celsius: f64) -> f64 {
        let rate = match self.law {
            Law::Arrhenius { warm, cold, reference_k } => {
                let kelvin = (celsius + ZERO_CELSIUS_K).max(1.0);
                let a = if kelvin >= reference_k { warm } else { cold };
                // The difference of the reciprocals without cancellation.
                libm::exp(a * (kelvin - reference_k) / (kelvin * reference_k))
            }
            Law::Exponential { per_kelvin, reference_c } => libm::exp(per_kelvin * (celsius - reference_c)),
            Law::SquareRoot { t_min_c, reference_c } => {
                let root = (celsius - t_min_c).max(0.0) / (reference_c - t_min_c);
                root * root
            }
        };
        self.bounded(rate - self.less)
    }

    /// A mean of this rate, kept where the rate itself may lie: without credit no rounding makes anything younger.
    #[inline]
    #[must_use]
    pub(super) fn bounded(&self, mean: f64) -> f64 {
        self.floor.map_or(mean, |floor| mean.max(floor))
    }
}

/// The mean kinetic temperature that a mean rate of [`Rate::of_mkt`] stands for, °C.
#[must_use]
pub(super) fn mean_kinetic_celsius(dh: MolarEnergy, mean_rate: f64) -> f64 {
    let a = mkt_kelvin(dh);
    a / (a / ZERO_CELSIUS_K - libm::log(mean_rate)) - ZERO_CELSIUS_K
}

fn mkt_kelvin(dh: MolarEnergy) -> f64 {
    dh.kilojoules_per_mole() * 1000.0 / MKT_GAS_CONSTANT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_rate_at_one_temperature_is_that_temperature() {
        let dh = MolarEnergy::CONVENTIONAL;
        for celsius in [-70.0, 0.0, 5.0, 25.0, 40.0] {
            let back = mean_kinetic_celsius(dh, Rate::of_mkt(dh).at(celsius));
            assert!((back - celsius).abs() < 1e-10, "{celsius} came back as {back}");
        }
    }
}
