//! JSON text to a value, refusing an object that names a field twice.
//!
//! The usual reader keeps the last of two equal keys and says nothing; in a document that states limits of
//! medicines the first may have been the one that was meant.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::read::{Problem, Problems, step};

/// The value `text` spells.
///
/// # Errors
/// One problem when `text` is not JSON (with line and column), else one for every field named twice.
pub fn parse_json(text: &[u8]) -> Result<Value, Vec<Problem>> {
    let problems = Problems::default();
    let path = RefCell::new(String::new());
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = Strict { path: &path, problems: &problems }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match read {
        Err(cause) => Err(vec![Problem { pointer: String::new(), message: format!("is not JSON: {cause}") }]),
        Ok(value) => {
            let problems = problems.into_vec();
            if problems.is_empty() { Ok(value) } else { Err(problems) }
        }
    }
}

/// Reads one value that stands at `path`.
#[derive(Clone, Copy)]
struct Strict<'a> {
    path: &'a RefCell<String>,
    problems: &'a Problems,
}

impl Strict<'_> {
    /// Goes one step deeper; the answer is where to come back to.
    fn enter(self, token: &str) -> usize {
        let mut path = self.path.borrow_mut();
        let back = path.len();
        path.push_str(&step("", token));
        back
    }

    fn leave(self, back: usize) {
        self.path.borrow_mut().truncate(back);
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let back = self.enter(&list.len().to_string());
            let item = items.next_element_seed(self)?;
            self.leave(back);
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(field) = fields.next_key::<String>()? {
            let back = self.enter(&field);
            if map.contains_key(&field) {
                let pointer = self.path.borrow().clone();
                self.problems.push(pointer, "stands twice in one object: keep the one that is meant");
            }
            let value = fields.next_value_seed(self)?;
            self.leave(back);
            map.insert(field, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_usual_reader_reads() {
        let text = r#"{"a":[1,-2,2.5,null,true,"x\n",{}],"b":{"c":[]}}"#;
        assert_eq!(parse_json(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn names_every_field_that_stands_twice() {
        let text = r#"{"a":[{"x":1},{"x/y":1,"x/y":2}],"b":1,"b":1}"#;
        let pointers: Vec<_> = parse_json(text.as_bytes()).unwrap_err().into_iter().map(|p| p.pointer).collect();
        assert_eq!(pointers, ["/a/1/x~1y", "/b"]);
    }

    #[test]
    fn says_where_text_stops_being_json() {
        for text in ["", "{", "{\"a\":1}x", "{\"a\":1e999}", "[1,]", &"[".repeat(100_000)] {
            let problems = parse_json(text.as_bytes()).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert!(problems[0].message.starts_with("is not JSON"), "{}", problems[0]);
        }
    }
}
