//! Users in a file of `name:argon2-hash` lines, as `mosquitto_passwd`-like tools and people write it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use async_trait::async_trait;
use model::name::Name;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{Credentials, Denied, SignIn};
use crate::Error;

/// How long a password that was right is remembered, so that a thousand gateways that reconnect at once after
/// a network cut cost a thousand cheap digests and not a thousand argon2 runs.
const REMEMBERED: Duration = Duration::from_secs(300);

/// How many sign-ins are remembered; beyond it the memory is emptied.
const REMEMBERED_MAX: usize = 16_384;

/// How many sign-ins may wait for their argon2 run; beyond it a client is told to come back.
const WAITING_MAX: usize = 2_048;

/// The users of a password file.
///
/// A line is `name:hash`, the name a [`Name`], the hash a PHC string of argon2 (`$argon2id$v=19$…`). Empty lines
/// and lines that begin with `#` are skipped. argon2 runs off the runtime's threads, one at a time: it needs a
/// whole core and 19 MiB, and must not starve the acknowledgements.
pub struct PasswordFile {
    hashes: HashMap<Name, Arc<str>>,
    /// Checked for unknown users, so that they take as long as a wrong password.
    decoy: Arc<str>,
    remembered: Mutex<HashMap<Name, Remembered>>,
    /// Keys the digests in `remembered`: of no use to anybody who reads our memory later.
    salt: [u8; 16],
    one_at_a_time: Arc<Semaphore>,
    waiting: Semaphore,
}

struct Remembered {
    digest: [u8; 32],
    until: Instant,
}

impl PasswordFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not `name:hash`; the error names the line.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::PasswordFile { path: path.into(), source })?;
        let mut hashes = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |problem: String| Error::PasswordLine { path: path.into(), line: index + 1, problem };
            let (name, hash) = line.split_once(':').ok_or_else(|| wrong("there is no `:`".into()))?;
            let name = Name::parse(name).map_err(|error| wrong(error.to_string()))?;
            PasswordHash::new(hash).map_err(|error| wrong(format!("not a password hash ({error})")))?;
            if hashes.insert(name, hash.into()).is_some() {
                return Err(wrong("the name stands in the file twice".into()));
            }
        }
        Ok(Self {
            hashes,
            decoy: hash_password(b"nobody", &random_bytes()).unwrap_or_default().into(),
            remembered: Mutex::default(),
            salt: random_bytes(),
            one_at_a_time: Arc::new(Semaphore::new(1)),
            waiting: Semaphore::new(WAITING_MAX),
        })
    }

    fn digest(&self, password: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.salt).chain_update(password).finalize().into()
    }

    fn is_remembered(&self, user: &str, digest: &[u8; 32]) -> bool {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(user).is_some_and(|known| known.until > Instant::now() && same(&known.digest, digest))
    }

    fn remember(&self, name: Name, digest: [u8; 32]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(name, Remembered { digest, until: Instant::now() + REMEMBERED });
    }
}

#[async_trait]
impl Credentials for PasswordFile {
    async fn check(&self, sign_in: &SignIn<'_>) -> Result<Name, Denied> {
        let digest = self.digest(sign_in.password);
        let known = self.hashes.get_key_value(sign_in.user);
        if let Some((name, _)) = known
            && self.is_remembered(sign_in.user, &digest)
        {
            return Ok(name.clone());
        }
        let _place = self.waiting.try_acquire().map_err(|_| Denied::Busy)?;
        let turn = Arc::clone(&self.one_at_a_time).acquire_owned().await.map_err(|_| Denied::Busy)?;
        let hash = Arc::clone(known.map_or(&self.decoy, |(_, hash)| hash));
        let password = sign_in.password.to_vec();
        let verified = tokio::task::spawn_blocking(move || {
            // Held here and not by the caller: a client that goes away must not start a second run beside this.
            let _turn = turn;
            Argon2::default().verify_password(&password, &*hash).is_ok()
        });
        match (verified.await.unwrap_or(false), known) {
            (true, Some((name, _))) => {
                self.remember(name.clone(), digest);
                Ok(name.clone())
            }
            _ => Err(Denied::Wrong),
        }
    }
}

impl std::fmt::Debug for PasswordFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordFile").field("users", &self.hashes.len()).finish_non_exhaustive()
    }
}

/// A line's hash for `password`: argon2id with the crate's recommended cost, as a PHC string.
///
/// # Errors
/// When argon2 takes neither the password (over 4 GiB) nor the salt.
pub fn hash_password(password: &[u8], salt: &[u8; 16]) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password_with_salt(password, salt)?.to_string())
}

fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}

fn random_bytes() -> [u8; 16] {
    rand::random()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[tokio::test]
    async fn a_password_that_was_right_is_remembered_and_a_wrong_one_never() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwords");
        std::fs::write(&path, format!("gw1:{}", hash_password(b"right", &[1; 16]).unwrap())).unwrap();
        let file = PasswordFile::load(&path).unwrap();
        let peer = IpAddr::from([10, 0, 0, 1]);
        for (user, password, known) in [("gw1", b"wrong", false), ("gw2", b"right", false), ("gw1", b"right", true)] {
            let checked = file.check(&SignIn { user, password, peer }).await;
            assert_eq!(checked.map_err(|denied| denied == Denied::Wrong).is_ok(), known, "{user}");
            assert_eq!(file.is_remembered(user, &file.digest(password)), known, "{user}");
        }
        assert!(!file.is_remembered("gw1", &file.digest(b"wrong")));
    }
}
