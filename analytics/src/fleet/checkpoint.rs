//! The pasts of units in a file, so that a restart need not read years again.
//!
//! It is never more than a shortcut: a file that is missing, damaged, of another version, or tied to another place in the
//! store than it is expected to be is set aside with a reason, and everything is read again.
//!
//! Layout: `CTPAST` and the version (two bytes, little endian), the length of what follows (eight bytes), where in the
//! store it stands, the pasts, and SHA-256 over all before it. See `docs/formats.md`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::followed::Followed;
use crate::kernel::Profile;
use crate::kernel::bytes::{Carried, carried};

const MAGIC: &[u8; 6] = b"CTPAST";
/// Goes up with everything that changes what a past is made of.
const VERSION: u16 = 1;
const HEADER: usize = MAGIC.len() + 2 + 8;
const SUM: usize = 32;

/// Where in the store something stands: everything up to there is in it, and nothing after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The version of the lake.
    pub lake: u64,
    /// The position in the journal.
    pub journal: u64,
}

carried!(Position { lake, journal });

/// Pasts by the name their units are known by, at a place in the store.
#[derive(Debug, Default)]
pub struct Checkpoint {
    /// Where.
    pub position: Position,
    pasts: BTreeMap<String, Vec<u8>>,
}

/// Why there is no checkpoint to begin with.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read or written.
    #[error("the file cannot be used: {source}")]
    Unusable {
        /// Why.
        #[from]
        source: std::io::Error,
    },
    /// It is something else.
    #[error("the file is no checkpoint of pasts")]
    Foreign,
    /// It is of another version of the program.
    #[error("the file has version {version}, and this program reads {VERSION}")]
    Version {
        /// Which.
        version: u16,
    },
    /// It was cut short or changed.
    #[error("the file is damaged")]
    Damaged,
}

impl Checkpoint {
    /// None yet, at a place in the store.
    #[must_use]
    pub fn at(position: Position) -> Self {
        Self { position, pasts: BTreeMap::new() }
    }

    /// Puts in what is known of the units under `key`.
    pub fn put(&mut self, key: &str, followed: &Followed) {
        let mut bytes = Vec::new();
        if followed.put(&mut bytes) {
            self.pasts.insert(key.to_owned(), bytes);
        }
    }

    /// What was known of the units under `key`, of a product as `profile` has it; `None` when nothing was, or of another
    /// version of the product.
    #[must_use]
    pub fn get(&self, key: &str, profile: Arc<Profile>) -> Option<Followed> {
        let mut bytes = self.pasts.get(key)?.as_slice();
        Followed::take(&mut bytes, profile).filter(|_| bytes.is_empty())
    }

    /// Writes it, in place of one that may be there: whole, or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let mut body = Vec::new();
        self.position.put(&mut body);
        let pasts: Vec<(String, Vec<u8>)> = self.pasts.iter().map(|(key, past)| (key.clone(), past.clone())).collect();
        pasts.put(&mut body);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        body.len().put(&mut bytes);
        bytes.append(&mut body);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        let beside = path.with_extension("new");
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        Ok(())
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it cannot be read, is none, is of another version, or is damaged.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path)?;
        if !bytes.starts_with(MAGIC) {
            return Err(CheckpointError::Foreign);
        }
        let mut rest = &bytes[MAGIC.len()..];
        let (version, after) = rest.split_first_chunk().ok_or(CheckpointError::Damaged)?;
        rest = after;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(CheckpointError::Version { version });
        }
        let length = usize::take(&mut rest).ok_or(CheckpointError::Damaged)?;
        if rest.len() != length.saturating_add(SUM) {
            return Err(CheckpointError::Damaged);
        }
        let (content, sum) = bytes.split_at(HEADER + length);
        if Sha256::digest(content).as_slice() != sum {
            return Err(CheckpointError::Damaged);
        }
        let mut body = &content[HEADER..];
        let position = Position::take(&mut body).ok_or(CheckpointError::Damaged)?;
        let pasts = Vec::<(String, Vec<u8>)>::take(&mut body).ok_or(CheckpointError::Damaged)?;
        Ok(Self { position, pasts: pasts.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_whole_or_not_ours_is_no_checkpoint() {
        let directory = std::env::temp_dir().join(format!("coldtrail-checkpoint-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("pasts");
        let position = Position { lake: 7, journal: 4711 };
        let mut checkpoint = Checkpoint::at(position);
        checkpoint.pasts.insert("some".into(), vec![1, 2, 3]);
        checkpoint.write(&path).unwrap();
        let read = Checkpoint::read(&path).unwrap();
        assert_eq!((read.position, &read.pasts), (position, &checkpoint.pasts));
        let whole = std::fs::read(&path).unwrap();
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Checkpoint::read(&path).err()
        };
        for end in 0..whole.len() {
            assert!(matches!(said(&whole[..end]), Some(CheckpointError::Foreign | CheckpointError::Damaged)), "{end}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x40;
            assert!(said(&changed).is_some(), "{place}");
        }
        assert!(matches!(said(b"something else altogether"), Some(CheckpointError::Foreign)));
        let mut later = whole.clone();
        later[6] = 9;
        assert!(matches!(said(&later), Some(CheckpointError::Version { version: 9 })));
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(matches!(Checkpoint::read(&path), Err(CheckpointError::Unusable { .. })));
    }
}
