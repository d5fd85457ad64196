//! What a browser takes to the provider and back: sealed, so that nobody reads or changes it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::options::OidcError;

/// What the sealed bytes are for.
const CONTEXT: &[u8] = b"coldtrail oidc flow 1";

/// Bytes of a random word.
const WORD_BYTES: usize = 32;

/// What somebody is sent to the provider for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// To begin a session.
    SignIn,
    /// To show once more who they are, in a session, before they sign.
    Sign {
        /// The SHA-256 of the session's id.
        session: String,
        /// Whose session it is.
        account: String,
        /// What the provider calls that person.
        external: String,
    },
}

/// One way to the provider and back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// What the answer has to have.
    pub(crate) state: String,
    /// What the ID token has to have.
    pub(crate) nonce: String,
    /// What proves that the code is ours (RFC 7636).
    pub(crate) verifier: String,
    /// Where on the page they go afterwards.
    pub(crate) to: String,
    /// What for.
    pub(crate) purpose: Purpose,
    /// When it began, milliseconds since the epoch.
    pub(crate) began_ms: i64,
}

/// Seals and opens flows, with a key that this process alone has.
pub(super) struct Seal(LessSafeKey);

impl Seal {
    pub(super) fn new() -> Result<Self, OidcError> {
        let bytes = random::<32>().ok_or(OidcError::Random)?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| OidcError::Random)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    pub(super) fn close(&self, flow: &Flow) -> Option<String> {
        let nonce = random::<NONCE_LEN>()?;
        let mut bytes = serde_json::to_vec(flow).ok()?;
        self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(CONTEXT), &mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &bytes].concat()))
    }

    pub(super) fn open(&self, sealed: &str) -> Option<Flow> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let (nonce, mut sealed) = (Nonce::try_assume_unique_for_key(nonce).ok()?, sealed.to_vec());
        let opened = self.0.open_in_place(nonce, Aad::from(CONTEXT), &mut sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

/// A word that nobody guesses, of characters that stand in any address.
pub(super) fn random_word() -> Option<String> {
    Some(URL_SAFE_NO_PAD.encode(random::<WORD_BYTES>()?))
}

fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let flow = Flow {
            state: "s".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            to: "#/now".to_owned(),
            purpose: Purpose::SignIn,
            began_ms: 1,
        };
        let (seal, other) = (Seal::new().unwrap(), Seal::new().unwrap());
        let sealed = seal.close(&flow).unwrap();
        assert_eq!(seal.open(&sealed), Some(flow.clone()));
        assert_ne!(seal.close(&flow), Some(sealed.clone()), "never the same twice");
        assert_eq!(other.open(&sealed), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(seal.open(&URL_SAFE_NO_PAD.encode(&bytes)), None, "byte {at}");
            bytes[at] ^= 1;
        }
        for text in ["", "x", "AAAA", "not base 64!"] {
            assert_eq!(seal.open(text), None, "{text}");
        }
    }
}
