//! The ID token (OpenID Connect Core 1.0, section 3.1.3.7): whether it is the provider's, for us, of now, and of this flow.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::claims::Claims;
use super::keys::{Algorithm, Keys};
use super::refused::Refused;

/// The longest token, in bytes: one of a person in a thousand groups has a third of it.
const MAX_BYTES: usize = 64 << 10;

/// How far the provider's clock may be from ours, seconds.
const LEEWAY_S: i64 = 60;

/// What a token has to say.
pub(super) struct Expected<'a> {
    /// Who made it.
    pub(super) issuer: &'a str,
    /// For whom.
    pub(super) client_id: &'a str,
    /// In which flow.
    pub(super) nonce: &'a str,
    /// What time it is, seconds since the epoch.
    pub(super) now_s: i64,
    /// The person must have signed in since then, if they had to sign in again.
    pub(super) signed_in_since_s: Option<i64>,
}

/// A token taken apart: nothing of it is believed yet.
pub(super) struct Parsed<'a> {
    algorithm: Algorithm,
    key_id: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    claims: Claims,
}

impl<'a> Parsed<'a> {
    /// Takes a token in its compact form apart (RFC 7515, section 3.1).
    pub(super) fn of(token: &'a str) -> Result<Self, Refused> {
        if token.len() > MAX_BYTES {
            return Err(Refused::invalid(format!("it is longer than {MAX_BYTES} bytes")));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(|| Refused::invalid("it is no token"))?;
        let (header, claims) = signed.split_once('.').ok_or_else(|| Refused::invalid("it is no token"))?;
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::invalid("it is not in base 64"))?;
            match serde_json::from_slice(&bytes) {
                Ok(Value::Object(object)) => Ok(object),
                _ => Err(Refused::invalid("it has no objects in it")),
            }
        };
        let header = object(header)?;
        if header.contains_key("crit") {
            return Err(Refused::invalid("it wants something understood that is not"));
        }
        let named = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let algorithm =
            Algorithm::parse(named).ok_or_else(|| Refused::invalid("it is signed by neither RS256 nor ES256"))?;
        let signature =
            URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused::invalid("its signature is not in base 64"))?;
        let key_id = header.get("kid").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { algorithm, key_id, signed, signature, claims: object(claims)? })
    }

    /// Whether one of `keys` signed it.
    pub(super) fn is_by(&self, keys: &Keys) -> bool {
        keys.have_signed(self.algorithm, self.key_id.as_deref(), self.signed.as_bytes(), &self.signature)
    }

    /// What it says, if that is what was expected. Its signature has been looked at.
    pub(super) fn accepted(self, expected: &Expected<'_>) -> Result<Claims, Refused> {
        let text = |claim: &str| self.claims.get(claim).and_then(Value::as_str);
        let time = |claim: &str| self.claims.get(claim).and_then(seconds);
        if text("iss") != Some(expected.issuer) {
            return Err(Refused::invalid("another issuer made it"));
        }
        let audiences: Vec<&str> = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let party = text("azp");
        let is_ours = audiences.contains(&expected.client_id) && party.is_none_or(|party| party == expected.client_id);
        if !is_ours || (audiences.len() > 1 && party.is_none()) {
            return Err(Refused::invalid("it is for somebody else"));
        }
        let is_over = |at_s: i64| expected.now_s >= at_s.saturating_add(LEEWAY_S);
        let is_to_come = |at_s: i64| at_s > expected.now_s.saturating_add(LEEWAY_S);
        if time("exp").is_none_or(is_over) {
            return Err(Refused::invalid("it has expired"));
        }
        if time("iat").is_none_or(is_to_come) || time("nbf").is_some_and(is_to_come) {
            return Err(Refused::invalid("it is not valid yet"));
        }
        let nonce = text("nonce").unwrap_or_default();
        if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
            return Err(Refused::invalid("it is of another sign-in"));
        }
        if let Some(since_s) = expected.signed_in_since_s {
            let is_new = |at_s: i64| at_s.saturating_add(LEEWAY_S) >= since_s;
            if !time("auth_time").is_some_and(is_new) {
                return Err(Refused::Stale);
            }
        }
        Ok(self.claims)
    }
}

/// A number of seconds since the epoch; fractions are cut.
fn seconds(value: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction of a second is cut, and what is out of range saturates"
    )]
    value.as_i64().or_else(|| value.as_f64().filter(|seconds| seconds.is_finite()).map(|seconds| seconds as i64))
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_341_600;

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap())
        }

        fn keys(&self) -> Keys {
            let point = self.0.public_key().as_ref();
            let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
            Keys::of(&json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y}]}))
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn header() -> Value {
        json!({"alg": "ES256", "kid": "k"})
    }

    fn good() -> Value {
        json!({"iss": "https://id.example", "aud": "coldtrail", "sub": "7", "nonce": "n", "iat": NOW, "exp": NOW + 300,
               "auth_time": NOW})
    }

    fn expected(signed_in_since_s: Option<i64>) -> Expected<'static> {
        Expected { issuer: "https://id.example", client_id: "coldtrail", nonce: "n", now_s: NOW, signed_in_since_s }
    }

    /// Whether a token with these claims is accepted.
    fn is_good(claims: &Value, since: Option<i64>) -> bool {
        let signer = Signer::new();
        let token = signer.sign(&header(), claims);
        let parsed = Parsed::of(&token).unwrap();
        assert!(parsed.is_by(&signer.keys()));
        parsed.accepted(&expected(since)).is_ok()
    }

    fn with(member: &str, value: Value) -> Value {
        let mut claims = good();
        claims[member] = value;
        claims
    }

    fn without(member: &str) -> Value {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(member);
        claims
    }

    #[test]
    fn accepts_what_is_ours_and_of_now() {
        for claims in [
            good(),
            with("aud", json!(["coldtrail"])),
            with("azp", json!("coldtrail")),
            with("exp", json!(NOW - 59)),
            with("iat", json!(NOW + 60)),
            with("exp", json!(NOW as f64 + 0.5)),
            without("auth_time"),
        ] {
            assert!(is_good(&claims, None), "{claims}");
        }
    }

    #[test]
    fn refuses_what_is_not() {
        for claims in [
            with("iss", json!("https://id.example/")),
            without("iss"),
            with("aud", json!("another")),
            with("aud", json!(["coldtrail", "another"])),
            without("aud"),
            with("azp", json!("another")),
            with("exp", json!(NOW - 60)),
            with("exp", json!("soon")),
            without("exp"),
            without("iat"),
            with("iat", json!(NOW + 61)),
            with("nbf", json!(NOW + 61)),
            with("nonce", json!("m")),
            with("nonce", json!("")),
            without("nonce"),
        ] {
            assert!(!is_good(&claims, None), "{claims}");
        }
        let mut shared = with("aud", json!(["coldtrail", "another"]));
        shared["azp"] = json!("coldtrail");
        assert!(is_good(&shared, None), "one of several, which says for whom it was made");
    }

    #[test]
    fn a_sign_in_again_is_one_since_then() {
        assert!(is_good(&good(), Some(NOW)));
        assert!(is_good(&with("auth_time", json!(NOW - 60)), Some(NOW)), "clocks differ");
        assert!(!is_good(&with("auth_time", json!(NOW - 61)), Some(NOW)));
        assert!(!is_good(&without("auth_time"), Some(NOW)));
    }

    #[test]
    fn believes_no_other_key_and_no_other_form() {
        let (signer, other) = (Signer::new(), Signer::new());
        let token = signer.sign(&header(), &good());
        assert!(!Parsed::of(&token).unwrap().is_by(&other.keys()));
        let unnamed = signer.sign(&json!({"alg": "ES256"}), &good());
        assert!(Parsed::of(&unnamed).unwrap().is_by(&signer.keys()), "without a name any key may be meant");
        let (head, rest) = token.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(with("sub", json!("8")).to_string());
        let swapped = format!("{head}.{other}.{signature}");
        assert!(!Parsed::of(&swapped).unwrap().is_by(&signer.keys()));
        let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
        let symmetric = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256"}).to_string());
        for wrong in [
            format!("{none}.{claims}."),
            format!("{symmetric}.{claims}.{signature}"),
            format!("{head}.{claims}"),
            format!("{head}.{claims}.{signature}.{signature}"),
            format!("{head}.!.{signature}"),
            signer.sign(&json!({"alg": "ES256", "kid": "k", "crit": ["b64"]}), &good()),
            signer.sign(&header(), &json!([])),
            signer.sign(&header(), &with("more", json!("x".repeat(MAX_BYTES)))),
            String::new(),
        ] {
            assert!(Parsed::of(&wrong).is_err(), "{wrong}");
        }
    }
}
