//! A unit as it is sent: as it was registered, and how it stands now.

use model::assessment::Reason;
use model::gs1::LotKey;
use model::instant::{ValidAt, to_rfc3339};
use model::name::Name;
use serde::Serialize;
use utoipa::ToSchema;

use crate::stock::{Counts, LotStock, Standing, Stock, split_from};

/// A unit, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitView {
    /// Its id; 18 digits are an SSCC.
    id: String,
    /// Its product.
    gtin: String,
    /// Its lot.
    lot: String,
    /// How many it was when it came to be.
    quantity: u64,
    /// How many were not split off since.
    remaining_quantity: u64,
    /// Since when it is tracked by itself.
    at: String,
    /// Where it is.
    place: Option<String>,
    /// The site that is on, or the last one it was on.
    site: Option<String>,
    /// Where it was registered.
    registered_place: Option<String>,
    /// The unit it was split from.
    split_from: Option<String>,
    /// When it ended.
    closed_at: Option<String>,
    /// How it ended, for instance `delivered`.
    closed_as: Option<String>,
    /// The version of the record; the first is 1.
    version: u32,
    /// When this version was recorded.
    recorded_at: String,
    /// `pass`, `review`, `indeterminate` or `hold`; null as long as it was not assessed.
    verdict: Option<&'static str>,
    /// What speaks against it.
    reasons: Vec<ReasonView>,
    /// Whether it may be issued now.
    issuable: bool,
    /// The holds about it that are undecided: its own, its lot's, those of the places it is in.
    holds: Vec<String>,
    /// The instant it was assessed at.
    as_of: Option<String>,
    /// The date on the label.
    labelled_expiry: Option<String>,
    /// The label minus the extra ageing at its upper bound.
    effective_expiry: Option<String>,
    /// The label minus the nominal extra ageing.
    effective_expiry_nominal: Option<String>,
    /// The extra ageing at its upper bound, seconds.
    extra_s: Option<f64>,
    /// How many of its excursions are under way.
    running_excursions: usize,
    /// The newest reading of the sensors that make its trace now.
    last_reading_at: Option<String>,
}

/// One reason of a verdict.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonView {
    /// The stable word, for instance `excursion`.
    code: &'static str,
    /// The rule, where one is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// When it began to hold.
    at: String,
}

impl From<&Reason> for ReasonView {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.as_str(),
            rule: reason.rule.as_ref().map(ToString::to_string),
            at: reason.at.to_string(),
        }
    }
}

impl UnitView {
    /// The unit of `standing`.
    pub(crate) fn of(stock: &Stock, standing: &Standing) -> Self {
        let registry = stock.registry();
        let unit = &standing.unit;
        let registered = registry.units.get(unit);
        let split = registry.splits_into(unit).next();
        let (version, recorded_at) = registered
            .map(|recorded| (recorded.version, recorded.recorded_at))
            .or_else(|| split.map(|recorded| (recorded.version, recorded.recorded_at)))
            .map_or((1, None), |(version, at)| (version, Some(at)));
        let began = registry.beginning(unit).map(|(at, _)| at);
        let assessment = standing.assessment.as_deref();
        let watermark = assessment.and_then(|assessment| assessment.provenance.watermark);
        // what its sensors said last, they may have said before they came to where it is
        let heard = if standing.is_open() && !stock.sight.is_limited() { stock.last_heard(unit) } else { None };
        let last_reading_at = heard.max(watermark);
        let seen = |place: &Name| stock.sight.names(place);
        let told = |at: ValidAt| at.to_string();
        let named = |name: &Name| name.to_string();
        Self {
            id: unit.to_string(),
            gtin: standing.lot.gtin.to_string(),
            lot: standing.lot.lot.to_string(),
            quantity: standing.quantity,
            remaining_quantity: standing.remaining,
            at: began.map(told).unwrap_or_default(),
            place: standing.place.as_ref().map(named),
            site: registry.last_site_of(unit, stock.now).filter(seen).as_ref().map(named),
            registered_place: registered.and_then(|unit| unit.place.as_ref().filter(|place| seen(place)).map(named)),
            split_from: split_from(registry, unit).filter(|parent| stock.sight.unit(parent)).as_ref().map(named),
            closed_at: standing.closed.as_ref().map(|(at, _)| told(*at)),
            closed_as: standing.closed.as_ref().map(|(_, kind)| named(kind)),
            version,
            recorded_at: recorded_at.map(|at| to_rfc3339(at.millis())).unwrap_or_default(),
            verdict: assessment.map(|assessment| assessment.verdict.as_str()),
            reasons: assessment.iter().flat_map(|assessment| &assessment.reasons).map(ReasonView::from).collect(),
            issuable: standing.is_issuable(),
            holds: standing.holds.iter().map(ToString::to_string).collect(),
            as_of: assessment.map(|assessment| told(assessment.as_of)),
            labelled_expiry: registry.lots.get(&standing.lot).map(|lot| lot.expires_on.to_string()),
            effective_expiry: assessment.map(|assessment| assessment.effective_expiry.to_string()),
            effective_expiry_nominal: assessment.map(|assessment| assessment.effective_expiry_nominal.to_string()),
            extra_s: assessment.map(|assessment| assessment.life.extra_s),
            running_excursions: standing.running_excursions(),
            last_reading_at: last_reading_at.map(told),
        }
    }
}

/// How many units stand how.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountsView {
    /// Units that have not ended; the verdicts below are theirs.
    open: usize,
    /// Units that have ended.
    closed: usize,
    /// With the verdict `pass`.
    pass: usize,
    /// With the verdict `review`.
    review: usize,
    /// With the verdict `indeterminate`.
    indeterminate: usize,
    /// With the verdict `hold`.
    hold: usize,
    /// Not assessed yet.
    unassessed: usize,
    /// That may be issued now.
    issuable: usize,
    /// Against which a hold stands.
    held: usize,
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        let Counts { open, closed, pass, review, indeterminate, hold, unassessed, issuable, held } = counts;
        Self { open, closed, pass, review, indeterminate, hold, unassessed, issuable, held }
    }
}

/// A lot, and what there is of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LotView {
    /// Its product.
    gtin: String,
    /// The lot number.
    lot: String,
    /// The product's name.
    product: Option<String>,
    /// When it was made.
    manufactured_on: Option<String>,
    /// The date on the label.
    expires_on: String,
    /// The earliest effective expiry of its units that have not ended; the label, when there are none.
    effective_expiry: String,
    /// The version of the record; the first is 1.
    version: u32,
    /// When this version was recorded.
    recorded_at: String,
    /// How its units stand.
    unit_counts: CountsView,
    /// How much there is of it.
    quantity: QuantityView,
}

/// How much there is of a lot, in units that have not ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuantityView {
    /// All of it.
    open: u64,
    /// What may be issued now.
    issuable: u64,
    /// What holds stand against.
    held: u64,
}

impl LotView {
    /// The lot `key`, of which there is `held`.
    pub(crate) fn of(stock: &Stock, key: &LotKey, there: &LotStock) -> Option<Self> {
        let lot = stock.registry().lots.get(key)?;
        let product = stock.registry().products.get(&key.gtin);
        Some(Self {
            gtin: key.gtin.to_string(),
            lot: key.lot.to_string(),
            product: product.and_then(|product| product.name.as_deref().map(str::to_owned)),
            manufactured_on: lot.manufactured_on.map(|date| date.to_string()),
            expires_on: lot.expires_on.to_string(),
            effective_expiry: there.effective_expiry.unwrap_or(lot.expires_on).to_string(),
            version: lot.version,
            recorded_at: to_rfc3339(lot.recorded_at.millis()),
            unit_counts: there.units.into(),
            quantity: QuantityView { open: there.open, issuable: there.issuable, held: there.held },
        })
    }
}
