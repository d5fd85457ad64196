//! The real binary on a directory of its own: started, asked, killed, stopped and started again.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::publisher::{Outgoing, Publisher};

/// How long the server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The administrator's token of every site.
pub const TOKEN: &str = "a-token-for-tests-and-nothing-else";

/// Limits so small that a few seconds hold many flushes, segments, prunes and compactions.
pub const HURRIED: &str = "[ingest]\nflush_after_s = 0.3\nflush_bytes = 65536\njournal_segment_bytes = 65536\n\
                           maintain_every_s = 1.0\n";

/// `coldtrail serve` on a temporary directory. Killed by its own process id when dropped.
pub struct Site {
    dir: tempfile::TempDir,
    data: PathBuf,
    child: Option<Child>,
    http: SocketAddr,
    mqtt: SocketAddr,
    client: reqwest::Client,
}

impl Site {
    /// Starts a server with `config` (TOML) on an empty directory.
    ///
    /// # Errors
    /// When it does not become ready; the message has the end of its log.
    pub async fn start(config: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("coldtrail.toml"), config)?;
        let data = dir.path().join("data");
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let mut site = Self { dir, data, child: None, http: nowhere, mqtt: nowhere, client };
        site.restart().await?;
        Ok(site)
    }

    /// Starts it on what is in [`data`](Self::data), after [`kill9`](Self::kill9) or [`sigterm`](Self::sigterm), on
    /// new ports.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn restart(&mut self) -> Result<()> {
        if self.child.is_some() {
            bail!("the server is running");
        }
        let log = std::fs::File::options().create(true).append(true).open(self.dir.path().join("log"))?;
        let mut child = Command::new(binary("coldtrail")?)
            .args(["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"])
            .arg("--data")
            .arg(&self.data)
            .arg("--config")
            .arg(self.config())
            .env("COLDTRAIL_BOOTSTRAP_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else { bail!("the server is not ready: {}", self.log_end()) };
        let ready: Value = serde_json::from_str(&line)?;
        let address =
            |door: &str| ready[door].as_str().context("the ready line names no address")?.parse().context(line.clone());
        if ready["ready"] != json!(true) {
            bail!("the ready line is `{line}`");
        }
        (self.http, self.mqtt, self.child) = (address("http")?, address("mqtt")?, Some(child));
        Ok(())
    }

    /// The server's process id.
    ///
    /// # Errors
    /// When it is not running.
    pub fn pid(&self) -> Result<u32> {
        self.child.as_ref().and_then(Child::id).context("the server is not running")
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A directory for whatever belongs to the test, removed with the site.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("coldtrail.toml")
    }

    /// Where it serves HTTP now.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Where it takes MQTT now.
    #[must_use]
    pub fn mqtt(&self) -> SocketAddr {
        self.mqtt
    }

    /// An MQTT client of the tests' own, with one message in flight.
    #[must_use]
    pub fn publisher(&self, client_id: &str) -> Publisher {
        Publisher::new(self.mqtt, client_id, 1)
    }

    /// Publishes `payload` to the readings of `gateway` at site `S` and waits for PUBACK.
    ///
    /// # Errors
    /// When that does not come.
    pub async fn publish(&self, gateway: &str, payload: impl Into<Vec<u8>>) -> Result<()> {
        let topic = format!("coldtrail/v1/S/{gateway}/readings");
        let message = Outgoing { topic, qos: 1, retain: false, payload: payload.into() };
        self.publisher(gateway).publish(vec![message], PATIENCE).await
    }

    /// The rows of the answer to `sql`.
    ///
    /// # Errors
    /// When the server does not answer, or with a refusal.
    pub async fn sql(&self, sql: &str) -> Result<Vec<Value>> {
        let (status, mut answer) = self.post("/v1/sql", TOKEN, &json!({ "sql": sql })).await?;
        if status != 200 {
            bail!("{status}: {answer}");
        }
        let Value::Array(rows) = answer["rows"].take() else { bail!("no rows: {answer}") };
        Ok(rows)
    }

    /// The one number in the answer to `sql`.
    ///
    /// # Errors
    /// When it is not one number.
    pub async fn count(&self, sql: &str) -> Result<u64> {
        let rows = self.sql(sql).await?;
        let first = rows.first().and_then(Value::as_object).and_then(|row| row.values().next());
        first.and_then(Value::as_u64).with_context(|| format!("{rows:?} is not one number"))
    }

    /// Status and body of the answer to a POST of JSON.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Result<(u16, Value)> {
        let request = self.client.post(format!("{}{path}", self.url())).bearer_auth(token).json(body);
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }

    /// Kills the server with SIGKILL.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn kill9(&mut self) -> Result<()> {
        Ok(self.child.take().context("the server is not running")?.kill().await?)
    }

    /// Stops the server with SIGTERM. Gives how it ended and how long that took.
    ///
    /// # Errors
    /// When it is not running, or does not end.
    pub async fn sigterm(&mut self) -> Result<(ExitStatus, Duration)> {
        let mut child = self.child.take().context("the server is not running")?;
        let pid = child.id().context("the server has ended by itself")?;
        let begun = Instant::now();
        Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await?;
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        let status = ended.with_context(|| format!("the server does not stop: {}", self.log_end()))??;
        Ok((status, begun.elapsed()))
    }

    /// Runs `coldtrail` with `arguments` to its end, beside the server or without it.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub async fn coldtrail(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
        let mut command = Command::new(binary("coldtrail")?);
        command.args(arguments).current_dir(self.dir()).stdin(Stdio::null()).kill_on_drop(true);
        command.env_remove("COLDTRAIL_TOKEN");
        Ok(tokio::time::timeout(PATIENCE, command.output()).await.context("coldtrail does not end")??)
    }

    /// `coldtrail verify` on `data`; an error with what it printed unless it exits 0.
    ///
    /// # Errors
    /// When it finds something wrong.
    pub async fn verify(&self, data: &Path) -> Result<()> {
        let arguments = ["verify".as_ref(), "--data".as_ref(), data.as_os_str(), "--config".as_ref()];
        let config = self.config();
        let output = self.coldtrail(arguments.into_iter().chain([config.as_os_str()])).await?;
        if !output.status.success() {
            bail!("verify: {}: {}", output.status, String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
        }
        Ok(())
    }

    /// The end of the server's log.
    #[must_use]
    pub fn log_end(&self) -> String {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            eprintln!("what the server left is in `{}`; its log ends:\n{}", self.dir.path().display(), self.log_end());
        }
    }
}

/// A program of this workspace, which is beside the test's own.
///
/// `cargo test --workspace` builds it, because its own package has a test that runs it.
///
/// # Errors
/// When it has not been built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).context("the test program is in no target directory")?;
    let program = folder.join(name);
    if !program.is_file() {
        bail!("`{}` is missing: run `cargo build --workspace` first", program.display());
    }
    Ok(program)
}
