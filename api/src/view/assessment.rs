//! What the description tells of assessments and excursions; they are written by `analytics::assessment_json`.
#![expect(dead_code, reason = "forms that are described here and written elsewhere")]

use utoipa::ToSchema;

use super::unit::ReasonView;

/// What is known of one unit at one instant.
#[derive(ToSchema)]
pub(crate) struct AssessmentView {
    /// The unit.
    unit: String,
    /// Its product.
    gtin: String,
    /// Its lot.
    lot: String,
    /// The instant asked about.
    as_of: String,
    /// What was recorded later does not count.
    known_at: Option<String>,
    /// The unit's time.
    window: IntervalView,
    /// `pass`, `review`, `indeterminate` or `hold`.
    verdict: String,
    /// Why; gravest first.
    reasons: Vec<ReasonView>,
    /// Every time out of a rule's limit.
    excursions: Vec<ExcursionView>,
    /// Every time a rule fired.
    alarms: Vec<FiringView>,
    /// How much of the temperature is known.
    coverage: CoverageView,
    /// °C.
    temperature: TemperatureView,
    /// %RH.
    humidity: HumidityView,
    /// The mean kinetic temperature, when the product has it watched.
    mkt: Option<MktView>,
    /// How it aged.
    life: LifeView,
    /// How much of its time out of storage is used.
    budget: Option<BudgetView>,
    /// Whether it was frozen.
    frozen: bool,
    /// The date on the label.
    labelled_expiry: String,
    /// The label minus the extra ageing at its upper bound.
    effective_expiry: String,
    /// The label minus the nominal extra ageing.
    effective_expiry_nominal: String,
    /// What it was computed from.
    provenance: ProvenanceView,
}

/// From one instant to another.
#[derive(ToSchema)]
pub(crate) struct IntervalView {
    from: String,
    to: String,
}

/// One time out of a rule's limit.
#[derive(ToSchema)]
pub(crate) struct ExcursionView {
    rule: String,
    start: String,
    /// Null while it is open.
    end: Option<String>,
    /// `crossing`, `series_start`, `after_gap` or `handover`.
    start_kind: String,
    /// `recovered`, `gap` or `open`.
    end_kind: String,
    duration_s: f64,
    time_out_s: f64,
    peak: f64,
    peak_at: String,
    degree_seconds: f64,
}

/// An excursion of the latest assessments.
#[derive(ToSchema)]
pub(crate) struct ExcursionListed {
    unit: String,
    gtin: String,
    lot: String,
    rule: String,
    start: String,
    /// Null while it is open.
    end: Option<String>,
    /// `crossing`, `series_start`, `after_gap` or `handover`.
    start_kind: String,
    /// `recovered`, `gap` or `open`.
    end_kind: String,
    duration_s: f64,
    time_out_s: f64,
    peak: f64,
    peak_at: String,
    degree_seconds: f64,
    /// When it will fire unless it recovers; null when it has, or cannot.
    fires_at: Option<String>,
    as_of: String,
}

/// One firing of a rule.
#[derive(ToSchema)]
pub(crate) struct FiringView {
    rule: String,
    /// Null when it fires only in the worst case.
    at: Option<String>,
    worst_case_at: Option<String>,
}

/// How much is known.
#[derive(ToSchema)]
pub(crate) struct CoverageView {
    known_s: f64,
    unknown_s: f64,
    partial_s: f64,
    fraction: Option<f64>,
    gaps: Vec<IntervalView>,
    /// The same of humidity, when the product limits it.
    #[schema(value_type = Option<Object>, required = false)]
    humidity: Option<()>,
}

/// Extremes and mean of the temperature.
#[derive(ToSchema)]
pub(crate) struct TemperatureView {
    min_c: Option<f64>,
    max_c: Option<f64>,
    mean_c: Option<f64>,
}

/// Extremes and mean of the humidity.
#[derive(ToSchema)]
pub(crate) struct HumidityView {
    min_pct: Option<f64>,
    max_pct: Option<f64>,
    mean_pct: Option<f64>,
}

/// The mean kinetic temperature, or why there is none (`reason`).
#[derive(ToSchema)]
pub(crate) struct MktView {
    value_c: Option<f64>,
    reason: Option<String>,
    window_s: Option<f64>,
    max_window_c: Option<f64>,
    max_window_to: Option<String>,
    partial_window: Option<bool>,
    dh_kj_per_mol: Option<f64>,
    r: Option<f64>,
    mode: Option<String>,
}

/// How a unit aged.
#[derive(ToSchema)]
pub(crate) struct LifeView {
    elapsed_s: f64,
    equivalent_s: BoundsView,
    extra_s: f64,
    contributions: Vec<ContributionView>,
}

/// A figure with its bounds.
#[derive(ToSchema)]
pub(crate) struct BoundsView {
    low: f64,
    nominal: f64,
    upper: f64,
}

/// What extra ageing comes from.
#[derive(ToSchema)]
pub(crate) struct ContributionView {
    from: String,
    to: String,
    extra_s: f64,
    /// `excursion`, `gap`, `accuracy` or `storage`.
    kind: String,
}

/// How much of the time out of storage is used.
#[derive(ToSchema)]
pub(crate) struct BudgetView {
    used_fraction: f64,
    bands: Vec<BandView>,
}

/// One band of it.
#[derive(ToSchema)]
pub(crate) struct BandView {
    above_c: f64,
    used_s: f64,
    fraction: f64,
}

/// What an assessment was computed from.
#[derive(ToSchema)]
pub(crate) struct ProvenanceView {
    readings: u64,
    conflicts: u64,
    product_version: u32,
    watermark: Option<String>,
    readings_digest: String,
    engine: String,
}
