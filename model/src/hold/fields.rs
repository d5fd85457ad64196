//! Reading and writing single fields of the ledger's JSON.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::instant::{RecordedAt, ValidAt, parse_millis, to_rfc3339};
use crate::name::Name;

/// The fields of an object of the ledger, each of which must be there.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, String> {
        value.as_object().map(Self).ok_or_else(|| "is not an object".to_owned())
    }

    pub(super) fn any(&self, field: &str) -> Result<&'a Value, String> {
        self.0.get(field).ok_or_else(|| format!("has no `{field}`"))
    }

    pub(super) fn read<T>(&self, field: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<T, String> {
        read(self.any(field)?).ok_or_else(|| format!("`{field}` is not what it must be"))
    }

    /// A field that may be null.
    pub(super) fn maybe<T>(&self, field: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<Option<T>, String> {
        let value = self.any(field)?;
        if value.is_null() { Ok(None) } else { self.read(field, read).map(Some) }
    }

    pub(super) fn list<T>(&self, field: &str, read: impl Fn(&'a Value) -> Result<T, String>) -> Result<Vec<T>, String> {
        let items = self.read(field, Value::as_array)?;
        items.iter().map(|item| read(item).map_err(|what| format!("`{field}` {what}"))).collect()
    }
}

pub(super) fn name(value: &Value) -> Option<Name> {
    Name::parse(value.as_str()?).ok()
}

pub(super) fn text(value: &Value) -> Option<Box<str>> {
    value.as_str().map(Into::into)
}

pub(super) fn millis(value: &Value) -> Option<i64> {
    value.as_str().and_then(parse_millis)
}

pub(super) fn valid_at(value: &Value) -> Option<ValidAt> {
    millis(value).map(ValidAt::from_millis)
}

pub(super) fn recorded_at(value: &Value) -> Option<RecordedAt> {
    millis(value).map(RecordedAt::from_millis)
}

pub(super) fn date(value: &Value) -> Option<NaiveDate> {
    value.as_str()?.parse().ok()
}

pub(super) fn whole(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

pub(super) fn told(at: ValidAt) -> Value {
    Value::from(to_rfc3339(at.millis()))
}

pub(super) fn noted(at: RecordedAt) -> Value {
    Value::from(to_rfc3339(at.millis()))
}
