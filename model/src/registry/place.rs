//! Places, and the sensors that watch them or travel with units.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::amount::TemperatureSpan;
use super::entity::{Kind, Record};
use super::read::Object;
use super::value;
use crate::gs1::Gln;
use crate::instant::{ValidAt, to_rfc3339};
use crate::name::Name;

/// Where units can be. Key: its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its key.
    pub id: Name,
    /// Its name for people.
    pub name: Option<Box<str>>,
    /// What it is.
    pub kind: PlaceKind,
    /// The place it is inside of; it may be registered later.
    pub parent: Option<Name>,
    /// Its global location number.
    pub gln: Option<Gln>,
    /// The time zone in which its days end.
    pub timezone: Option<chrono_tz::Tz>,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words say it")]
pub enum PlaceKind {
    ColdRoom,
    Freezer,
    Store,
    Vehicle,
    Container,
    Dock,
    Customer,
    Hospital,
    Site,
}

const PLACE_KINDS: [(&str, PlaceKind); 9] = [
    ("cold_room", PlaceKind::ColdRoom),
    ("freezer", PlaceKind::Freezer),
    ("store", PlaceKind::Store),
    ("vehicle", PlaceKind::Vehicle),
    ("container", PlaceKind::Container),
    ("dock", PlaceKind::Dock),
    ("customer", PlaceKind::Customer),
    ("hospital", PlaceKind::Hospital),
    ("site", PlaceKind::Site),
];

impl PlaceKind {
    /// The stable word for this kind of place.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        PLACE_KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

impl Record for Place {
    const KIND: Kind = Kind::Place;
    type Key = Name;

    fn key(&self) -> Name {
        self.id.clone()
    }

    fn key_text(key: &Name) -> String {
        key.to_string()
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let id = object.required("id", value::name);
        let name = object.optional("name", value::label);
        let kind = object.required("kind", value::word(&PLACE_KINDS));
        let parent = object.optional("parent", value::name);
        let gln = object.optional("gln", value::gln);
        let timezone = object.optional("timezone", value::time_zone);
        object.finish();
        Some(Self { id: id?, name: name?, kind: kind?, parent: parent?, gln: gln?, timezone: timezone? })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({ "id": self.id.as_str(), "kind": self.kind.as_str() });
        let optional = [
            ("name", self.name.as_deref()),
            ("parent", self.parent.as_ref().map(Name::as_str)),
            ("gln", self.gln.as_ref().map(Gln::as_str)),
            ("timezone", self.timezone.map(chrono_tz::Tz::name)),
        ];
        for (field, given) in optional {
            if let Some(given) = given {
                json[field] = json!(given);
            }
        }
        json
    }
}

/// What measures. Key: its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// Its key, the name in its readings.
    pub id: Name,
    /// How far its temperature may be off, either way; never negative.
    pub accuracy: Option<TemperatureSpan>,
    /// How often it is meant to measure.
    pub interval: Option<Duration>,
    /// What its silence means.
    pub source: SensorSource,
    /// When it must be calibrated again.
    pub calibration_due: Option<NaiveDate>,
    /// Its calibrations, by the instant each holds from.
    pub calibrations: Vec<Calibration>,
}

/// What a sensor sends, and so what its silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SensorSource {
    /// Every interval; silence is unknown.
    Continuous,
    /// On a change; its trace is a step.
    OnChange,
    /// Out of limits only; silence is attested by the device's own summary, else unknown.
    ExceptionOnly,
}

/// What one certificate says of a sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Since when it holds.
    pub from: ValidAt,
    /// What is added to a reading to correct it.
    pub offset: TemperatureSpan,
    /// How far the corrected value may still be off; never negative.
    pub uncertainty: Option<TemperatureSpan>,
    /// The certificate.
    pub certificate: Option<Box<str>>,
}

const SOURCES: [(&str, SensorSource); 3] = [
    ("continuous", SensorSource::Continuous),
    ("on_change", SensorSource::OnChange),
    ("exception_only", SensorSource::ExceptionOnly),
];

impl SensorSource {
    /// The stable word for this source.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        SOURCES.iter().find(|(_, source)| *source == self).map_or("", |(word, _)| word)
    }
}

impl Record for Sensor {
    const KIND: Kind = Kind::Sensor;
    type Key = Name;

    fn key(&self) -> Name {
        self.id.clone()
    }

    fn key_text(key: &Name) -> String {
        key.to_string()
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let id = object.required("id", value::name);
        let accuracy = object.optional("accuracy_c", value::positive_kelvin);
        let interval = object.optional("interval_s", value::positive_seconds);
        let source = object.with_default("source", SensorSource::Continuous, value::word(&SOURCES));
        let calibration_due = object.optional("calibration_due", value::date);
        let mut calibrations = object.objects("calibrations", Calibration::read);
        if let Some(calibrations) = &mut calibrations {
            let mut seen = BTreeSet::new();
            for (index, calibration) in calibrations.iter().enumerate() {
                if !seen.insert(calibration.from) {
                    let field = format!("calibrations/{index}/from");
                    object.refuse_at(&field, "begins at the same instant as another calibration: keep one");
                }
            }
            calibrations.sort_by_key(|calibration| calibration.from);
        }
        object.finish();
        Some(Self {
            id: id?,
            accuracy: accuracy?,
            interval: interval?,
            source: source?,
            calibration_due: calibration_due?,
            calibrations: calibrations?,
        })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.id.as_str(),
            "source": self.source.as_str(),
            "calibrations": self.calibrations.iter().map(Calibration::to_json).collect::<Vec<_>>(),
        });
        if let Some(accuracy) = self.accuracy {
            json["accuracy_c"] = json!(accuracy.kelvin());
        }
        if let Some(interval) = self.interval {
            json["interval_s"] = value::seconds_json(interval);
        }
        if let Some(due) = self.calibration_due {
            json["calibration_due"] = json!(due.to_string());
        }
        json
    }
}

impl Calibration {
    fn read(mut object: Object<'_>) -> Option<Self> {
        let from = object.required("from", value::instant);
        let offset = object.with_default("offset_c", TemperatureSpan::default(), value::kelvin);
        let uncertainty = object.optional("uncertainty_c", value::positive_kelvin);
        let certificate = object.optional("certificate", value::label);
        object.finish();
        Some(Self { from: from?, offset: offset?, uncertainty: uncertainty?, certificate: certificate? })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({ "from": value::instant_json(self.from), "offset_c": self.offset.kelvin() });
        if let Some(uncertainty) = self.uncertainty {
            json["uncertainty_c"] = json!(uncertainty.kelvin());
        }
        if let Some(certificate) = &self.certificate {
            json["certificate"] = json!(certificate);
        }
        json
    }
}

/// What is known by (a name, an instant): the shape of most keys.
pub type Event = (Name, ValidAt);

/// The text of such a key.
pub(crate) fn event_text(key: &Event) -> String {
    format!("{}/{}", key.0, to_rfc3339(key.1.millis()))
}
