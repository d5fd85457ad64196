//! The cookies that browsers keep: of a session, and of a way to the identity provider and back.

use axum::http::header::{COOKIE, HeaderMap, HeaderValue};

/// The header with the session's secret: what another page can't set, and doesn't know.
pub(crate) const CSRF: &str = "x-csrf-token";

/// The name of a session's cookie.
const NAME: &str = "coldtrail_session";

/// The name of the cookie of a way to the provider.
const FLOW: &str = "coldtrail_oidc";

/// How long somebody may take at the provider, seconds.
const FLOW_S: u32 = 600;

/// The id of a session in the request's cookies.
pub(crate) fn id(headers: &HeaderMap) -> Option<&str> {
    named(headers, NAME)
}

/// The sealed flow in the request's cookies.
pub(crate) fn flow(headers: &HeaderMap) -> Option<&str> {
    named(headers, FLOW)
}

/// The value of a cookie of the request (RFC 6265, section 5.4).
fn named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let lists = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value)
}

/// The cookie with `id`: for no script, no other site, and with `secure` never in the clear.
pub(crate) fn cookie(id: &str, secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&attributed(id, secure)).ok()
}

/// The cookie that takes the other one away.
pub(crate) fn no_cookie(secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{}; Max-Age=0", attributed("", secure))).ok()
}

/// The cookie with a sealed flow. It comes back from the provider, which is another site: with a navigation, and to one path.
pub(crate) fn flow_cookie(sealed: &str, secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&flow_attributed(sealed, FLOW_S, secure)).ok()
}

/// The cookie that takes a flow's away.
pub(crate) fn no_flow_cookie(secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&flow_attributed("", 0, secure)).ok()
}

fn flow_attributed(sealed: &str, max_age_s: u32, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{FLOW}={sealed}; HttpOnly; SameSite=Lax; Path=/v1/oidc; Max-Age={max_age_s}{secure}")
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
        assert_eq!(
            flow_cookie("ab", true).unwrap(),
            "coldtrail_oidc=ab; HttpOnly; SameSite=Lax; Path=/v1/oidc; Max-Age=600; Secure"
        );
        assert!(no_cookie(true).unwrap().to_str().unwrap().ends_with("Secure; Max-Age=0"));
    }
}
