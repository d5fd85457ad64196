//! A mosquitto of its own on a free port, to compare with.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::exit::Failure;

/// A running broker that drops nothing for want of room.
pub(super) struct Mosquitto {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Mosquitto {
    /// Starts it; `None`, with a word about it, when there is none on this machine.
    pub(super) fn start() -> Result<Option<Self>, Failure> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let config = dir.path().join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\nlog_type error\n"
        );
        std::fs::write(&config, text)?;
        let path = format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default());
        let spawned = Command::new("mosquitto").arg("-c").arg(&config).env("PATH", path).stderr(Stdio::null()).spawn();
        let child = match spawned.or_else(|_| Command::new("/usr/sbin/mosquitto").arg("-c").arg(&config).spawn()) {
            Ok(child) => child,
            Err(error) => {
                println!("without mosquitto ({error}): install Debian's package `mosquitto` to compare with it");
                return Ok(None);
            }
        };
        let broker = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), _dir: dir };
        let until = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(broker.address).is_err() {
            if Instant::now() > until {
                return Err(Failure::Failed(anyhow::anyhow!("mosquitto does not listen")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(broker))
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
