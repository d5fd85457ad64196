//! A digest over the readings an assessment was computed from.

use sha2::{Digest as _, Sha256};

use crate::kernel::Sample;
use crate::kernel::bytes::carried;

/// SHA-256 over lists of readings in canonical form; see `docs/formats.md`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest(Sha256);

/// Readings that go into a link of the chain together.
const LINK: usize = 64;

/// One sensor's readings of one quantity, by time and each once: a chain of digests, each over the one before and the
/// next [`LINK`] readings. It can be gone on with: what it was made of before is not needed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List {
    state: [u8; 32],
    count: u64,
    /// Fewer than make a link.
    rest: Vec<Sample>,
}

carried!(List { state, count, rest });

impl List {
    /// No reading yet of `sensor`.
    pub(crate) fn of(sensor: &str, quantity: u8) -> Self {
        let mut first = Sha256::new();
        first.update([quantity]);
        first.update((sensor.len() as u64).to_le_bytes());
        first.update(sensor.as_bytes());
        Self { state: first.finalize().into(), count: 0, rest: Vec::new() }
    }

    /// Adds readings that follow those before, sorted and each once.
    pub(crate) fn add(&mut self, mut readings: &[Sample]) {
        self.count += readings.len() as u64;
        if !self.rest.is_empty() {
            let (first, later) = readings.split_at(readings.len().min(LINK - self.rest.len()));
            self.rest.extend_from_slice(first);
            readings = later;
            if self.rest.len() < LINK {
                return;
            }
            self.state = link(&self.state, &self.rest);
            self.rest.clear();
        }
        let whole = readings.chunks_exact(LINK);
        self.rest.extend_from_slice(whole.remainder());
        for part in whole {
            self.state = link(&self.state, part);
        }
    }
}

/// The digest of what was before and of `readings`.
fn link(before: &[u8; 32], readings: &[Sample]) -> [u8; 32] {
    let mut bytes = [0; 32 + 12 * LINK];
    bytes[..32].copy_from_slice(before);
    let mut end = 32;
    for reading in readings {
        bytes[end..end + 8].copy_from_slice(&reading.at.to_le_bytes());
        bytes[end + 8..end + 12].copy_from_slice(&reading.value.to_le_bytes());
        end += 12;
    }
    Sha256::digest(&bytes[..end]).into()
}

impl Digest {
    /// Adds a list.
    pub(crate) fn add(&mut self, list: List) {
        let last = if list.rest.is_empty() { list.state } else { link(&list.state, &list.rest) };
        self.0.update(last);
        self.0.update(list.count.to_le_bytes());
    }

    /// `sha256:` and the digest in hexadecimal.
    pub(crate) fn finish(self) -> String {
        let bytes = self.0.finalize();
        bytes.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }
}
