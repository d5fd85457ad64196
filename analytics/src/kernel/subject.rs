//! A unit with its traces, and its assessment.

use chrono::NaiveDate;
use model::assessment::{Assessment, Interval, MeanKinetic, Provenance, ReasonCode, Verdict};
use model::gs1::{Gtin, LotText};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::Severity;

use super::balance::{Balance, by_instant, by_start};
use super::expiry::{effective, passes_at};
use super::heat;
use super::profile::Profile;
use super::trace::Trace;
use super::verdict::Reasons;
use super::watch::Quantity;

/// Closer to its limit than this, a mean kinetic temperature is at it, K.
const MKT_ROUNDING_K: f64 = 1e-9;

/// All that an assessment of a unit depends on, but for its product.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The unit.
    pub unit: Name,
    /// Its product.
    pub gtin: Gtin,
    /// Its lot.
    pub lot: LotText,
    /// The instant asked about.
    pub as_of: ValidAt,
    /// What was recorded later does not count.
    pub known_at: Option<RecordedAt>,
    /// The unit's time.
    pub window: Interval,
    /// The date on the label.
    pub expires_on: NaiveDate,
    /// The time zone of the unit's place.
    pub zone: Option<chrono_tz::Tz>,
    /// Its temperature.
    pub temperature: Trace,
    /// Its humidity.
    pub humidity: Trace,
    /// Where its readings come from.
    pub provenance: Provenance,
}

impl Subject {
    /// What is known of the unit.
    #[must_use]
    pub fn assess(self, profile: &Profile) -> Assessment {
        let mut temperature = Balance::before(profile, Quantity::Temperature, &self.temperature);
        let mut humidity = Balance::before(profile, Quantity::Humidity, &self.humidity);
        let seen = temperature.take(profile, &self.temperature);
        humidity.take(profile, &self.humidity);
        let mut reasons = Reasons::default();
        temperature.tell(profile, &mut reasons);
        humidity.tell(profile, &mut reasons);
        if !temperature.is_heard {
            reasons.add(Verdict::Review, ReasonCode::NoReadings, None, self.window.from);
        }
        let budget = profile.product.budget.as_ref().map(|budget| {
            let (used, spent) = temperature.spent().used(budget);
            if let Some(at) = spent {
                reasons.add(Verdict::Hold, ReasonCode::Budget, None, at);
            }
            used
        });
        let frozen = temperature.is_frozen(profile);
        let mkt = self.mkt(profile, (&seen, temperature.begin), frozen, &mut reasons);
        let life = temperature.life(profile);
        let nominal_extra = (life.equivalent_s.nominal - life.elapsed_s).max(0.0);
        let effective_expiry = effective(self.expires_on, life.extra_s);
        let effective_expiry_nominal = effective(self.expires_on, nominal_extra);
        self.expiry(effective_expiry, &mut reasons);
        let (verdict, reasons) = reasons.conclude();
        Assessment {
            window: self.window,
            verdict,
            reasons,
            coverage: temperature.coverage(),
            humidity_coverage: profile.limits_humidity().then(|| humidity.coverage()),
            temperature: temperature.extent(),
            humidity: humidity.extent(),
            alarms: merged(temperature.alarms(profile), humidity.alarms(profile), by_instant),
            excursions: merged(temperature.excursions, humidity.excursions, by_start),
            mkt,
            life,
            budget,
            frozen,
            labelled_expiry: self.expires_on,
            effective_expiry,
            effective_expiry_nominal,
            provenance: self.provenance,
            unit: self.unit,
            gtin: self.gtin,
            lot: self.lot,
            as_of: self.as_of,
            known_at: self.known_at,
        }
    }

    fn mkt(
        &self,
        profile: &Profile,
        (seen, begin): (&heat::Known, i64),
        frozen: bool,
        reasons: &mut Reasons,
    ) -> Option<MeanKinetic> {
        let (watched, exposure) = (profile.product.mkt?, profile.mkt.as_ref()?);
        if frozen {
            return Some(MeanKinetic::FrozenProduct);
        }
        let mkt = seen.mkt(&watched, exposure, &self.temperature, begin);
        if let (MeanKinetic::Of(figures), Some(limit)) = (mkt, watched.limit)
            && let (Some(highest), Some(at)) = (figures.max_window_c, figures.max_window_to)
            && highest > limit.celsius() + MKT_ROUNDING_K
        {
            match watched.severity {
                Severity::Notify => {}
                Severity::Review => reasons.add(Verdict::Review, ReasonCode::Mkt, None, at),
                Severity::Hold => reasons.add(Verdict::Hold, ReasonCode::Mkt, None, at),
            }
        }
        Some(mkt)
    }

    fn expiry(&self, effective_expiry: NaiveDate, reasons: &mut Reasons) {
        let label = passes_at(self.expires_on, self.zone);
        if label <= self.window.to {
            reasons.add(Verdict::Hold, ReasonCode::Expired, None, label);
        }
        let effective = passes_at(effective_expiry, self.zone);
        if effective <= self.window.to {
            reasons.add(Verdict::Hold, ReasonCode::EffectiveExpiry, None, effective);
        }
    }
}

/// What is in either list, in order; each is by itself.
fn merged<T>(mut one: Vec<T>, mut other: Vec<T>, in_order: impl Fn(&mut [T])) -> Vec<T> {
    if !other.is_empty() {
        one.append(&mut other);
        in_order(&mut one);
    }
    one
}
