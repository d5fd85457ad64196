//! Reading a JSON object field by field: every problem is named by its pointer, no field goes unread.

use std::cell::RefCell;
use std::fmt;

use serde_json::{Map, Value};

/// What is wrong with one value of a document, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The JSON pointer of the value (RFC 6901); the empty text is the whole document.
    pub pointer: String,
    /// What is wrong and what to do, lowercase, without a full stop.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.pointer.is_empty() { "(document)" } else { self.pointer.as_str() };
        write!(f, "{whole}: {}", self.message)
    }
}

/// The problems found so far, at most [`Problems::MAX`]: a document of nonsense must not become a report
/// larger than itself.
#[derive(Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// How many problems are told at once.
    pub(crate) const MAX: usize = 1000;

    /// Notes one problem.
    pub(crate) fn push(&self, pointer: impl Into<String>, message: impl Into<String>) {
        let mut list = self.0.borrow_mut();
        if list.len() < Self::MAX {
            list.push(Problem { pointer: pointer.into(), message: message.into() });
        }
    }

    /// Everything noted, in the order it was found.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// `pointer` one step deeper, with `token` escaped as RFC 6901 asks.
pub(crate) fn step(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// One JSON object while it is read: remembers which fields were asked for, so that the rest can be refused.
pub struct Object<'a> {
    map: &'a Map<String, Value>,
    pointer: String,
    asked: Vec<&'static str>,
    problems: &'a Problems,
}

impl<'a> Object<'a> {
    /// Opens `value`, or notes that it is no object.
    pub(crate) fn open(value: &'a Value, pointer: String, problems: &'a Problems) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, pointer, asked: Vec::new(), problems }),
            other => {
                problems.push(pointer, format!("is {}: use an object", kind_of(other)));
                None
            }
        }
    }

    /// A field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        self.asked.push(field);
        match self.map.get(field) {
            None | Some(Value::Null) => {
                self.refuse(field, "is missing and must be given");
                None
            }
            Some(value) => self.tell(field, read(value)),
        }
    }

    /// A field that may be absent or `null`, which mean the same. The outer `None` says it was there and wrong.
    #[expect(clippy::option_option, reason = "absent is an answer, unreadable is not")]
    pub(crate) fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<Option<T>> {
        self.asked.push(field);
        match self.map.get(field) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.tell(field, read(value)).map(Some),
        }
    }

    /// A field that stands for `default` when absent.
    pub(crate) fn with_default<T>(
        &mut self,
        field: &'static str,
        default: T,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        self.optional(field, read).map(|given| given.unwrap_or(default))
    }

    /// An array of objects; absent is empty. Every item is read even when an earlier one is wrong.
    pub(crate) fn objects<T>(&mut self, field: &'static str, read: impl Fn(Object<'_>) -> Option<T>) -> Option<Vec<T>> {
        self.asked.push(field);
        let items = match self.map.get(field) {
            None | Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.refuse(field, format!("is {}: use an array of objects", kind_of(other)));
                return None;
            }
        };
        let mut all = Some(Vec::with_capacity(items.len()));
        let pointer = step(&self.pointer, field);
        for (index, item) in items.iter().enumerate() {
            let object = Object::open(item, step(&pointer, &index.to_string()), self.problems);
            match (object.and_then(&read), &mut all) {
                (Some(value), Some(list)) => list.push(value),
                _ => all = None,
            }
        }
        all
    }

    /// An array of plain values; absent is empty.
    pub(crate) fn values<T>(
        &mut self,
        field: &'static str,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        self.asked.push(field);
        let items = match self.map.get(field) {
            None | Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.refuse(field, format!("is {}: use an array", kind_of(other)));
                return None;
            }
        };
        let pointer = step(&self.pointer, field);
        let mut all = Some(Vec::with_capacity(items.len()));
        for (index, item) in items.iter().enumerate() {
            match (read(item), &mut all) {
                (Ok(value), Some(list)) => list.push(value),
                (Ok(_), None) => {}
                (Err(message), _) => {
                    self.problems.push(step(&pointer, &index.to_string()), message);
                    all = None;
                }
            }
        }
        all
    }

    /// An object inside this one; absent is `Some(None)`.
    #[expect(clippy::option_option, reason = "absent is an answer, unreadable is not")]
    pub(crate) fn object<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(Object<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        self.asked.push(field);
        match self.map.get(field) {
            None | Some(Value::Null) => Some(None),
            Some(value) => Object::open(value, step(&self.pointer, field), self.problems).and_then(read).map(Some),
        }
    }

    /// Notes a problem with `field`; an empty `field` means this object itself.
    pub(crate) fn refuse(&self, field: &str, message: impl Into<String>) {
        let pointer = if field.is_empty() { self.pointer.clone() } else { step(&self.pointer, field) };
        self.problems.push(pointer, message);
    }

    /// Notes a problem with a value further inside, `path` being pointer steps below this object.
    pub(crate) fn refuse_at(&self, path: &str, message: impl Into<String>) {
        self.problems.push(format!("{}/{path}", self.pointer), message);
    }

    /// Leaves fields unread whose meaning depends on a field that is wrong itself.
    pub(crate) fn ignore(&mut self, fields: &[&'static str]) {
        self.asked.extend_from_slice(fields);
    }

    /// Ends the reading: a field nobody asked for is a typo, and a typo is never ignored in silence.
    pub(crate) fn finish(self) {
        for field in self.map.keys().filter(|field| !self.asked.contains(&field.as_str())) {
            let known = self.asked.join("`, `");
            self.problems.push(step(&self.pointer, field), format!("is an unknown field: known here are `{known}`"));
        }
    }

    fn tell<T>(&self, field: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.refuse(field, message)).ok()
    }
}

/// What a JSON value is, with its article, for messages.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
