//! What a process has in memory, as the system tells it.

use anyhow::{Context, Result};

/// Bytes that the process `pid` has in memory now.
///
/// # Errors
/// When there is no such process.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    told(pid, "VmRSS:")
}

/// The most bytes that the process `pid` ever had in memory.
///
/// # Errors
/// When there is no such process.
pub fn peak_bytes(pid: u32) -> Result<u64> {
    told(pid, "VmHWM:")
}

fn told(pid: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the system does not tell")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}
