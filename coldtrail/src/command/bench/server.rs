//! A `coldtrail serve` of this same program in a process of its own, so that its memory is its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::exit::Failure;

/// A server on a directory of its own.
pub(super) struct Server {
    child: Child,
    data: tempfile::TempDir,
    http: String,
    /// Where it takes MQTT.
    pub(super) mqtt: SocketAddr,
    client: reqwest::Client,
}

/// The administrator's token of the servers started here.
const TOKEN: &str = "the-token-of-benchmarks";

impl Server {
    /// Starts it with `config` (TOML).
    pub(super) fn start(config: &str) -> Result<Self, Failure> {
        let data = tempfile::tempdir_in(std::env::current_dir()?)?;
        std::fs::write(data.path().join("coldtrail.toml"), config)?;
        Self::on(data)
    }

    /// Starts it on the directory of one before.
    fn on(data: tempfile::TempDir) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--config"])
            .arg(data.path().join("coldtrail.toml"))
            .arg("--data")
            .arg(data.path().join("data"))
            .env("COLDTRAIL_BOOTSTRAP_TOKEN", TOKEN)
            .env("COLDTRAIL_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("no standard output")?;
        BufReader::new(out).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("the server did not get ready")?;
        let text = |member: &str| ready[member].as_str().unwrap_or_default().to_owned();
        let mqtt = text("mqtt").parse()?;
        Ok(Self { child, data, http: text("http"), mqtt, client: reqwest::Client::new() })
    }

    /// Flushes and ends it, and starts it again on what it left.
    pub(super) fn again(self) -> Result<Self, Failure> {
        let (_, data) = self.stop()?;
        Self::on(data)
    }

    /// The first column of the first row.
    pub(super) async fn number(&self, sql: &str) -> Result<f64, Failure> {
        let request = self.client.post(format!("http://{}/v1/sql", self.http)).bearer_auth(TOKEN);
        let body = serde_json::json!({ "sql": sql }).to_string();
        let request = request.header("content-type", "application/json").body(body);
        let answer: Value = serde_json::from_slice(&request.send().await?.error_for_status()?.bytes().await?)?;
        let name = answer["columns"][0]["name"].as_str().unwrap_or_default().to_owned();
        Ok(answer["rows"][0][&name].as_f64().context("no number in the answer")?)
    }

    /// Posts JSON to `path`, which must be taken.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client.post(format!("http://{}{path}", self.http)).bearer_auth(TOKEN);
        let request = request.header("content-type", "application/json").body(body.to_string());
        Ok(serde_json::from_slice(&request.send().await?.error_for_status()?.bytes().await?)?)
    }

    /// The JSON at `path`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self.client.get(format!("http://{}{path}", self.http)).bearer_auth(TOKEN);
        Ok(serde_json::from_slice(&request.send().await?.error_for_status()?.bytes().await?)?)
    }

    /// The value of a metric without labels, as `/metrics` tells it.
    pub(super) async fn metric(&self, name: &str) -> Result<Option<f64>, Failure> {
        let request = self.client.get(format!("http://{}/metrics", self.http)).bearer_auth(TOKEN);
        let text = request.send().await?.error_for_status()?.text().await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        Ok(value)
    }

    /// Resident memory, bytes.
    pub(super) fn resident_bytes(&self) -> Result<u64, Failure> {
        self.status_bytes("VmRSS:")
    }

    /// The most resident memory it ever had, bytes.
    pub(super) fn most_resident_bytes(&self) -> Result<u64, Failure> {
        self.status_bytes("VmHWM:")
    }

    /// Processor time it has used so far, of all threads.
    pub(super) fn processor_time(&self) -> Result<Duration, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // After the name in parentheses; the fields are numbered from 1 in proc(5): utime is 14, stime 15.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
        let ticks = ticks(14).zip(ticks(15)).map(|(user, system)| user + system).context("no times in `stat`")?;
        // Linux tells programs hundredths of a second (USER_HZ), whatever the kernel counts in.
        Ok(Duration::from_millis(ticks * 10))
    }

    fn status_bytes(&self, member: &str) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib =
            status.lines().find_map(|line| line.strip_prefix(member)?.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.context("no such member in the status of the process")? * 1024)
    }

    /// Flushes and ends it; gives the directory of the table `readings`.
    pub(super) fn stop(mut self) -> Result<(PathBuf, tempfile::TempDir), Failure> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(Failure::Failed(anyhow::anyhow!("the server ended with {status}")));
        }
        let data = std::mem::replace(&mut self.data, tempfile::tempdir()?);
        Ok((data.path().join("data/lake/readings"), data))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already when it was stopped.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
