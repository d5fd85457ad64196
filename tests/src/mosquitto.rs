//! A real mosquitto on a free port of 127.0.0.1, to be stopped, killed and restarted by its own process id.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How long the broker may take to listen, to stop, or to save.
const PATIENCE: Duration = Duration::from_secs(10);

/// Configuration under which the broker drops nothing for want of room.
pub const UNLIMITED: &str = "max_inflight_messages 0\nmax_queued_messages 0\n";

/// A broker with its own directory. Killed when dropped.
pub struct Mosquitto {
    dir: tempfile::TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts a broker with `config` added to the listener and the anonymous access it always has. `None` when this
    /// machine has no mosquitto; in CI that is an error.
    ///
    /// # Errors
    /// When it does not start, or is missing with `CI=true`.
    pub async fn start(config: &str) -> Result<Option<Self>> {
        let Some(program) = find() else {
            if std::env::var("CI").is_ok_and(|ci| ci == "true") {
                bail!("mosquitto is missing: install Debian's package `mosquitto`");
            }
            eprintln!("skipped: mosquitto is not installed");
            return Ok(None);
        };
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let data = dir.path().join("data");
        fs::create_dir(&data)?;
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest file {log}\nlog_type all\n\
             persistence_location {data}/\nautosave_interval 0\n{config}\n",
            log = dir.path().join("log").display(),
            data = data.display(),
        );
        fs::write(dir.path().join("mosquitto.conf"), text)?;
        fs::write(dir.path().join("program"), program.as_os_str().as_encoded_bytes())?;
        let mut broker = Self { dir, address, child: None };
        broker.run(&program).await?;
        Ok(Some(broker))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it with SIGKILL and starts it again.
    ///
    /// # Errors
    /// When it does not start again.
    pub async fn kill_and_restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.restart().await
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.take().context("mosquitto is not running")?.kill().await?;
        Ok(())
    }

    /// Stops it with SIGTERM: with persistence it saves what it holds.
    ///
    /// # Errors
    /// When it is not running or does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("mosquitto is not running")?;
        self.signal(&child, "TERM").await?;
        tokio::time::timeout(PATIENCE, child.wait()).await.context("mosquitto does not stop")??;
        Ok(())
    }

    /// Starts it again after [`stop`](Self::stop) or [`kill`](Self::kill), on the same port.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<()> {
        let program = PathBuf::from(fs::read_to_string(self.dir.path().join("program"))?);
        self.run(&program).await
    }

    /// Makes it save everything it holds, and waits until that is on disk.
    ///
    /// # Errors
    /// When it does not save.
    pub async fn save(&self) -> Result<()> {
        let file = self.dir.path().join("data/mosquitto.db");
        let identity = |file: &Path| fs::metadata(file).ok().map(|meta| std::os::unix::fs::MetadataExt::ino(&meta));
        let before = identity(&file);
        self.signal(self.child.as_ref().context("mosquitto is not running")?, "USR1").await?;
        let deadline = Instant::now() + PATIENCE;
        // It writes beside the file and renames: another inode is a finished save.
        while identity(&file) == before || identity(&file).is_none() {
            if Instant::now() > deadline {
                bail!("mosquitto does not save");
            }
            // A signal is seen at the next event of its loop: give it one.
            let _ = TcpStream::connect(self.address).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    async fn run(&mut self, program: &Path) -> Result<()> {
        let mut child = Command::new(program)
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("mosquitto ended with {status}: {}", self.log());
            }
            if Instant::now() > deadline {
                bail!("mosquitto does not listen: {}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.child = Some(child);
        Ok(())
    }

    async fn signal(&self, child: &Child, name: &str) -> Result<()> {
        let pid = child.id().context("mosquitto has ended")?;
        let status = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().await?;
        if !status.success() {
            bail!("cannot signal mosquitto");
        }
        Ok(())
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    folders.map(|folder| folder.join("mosquitto")).find(|program| program.is_file())
}
