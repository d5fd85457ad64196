//! A digest over the readings an assessment was computed from.

use sha2::{Digest as _, Sha256};

use crate::kernel::Sample;

/// SHA-256 over readings in canonical form; see `docs/formats.md`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest(Sha256);

impl Digest {
    /// Adds one sensor's readings of one quantity, sorted and each once.
    pub(crate) fn add(&mut self, sensor: &str, quantity: u8, readings: &[Sample]) {
        self.0.update([quantity]);
        self.0.update((sensor.len() as u64).to_le_bytes());
        self.0.update(sensor.as_bytes());
        self.0.update((readings.len() as u64).to_le_bytes());
        let mut bytes = Vec::with_capacity(12 * readings.len().min(4096));
        for chunk in readings.chunks(4096) {
            bytes.clear();
            for reading in chunk {
                bytes.extend_from_slice(&reading.at.to_le_bytes());
                bytes.extend_from_slice(&reading.value.to_le_bytes());
            }
            self.0.update(&bytes);
        }
    }

    /// `sha256:` and the digest in hexadecimal.
    pub(crate) fn finish(self) -> String {
        let bytes = self.0.finalize();
        bytes.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }
}
