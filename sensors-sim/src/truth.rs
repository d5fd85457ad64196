//! The truth about a run, as files: what was really measured and sent, and what was acknowledged.
//!
//! * `registry.json`: the registry document of the world.
//! * `readings.csv`: each distinct reading that must be readable afterwards, as sent, with what was true.
//! * `refused.csv`: each reading or message that must be refused, with the reason.
//! * `messages.csv`: each message, in the order in which they were settled, with when it was acknowledged.
//!
//! All but the order and the times of acknowledgement in `messages.csv` depends only on scenario, seed and start.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use model::instant::to_rfc3339;

use crate::message::Message;
use crate::world::World;

fn create(dir: &Path, name: &str, header: &str) -> anyhow::Result<BufWriter<File>> {
    let path = dir.join(name);
    let mut file = BufWriter::new(File::create(&path).with_context(|| format!("cannot create `{}`", path.display()))?);
    writeln!(file, "{header}")?;
    Ok(file)
}

/// Writes what is sent. Belongs to the thread that advances the world.
#[derive(Debug)]
pub struct SentTruth {
    readings: BufWriter<File>,
    refused: BufWriter<File>,
}

impl SentTruth {
    /// Creates the files in `dir` (made if missing) and writes the registry of `world`.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn create(dir: &Path, world: &World) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
        std::fs::write(dir.join("registry.json"), serde_json::to_string_pretty(&world.registry())? + "\n")?;
        let readings = create(
            dir,
            "readings.csv",
            "sensor,measured_at,temperature_c,humidity_pct,unit,gateway,message,true_at,true_temperature_c",
        )?;
        let refused = create(dir, "refused.csv", "gateway,message,reason,sensor,true_at")?;
        Ok(Self { readings, refused })
    }

    /// Notes what `message` says, unless it repeats another.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn note(&mut self, world: &World, message: &Message) -> anyhow::Result<()> {
        if message.copy_of.is_some() {
            return Ok(());
        }
        let (gateway, seq) = (world.gateway_name(message.gateway), message.seq);
        if let Some(reason) = message.refusal {
            let at = to_rfc3339(message.published_at.timestamp_millis());
            writeln!(self.refused, "{gateway},{seq},{reason},,{at}")?;
            return Ok(());
        }
        for reading in message.readings.iter() {
            let sensor = world.sensor_name(reading.sensor);
            let true_at = to_rfc3339(reading.true_at.timestamp_millis());
            if let Some(reason) = reading.refusal {
                writeln!(self.refused, "{gateway},{seq},{reason},{sensor},{true_at}")?;
            } else if reading.fresh {
                let measured = reading.measurement;
                let humidity = measured.humidity.map(|humidity| humidity.value().to_string()).unwrap_or_default();
                let unit = world.unit_of(reading.sensor).unwrap_or_default();
                writeln!(
                    self.readings,
                    "{sensor},{},{},{humidity},{unit},{gateway},{seq},{true_at},{:.4}",
                    to_rfc3339(reading.measured_at.millis()),
                    measured.temperature.value(),
                    measured.true_c,
                )?;
            }
        }
        Ok(())
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.readings.flush()?;
        self.refused.flush()?;
        Ok(())
    }
}

/// Writes what was acknowledged. Shared by the connections.
#[derive(Debug)]
pub struct MessageTruth {
    file: BufWriter<File>,
    open: HashMap<(usize, u64), String>,
}

impl MessageTruth {
    /// Creates the file in `dir`.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn create(dir: &Path) -> anyhow::Result<Self> {
        let file = create(dir, "messages.csv", "gateway,seq,copy_of,published_at,readings,refusal,acknowledged_at")?;
        Ok(Self { file, open: HashMap::new() })
    }

    /// Notes that `message` of `gateway` has been handed to the network.
    pub fn sent(&mut self, gateway: &str, message: &Message) {
        let copy_of = message.copy_of.map(|seq| seq.to_string()).unwrap_or_default();
        let refusal = message.refusal.map(|reason| reason.as_str()).unwrap_or_default();
        let row = format!(
            "{gateway},{},{copy_of},{},{},{refusal}",
            message.seq,
            to_rfc3339(message.published_at.timestamp_millis()),
            message.readings.len(),
        );
        self.open.insert((message.gateway, message.seq), row);
    }

    /// Notes that a message was acknowledged.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn acknowledged(&mut self, gateway: usize, seq: u64, at: DateTime<Utc>) -> anyhow::Result<()> {
        if let Some(row) = self.open.remove(&(gateway, seq)) {
            writeln!(self.file, "{row},{}", to_rfc3339(at.timestamp_millis()))?;
        }
        Ok(())
    }

    /// Writes the rows of messages that were never acknowledged, with an empty last column.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        let mut rest: Vec<_> = self.open.drain().collect();
        rest.sort();
        for (_, row) in rest {
            writeln!(self.file, "{row},")?;
        }
        self.file.flush()?;
        Ok(())
    }
}
