//! From a recording to messages for the door: the same messages a gateway sends.
//!
//! What was refused is sent as well when the caller accepts that: the door refuses it for the same reason and keeps it
//! in `rejected`, with the line it stood on. A part of each element named `import` says where it comes from; the
//! dialect passes over it.

use std::collections::HashSet;

use model::instant::{parse_millis, to_rfc3339};
use model::name::Name;
use model::rejection::Reason;
use serde_json::{Map, Value, json};

use super::rows::{Recording, Refused, Taken};

/// The size at which a message is closed, bytes: well below what a door takes.
const MESSAGE_BYTES: usize = 4 << 20;

/// One message for the door.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its body, JSON.
    pub body: Vec<u8>,
    /// How many elements it has that are readings.
    pub readings: usize,
    /// How many it has that the door will refuse.
    pub refused: usize,
}

/// Which file, for the record of what was refused.
#[derive(Clone, Copy, Debug)]
struct Origin<'a> {
    file: &'a str,
    sha256: &'a str,
}

/// The messages of `recording`. Of what was refused only what `refused` lets through is in them.
#[must_use]
pub fn messages(
    recording: &Recording,
    (site, gateway): (&Name, &Name),
    (file, sha256): (&str, &str),
    refused: impl Fn(&Refused) -> bool,
) -> Vec<Message> {
    let head = format!("{{\"site\":\"{site}\",\"gateway\":\"{gateway}\",\"readings\":[");
    let mut messages = Vec::new();
    let mut body = head.clone().into_bytes();
    let (mut readings, mut bad) = (0, 0);
    let origin = Origin { file, sha256 };
    let taken = recording.taken.iter().map(|taken| (reading(taken), false));
    let refusals = recording.refused.iter().filter(|row| refused(row)).map(|row| (refusal(row, origin), true));
    for (element, is_bad) in taken.chain(refusals) {
        if readings + bad > 0 {
            body.push(b',');
        }
        body.extend_from_slice(element.to_string().as_bytes());
        if is_bad {
            bad += 1
        } else {
            readings += 1
        }
        if body.len() >= MESSAGE_BYTES {
            body.extend_from_slice(b"]}");
            let full = std::mem::replace(&mut body, head.clone().into_bytes());
            messages.push(Message { body: full, readings, refused: bad });
            (readings, bad) = (0, 0);
        }
    }
    if readings + bad > 0 {
        body.extend_from_slice(b"]}");
        messages.push(Message { body, readings, refused: bad });
    }
    messages
}

fn reading(taken: &Taken) -> Value {
    let mut element = Map::new();
    element.insert("sensor".into(), json!(taken.sensor.as_str()));
    element.insert("at".into(), json!(taken.measured_at.millis()));
    if let Some(temperature) = taken.temperature {
        element.insert("temperature_c".into(), json!(temperature.celsius()));
    }
    if let Some(humidity) = taken.humidity {
        element.insert("humidity_pct".into(), json!(humidity.percent()));
    }
    if let Some(unit) = &taken.unit {
        element.insert("unit".into(), json!(unit.as_str()));
    }
    Value::Object(element)
}

/// A row as the door will refuse it: with what is wrong about it in the place where it is wrong.
fn refusal(row: &Refused, origin: Origin<'_>) -> Value {
    let mut element = Map::new();
    let values = [("temperature_c", row.temperature), ("humidity_pct", row.humidity)];
    let values = values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    let values = values.chain(row.unit.iter().map(|unit| ("unit".to_owned(), json!(unit))));
    match row.reason {
        Reason::Time => {
            // A text that the door could read after all must not become a reading here.
            let readable = parse_millis(&row.written).is_some();
            let at = if readable { format!("? {}", row.written) } else { row.written.clone() };
            element.insert("sensor".into(), json!(row.sensor));
            element.insert("at".into(), json!(at));
            element.extend(values);
        }
        Reason::Name | Reason::Clock | Reason::Range => {
            element.insert("sensor".into(), json!(row.sensor));
            element.insert("at".into(), json!(row.at.unwrap_or_default()));
            element.extend(values);
        }
        // Without a sensor it is of no shape that could be taken.
        _ => element.extend(row.at.map(|at| ("at".to_owned(), json!(to_rfc3339(at))))),
    }
    let mut import = Map::new();
    import.insert("sha256".into(), json!(origin.sha256));
    import.insert("file".into(), json!(origin.file));
    import.insert("line".into(), json!(row.line));
    import.insert("part".into(), json!(row.part));
    import.insert("what".into(), json!(row.what));
    import.insert("row".into(), json!(row.row));
    element.insert("import".into(), Value::Object(import));
    Value::Object(element)
}

/// A text that the payloads of a file's refused rows have in them and no others.
#[must_use]
pub fn is_of_file(sha256: &str) -> String {
    format!("\"import\":{{\"sha256\":\"{sha256}\"")
}

/// The line and the part of a refused row that lies in `rejected`.
#[must_use]
pub fn refusal_line(payload: &str) -> Option<(u64, u32)> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let import = &payload["import"];
    Some((import["line"].as_u64()?, u32::try_from(import["part"].as_u64()?).ok()?))
}

/// Lines and parts.
pub type Lines = HashSet<(u64, u32)>;
