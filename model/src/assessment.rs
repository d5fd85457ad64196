//! An assessment: what is known of one unit at one instant.
//!
//! It is a function of the readings, the registry and the instant asked about, and of nothing else (invariant A1).
//! Durations are in seconds, temperatures in °C, humidities in %RH, as their field names say. The outside contract,
//! section 4, defines every field.

use chrono::NaiveDate;

use crate::gs1::{Gtin, LotText};
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;

/// What is known of one unit at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The unit.
    pub unit: Name,
    /// Its product.
    pub gtin: Gtin,
    /// Its lot.
    pub lot: LotText,
    /// The instant asked about: readings measured later do not count.
    pub as_of: ValidAt,
    /// What was recorded later does not count; `None`: everything does.
    pub known_at: Option<RecordedAt>,
    /// The unit's time, both ends included.
    pub window: Interval,
    /// What follows from all of it.
    pub verdict: Verdict,
    /// Why; gravest first, then by time, code and rule.
    pub reasons: Vec<Reason>,
    /// Every time out of a rule's limit, by (start, rule).
    pub excursions: Vec<Excursion>,
    /// Every time a rule fired, by (instant, rule).
    pub alarms: Vec<Alarm>,
    /// How much of the window's temperature is known.
    pub coverage: Coverage,
    /// The same of humidity, when the product limits it.
    pub humidity_coverage: Option<Coverage>,
    /// Extremes and mean of the temperature, °C.
    pub temperature: Extent,
    /// Extremes and mean of the humidity, %RH.
    pub humidity: Extent,
    /// Mean kinetic temperature, when the product has it watched.
    pub mkt: Option<MeanKinetic>,
    /// How it aged.
    pub life: Life,
    /// How much of the product's budget of time out of storage is used.
    pub budget: Option<BudgetUse>,
    /// Whether it was frozen.
    pub frozen: bool,
    /// The date on the label.
    pub labelled_expiry: NaiveDate,
    /// The label minus the extra ageing at its upper bound.
    pub effective_expiry: NaiveDate,
    /// The label minus the nominal extra ageing.
    pub effective_expiry_nominal: NaiveDate,
    /// What it was computed from.
    pub provenance: Provenance,
}

/// A span of time between two known instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// Its beginning.
    pub from: ValidAt,
    /// Its end.
    pub to: ValidAt,
}

/// What follows for a unit; the order is of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nothing speaks against it.
    Pass,
    /// A person must look.
    Review,
    /// No model holds: nothing can be said.
    Indeterminate,
    /// It must not be issued.
    Hold,
}

impl Verdict {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Review => "review",
            Self::Indeterminate => "indeterminate",
            Self::Hold => "hold",
        }
    }

    /// The verdict a stable word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pass, Self::Review, Self::Indeterminate, Self::Hold].into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// What speaks against a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonCode {
    /// A rule of severity `hold` or `review` fired.
    Excursion,
    /// It was frozen.
    Frozen,
    /// The budget of time out of storage is used up.
    Budget,
    /// The date on the label has passed.
    Expired,
    /// The effective expiry has passed.
    EffectiveExpiry,
    /// A temperature is outside the range in which the kinetics hold.
    ModelRange,
    /// A rule fires when silence is taken as out of limits.
    WorstCase,
    /// Nothing was known for longer than the product stands.
    Unmonitored,
    /// One of several sensors was silent for longer than that.
    SensorSilent,
    /// It may have frozen while nothing was known.
    FreezePossible,
    /// A rule fires within the sensor's accuracy.
    GuardBand,
    /// There is no reading at all.
    NoReadings,
    /// A lone reading is out of limits.
    Level,
    /// The mean kinetic temperature passed its limit.
    Mkt,
}

impl ReasonCode {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excursion => "excursion",
            Self::Frozen => "frozen",
            Self::Budget => "budget",
            Self::Expired => "expired",
            Self::EffectiveExpiry => "effective_expiry",
            Self::ModelRange => "model_range",
            Self::WorstCase => "worst_case",
            Self::Unmonitored => "unmonitored",
            Self::SensorSilent => "sensor_silent",
            Self::FreezePossible => "freeze_possible",
            Self::GuardBand => "guard_band",
            Self::NoReadings => "no_readings",
            Self::Level => "level",
            Self::Mkt => "mkt",
        }
    }
}

/// One reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The verdict it leads to by itself.
    pub verdict: Verdict,
    /// What it is.
    pub code: ReasonCode,
    /// The rule, where one is concerned.
    pub rule: Option<Name>,
    /// When it began to hold.
    pub at: ValidAt,
}

/// How an excursion began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartKind {
    /// The trace crossed the limit.
    Crossing,
    /// The trace begins out of limits.
    SeriesStart,
    /// It was out when it was heard of again.
    AfterGap,
    /// It was out when another sensor took over.
    Handover,
}

impl StartKind {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crossing => "crossing",
            Self::SeriesStart => "series_start",
            Self::AfterGap => "after_gap",
            Self::Handover => "handover",
        }
    }
}

/// How an excursion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndKind {
    /// The trace came back.
    Recovered,
    /// It fell silent while out, and was heard of again.
    Gap,
    /// It was still out at its last reading.
    Open,
}

impl EndKind {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Gap => "gap",
            Self::Open => "open",
        }
    }
}

/// One time out of a rule's limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Excursion {
    /// The rule.
    pub rule: Name,
    /// When it began, rounded down to the millisecond.
    pub start: ValidAt,
    /// When it ended, rounded up; `None` while it is open.
    pub end: Option<ValidAt>,
    /// How it began.
    pub start_kind: StartKind,
    /// How it ended.
    pub end_kind: EndKind,
    /// From start to end, or to the last reading.
    pub duration_s: f64,
    /// The part of it beyond the limit itself: without hysteresis and bridged recoveries.
    pub time_out_s: f64,
    /// The worst value, in the rule's unit.
    pub peak: f64,
    /// When it was first reached.
    pub peak_at: ValidAt,
    /// The integral of the distance from the limit, in the rule's unit times seconds.
    pub degree_seconds: f64,
}

/// One firing of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The rule.
    pub rule: Name,
    /// When it fired; `None` when it fires only in the worst case.
    pub at: Option<ValidAt>,
    /// When it fires if silence with an end out of limits is taken as out.
    pub worst_case_at: Option<ValidAt>,
}

/// How much of a window is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// Time known by at least one sensor.
    pub known_s: f64,
    /// Time known by none.
    pub unknown_s: f64,
    /// Time known by some of several sensors, but not by all.
    pub partial_s: f64,
    /// known / (known + unknown); `None` without readings.
    pub fraction: Option<f64>,
    /// The unknown intervals, by time.
    pub gaps: Vec<Interval>,
}

/// Extremes and mean of a quantity; `None` where there is no reading (or, for the mean, no known time).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extent {
    /// The lowest value.
    pub min: Option<f64>,
    /// The highest value.
    pub max: Option<f64>,
    /// The mean over known time, linear between readings.
    pub mean: Option<f64>,
}

/// Mean kinetic temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MeanKinetic {
    /// It means nothing: the product was frozen.
    FrozenProduct,
    /// Its figures.
    Of(MktFigures),
}

/// The figures of a mean kinetic temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MktFigures {
    /// Over the window that ends at as-of, °C; `None` when nothing of it is known.
    pub value_c: Option<f64>,
    /// The length of a window.
    pub window_s: f64,
    /// The highest of all windows, °C.
    pub max_window_c: Option<f64>,
    /// When that window ends.
    pub max_window_to: Option<ValidAt>,
    /// Whether the history is shorter than one window.
    pub partial_window: bool,
    /// The heat of activation.
    pub dh_kj_per_mol: f64,
}

/// The age of a unit in seconds at the reference condition: bounds and nominal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equivalent {
    /// With every doubt in its favour.
    pub low: f64,
    /// As read.
    pub nominal: f64,
    /// With every doubt against it.
    pub upper: f64,
}

/// How a unit aged.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// The time this covers: known and unknown.
    pub elapsed_s: f64,
    /// The age.
    pub equivalent_s: Equivalent,
    /// What it aged beyond the time that passed, at the upper bound; never negative.
    pub extra_s: f64,
    /// Where that comes from: the ten largest, largest first.
    pub contributions: Vec<Contribution>,
}

/// Why a stretch of time aged a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContributionKind {
    /// It was out of limits.
    Excursion,
    /// Nothing was known.
    Gap,
    /// The sensor may have been off.
    Accuracy,
    /// It was stored warmer than its reference.
    Storage,
}

impl ContributionKind {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excursion => "excursion",
            Self::Gap => "gap",
            Self::Accuracy => "accuracy",
            Self::Storage => "storage",
        }
    }
}

/// Extra ageing in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// The stretch.
    pub interval: Interval,
    /// The extra ageing.
    pub extra_s: f64,
    /// Why.
    pub kind: ContributionKind,
}

/// How much of a budget of time out of storage is used.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetUse {
    /// The bands' fractions added, or the largest of them, as the product says.
    pub used_fraction: f64,
    /// Band by band, from cold to hot.
    pub bands: Vec<BandUse>,
}

/// How much of one band is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandUse {
    /// Where the band begins.
    pub above_c: f64,
    /// The time in it.
    pub used_s: f64,
    /// That time over the time allowed.
    pub fraction: f64,
}

/// What an assessment was computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Readings of the unit's trace, by identity.
    pub readings: u64,
    /// Those of them with more than one value.
    pub conflicts: u64,
    /// The version of the product.
    pub product_version: u32,
    /// The newest of the readings.
    pub watermark: Option<ValidAt>,
    /// SHA-256 over the readings in canonical form, in hexadecimal.
    pub readings_digest: String,
}
