//! Files that only spare work: each is there whole or not used at all.
//!
//! Layout: six letters that say what it is, the version (two bytes, little endian), the length of what follows (eight
//! bytes), the content, and SHA-256 over all before it.
//!
//! Order of durable steps: 1. a file beside it is written; 2. it is synced; 3. it takes the name; 4. the directory is
//! synced. A crash between any two leaves the file from before, whole, and perhaps one beside it that nobody reads.

use std::io::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

const SUM: usize = 32;
const LETTERS: usize = 6;
const HEADER: usize = LETTERS + 2 + 8;

/// What a file is, and in which version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it is.
    pub letters: [u8; LETTERS],
    /// Goes up with everything that changes what its content is made of.
    pub version: u16,
}

/// Why there is nothing to be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum Unsealed {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// It cannot be read or written.
    #[error("the file cannot be used: {source}")]
    Unusable {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is something else.
    #[error("the file is something else")]
    Foreign,
    /// It is of another version of the program.
    #[error("the file has version `{found}`, and this program reads `{known}`")]
    Version {
        /// The version it has.
        found: u16,
        /// The one known here.
        known: u16,
    },
    /// It was cut short or changed.
    #[error("the file is damaged")]
    Damaged,
}

impl Unsealed {
    /// The reason in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unusable { .. } => "unusable",
            Self::Foreign => "foreign",
            Self::Version { .. } => "version",
            Self::Damaged => "damaged",
        }
    }
}

impl From<std::io::Error> for Unsealed {
    fn from(source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::NotFound { Self::Missing } else { Self::Unusable { source } }
    }
}

/// Writes a file in place of the one that may be there: whole, or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, kind: Kind, content: &[u8]) -> Result<(), Unsealed> {
    let mut bytes = Vec::with_capacity(HEADER + content.len() + SUM);
    bytes.extend_from_slice(&kind.letters);
    bytes.extend_from_slice(&kind.version.to_le_bytes());
    bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(content);
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(&bytes)?;
    fail::fail_point!("sealed-written");
    file.sync_all()?;
    fail::fail_point!("sealed-synced");
    std::fs::rename(&beside, path)?;
    fail::fail_point!("sealed-named");
    std::fs::File::open(directory)?.sync_all()?;
    Ok(())
}

/// The content of a file.
///
/// # Errors
/// When there is none, it cannot be read, is something else, of another version, or damaged.
pub fn read(path: &Path, kind: Kind) -> Result<Vec<u8>, Unsealed> {
    let mut bytes = std::fs::read(path)?;
    let rest = bytes.strip_prefix(&kind.letters).ok_or(Unsealed::Foreign)?;
    let (found, rest) = rest.split_first_chunk().ok_or(Unsealed::Damaged)?;
    let found = u16::from_le_bytes(*found);
    if found != kind.version {
        return Err(Unsealed::Version { found, known: kind.version });
    }
    let (length, rest) = rest.split_first_chunk().ok_or(Unsealed::Damaged)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| Unsealed::Damaged)?;
    if rest.len().checked_sub(SUM) != Some(length) {
        return Err(Unsealed::Damaged);
    }
    let (content, sum) = bytes.split_at(HEADER + length);
    if Sha256::digest(content).as_slice() != sum {
        return Err(Unsealed::Damaged);
    }
    bytes.truncate(HEADER + length);
    bytes.drain(..HEADER);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { letters: *b"CTTEST", version: 3 };

    /// Invariant D5: what is read back is checked, byte by byte.
    #[test]
    fn a_file_that_is_not_whole_or_not_ours_gives_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("inside").join("file");
        assert!(matches!(read(&path, KIND), Err(Unsealed::Missing)));
        write(&path, KIND, b"the content").unwrap();
        assert_eq!(read(&path, KIND).unwrap(), b"the content");
        let whole = std::fs::read(&path).unwrap();
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path, KIND).err()
        };
        for end in 0..whole.len() {
            assert!(matches!(said(&whole[..end]), Some(Unsealed::Foreign | Unsealed::Damaged)), "{end}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x40;
            assert!(said(&changed).is_some(), "{place}");
        }
        assert!(matches!(said(b"something else altogether"), Some(Unsealed::Foreign)));
        let mut later = whole.clone();
        later[LETTERS] = 9;
        assert!(matches!(said(&later), Some(Unsealed::Version { found: 9, known: 3 })));
        // What a crash leaves beside it changes nothing, and is written over by the next one.
        std::fs::write(&path, &whole).unwrap();
        std::fs::write(path.with_extension("new"), &whole[..20]).unwrap();
        assert_eq!(read(&path, KIND).unwrap(), b"the content");
        write(&path, KIND, b"").unwrap();
        assert_eq!(read(&path, KIND).unwrap(), b"");
    }
}
