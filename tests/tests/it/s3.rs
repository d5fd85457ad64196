//! The lake in a bucket: a local S3 server, also one that stops answering for a while.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::site::Site;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

const AT: i64 = 1_790_000_000_000;
const ALL: &str = "SELECT count(*) AS n, count(DISTINCT measured_at) AS d FROM readings";

/// moto's S3 server with a bucket `lake`. Killed when dropped.
struct S3 {
    python: &'static Path,
    port: u16,
    child: Child,
}

impl S3 {
    async fn start(python: &'static Path) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).kill_on_drop(true);
        let s3 = Self { python, port, child: command.spawn().unwrap() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(Instant::now() < deadline, "moto does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        s3.ask("create").await;
        s3
    }

    fn config(&self, ingest: &str) -> String {
        format!(
            "[s3]\nbucket = \"lake\"\nprefix = \"some/where\"\nendpoint = \"http://127.0.0.1:{}\"\nallow_http = true\n\
             access_key_id = \"test\"\nsecret_access_key = \"test\"\n[ingest]\n{ingest}\n",
            self.port
        )
    }

    async fn ask(&self, what: &str) -> String {
        let mut command = Command::new(self.python);
        command.arg(tests::python::script("s3_rows.py")).args([&format!("http://127.0.0.1:{}", self.port), what]);
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
    }
}

async fn publish(site: &Site, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let reading = json!({ "sensor": "A", "at": AT + number * 60_000, "temperature_c": 4.31 });
        site.publish("G", json!({ "readings": [reading] }).to_string()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_in_a_bucket_answers_as_one_on_disk() {
    let Some(python) = tests::python() else { return };
    let s3 = S3::start(python).await;
    let mut site = Site::start(&s3.config("")).await.unwrap();
    publish(&site, 0..100).await;
    let all = [json!({ "n": 100, "d": 100 })];
    assert_eq!(site.sql(ALL).await.unwrap(), all);
    let (status, _) = site.sigterm().await.unwrap();
    assert!(status.success(), "{}", site.log_end());
    assert_eq!(s3.ask("count").await, "100");
    assert!(!site.data().join("lake/readings").exists(), "nothing of the lake is on the local disk");
    site.verify(site.data()).await.unwrap();
    // Without the configuration nobody looks for the lake in the wrong place.
    let data = site.data().to_str().unwrap();
    let all_that_look = [
        &["verify", "--data", data][..],
        &["sql", ALL, "--data", data],
        &["backup", "nowhere", "--data", data],
        &["serve", "--data", data],
    ];
    for arguments in all_that_look {
        let output = site.coldtrail(arguments).await.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains("s3://lake/some/where") && stderr.contains("--config"), "{arguments:?}: {stderr}");
    }
    assert!(!site.data().join("lake").exists());
    site.restart().await.unwrap();
    assert_eq!(site.sql(ALL).await.unwrap(), all);

    // Known already, although only the bucket has them; and one more.
    publish(&site, 90..101).await;
    assert_eq!(site.sql(ALL).await.unwrap(), [json!({ "n": 101, "d": 101 })]);
    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    assert_eq!(site.sql(ALL).await.unwrap(), [json!({ "n": 101, "d": 101 })]);
    site.sigterm().await.unwrap();
    assert_eq!(s3.ask("count").await, "101");

    // A backup brings the bucket's files home: the copy is verified and served without the bucket.
    let (backup, config) = (site.dir().join("backup"), site.config());
    let arguments = ["backup".as_ref(), backup.as_os_str(), "--data".as_ref(), site.data().as_os_str()];
    let output = site.coldtrail(arguments.into_iter().chain(["--config".as_ref(), config.as_os_str()])).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let query =
        ["sql".as_ref(), ALL.as_ref(), "--format".as_ref(), "csv".as_ref(), "--data".as_ref(), backup.as_os_str()];
    let output = site.coldtrail(query).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n"), "n,d\n101,101\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_does_not_answer_messages_are_acknowledged_and_reach_it_afterwards() {
    let Some(python) = tests::python() else { return };
    let s3 = S3::start(python).await;
    let mut site = Site::start(&s3.config("flush_after_s = 0.2\njournal_segment_bytes = 65536")).await.unwrap();
    publish(&site, 0..50).await;
    s3.signal("STOP").await;
    publish(&site, 50..400).await;
    s3.signal("CONT").await;
    assert_eq!(site.sql(ALL).await.unwrap(), [json!({ "n": 400, "d": 400 })]);
    let (status, _) = site.sigterm().await.unwrap();
    assert!(status.success(), "{}", site.log_end());
    assert_eq!(s3.ask("count").await, "400");

    // The bucket is away when the server is killed, too.
    site.restart().await.unwrap();
    s3.signal("STOP").await;
    publish(&site, 400..500).await;
    site.kill9().await.unwrap();
    s3.signal("CONT").await;
    site.restart().await.unwrap();
    assert_eq!(site.sql(ALL).await.unwrap(), [json!({ "n": 500, "d": 500 })]);
    site.sigterm().await.unwrap();
    assert_eq!(s3.ask("count").await, "500");
    site.verify(site.data()).await.unwrap();
}
