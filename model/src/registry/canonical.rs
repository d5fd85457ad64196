//! The canonical form of a JSON value: one spelling for one content.
//!
//! Keys in byte order, no white space, each number the shortest decimal that reads back to the same f64 (a
//! whole number has no fraction: `8`, never `8.0`), texts escaped only where JSON demands it, UTF-8. Two
//! contents are the same when, and only when, their canonical bytes are. The ledger hashes this form.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// `value` in canonical form.
#[must_use]
pub fn to_canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// How deep a value may be nested.
const DEEPEST: usize = 128;

/// The value `text` spells, each number the f64 nearest to its decimal: what [`to_canonical`] wrote reads back to the
/// bit. The usual reader may be off by the last bit.
///
/// # Errors
/// When `text` is not JSON, or nested deeper than 128 levels.
pub fn from_canonical(text: &str) -> Result<Value, serde_json::Error> {
    exact(serde_json::from_str(text)?, DEEPEST)
}

fn exact(raw: &RawValue, depth: usize) -> Result<Value, serde_json::Error> {
    let Some(depth) = depth.checked_sub(1) else { return Err(serde_json::Error::custom("is nested too deep")) };
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            fields.into_iter().map(|(field, raw)| Ok((field, exact(raw, depth)?))).collect()
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            items.into_iter().map(|raw| exact(raw, depth)).collect()
        }
        Some(b'-' | b'0'..=b'9') if text.contains(['.', 'e', 'E']) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            number.map(Value::Number).ok_or_else(|| serde_json::Error::custom("has a number out of range"))
        }
        _ => serde_json::from_str(text),
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_unstable_by(|left, right| left.0.as_bytes().cmp(right.0.as_bytes()));
            out.push('{');
            for (index, (field, item)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(field, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

/// Up to 2⁵³ every whole f64 is an integer of its own; beyond, the float's own spelling stands.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, reason = "whole and within ±2⁵³")]
fn write_number(number: &Number, out: &mut String) {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT_INTEGERS => {
            out.push_str(&(float as i64).to_string());
        }
        _ => out.push_str(&number.to_string()),
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if u32::from(control) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_content_has_one_spelling() {
        let spellings = [
            r#"{"b":[1.0,-0.0,2.50],"a":"x\u00e4\u0001\/","c":1e2}"#,
            "{ \"c\":100, \"a\":\"xä\\u0001/\",\n \"b\":[1,0,2.5]}",
        ];
        for spelling in spellings {
            let value: Value = serde_json::from_str(spelling).unwrap();
            assert_eq!(to_canonical(&value), "{\"a\":\"xä\\u0001/\",\"b\":[1,0,2.5],\"c\":100}");
        }
    }

    #[test]
    fn numbers_read_back_to_the_same_f64() {
        for float in [
            0.1_f64,
            83.144,
            1_234.567_890_123_456_7,
            8.315e-17,
            0.300_000_000_000_000_04,
            1e-9,
            1.797e308,
            5e-324,
            9_007_199_254_740_993.0,
            -0.5,
        ] {
            let text = to_canonical(&serde_json::json!(float));
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), float.to_bits(), "{text}");
            let listed = format!("[{text},{{\"a\":{text}}}]");
            assert_eq!(to_canonical(&from_canonical(&listed).unwrap()), listed);
        }
        assert_eq!(to_canonical(&serde_json::json!(u64::MAX)), u64::MAX.to_string());
    }
}
