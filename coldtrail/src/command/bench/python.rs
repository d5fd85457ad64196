//! The Python programs that benchmarks compare with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::Value;

use crate::exit::Failure;

/// What `script` prints as JSON when it is run over `lake` with further arguments; `None`, with a word about it, when
/// `package` cannot be imported.
pub(super) fn run(package: &str, script: &str, lake: &Path, arguments: &[String]) -> Result<Option<Value>, Failure> {
    let Some(python) = interpreter(package) else {
        println!("without {package}: install it for Python (`pip install {package}`) to compare with it");
        return Ok(None);
    };
    let output = Command::new(python).arg("-c").arg(script).arg(lake).args(arguments).output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::Failed(anyhow::anyhow!("the script with {package} failed: {error}")));
    }
    Ok(Some(serde_json::from_slice(&output.stdout).context("a script's answer is not JSON")?))
}

/// The interpreter of the tests' environment, or the system's, if it has `package`.
fn interpreter(package: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let own = cache.map(|cache| cache.join("coldtrail/venv/bin/python3"));
    own.into_iter().chain([PathBuf::from("python3")]).find(|python| {
        let import = Command::new(python).args(["-c", &format!("import {package}")]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    })
}
