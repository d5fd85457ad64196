//! Who is told of holds and alarms.

use serde_json::{Value, json};

use super::entity::{Kind, Record};
use super::read::{Object, kind_of};
use super::value;
use crate::name::Name;

/// The last level of escalation.
const LAST_LEVEL: u64 = 9;

/// The longest address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const LONGEST_ADDRESS: usize = 254;

/// A person who is told of holds and alarms. Key: id, the person's name as in signatures.
///
/// Nobody is removed: somebody who is no longer to be told gets a version with `active` false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The person.
    pub id: Name,
    /// How they are called.
    pub name: Option<Box<str>>,
    /// Where they get mail.
    pub email: Option<Box<str>>,
    /// A number messages can be sent to, `+` and 6 to 15 digits (ITU-T E.164); webhooks are told it.
    pub phone: Option<Box<str>>,
    /// In which language.
    pub language: Language,
    /// When they are told: 1 at once, 2 when nobody acknowledged for a while, and so on; up to 9.
    pub level: u32,
    /// Whether they are told at all.
    pub active: bool,
}

/// A language people are told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, simplified.
    Chinese,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its code (ISO 639-1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The language a code names.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == code)
    }
}

impl Record for Recipient {
    const KIND: Kind = Kind::Recipient;
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
        let email = object.optional("email", email);
        let phone = object.optional("phone", phone);
        let language = object.with_default("language", Language::default(), language);
        let level = object.with_default("level", 1, level);
        let active = object.with_default("active", true, value::flag);
        if let (Some(None), Some(None)) = (&email, &phone) {
            object.refuse("", "has neither `email` nor `phone`: give one");
        }
        object.finish();
        Some(Self {
            id: id?,
            name: name?,
            email: email?,
            phone: phone?,
            language: language?,
            level: level?,
            active: active?,
        })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.id.as_str(),
            "language": self.language.as_str(),
            "level": self.level,
            "active": self.active,
        });
        for (field, given) in [("name", &self.name), ("email", &self.email), ("phone", &self.phone)] {
            if let Some(given) = given {
                json[field] = json!(given);
            }
        }
        json
    }
}

/// An address that a mail server can be given: no white space, no control character, one `@` with something on both
/// sides. Whether somebody reads it, only a delivery shows.
fn email(value: &Value) -> Result<Box<str>, String> {
    let text = value::text(value)?;
    let odd =
        |character: char| character.is_whitespace() || character.is_control() || "<>()[],;:\\\"".contains(character);
    let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    match parts {
        Some((_, domain)) if text.len() <= LONGEST_ADDRESS && !domain.contains('@') && !text.contains(odd) => {
            Ok(text.into())
        }
        _ => Err("must be an address of mail, `name@domain`".into()),
    }
}

fn phone(value: &Value) -> Result<Box<str>, String> {
    let text = value::text(value)?;
    match text.strip_prefix('+') {
        Some(digits) if (6..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(text.into())
        }
        _ => Err("must be `+` and 6 to 15 digits, the country's first".into()),
    }
}

fn language(value: &Value) -> Result<Language, String> {
    Language::parse(value::text(value)?).ok_or_else(|| "must be `en` or `zh`".into())
}

fn level(value: &Value) -> Result<u32, String> {
    let level = value.as_u64().filter(|level| (1..=LAST_LEVEL).contains(level));
    let level = level.ok_or_else(|| match value {
        Value::Number(_) => format!("must be a whole number from 1 to {LAST_LEVEL}"),
        other => format!("is {}: use a whole number from 1 to {LAST_LEVEL}", kind_of(other)),
    })?;
    u32::try_from(level).map_err(|cause| cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::RegistryDocument;

    fn read(recipient: Value) -> Result<Recipient, String> {
        let document = RegistryDocument::from_value(&json!({ "recipients": [recipient] }));
        let document = document.map_err(|problems| problems[0].to_string())?;
        Ok(document.recipients[0].clone())
    }

    #[test]
    fn reads_people_and_writes_them_back() {
        let full = json!({"id":"m.lin","name":"Lin Mei","email":"m.lin@wh.example","phone":"+8613800138000",
                          "language":"zh","level":2,"active":false});
        let recipient = read(full.clone()).unwrap();
        assert_eq!(recipient.to_json(), full);
        let short = read(json!({"id":"j.doe","email":"j@d"})).unwrap();
        assert_eq!((short.level, short.language, short.active), (1, Language::English, true));
    }

    #[test]
    fn refuses_what_nobody_can_be_reached_under() {
        for (recipient, pointer) in [
            (json!({"id":"a"}), "/recipients/0"),
            (json!({"id":"a","email":"nobody"}), "/recipients/0/email"),
            (json!({"id":"a","email":"a@b\r\nBcc: c@d"}), "/recipients/0/email"),
            (json!({"id":"a","email":"a@b@c"}), "/recipients/0/email"),
            (json!({"id":"a","phone":"112"}), "/recipients/0/phone"),
            (json!({"id":"a","email":"a@b","level":0}), "/recipients/0/level"),
            (json!({"id":"a","email":"a@b","level":"1"}), "/recipients/0/level"),
            (json!({"id":"a","email":"a@b","language":"de"}), "/recipients/0/language"),
        ] {
            let problem = read(recipient.clone()).unwrap_err();
            assert_eq!(problem.split(": ").next(), Some(pointer), "{recipient}: {problem}");
        }
    }
}
