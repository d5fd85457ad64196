//! Damage: the ways in which firmware and networks spoil a message, each with what the server must make of it.

use model::rejection::Reason;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Noted, payload};
use crate::scenario::GatewaySpec;

/// The payload of `readings`, spoiled in one of several ways.
///
/// Returns the reason for which the whole message must be refused; when only one reading is spoiled, that one
/// gets the reason and the message is good.
pub(super) fn damaged(readings: &mut [Noted], spec: &GatewaySpec, rng: &mut ChaCha8Rng) -> (Vec<u8>, Option<Reason>) {
    let whole = payload::json(readings, spec);
    match rng.random_range(0..6) {
        // Cut off in the middle, as when a buffer is too small.
        0 => (whole[..whole.len() / 2].to_vec(), Some(Reason::Json)),
        // Not text at all: the bytes of another protocol.
        1 => (vec![0xff, 0x00, 0x17, 0xc0, 0xde], Some(Reason::Json)),
        // JSON of another shape.
        2 => (b"{\"status\":\"online\",\"uptime_s\":81}".to_vec(), Some(Reason::Shape)),
        // The error value of a 16-bit sensor.
        3 => spoil(readings, spec, rng, (Reason::Range, "temperature_c", "327.67")),
        4 => spoil(readings, spec, rng, (Reason::Time, "at", "\"yesterday\"")),
        _ => spoil(readings, spec, rng, (Reason::Name, "sensor", "\"probe 7/left\"")),
    }
}

/// Replaces one field of one reading by `value`.
fn spoil(
    readings: &mut [Noted],
    spec: &GatewaySpec,
    rng: &mut ChaCha8Rng,
    (reason, field, value): (Reason, &str, &str),
) -> (Vec<u8>, Option<Reason>) {
    let victim = rng.random_range(0..readings.len());
    readings[victim].refusal = Some(reason);
    let mut out = b"{\"readings\":[".to_vec();
    for (index, noted) in readings.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if index != victim {
            payload::reading(noted, spec, &mut out);
            continue;
        }
        let mut one = Vec::new();
        payload::reading(noted, spec, &mut one);
        out.extend_from_slice(&with_field(&one, field, value));
    }
    out.extend_from_slice(b"]}");
    (out, None)
}

/// `json` (one flat object) with the value of `field` replaced.
fn with_field(json: &[u8], field: &str, value: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(json);
    let key = format!("\"{field}\":");
    let Some(begin) = text.find(&key).map(|at| at + key.len()) else { return json.to_vec() };
    let end = text[begin..].find([',', '}']).map_or(text.len(), |at| begin + at);
    [&text[..begin], value, &text[end..]].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_one_field_and_nothing_else() {
        let json = br#"{"sensor":"A","at":"2026-11-22T10:00:00.000Z","temperature_c":4.31}"#;
        assert_eq!(
            with_field(json, "temperature_c", "327.67"),
            br#"{"sensor":"A","at":"2026-11-22T10:00:00.000Z","temperature_c":327.67}"#
        );
        assert_eq!(
            with_field(json, "sensor", "\"x y\""),
            br#"{"sensor":"x y","at":"2026-11-22T10:00:00.000Z","temperature_c":4.31}"#
        );
    }
}
