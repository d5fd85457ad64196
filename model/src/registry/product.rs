//! Products: what they stand, and what is made of time out of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::amount::{HumiditySpan, MolarEnergy, SlewRate, TemperatureSpan};
use super::entity::{Kind, Record};
use super::kinetics::Kinetics;
use super::read::Object;
use super::rule::{Comparator, Limit, Mode, Rule, SEVERITIES, Severity, Side};
use super::value;
use crate::gs1::Gtin;
use crate::name::Name;
use crate::quantity::{Humidity, Temperature};

/// A product, as its maker and the quality people describe it. Key: its GTIN.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Its key.
    pub gtin: Gtin,
    /// Its name for people.
    pub name: Option<Box<str>>,
    /// The storage limits on the label.
    pub storage: Storage,
    /// How fast it ages.
    pub kinetics: Kinetics,
    /// Its rules, by id; ids are unique. A side with a storage limit and no rule has a strict one by default.
    pub rules: Vec<Rule>,
    /// When it counts as frozen.
    pub freeze: Option<Freeze>,
    /// How much time out of storage it stands.
    pub budget: Option<Budget>,
    /// Readings further apart leave an unknown time between them; absent: from the sensor's interval.
    pub max_gap: Option<Duration>,
    /// One unknown interval longer than this asks for a review.
    pub max_unmonitored: Option<Duration>,
    /// The warmest it can have been while nobody looked.
    pub gap_bound: Option<Temperature>,
    /// The coldest it can have been while nobody looked.
    pub gap_bound_low: Option<Temperature>,
    /// How fast it can have warmed while nobody looked.
    pub gap_slew: Option<SlewRate>,
    /// Whether an alarm that fires only within the sensor's accuracy asks for a review.
    pub guard_band: bool,
    /// Its mean kinetic temperature, if that is watched.
    pub mkt: Option<Mkt>,
    /// How many days of life a unit must have left to be dispatched.
    pub min_remaining_days_at_dispatch: Option<u32>,
}

/// Storage limits; `None` switches a side off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// Lowest temperature in range.
    pub temperature_low: Option<Temperature>,
    /// Highest temperature in range.
    pub temperature_high: Option<Temperature>,
    /// Lowest relative humidity in range.
    pub humidity_low: Option<Humidity>,
    /// Highest relative humidity in range.
    pub humidity_high: Option<Humidity>,
}

/// When a product counts as frozen: at or below the limit for the delay, on the coldest envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// The limit; the limit itself is frozen.
    pub limit: Temperature,
    /// How long.
    pub delay: Duration,
}

/// A budget of time out of storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The bands, from cold to hot; they do not overlap.
    pub bands: Vec<Band>,
    /// How their fractions make one.
    pub combine: Combine,
}

/// One band of a budget: (above, to].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// The band begins above this temperature.
    pub above: Temperature,
    /// The band ends with this temperature.
    pub to: Temperature,
    /// The time allowed in it; above zero.
    pub allowed: Duration,
}

/// How the used fractions of the bands make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    /// They add up.
    Sum,
    /// The largest counts.
    Any,
}

/// How the mean kinetic temperature of a product is watched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mkt {
    /// The heat of activation.
    pub dh: MolarEnergy,
    /// The length of the rolling window.
    pub window: Duration,
    /// The limit of the highest window, if there is one.
    pub limit: Option<Temperature>,
    /// What passing the limit means.
    pub severity: Severity,
}

impl Product {
    /// The rules that follow from storage limits: a quantity and side with a limit and no stated rule has a strict one
    /// without delay, `hold`, named for it (`storage.temperature.low`).
    #[must_use]
    pub fn implied_rules(&self) -> Vec<Rule> {
        let temperature = |at: Temperature| Limit::Temperature { at, hysteresis: TemperatureSpan::default() };
        let humidity = |at: Humidity| Limit::Humidity { at, hysteresis: HumiditySpan::default() };
        let limits = [
            (Side::Low, self.storage.temperature_low.map(temperature)),
            (Side::High, self.storage.temperature_high.map(temperature)),
            (Side::Low, self.storage.humidity_low.map(humidity)),
            (Side::High, self.storage.humidity_high.map(humidity)),
        ];
        let implied = limits.into_iter().filter_map(|(side, limit)| {
            let quantity = limit?.quantity();
            let stated = |rule: &Rule| rule.limit.quantity() == quantity && rule.side == side;
            let limit = limit.filter(|_| !self.rules.iter().any(stated))?;
            Some(Rule {
                id: Name::parse(&format!("storage.{quantity}.{}", side.as_str())).ok()?,
                limit,
                side,
                comparator: Comparator::Strict,
                mode: Mode::Single,
                delay: Duration::ZERO,
                merge: Duration::ZERO,
                severity: Severity::Hold,
                interpolation: None,
            })
        });
        implied.collect()
    }
}

impl Record for Product {
    const KIND: Kind = Kind::Product;
    type Key = Gtin;

    fn key(&self) -> Gtin {
        self.gtin
    }

    fn key_text(key: &Gtin) -> String {
        key.to_string()
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let gtin = object.required("gtin", value::gtin);
        let name = object.optional("name", value::label);
        let storage = object.object("storage", Storage::read).map(Option::unwrap_or_default);
        let kinetics = object.object("kinetics", Kinetics::read).map(|given| given.unwrap_or(Kinetics::NONE));
        let rules = object.objects("rules", Rule::read);
        let freeze = object.object("freeze", Freeze::read);
        if let Some(rules) = &rules {
            check_rule_ids(&object, rules);
        }
        let budget = object.object("budget", Budget::read);
        let max_gap = object.optional("max_gap_s", value::positive_seconds);
        let max_unmonitored = object.optional("max_unmonitored_s", value::seconds);
        let gap_bound = object.optional("gap_bound_c", value::celsius);
        let gap_bound_low = object.optional("gap_bound_low_c", value::celsius);
        if let (Some(Some(low)), Some(Some(high))) = (gap_bound_low, gap_bound)
            && low > high
        {
            object.refuse("gap_bound_low_c", "must not be above `gap_bound_c`");
        }
        let slew = value::amount(SlewRate::new, " °C/h", SlewRate::MAX.kelvin_per_hour());
        let gap_slew = object.optional("gap_slew_c_per_h", slew);
        let guard_band = object.with_default("guard_band", false, value::flag);
        let mkt = object.object("mkt", Mkt::read);
        let days = object.optional("min_remaining_days_at_dispatch", value::whole(0, 36_525));
        object.finish();
        let mut rules = rules?;
        rules.sort_by(|left, right| left.id.cmp(&right.id));
        Some(Self {
            gtin: gtin?,
            name: name?,
            storage: storage?,
            kinetics: kinetics?,
            rules,
            freeze: freeze?,
            budget: budget?,
            max_gap: max_gap?,
            max_unmonitored: max_unmonitored?,
            gap_bound: gap_bound?,
            gap_bound_low: gap_bound_low?,
            gap_slew: gap_slew?,
            guard_band: guard_band?,
            mkt: mkt?,
            min_remaining_days_at_dispatch: days?.and_then(|days| u32::try_from(days).ok()),
        })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "gtin": self.gtin.as_str(),
            "kinetics": self.kinetics.to_json(),
            "rules": self.rules.iter().map(Rule::to_json).collect::<Vec<_>>(),
            "guard_band": self.guard_band,
            "storage": self.storage.to_json(),
        });
        let celsius = |temperature: Option<Temperature>| temperature.map(|at| json!(at.celsius()));
        let seconds = |duration: Option<Duration>| duration.map(value::seconds_json);
        let optional = [
            ("name", self.name.as_deref().map(Value::from)),
            ("freeze", self.freeze.map(Freeze::to_json)),
            ("budget", self.budget.as_ref().map(Budget::to_json)),
            ("max_gap_s", seconds(self.max_gap)),
            ("max_unmonitored_s", seconds(self.max_unmonitored)),
            ("gap_bound_c", celsius(self.gap_bound)),
            ("gap_bound_low_c", celsius(self.gap_bound_low)),
            ("gap_slew_c_per_h", self.gap_slew.map(|slew| json!(slew.kelvin_per_hour()))),
            ("mkt", self.mkt.map(Mkt::to_json)),
            ("min_remaining_days_at_dispatch", self.min_remaining_days_at_dispatch.map(Value::from)),
        ];
        for (field, given) in optional {
            if let Some(given) = given {
                json[field] = given;
            }
        }
        json
    }
}

/// Rule ids name excursions, so each is unique, and the names of built-in rules mean only what they say.
fn check_rule_ids(object: &Object<'_>, rules: &[Rule]) {
    let mut seen = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        let id = rule.id.as_str();
        let field = format!("rules/{index}/id");
        if !seen.insert(id) {
            object.refuse_at(&field, format!("`{id}` names two rules of this product: give each its own id"));
        }
        let own = format!("storage.{}.{}", rule.limit.quantity(), rule.side.as_str());
        if id == "freeze" || (id.starts_with("storage.") && id != own) {
            object.refuse_at(&field, format!("`{id}` is the name of a built-in rule: choose another id"));
        }
    }
}

impl Storage {
    fn read(mut object: Object<'_>) -> Option<Self> {
        let temperature = object.with_default("temperature_c", (None, None), value::limits(value::celsius));
        let humidity = object.with_default("humidity_pct", (None, None), value::limits(value::percent));
        object.finish();
        let (temperature_low, temperature_high) = temperature?;
        let (humidity_low, humidity_high) = humidity?;
        Some(Self { temperature_low, temperature_high, humidity_low, humidity_high })
    }

    fn to_json(self) -> Value {
        let celsius = |at: Option<Temperature>| at.map(Temperature::celsius);
        let percent = |at: Option<Humidity>| at.map(Humidity::percent);
        json!({
            "temperature_c": [celsius(self.temperature_low), celsius(self.temperature_high)],
            "humidity_pct": [percent(self.humidity_low), percent(self.humidity_high)],
        })
    }
}

impl Freeze {
    fn read(mut object: Object<'_>) -> Option<Self> {
        let limit = object.required("limit_c", value::celsius);
        let delay = object.with_default("delay_s", Duration::ZERO, value::seconds);
        object.finish();
        Some(Self { limit: limit?, delay: delay? })
    }

    fn to_json(self) -> Value {
        json!({ "limit_c": self.limit.celsius(), "delay_s": value::seconds_json(self.delay) })
    }
}

impl Budget {
    fn read(mut object: Object<'_>) -> Option<Self> {
        let bands = object.objects("bands", Band::read);
        let words = &[("sum", Combine::Sum), ("any", Combine::Any)];
        let combine = object.with_default("combine", Combine::Sum, value::word(words));
        if let Some(bands) = &bands {
            if bands.is_empty() {
                object.refuse("bands", "must have at least one band");
            }
            for (index, pair) in bands.windows(2).enumerate() {
                if pair[1].above < pair[0].to {
                    let field = format!("bands/{}/above_c", index + 1);
                    object.refuse_at(&field, "must not be below the band before: order the bands from cold to hot");
                }
            }
        }
        object.finish();
        Some(Self { bands: bands?, combine: combine? })
    }

    fn to_json(&self) -> Value {
        let band = |band: &Band| {
            json!({
                "above_c": band.above.celsius(),
                "to_c": band.to.celsius(),
                "allowed_s": value::seconds_json(band.allowed),
            })
        };
        json!({
            "bands": self.bands.iter().map(band).collect::<Vec<_>>(),
            "combine": if self.combine == Combine::Sum { "sum" } else { "any" },
        })
    }
}

impl Band {
    fn read(mut object: Object<'_>) -> Option<Self> {
        let above = object.required("above_c", value::celsius);
        let to = object.required("to_c", value::celsius);
        let allowed = object.required("allowed_s", value::positive_seconds);
        if above.zip(to).is_some_and(|(above, to)| above >= to) {
            object.refuse("to_c", "must be above `above_c`");
        }
        object.finish();
        Some(Self { above: above?, to: to?, allowed: allowed? })
    }
}

impl Mkt {
    fn read(mut object: Object<'_>) -> Option<Self> {
        let energy = value::amount(MolarEnergy::new, " kJ/mol", MolarEnergy::MAX.kilojoules_per_mole());
        let dh = object.with_default("dh_kj_per_mol", MolarEnergy::CONVENTIONAL, energy);
        let window = object.required("window_s", value::positive_seconds);
        let limit = object.optional("limit_c", value::celsius);
        let severity = object.with_default("severity", Severity::Review, value::word(&SEVERITIES));
        object.finish();
        Some(Self { dh: dh?, window: window?, limit: limit?, severity: severity? })
    }

    fn to_json(self) -> Value {
        let mut json = json!({
            "dh_kj_per_mol": self.dh.kilojoules_per_mole(),
            "window_s": value::seconds_json(self.window),
            "severity": self.severity.as_str(),
        });
        if let Some(limit) = self.limit {
            json["limit_c"] = json!(limit.celsius());
        }
        json
    }
}
