//! Amounts the registry states, each with its unit in its type.

use crate::quantity::{Humidity, Temperature};

/// A difference of temperatures in whole thousandths of a kelvin, from −400 to 400 K.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemperatureSpan(i32);

impl TemperatureSpan {
    /// The widest difference two admitted temperatures can have: 400 K.
    pub const MAX: Self = Self(Temperature::MAX.millidegrees() - Temperature::MIN.millidegrees());

    /// A difference of `millikelvin` thousandths of a kelvin, or `None` beyond ±400 K.
    #[must_use]
    pub fn from_millikelvin(millikelvin: i32) -> Option<Self> {
        (-Self::MAX.0..=Self::MAX.0).contains(&millikelvin).then_some(Self(millikelvin))
    }

    /// Whole thousandths of a kelvin.
    #[must_use]
    pub const fn millikelvin(self) -> i32 {
        self.0
    }

    /// Kelvin: the f64 nearest to the whole thousandth.
    #[must_use]
    pub fn kelvin(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// A difference of relative humidities in whole thousandths of a percent, from −105 to 105 %RH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumiditySpan(i32);

impl HumiditySpan {
    /// The widest difference two admitted humidities can have: 105 %RH.
    pub const MAX: Self = Self(Humidity::MAX.thousandths());

    /// A difference of `thousandths` of a percent, or `None` beyond ±105 %RH.
    #[must_use]
    pub fn from_thousandths(thousandths: i32) -> Option<Self> {
        (-Self::MAX.0..=Self::MAX.0).contains(&thousandths).then_some(Self(thousandths))
    }

    /// Whole thousandths of a percent of relative humidity.
    #[must_use]
    pub const fn thousandths(self) -> i32 {
        self.0
    }

    /// Percent of relative humidity: the f64 nearest to the whole thousandth.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// Defines one positive amount kept as the f64 it was given as.
macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, $max:literal, $(#[$get_doc:meta])* $get:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// The largest accepted amount.
            pub const MAX: Self = Self($max);

            /// The amount `value`, or `None` unless it is above zero and at most [`Self::MAX`].
            #[must_use]
            pub fn new(value: f64) -> Option<Self> {
                (value > 0.0 && value <= $max).then_some(Self(value))
            }

            $(#[$get_doc])*
            #[must_use]
            pub const fn $get(self) -> f64 {
                self.0
            }
        }
    };
}

amount! {
    /// An activation energy, or the heat of activation of the mean kinetic temperature: above 0 to 1000 kJ/mol.
    MolarEnergy, 1000.0,
    /// Kilojoules per mole.
    kilojoules_per_mole
}

impl MolarEnergy {
    /// The heat of activation the mean kinetic temperature is conventionally computed with: 83.144 kJ/mol,
    /// which is 10,000 K with R = 8.3144 J/mol/K (USP <1160>).
    pub const CONVENTIONAL: Self = Self(83.144);
}

amount! {
    /// How many times faster a reaction runs 10 K warmer: above 0 to 1000, without a unit.
    Q10, 1000.0,
    /// The factor per 10 K.
    factor
}

amount! {
    /// How an exponential rate grows with temperature: above 0 to 10 per kelvin.
    PerKelvin, 10.0,
    /// The coefficient, per kelvin.
    per_kelvin
}

amount! {
    /// The fastest change of temperature believed while nobody looked: above 0 to 10,000 K/h.
    SlewRate, 10_000.0,
    /// Kelvin per hour.
    kelvin_per_hour
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_amounts_within_their_bounds() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1000.1] {
            assert_eq!(MolarEnergy::new(value), None, "{value}");
        }
        assert_eq!(MolarEnergy::new(83.144).map(MolarEnergy::kilojoules_per_mole), Some(83.144));
        assert_eq!(TemperatureSpan::from_millikelvin(400_001), None);
        assert_eq!(HumiditySpan::from_thousandths(-105_001), None);
        assert_eq!(TemperatureSpan::from_millikelvin(-500).map(TemperatureSpan::kelvin), Some(-0.5));
    }
}
