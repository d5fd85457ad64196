//! Holds, evidence and acceptances as JSON: the form the ledger keeps, hashes and shows.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::{Fields, date, name, noted, recorded_at, text, told, valid_at, whole};
use super::{
    Acceptance, Act, Basis, Cause, Disposition, Evidence, Figures, Hold, HoldId, HoldState, IncidentId, Meaning,
    Quarantine, Scope, Version,
};
use crate::assessment::{Alarm, EndKind, Excursion, Reason, ReasonCode, StartKind, Verdict};
use crate::gs1::{Gtin, LotKey, LotText};
use crate::instant::ValidAt;
use crate::name::Name;

const CODES: [ReasonCode; 14] = [
    ReasonCode::Excursion,
    ReasonCode::Frozen,
    ReasonCode::Budget,
    ReasonCode::Expired,
    ReasonCode::EffectiveExpiry,
    ReasonCode::ModelRange,
    ReasonCode::WorstCase,
    ReasonCode::Unmonitored,
    ReasonCode::SensorSilent,
    ReasonCode::FreezePossible,
    ReasonCode::GuardBand,
    ReasonCode::NoReadings,
    ReasonCode::Level,
    ReasonCode::Mkt,
];
const STARTS: [StartKind; 4] = [StartKind::Crossing, StartKind::SeriesStart, StartKind::AfterGap, StartKind::Handover];
const ENDS: [EndKind; 3] = [EndKind::Recovered, EndKind::Gap, EndKind::Open];

fn code(value: &Value) -> Option<ReasonCode> {
    CODES.into_iter().find(|code| Some(code.as_str()) == value.as_str())
}

impl Scope {
    /// It as JSON: `{"unit":…}`, `{"gtin":…,"lot":…}` or `{"place":…}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Unit(unit) => json!({ "unit": unit.as_str() }),
            Self::Lot(key) => json!({ "gtin": key.gtin.as_str(), "lot": key.lot.as_str() }),
            Self::Place(place) => json!({ "place": place.as_str() }),
        }
    }

    fn read(value: &Value) -> Option<Self> {
        let field = |field: &str| value.get(field);
        if let Some(unit) = field("unit") {
            return name(unit).map(Self::Unit);
        }
        if let Some(place) = field("place") {
            return name(place).map(Self::Place);
        }
        let gtin = Gtin::parse(field("gtin")?.as_str()?).ok()?;
        let lot = LotText::parse(field("lot")?.as_str()?).ok()?;
        Some(Self::Lot(LotKey { gtin, lot }))
    }
}

impl Version {
    pub(super) fn to_json(&self) -> Value {
        let mut json = self.evidence.to_json();
        json["recorded_at"] = noted(self.recorded_at);
        json
    }

    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let recorded_at = Fields::of(value)?.read("recorded_at", recorded_at)?;
        Ok(Self { recorded_at, evidence: Arc::new(Evidence::read(value)?) })
    }
}

impl Cause {
    /// It as JSON: `{"code":…,"rule":…}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "code": self.code(), "rule": self.rule().map(Name::as_str) })
    }

    pub(super) fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value).ok()?;
        if fields.any("code").ok()?.as_str() == Some(Self::Manual.code()) {
            return Some(Self::Manual);
        }
        Some(Self::Finding { code: fields.read("code", code).ok()?, rule: fields.maybe("rule", name).ok()? })
    }
}

/// A reason as JSON.
#[must_use]
pub fn reason_json(reason: &Reason) -> Value {
    json!({
        "verdict": reason.verdict.as_str(),
        "code": reason.code.as_str(),
        "rule": reason.rule.as_ref().map(Name::as_str),
        "at": told(reason.at),
    })
}

fn read_reason(value: &Value) -> Result<Reason, String> {
    let fields = Fields::of(value)?;
    Ok(Reason {
        verdict: fields.read("verdict", |value| Verdict::parse(value.as_str()?))?,
        code: fields.read("code", code)?,
        rule: fields.maybe("rule", name)?,
        at: fields.read("at", valid_at)?,
    })
}

fn excursion_json(excursion: &Excursion) -> Value {
    json!({
        "rule": excursion.rule.as_str(),
        "start": told(excursion.start),
        "end": excursion.end.map(told),
        "start_kind": excursion.start_kind.as_str(),
        "end_kind": excursion.end_kind.as_str(),
        "duration_s": excursion.duration_s,
        "time_out_s": excursion.time_out_s,
        "peak": excursion.peak,
        "peak_at": told(excursion.peak_at),
        "degree_seconds": excursion.degree_seconds,
    })
}

fn read_excursion(value: &Value) -> Result<Excursion, String> {
    let fields = Fields::of(value)?;
    let start_kind = |value: &Value| STARTS.into_iter().find(|kind| Some(kind.as_str()) == value.as_str());
    let end_kind = |value: &Value| ENDS.into_iter().find(|kind| Some(kind.as_str()) == value.as_str());
    Ok(Excursion {
        rule: fields.read("rule", name)?,
        start: fields.read("start", valid_at)?,
        end: fields.maybe("end", valid_at)?,
        start_kind: fields.read("start_kind", start_kind)?,
        end_kind: fields.read("end_kind", end_kind)?,
        duration_s: fields.read("duration_s", Value::as_f64)?,
        time_out_s: fields.read("time_out_s", Value::as_f64)?,
        peak: fields.read("peak", Value::as_f64)?,
        peak_at: fields.read("peak_at", valid_at)?,
        degree_seconds: fields.read("degree_seconds", Value::as_f64)?,
    })
}

fn read_alarm(value: &Value) -> Result<Alarm, String> {
    let fields = Fields::of(value)?;
    Ok(Alarm {
        rule: fields.read("rule", name)?,
        at: fields.maybe("at", valid_at)?,
        worst_case_at: fields.maybe("worst_case_at", valid_at)?,
    })
}

impl Evidence {
    /// It as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let alarm = |alarm: &Alarm| {
            json!({
                "rule": alarm.rule.as_str(),
                "at": alarm.at.map(told),
                "worst_case_at": alarm.worst_case_at.map(told),
            })
        };
        let (readings_digest, figures) = match &self.basis {
            Basis::Unit { readings_digest, figures } => (Some(readings_digest), Some(figures)),
            Basis::Shared { .. } => (None, None),
        };
        let mut json = json!({
            "as_of": told(self.as_of),
            "since": self.since.iter().copied().map(told).collect::<Vec<_>>(),
            "excursions": self.excursions.iter().map(excursion_json).collect::<Vec<_>>(),
            "alarms": self.alarms.iter().map(alarm).collect::<Vec<_>>(),
            "watermark": self.watermark.map(told),
            "product_version": self.product_version,
            "readings_digest": readings_digest,
            "budget_used_fraction": figures.and_then(|figures| figures.budget_used_fraction),
            "extra_s": figures.map(|figures| figures.extra_s),
            "life_allowance_s": figures.map(|figures| figures.life_allowance_s),
            "effective_expiry": figures.map(|figures| figures.effective_expiry.to_string()),
        });
        if let Some(from) = self.basis.from() {
            // A field that records of units do not have: what was signed must stay as it was.
            json["shared_from"] = told(from);
        }
        json
    }

    /// Reads what [`Evidence::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value)?;
        let instant = |value: &Value| valid_at(value).ok_or_else(|| "is not an instant".to_owned());
        Ok(Self {
            as_of: fields.read("as_of", valid_at)?,
            since: fields.list("since", instant)?,
            excursions: fields.list("excursions", read_excursion)?,
            alarms: fields.list("alarms", read_alarm)?,
            watermark: fields.maybe("watermark", valid_at)?,
            product_version: fields.read("product_version", whole)?,
            basis: match value.get("shared_from") {
                Some(from) => {
                    let from = valid_at(from).ok_or_else(|| "`shared_from` is not an instant".to_owned())?;
                    Basis::Shared { from }
                }
                None => Basis::Unit {
                    readings_digest: fields.read("readings_digest", text)?,
                    figures: Figures {
                        budget_used_fraction: fields.maybe("budget_used_fraction", Value::as_f64)?,
                        extra_s: fields.read("extra_s", Value::as_f64)?,
                        life_allowance_s: fields.read("life_allowance_s", Value::as_f64)?,
                        effective_expiry: fields.read("effective_expiry", date)?,
                    },
                },
            },
        })
    }
}

impl Act {
    fn to_json(&self) -> Value {
        json!({
            "meaning": self.meaning.state().as_str(),
            "disposition": self.meaning.disposition().map(Disposition::as_str),
            "by": self.by.as_str(),
            "at": noted(self.at),
            "reason": self.reason,
            "record": self.record,
            "accepted": self.accepted.as_ref().map(Evidence::to_json),
        })
    }

    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value)?;
        let accepted = match fields.any("accepted")? {
            Value::Null => None,
            accepted => Some(Evidence::read(accepted)?),
        };
        Ok(Self {
            meaning: Meaning::read(fields.any("meaning")?, fields.any("disposition")?)?,
            by: fields.read("by", name)?,
            at: fields.read("at", recorded_at)?,
            reason: fields.read("reason", text)?,
            record: fields.read("record", text)?,
            accepted,
        })
    }
}

impl Meaning {
    /// Reads the words of a meaning and of a disposition, which may be null.
    ///
    /// # Errors
    /// When they are none, or do not go together.
    pub fn read(meaning: &Value, disposition: &Value) -> Result<Self, String> {
        let disposition = disposition.as_str().and_then(Disposition::parse);
        match (meaning.as_str().and_then(HoldState::parse), disposition) {
            (Some(HoldState::UnderReview), None) => Ok(Self::UnderReview),
            (Some(HoldState::Released), None) => Ok(Self::Released),
            (Some(HoldState::Rejected), Some(disposition)) => Ok(Self::Rejected(disposition)),
            _ => Err("has a meaning that is none".to_owned()),
        }
    }
}

impl Quarantine {
    fn to_json(&self) -> Value {
        let confirmed = self.confirmed.as_ref();
        json!({
            "place": self.place.as_str(),
            "confirmed_by": confirmed.map(|(by, _)| by.as_str()),
            "confirmed_at": confirmed.map(|(_, at)| noted(*at)),
        })
    }

    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value).ok()?;
        let by = fields.maybe("confirmed_by", name).ok()?;
        let at = fields.maybe("confirmed_at", recorded_at).ok()?;
        Some(Self { place: fields.read("place", name).ok()?, confirmed: by.zip(at) })
    }
}

impl Hold {
    /// It as JSON: the record that is signed and shown.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "scope": self.scope.to_json(),
            "cause": self.cause.to_json(),
            "incident": self.incident.name().as_str(),
            "state": self.state.as_str(),
            "placed_at": noted(self.placed_at),
            "author": self.author.as_str(),
            "reason": self.reason,
            "inherited_from": self.inherited_from.map(|id| id.to_string()),
            "evidence": self.evidence.iter().map(Version::to_json).collect::<Vec<_>>(),
            "quarantine": self.quarantine.as_ref().map(Quarantine::to_json),
            "acts": self.acts.iter().map(Act::to_json).collect::<Vec<_>>(),
        })
    }

    /// Reads what [`Hold::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value)?;
        let id = |value: &Value| HoldId::parse(value.as_str()?);
        Ok(Self {
            id: fields.read("id", id)?,
            scope: fields.read("scope", Scope::read)?,
            cause: fields.read("cause", Cause::read)?,
            incident: fields.read("incident", name).map(IncidentId::new)?,
            state: fields.read("state", |value| HoldState::parse(value.as_str()?))?,
            placed_at: fields.read("placed_at", recorded_at)?,
            author: fields.read("author", name)?,
            reason: fields.maybe("reason", text)?,
            inherited_from: fields.maybe("inherited_from", id)?,
            evidence: fields.list("evidence", Version::read)?,
            quarantine: fields.maybe("quarantine", Quarantine::read)?,
            acts: fields.list("acts", Act::read)?,
        })
    }
}

impl Acceptance {
    /// What is accepted, as JSON: the record that is signed.
    #[must_use]
    pub fn record_json(unit: &Name, reasons: &[Reason], as_of: ValidAt, readings_digest: &str) -> Value {
        json!({
            "unit": unit.as_str(),
            "reasons": reasons.iter().map(reason_json).collect::<Vec<_>>(),
            "as_of": told(as_of),
            "readings_digest": readings_digest,
        })
    }

    /// It as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = Self::record_json(&self.unit, &self.reasons, self.as_of, &self.readings_digest);
        json["by"] = json!(self.by.as_str());
        json["at"] = noted(self.at);
        json["reason"] = json!(self.reason);
        json["record"] = json!(self.record);
        json
    }

    /// Reads what [`Acceptance::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value)?;
        Ok(Self {
            unit: fields.read("unit", name)?,
            reasons: fields.list("reasons", read_reason)?,
            as_of: fields.read("as_of", valid_at)?,
            readings_digest: fields.read("readings_digest", text)?,
            by: fields.read("by", name)?,
            at: fields.read("at", recorded_at)?,
            reason: fields.read("reason", text)?,
            record: fields.read("record", text)?,
        })
    }
}
