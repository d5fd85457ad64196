//! Signatures of webhooks: HMAC-SHA256 over id, time and body, in the headers of Standard Webhooks 1.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// How long a secret may be, in bytes (Standard Webhooks, "Signature scheme").
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets bodies are signed with, the newest first.
pub(crate) struct Signer(Vec<hmac::Key>);

impl Signer {
    /// The signer with `secrets`.
    pub(crate) fn new(secrets: &[String]) -> Result<Self, String> {
        let keys: Result<Vec<hmac::Key>, String> = secrets.iter().map(|secret| key(secret)).collect();
        match keys? {
            keys if keys.is_empty() => {
                Err("is missing: give one, `whsec_` and base 64 of 24 to 64 random bytes".to_owned())
            }
            keys => Ok(Self(keys)),
        }
    }

    /// The header `webhook-signature`: one signature for each secret.
    pub(crate) fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let signed = |key: &hmac::Key| {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{id}.{timestamp_s}.").as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        };
        self.0.iter().map(signed).collect::<Vec<_>>().join(" ")
    }
}

fn key(secret: &str) -> Result<hmac::Key, String> {
    let what = || format!("must be `{PREFIX}` and base 64 of {} to {} bytes", LENGTHS.start(), LENGTHS.end());
    let bytes = secret.strip_prefix(PREFIX).and_then(|digits| STANDARD.decode(digits).ok()).ok_or_else(what)?;
    if LENGTHS.contains(&bytes.len()) { Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes)) } else { Err(what()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_the_example_of_the_specification() {
        // github.com/standard-webhooks/standard-webhooks, libraries/python/tests, `test_sign_function`
        let signer = Signer::new(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()]).unwrap();
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn refuses_what_is_no_secret() {
        for secret in ["", "whsec_", "secret", "whsec_c2hvcnQ=", "whsec_***"] {
            assert!(Signer::new(&[secret.to_owned()]).is_err(), "{secret}");
        }
        assert!(Signer::new(&[]).is_err());
    }
}
