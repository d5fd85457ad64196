//! The native dialect: `{"readings":[{"sensor":…,"at":…,"temperature_c":…}]}` on
//! `coldtrail/v1/{site}/{gateway}/readings`.

use std::borrow::Cow;
use std::fmt;

use model::instant::parse_millis;
use model::name::Name;
use model::rejection::Reason;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Candidate, Decoded, Decoder, Origin};

/// The native JSON dialect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Decoder for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn origin<'t>(&self, topic: &'t str) -> Option<Origin<'t>> {
        let mut levels = topic.strip_prefix("coldtrail/v1/")?.split('/');
        let origin = Origin { site: levels.next()?, gateway: levels.next()? };
        let ours = levels.next() == Some("readings") && levels.next().is_none();
        (ours && Name::is_valid(origin.site) && Name::is_valid(origin.gateway)).then_some(origin)
    }

    fn decode<'a>(&self, payload: &'a [u8]) -> Result<Decoded<'a>, Reason> {
        // Nearly every message is well-formed throughout and read in one pass. Only if it is not, it is taken apart.
        if let Ok(Message(wires, _)) = serde_json::from_slice::<Message<'a, Wire<'a>>>(payload) {
            return Ok(wires.into_iter().map(Wire::candidate).collect());
        }
        let parts = parts(payload)?;
        Ok(parts.into_iter().map(|part| part_candidate(part.get())).collect())
    }

    fn part<'a>(&self, payload: &'a [u8], index: usize) -> &'a [u8] {
        let part = parts(payload).ok().and_then(|parts| parts.get(index).copied());
        part.map_or(payload, |part| part.get().as_bytes())
    }
}

fn parts(payload: &[u8]) -> Result<Vec<&RawValue>, Reason> {
    let message: Result<Message<'_, &RawValue>, _> = serde_json::from_slice(payload);
    message.map(|Message(parts, _)| parts).map_err(|error| match error.classify() {
        // Another shape is met before the rest is read, which may turn out not to be JSON at all.
        Category::Data if serde_json::from_slice::<IgnoredAny>(payload).is_ok() => Reason::Shape,
        Category::Data | Category::Syntax | Category::Eof | Category::Io => Reason::Json,
    })
}

fn part_candidate(part: &str) -> Result<Candidate<'_>, Reason> {
    match serde_json::from_str::<Wire<'_>>(part) {
        Ok(wire) => wire.candidate(),
        // The part is well-formed JSON; the only number that fails to parse then is one beyond f64.
        Err(error) if error.to_string().starts_with("number out of range") => Err(Reason::Range),
        Err(_) => Err(Reason::Shape),
    }
}

/// The object around the readings. Other members are left to other readers of the same document.
struct Message<'a, T>(Vec<T>, std::marker::PhantomData<&'a ()>);

/// One reading as sent.
struct Wire<'a> {
    sensor: Cow<'a, str>,
    at: At,
    temperature_c: Option<f64>,
    humidity_pct: Option<f64>,
    unit: Option<Cow<'a, str>>,
    seq: Option<i64>,
    battery_v: Option<f32>,
    rssi_dbm: Option<f32>,
}

/// A time as sent: milliseconds, or something of a right type that is no time.
#[derive(Clone, Copy)]
enum At {
    Millis(i64),
    Unreadable,
}

impl<'a> Wire<'a> {
    fn candidate(self) -> Result<Candidate<'a>, Reason> {
        let At::Millis(at) = self.at else { return Err(Reason::Time) };
        if self.temperature_c.is_none() && self.humidity_pct.is_none() {
            return Err(Reason::Shape);
        }
        Ok(Candidate {
            sensor: self.sensor,
            at,
            temperature_c: self.temperature_c,
            humidity_pct: self.humidity_pct,
            unit: self.unit,
            seq: self.seq,
            battery_v: self.battery_v,
            rssi_dbm: self.rssi_dbm,
        })
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Sensor,
    At,
    TemperatureC,
    HumidityPct,
    Unit,
    Seq,
    BatteryV,
    RssiDbm,
    Readings,
    #[serde(other)]
    Other,
}

// The visitors are written out because the derived ones also read an object's fields from an array by position,
// which would let payloads through that nobody meant.

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Message<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MessageVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MessageVisitor<T> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `readings`")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Vec<T>, M::Error> {
                let mut readings = None;
                while let Some(field) = map.next_key()? {
                    if !matches!(field, Field::Readings) {
                        map.next_value::<IgnoredAny>()?;
                    } else if readings.replace(map.next_value::<Items<T>>()?.0).is_some() {
                        return Err(M::Error::duplicate_field("readings"));
                    }
                }
                readings.ok_or_else(|| M::Error::missing_field("readings"))
            }
        }
        let readings = deserializer.deserialize_map(MessageVisitor(std::marker::PhantomData))?;
        Ok(Self(readings, std::marker::PhantomData))
    }
}

/// The array of readings.
struct Items<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ItemsVisitor<T> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of readings")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Vec<T>, S::Error> {
                let mut all = Vec::with_capacity(64);
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_seq(ItemsVisitor(std::marker::PhantomData)).map(Self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Wire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WireVisitor)
    }
}

struct WireVisitor;

impl<'de> Visitor<'de> for WireVisitor {
    type Value = Wire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reading")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Wire<'de>, M::Error> {
        let (mut sensor, mut at) = (None, None);
        let (mut temperature_c, mut humidity_pct) = (None, None);
        let (mut unit, mut seq, mut battery_v, mut rssi_dbm) = (None, None, None, None);
        while let Some(field) = map.next_key()? {
            let (name, again) = match field {
                Field::Sensor => ("sensor", sensor.replace(map.next_value::<Text<'de>>()?.0).is_some()),
                Field::At => ("at", at.replace(map.next_value::<At>()?).is_some()),
                Field::TemperatureC => ("temperature_c", temperature_c.replace(map.next_value()?).is_some()),
                Field::HumidityPct => ("humidity_pct", humidity_pct.replace(map.next_value()?).is_some()),
                Field::Unit => ("unit", unit.replace(map.next_value::<Option<Text<'de>>>()?).is_some()),
                Field::Seq => ("seq", seq.replace(map.next_value()?).is_some()),
                Field::BatteryV => ("battery_v", battery_v.replace(map.next_value()?).is_some()),
                Field::RssiDbm => ("rssi_dbm", rssi_dbm.replace(map.next_value()?).is_some()),
                Field::Readings | Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if again {
                return Err(M::Error::duplicate_field(name));
            }
        }
        Ok(Wire {
            sensor: sensor.ok_or_else(|| M::Error::missing_field("sensor"))?,
            at: at.ok_or_else(|| M::Error::missing_field("at"))?,
            temperature_c: temperature_c.flatten(),
            humidity_pct: humidity_pct.flatten(),
            unit: unit.flatten().map(|text| text.0),
            seq: seq.flatten(),
            battery_v: battery_v.flatten(),
            rssi_dbm: rssi_dbm.flatten(),
        })
    }
}

/// Text that is borrowed from the message unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Borrowed(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtVisitor;
        impl Visitor<'_> for AtVisitor {
            type Value = At;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("RFC 3339 or whole milliseconds")
            }
            fn visit_i64<E>(self, millis: i64) -> Result<At, E> {
                Ok(At::Millis(millis))
            }
            fn visit_u64<E>(self, millis: u64) -> Result<At, E> {
                // Beyond i64 it is as far from a believable clock as the end of i64 is.
                Ok(At::Millis(i64::try_from(millis).unwrap_or(i64::MAX)))
            }
            fn visit_f64<E>(self, _: f64) -> Result<At, E> {
                Ok(At::Unreadable)
            }
            fn visit_str<E>(self, text: &str) -> Result<At, E> {
                // Milliseconds are a JSON number; the same digits in quotes are not a time.
                let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'+');
                let millis = if digits { None } else { parse_millis(text) };
                Ok(millis.map_or(At::Unreadable, At::Millis))
            }
        }
        deserializer.deserialize_any(AtVisitor)
    }
}
