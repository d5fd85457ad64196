//! The cookie that browsers keep of a session.

use axum::http::header::{COOKIE, HeaderMap, HeaderValue};

/// The header with the session's secret: what another page can't set, and doesn't know.
pub(crate) const CSRF: &str = "x-csrf-token";

/// The cookie's name.
const NAME: &str = "coldtrail_session";

/// The id in the request's cookies (RFC 6265, section 5.4).
pub(crate) fn id(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, id)| *name == NAME && !id.is_empty()).map(|(_, id)| id)
}

/// The cookie with `id`: for no script, no other site, and with `secure` never in the clear.
pub(crate) fn cookie(id: &str, secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&attributed(id, secure)).ok()
}

/// The cookie that takes the other one away.
pub(crate) fn no_cookie(secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{}; Max-Age=0", attributed("", secure))).ok()
}

fn attributed(id: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{NAME}={id}; HttpOnly; SameSite=Strict; Path=/{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_own_among_cookies() {
        for (cookies, expected) in [
            ("coldtrail_session=ab", Some("ab")),
            ("theme=dark; coldtrail_session=ab; x=y", Some("ab")),
            ("coldtrail_session=", None),
            ("xcoldtrail_session=ab; coldtrail_session_=cd", None),
            ("coldtrail_session", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(cookies));
            assert_eq!(id(&headers), expected, "{cookies}");
        }
        assert_eq!(id(&HeaderMap::new()), None);
    }

    #[test]
    fn says_who_may_have_it() {
        assert_eq!(cookie("ab", false).unwrap(), "coldtrail_session=ab; HttpOnly; SameSite=Strict; Path=/");
        assert_eq!(cookie("ab", true).unwrap(), "coldtrail_session=ab; HttpOnly; SameSite=Strict; Path=/; Secure");
        assert!(no_cookie(true).unwrap().to_str().unwrap().ends_with("Secure; Max-Age=0"));
    }
}
