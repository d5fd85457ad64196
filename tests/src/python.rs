//! The Python with the foreign clients in it: paho, DuckDB, delta-rs, moto, selenium, receivers of
//! webhooks and mail.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The interpreter that has every package of `tests/requirements.txt`: the environment `tests/setup.sh` makes, or
/// else the system's if that has them. Runs `tests/setup.sh` when neither is there. `None`, with a word about it,
/// when that fails too.
///
/// # Panics
/// With `CI=true`, when there is none: a test that is left out there would pass for one that ran.
#[must_use]
pub fn python() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| find().or_else(|| set_up().then(find).flatten())).as_deref();
    if found.is_none() {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "Python with the packages of tests/requirements.txt is missing: run tests/setup.sh");
        eprintln!("skipped: Python with the packages of tests/requirements.txt is missing: run tests/setup.sh");
    }
    found
}

/// Where the Python scripts of the tests are.
#[must_use]
pub fn script(name: &str) -> PathBuf {
    crate::folder().join("py").join(name)
}

fn find() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let venv = cache.map(|cache| cache.join("coldtrail/venv/bin/python3"));
    venv.into_iter().chain([PathBuf::from("python3")]).find(|python| {
        let modules =
            "import paho.mqtt.client, duckdb, deltalake, moto, boto3, standardwebhooks, cloudevents, aiosmtpd, schemathesis, \
             selenium, oidc_provider_mock";
        let mut command = std::process::Command::new(python);
        command.args(["-c", modules]).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

fn set_up() -> bool {
    let script = crate::folder().join("setup.sh");
    std::process::Command::new(script).status().is_ok_and(|status| status.success())
}
