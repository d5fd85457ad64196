//! The keys a provider signs with (RFC 7517, RFC 7518), and whether a signature is by one of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;

/// Keys looked at, of however many a provider shows.
const MAX_KEYS: usize = 64;

/// How ID tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// RSA with PKCS #1 1.5 and SHA-256; the key has 2048 bits or more.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// The algorithm with this name, if it is one of ours.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// A key that signatures are looked at with.
#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    public: Public,
}

#[derive(Clone, Debug)]
enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
}

/// All keys of a provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// The keys of a key set that ID tokens may be signed with; others are left out.
    pub(super) fn of(set: &Value) -> Self {
        let listed = set.get("keys").and_then(Value::as_array);
        Self(listed.into_iter().flatten().take(MAX_KEYS).filter_map(Key::of).collect())
    }

    /// Whether one of the keys that `id` may mean made `signature` on `signed`.
    pub(super) fn have_signed(&self, algorithm: Algorithm, id: Option<&str>, signed: &[u8], signature: &[u8]) -> bool {
        let meant = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        self.0.iter().filter(meant).any(|key| key.has_signed(algorithm, signed, signature))
    }
}

impl Key {
    fn of(key: &Value) -> Option<Self> {
        let text = |member: &str| key.get(member).and_then(Value::as_str);
        let bytes = |member: &str| URL_SAFE_NO_PAD.decode(text(member)?).ok();
        let public = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let n = bytes("n")?;
                let leading = n.iter().take_while(|byte| **byte == 0).count();
                Public::Rsa { n: n.get(leading..)?.to_vec(), e: bytes("e")? }
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                Public::P256([&[4], x.as_slice(), &y].concat())
            }
            _ => return None,
        };
        let algorithm = match public {
            Public::Rsa { .. } => Algorithm::Rs256,
            Public::P256(_) => Algorithm::Es256,
        };
        let is_ours =
            text("use").is_none_or(|meant| meant == "sig") && text("alg").is_none_or(|alg| alg == algorithm.name());
        is_ours.then(|| Self { id: text("kid").map(str::to_owned), public })
    }

    fn has_signed(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (&self.public, algorithm) {
            (Public::Rsa { n, e }, Algorithm::Rs256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            (Public::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn verifies_the_worked_examples_of_rfc_7515() {
        // RFC 7515, A.3: ES256
        let set = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "a3",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
        let signed = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = URL_SAFE_NO_PAD
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
        let keys = Keys::of(&set);
        assert!(keys.have_signed(Algorithm::Es256, None, signed, &signature));
        assert!(keys.have_signed(Algorithm::Es256, Some("a3"), signed, &signature));
        assert!(!keys.have_signed(Algorithm::Es256, Some("a4"), signed, &signature), "another key is meant");
        assert!(!keys.have_signed(Algorithm::Rs256, None, signed, &signature), "another algorithm");
        assert!(!keys.have_signed(Algorithm::Es256, None, &signed[1..], &signature));
        assert!(!keys.have_signed(Algorithm::Es256, None, signed, &signature[1..]));
    }

    #[test]
    fn leaves_out_keys_for_something_else() {
        let point = json!({"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let with = |member: &str, value: &str| {
            let mut key = point.clone();
            key[member] = json!(value);
            Keys::of(&json!({"keys": [key]})).0.len()
        };
        assert_eq!(with("use", "sig"), 1);
        for (member, value) in
            [("use", "enc"), ("alg", "ES512"), ("crv", "P-521"), ("kty", "oct"), ("x", "AAAA"), ("y", "!")]
        {
            assert_eq!(with(member, value), 0, "{member} {value}");
        }
        assert_eq!(Algorithm::parse("none"), None);
        assert_eq!(Algorithm::parse("HS256"), None);
    }
}
