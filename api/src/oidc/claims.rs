//! What a provider says of a person, and what that makes of them here.

use model::name::Name;
use model::role::Role;
use serde_json::{Map, Value};

use super::refused::Refused;

/// The longest subject, in characters (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// What a provider says of a person.
pub(super) type Claims = Map<String, Value>;

/// The claim `path`: a member of that name, else the members between its dots.
pub(super) fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

/// What the provider calls the person: the same forever, and no other's.
pub(super) fn subject(claims: &Claims) -> Result<&str, Refused> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let fits = (1..=MAX_SUBJECT).contains(&subject.len()) && subject.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(subject) } else { Err(Refused::invalid("its subject is none")) }
}

/// What the person is called here: the claim `path`, of an address what is before its `@`.
pub(super) fn name(claims: &Claims, path: &str) -> Result<Name, Refused> {
    let Some(text) = find(claims, path).and_then(Value::as_str) else {
        return Err(Refused::NoName { why: format!("it says no `{path}`") });
    };
    let text = text.split_once('@').map_or(text, |(before, _)| before);
    Name::parse(text).map_err(|error| Refused::NoName { why: error.to_string() })
}

/// The first of `roles` that fits one of the values of the claim `path`.
pub(super) fn role(claims: &Claims, path: &str, roles: &[(String, Role)]) -> Result<Role, Refused> {
    let said: Vec<&str> = match find(claims, path) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let fitting = roles.iter().find(|(value, _)| said.contains(&value.as_str()));
    fitting.map(|(_, role)| *role).ok_or(Refused::NoRole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_first_role_that_fits_counts() {
        let roles = [("qa".to_owned(), Role::Quality), ("all".to_owned(), Role::Viewer)];
        for (said, expected) in [
            (json!({"groups": ["all", "qa"]}), Ok(Role::Quality)),
            (json!({"groups": ["all", 7]}), Ok(Role::Viewer)),
            (json!({"groups": "qa"}), Ok(Role::Quality)),
            (json!({"groups": ["QA", "qa2", "q"]}), Err(Refused::NoRole)),
            (json!({"groups": {"qa": true}}), Err(Refused::NoRole)),
            (json!({}), Err(Refused::NoRole)),
        ] {
            assert_eq!(role(&claims(&said), "groups", &roles), expected, "{said}");
        }
        let nested = claims(&json!({"realm_access": {"roles": ["qa"]}, "https://wh.example/groups": ["all"]}));
        assert_eq!(role(&nested, "realm_access.roles", &roles), Ok(Role::Quality));
        assert_eq!(role(&nested, "https://wh.example/groups", &roles), Ok(Role::Viewer), "a name with dots in it");
    }

    #[test]
    fn names_are_those_that_can_stand_here() {
        for (said, expected) in [
            ("m.lin", Some("m.lin")),
            ("m.lin@wh.example", Some("m.lin")),
            ("林敏", None),
            ("@wh.example", None),
            ("a b", None),
        ] {
            let found = name(&claims(&json!({"preferred_username": said})), "preferred_username");
            assert_eq!(found.ok().map(|name| name.to_string()).as_deref(), expected, "{said}");
        }
        assert!(name(&Claims::new(), "preferred_username").is_err());
    }

    #[test]
    fn a_subject_is_a_plain_word() {
        assert_eq!(subject(&claims(&json!({"sub": "a-1"}))), Ok("a-1"));
        for wrong in
            [json!({}), json!({"sub": ""}), json!({"sub": 7}), json!({"sub": "a b"}), json!({"sub": "x".repeat(256)})]
        {
            assert!(subject(&claims(&wrong)).is_err(), "{wrong}");
        }
    }
}
