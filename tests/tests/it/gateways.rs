//! Gateways that publish with paho in a process of their own, and keep a ledger of what was acknowledged to them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tests::site::Site;
use tokio::process::{Child, Command};

use crate::rows::{self, Identity, Said};

const GATEWAYS: &str = "4";
const PATIENCE: Duration = Duration::from_secs(120);

/// Readings by identity, each with what it says.
pub(crate) type Ledger = std::collections::BTreeMap<Identity, Said>;

/// Publishing gateways. Killed when dropped.
pub(crate) struct Gateways(Child);

impl Gateways {
    /// Starts them towards `site`; the ledger is in its directory.
    pub(crate) fn start(python: &Path, site: &Site, seed: u64) -> Self {
        tell_port(site);
        let mut command = Command::new(python);
        command.arg(tests::python::script("gateways.py")).arg(site.dir().join("port")).arg(site.dir());
        command.args([&seed.to_string(), GATEWAYS]).stdin(Stdio::null()).kill_on_drop(true);
        Self(command.spawn().unwrap())
    }

    /// Lets them send what is under way until all of it is acknowledged.
    pub(crate) async fn finish(mut self, site: &Site) {
        std::fs::write(site.dir().join("stop"), "").unwrap();
        let status = tokio::time::timeout(PATIENCE, self.0.wait()).await.expect("the gateways finish").unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Tells the gateways where the server takes MQTT now.
pub(crate) fn tell_port(site: &Site) {
    let (new, file) = (site.dir().join("port.new"), site.dir().join("port"));
    std::fs::write(&new, site.mqtt().port().to_string()).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// What has been acknowledged so far.
pub(crate) fn acknowledged(site: &Site) -> Ledger {
    rows::of_ledger(&site.dir().join("acknowledged.csv"))
}

/// What has been sent so far.
pub(crate) fn sent(site: &Site) -> Ledger {
    rows::of_ledger(&site.dir().join("sent.csv"))
}

/// Waits until `count` readings have been acknowledged.
pub(crate) async fn until_acknowledged(site: &Site, count: usize) {
    let waiting = async {
        while !site.dir().join("acknowledged.csv").exists() || acknowledged(site).len() < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the gateways publish");
}
