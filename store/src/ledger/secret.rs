//! Tokens and passwords: made at random, kept only as hashes.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use rand::RngCore;

use super::event::Hash;
use crate::Error;

/// 32 random bytes in hexadecimal.
pub(crate) fn random_text() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new API token. Its 256 random bits make a plain SHA-256 of it safe to keep.
pub(crate) fn new_token() -> String {
    format!("ct_{}", random_text())
}

/// A new one-time password: 128 random bits.
pub(crate) fn new_password() -> String {
    random_text().chars().take(32).collect()
}

/// What is kept of a token.
pub(crate) fn token_hash(token: &str) -> String {
    Hash::of(token.as_bytes()).to_string()
}

/// What is kept of a password: an Argon2id string with a random salt. Takes tens of milliseconds: not for the
/// runtime's threads.
pub(crate) fn hash_password(password: &str) -> Result<String, Error> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|cause| Error::Password { what: cause.to_string() })
}

/// Whether `password` is the one `kept` was made of. Takes tens of milliseconds: not for the runtime's threads.
pub(crate) fn is_password(password: &str, kept: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_passwords_as_salted_argon2id() {
        let kept = hash_password("correct horse").unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert!(is_password("correct horse", &kept));
        assert!(!is_password("correct horses", &kept));
        assert_ne!(kept, hash_password("correct horse").unwrap());
        assert!(!is_password("", "not a hash"));
    }

    #[test]
    fn never_gives_the_same_secret_twice() {
        assert_ne!(new_token(), new_token());
        assert_eq!(new_token().len(), 67);
        assert_eq!(new_password().len(), 32);
    }
}
