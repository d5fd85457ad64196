//! Rules: when a temperature or a humidity out of limits becomes an alarm, and how grave that is.

use std::time::Duration;

use serde_json::{Value, json};

use super::amount::{HumiditySpan, TemperatureSpan};
use super::read::Object;
use super::value;
use crate::name::Name;
use crate::quantity::{Humidity, Temperature};

/// One rule of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name within the product; excursions and alarms carry it.
    pub id: Name,
    /// The limit, of the quantity the rule watches.
    pub limit: Limit,
    /// Which side of the limit is out.
    pub side: Side,
    /// Whether the limit itself is in range (strict) or out. Strict unless the rule says otherwise.
    pub comparator: Comparator,
    /// Which excursions count together.
    pub mode: Mode,
    /// How long out of limits makes an alarm; zero: at once.
    pub delay: Duration,
    /// A recovery shorter than this is bridged; equal is not.
    pub merge: Duration,
    /// What an alarm of this rule means for the unit.
    pub severity: Severity,
    /// How values between readings are taken; absent: as the sensor's source says.
    pub interpolation: Option<Interpolation>,
}

/// A limit and how far back inside a value must come before an excursion ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A limit of temperature.
    Temperature {
        /// The limit.
        at: Temperature,
        /// How far back inside; never negative.
        hysteresis: TemperatureSpan,
    },
    /// A limit of relative humidity.
    Humidity {
        /// The limit.
        at: Humidity,
        /// How far back inside; never negative.
        hysteresis: HumiditySpan,
    },
}

/// Which side of a limit is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Above it.
    High,
    /// Below it.
    Low,
}

/// How a value is compared with a limit. `gt` and `ge` go with the high side, `lt` and `le` with the low one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparator {
    /// The limit itself is in range (`gt`, `lt`).
    Strict,
    /// The limit itself is out (`ge`, `le`).
    Inclusive,
}

/// Which excursions count together towards the delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Each alone.
    Single,
    /// The sum of all.
    Cumulative {
        /// Within a rolling window of this length; absent: within the whole window of the unit.
        window: Option<Duration>,
    },
}

/// What an alarm means for the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// People are told.
    Notify,
    /// A quality person must accept it before the unit leaves.
    Review,
    /// The unit is held.
    Hold,
}

/// How values between two readings are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// On the straight line between them.
    Linear,
    /// The earlier one until the later one.
    Hold,
}

pub(crate) const SEVERITIES: [(&str, Severity); 3] =
    [("notify", Severity::Notify), ("review", Severity::Review), ("hold", Severity::Hold)];

const COMPARATORS: [(&str, (Side, Comparator)); 4] = [
    ("gt", (Side::High, Comparator::Strict)),
    ("ge", (Side::High, Comparator::Inclusive)),
    ("lt", (Side::Low, Comparator::Strict)),
    ("le", (Side::Low, Comparator::Inclusive)),
];

const SIDES: [(&str, Side); 2] = [("high", Side::High), ("low", Side::Low)];
const INTERPOLATIONS: [(&str, Interpolation); 2] = [("linear", Interpolation::Linear), ("hold", Interpolation::Hold)];

impl Severity {
    /// The stable word for this severity.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Review => "review",
            Self::Hold => "hold",
        }
    }
}

impl Side {
    /// The stable word for this side.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

impl Limit {
    /// The word for the quantity that is limited.
    #[must_use]
    pub const fn quantity(self) -> &'static str {
        match self {
            Self::Temperature { .. } => "temperature",
            Self::Humidity { .. } => "humidity",
        }
    }
}

impl Rule {
    pub(crate) fn read(mut object: Object<'_>) -> Option<Self> {
        let id = object.required("id", value::name);
        let quantity = object.required("quantity", value::word(&[("temperature", true), ("humidity", false)]));
        let limit = match quantity {
            Some(true) => {
                let at = object.required("limit", value::celsius);
                let hysteresis = object.with_default("hysteresis", TemperatureSpan::default(), value::positive_kelvin);
                at.zip(hysteresis).map(|(at, hysteresis)| Limit::Temperature { at, hysteresis })
            }
            Some(false) => {
                let at = object.required("limit", value::percent);
                let hysteresis = object.with_default("hysteresis", HumiditySpan::default(), value::percent_span);
                at.zip(hysteresis).map(|(at, hysteresis)| Limit::Humidity { at, hysteresis })
            }
            None => {
                object.ignore(&["limit", "hysteresis"]);
                None
            }
        };
        let side = object.required("side", value::word(&SIDES));
        let comparator = object.optional("comparator", value::word(&COMPARATORS));
        let comparator = match (side, comparator) {
            (Some(side), Some(Some((of, _)))) if of != side => {
                let fitting = if side == Side::High { "`gt` or `ge`" } else { "`lt` or `le`" };
                object.refuse("comparator", format!("does not fit the side `{}`: use {fitting}", side.as_str()));
                None
            }
            (_, comparator) => comparator.map(|given| given.map_or(Comparator::Strict, |(_, comparator)| comparator)),
        };
        let cumulative = object.with_default("mode", false, value::word(&[("single", false), ("cumulative", true)]));
        let window = object.optional("window_s", value::positive_seconds);
        let mode = match (cumulative, window) {
            (Some(false), Some(Some(_))) => {
                object.refuse("window_s", "belongs to the mode `cumulative` only");
                None
            }
            (Some(true), Some(window)) => Some(Mode::Cumulative { window }),
            (Some(false), Some(None)) => Some(Mode::Single),
            _ => None,
        };
        let delay = object.with_default("delay_s", Duration::ZERO, value::seconds);
        let merge = object.with_default("merge_s", Duration::ZERO, value::seconds);
        let severity = object.required("severity", value::word(&SEVERITIES));
        let interpolation = object.optional("interp", value::word(&INTERPOLATIONS));
        object.finish();
        Some(Self {
            id: id?,
            limit: limit?,
            side: side?,
            comparator: comparator?,
            mode: mode?,
            delay: delay?,
            merge: merge?,
            severity: severity?,
            interpolation: interpolation?,
        })
    }

    /// It as JSON, defaults written out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (limit, hysteresis) = match self.limit {
            Limit::Temperature { at, hysteresis } => (at.celsius(), hysteresis.kelvin()),
            Limit::Humidity { at, hysteresis } => (at.percent(), hysteresis.percent()),
        };
        let pair = (self.side, self.comparator);
        let comparator = COMPARATORS.iter().find(|(_, meaning)| *meaning == pair).map(|(word, _)| *word);
        let mut json = json!({
            "id": self.id.as_str(),
            "quantity": self.limit.quantity(),
            "side": self.side.as_str(),
            "limit": limit,
            "comparator": comparator,
            "mode": if self.mode == Mode::Single { "single" } else { "cumulative" },
            "delay_s": value::seconds_json(self.delay),
            "hysteresis": hysteresis,
            "merge_s": value::seconds_json(self.merge),
            "severity": self.severity.as_str(),
        });
        if let Mode::Cumulative { window: Some(window) } = self.mode {
            json["window_s"] = value::seconds_json(window);
        }
        if let Some(interpolation) = self.interpolation {
            json["interp"] = json!(if interpolation == Interpolation::Linear { "linear" } else { "hold" });
        }
        json
    }
}
