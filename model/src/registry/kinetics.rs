//! Kinetics: how fast a product ages at a temperature, relative to its reference condition.

use serde_json::{Value, json};

use super::amount::{MolarEnergy, PerKelvin, Q10};
use super::read::Object;
use super::value;
use crate::quantity::Temperature;

/// How fast a product ages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kinetics {
    /// The rate's law.
    pub model: Model,
    /// The temperature at which the rate is 1; absent only for the model `none`.
    pub reference: Option<Temperature>,
    /// The temperatures the law was established for; outside them nothing is computed but `indeterminate`.
    pub valid: Option<(Temperature, Temperature)>,
    /// Whether time below the reference counts for less than itself. No, unless the product says so.
    pub credit_below_reference: bool,
}

/// A rate's law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// exp(Ea/R (1/Tref − 1/T)).
    Arrhenius {
        /// The activation energy.
        ea: MolarEnergy,
        /// The lowest it may be; at most `ea`.
        ea_low: Option<MolarEnergy>,
        /// The highest it may be; at least `ea`.
        ea_high: Option<MolarEnergy>,
    },
    /// Q10^((T − Tref)/10).
    Q10(Q10),
    /// ((T − Tmin)/(Tref − Tmin))², 0 at Tmin and below.
    SquareRoot {
        /// Where growth stops; below the reference.
        t_min: Temperature,
    },
    /// exp(b (T − Tref)).
    Exponential(PerKelvin),
    /// The product ages with the calendar only.
    None,
}

impl Kinetics {
    /// The kinetics of a product that says nothing about them.
    pub const NONE: Self = Self { model: Model::None, reference: None, valid: None, credit_below_reference: false };

    pub(crate) fn read(mut object: Object<'_>) -> Option<Self> {
        #[derive(Clone, Copy, PartialEq)]
        enum Law {
            Arrhenius,
            Q10,
            SquareRoot,
            Exponential,
            None,
        }
        let laws = &[
            ("arrhenius", Law::Arrhenius),
            ("q10", Law::Q10),
            ("square_root", Law::SquareRoot),
            ("exponential", Law::Exponential),
            ("none", Law::None),
        ];
        let law = object.required("model", value::word(laws));
        let energy = || value::amount(MolarEnergy::new, " kJ/mol", MolarEnergy::MAX.kilojoules_per_mole());
        let reference = match law {
            Some(Law::None) | None => object.optional("reference_c", value::celsius),
            Some(_) => object.required("reference_c", value::celsius).map(Some),
        };
        let model = match law {
            None => {
                object.ignore(&["ea_kj_per_mol", "ea_low", "ea_high", "q10", "t_min_c", "b_per_c"]);
                None
            }
            Some(Law::None) => Some(Model::None),
            Some(Law::Arrhenius) => {
                let ea = object.required("ea_kj_per_mol", energy());
                let ea_low = object.optional("ea_low", energy());
                let ea_high = object.optional("ea_high", energy());
                if let (Some(ea), Some(Some(low))) = (ea, ea_low)
                    && low > ea
                {
                    object.refuse("ea_low", "must not be above `ea_kj_per_mol`");
                }
                if let (Some(ea), Some(Some(high))) = (ea, ea_high)
                    && high < ea
                {
                    object.refuse("ea_high", "must not be below `ea_kj_per_mol`");
                }
                match (ea, ea_low, ea_high) {
                    (Some(ea), Some(ea_low), Some(ea_high)) => Some(Model::Arrhenius { ea, ea_low, ea_high }),
                    _ => None,
                }
            }
            Some(Law::Q10) => object.required("q10", value::amount(Q10::new, "", Q10::MAX.factor())).map(Model::Q10),
            Some(Law::SquareRoot) => {
                let t_min = object.required("t_min_c", value::celsius);
                if let (Some(t_min), Some(Some(reference))) = (t_min, reference)
                    && t_min >= reference
                {
                    object.refuse("t_min_c", "must be below `reference_c`");
                }
                t_min.map(|t_min| Model::SquareRoot { t_min })
            }
            Some(Law::Exponential) => {
                let coefficient = value::amount(PerKelvin::new, " per °C", PerKelvin::MAX.per_kelvin());
                object.required("b_per_c", coefficient).map(Model::Exponential)
            }
        };
        let valid = object.optional("valid_c", value::celsius_range);
        let credit_below_reference = object.with_default("credit_below_reference", false, value::flag);
        object.finish();
        Some(Self {
            model: model?,
            reference: reference?,
            valid: valid?,
            credit_below_reference: credit_below_reference?,
        })
    }

    pub(crate) fn to_json(self) -> Value {
        let mut json = json!({ "credit_below_reference": self.credit_below_reference });
        json["model"] = json!(match self.model {
            Model::Arrhenius { .. } => "arrhenius",
            Model::Q10(_) => "q10",
            Model::SquareRoot { .. } => "square_root",
            Model::Exponential(_) => "exponential",
            Model::None => "none",
        });
        match self.model {
            Model::Arrhenius { ea, ea_low, ea_high } => {
                json["ea_kj_per_mol"] = json!(ea.kilojoules_per_mole());
                for (field, bound) in [("ea_low", ea_low), ("ea_high", ea_high)] {
                    if let Some(bound) = bound {
                        json[field] = json!(bound.kilojoules_per_mole());
                    }
                }
            }
            Model::Q10(q10) => json["q10"] = json!(q10.factor()),
            Model::SquareRoot { t_min } => json["t_min_c"] = json!(t_min.celsius()),
            Model::Exponential(b) => json["b_per_c"] = json!(b.per_kelvin()),
            Model::None => {}
        }
        if let Some(reference) = self.reference {
            json["reference_c"] = json!(reference.celsius());
        }
        if let Some((low, high)) = self.valid {
            json["valid_c"] = json!([low.celsius(), high.celsius()]);
        }
        json
    }
}
