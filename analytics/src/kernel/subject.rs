//! A unit with its traces, and its assessment.

use chrono::NaiveDate;
use model::assessment::{Assessment, Interval, MeanKinetic, Provenance, ReasonCode, Verdict};
use model::gs1::{Gtin, LotText};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::Severity;

use super::budget;
use super::excursion::{Found, Out};
use super::expiry::{effective, passes_at};
use super::heat;
use super::known::Known;
use super::level::Beyond;
use super::life::life;
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
        let product = &profile.product;
        let (temperature, humidity) = (Known::of(&self.temperature), Known::of(&self.humidity));
        let mut reasons = Reasons::default();
        let (mut excursions, mut alarms) = (Vec::new(), Vec::new());
        let mut out: Vec<Beyond> = Vec::new();
        let mut frozen = false;
        for watch in &profile.watches {
            let (trace, known) = match watch.quantity {
                Quantity::Temperature => (&self.temperature, &temperature),
                Quantity::Humidity => (&self.humidity, &humidity),
            };
            let found: Found = watch.evaluate(trace, known);
            frozen |= watch.is_freeze && found.alarms.iter().any(|alarm| alarm.at.is_some());
            reasons.of_rule(watch, &found);
            let silent = found.alarms.iter().all(|alarm| alarm.at.is_none());
            if product.guard_band
                && silent
                && watch.severity != Severity::Notify
                && let Some(at) = watch.fires_within_doubt(trace, known)
            {
                reasons.add(Verdict::Review, ReasonCode::GuardBand, Some(&watch.id), at);
            }
            if watch.quantity == Quantity::Temperature && !watch.limit.view.is_mirrored() {
                out.extend(found.times.iter().map(Out::time));
            }
            excursions.extend(found.excursions);
            alarms.extend(found.alarms);
        }
        excursions.sort_by(|left, right| (left.start, &left.rule).cmp(&(right.start, &right.rule)));
        alarms.sort_by_cached_key(|alarm| (alarm.at.or(alarm.worst_case_at), alarm.rule.clone()));

        if !heat::is_heard(&self.temperature) {
            reasons.add(Verdict::Review, ReasonCode::NoReadings, None, self.window.from);
        }
        reasons.of_silence(product, &temperature);
        reasons.of_model(product, &self.temperature);
        let budget = product.budget.as_ref().map(|budget| {
            let (used, spent) = budget::used(budget, &self.temperature);
            if let Some(at) = spent {
                reasons.add(Verdict::Hold, ReasonCode::Budget, None, at);
            }
            used
        });
        let life = life(profile.aging.as_ref(), &self.temperature, &temperature, out);
        let seen = heat::Known::of(&self.temperature);
        let mkt = self.mkt(profile, &seen, frozen, &mut reasons);
        let nominal_extra = (life.equivalent_s.nominal - life.elapsed_s).max(0.0);
        let effective_expiry = effective(self.expires_on, life.extra_s);
        let effective_expiry_nominal = effective(self.expires_on, nominal_extra);
        self.expiry(effective_expiry, &mut reasons);
        let (verdict, reasons) = reasons.conclude();
        Assessment {
            window: self.window,
            verdict,
            reasons,
            excursions,
            alarms,
            coverage: temperature.coverage(),
            humidity_coverage: profile.limits_humidity().then(|| humidity.coverage()),
            temperature: seen.extent(&self.temperature),
            humidity: heat::Known::of(&self.humidity).extent(&self.humidity),
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

    fn mkt(&self, profile: &Profile, seen: &heat::Known, frozen: bool, reasons: &mut Reasons) -> Option<MeanKinetic> {
        let (watched, exposure) = (profile.product.mkt?, profile.mkt.as_ref()?);
        if frozen {
            return Some(MeanKinetic::FrozenProduct);
        }
        let mkt = seen.mkt(&watched, exposure, &self.temperature);
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
