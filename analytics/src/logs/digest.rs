//! A digest over the readings an assessment was computed from.

use sha2::{Digest as _, Sha256};

use crate::kernel::Sample;

/// SHA-256 over lists of readings in canonical form; see `docs/formats.md`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest(Sha256);

/// One sensor's readings of one quantity, by time and each once. A list can be gone on with: what it was made of before
/// is not needed again.
#[derive(Clone, Debug)]
pub(crate) struct List {
    state: Sha256,
    count: u64,
}

impl List {
    /// No reading yet of `sensor`.
    pub(crate) fn of(sensor: &str, quantity: u8) -> Self {
        let mut state = Sha256::new();
        state.update([quantity]);
        state.update((sensor.len() as u64).to_le_bytes());
        state.update(sensor.as_bytes());
        Self { state, count: 0 }
    }

    /// Adds readings that follow those before, sorted and each once.
    pub(crate) fn add(&mut self, readings: &[Sample]) {
        self.count += readings.len() as u64;
        let mut bytes = Vec::with_capacity(12 * readings.len().min(4096));
        for chunk in readings.chunks(4096) {
            bytes.clear();
            for reading in chunk {
                bytes.extend_from_slice(&reading.at.to_le_bytes());
                bytes.extend_from_slice(&reading.value.to_le_bytes());
            }
            self.state.update(&bytes);
        }
    }
}

impl Digest {
    /// Adds a list.
    pub(crate) fn add(&mut self, list: List) {
        self.0.update(list.state.finalize());
        self.0.update(list.count.to_le_bytes());
    }

    /// `sha256:` and the digest in hexadecimal.
    pub(crate) fn finish(self) -> String {
        let bytes = self.0.finalize();
        bytes.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }
}
