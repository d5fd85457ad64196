//! `coldtrail import`: files of every form through the real binary, whole or not at all, once or as often as one likes.

mod declared;
mod loggers;
mod order;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::site::{Site, TOKEN, binary};

/// A data directory, and files beside it.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes a file, and gives where it is.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary("coldtrail").unwrap());
        command.args(arguments).env_remove("COLDTRAIL_TOKEN").current_dir(self.dir.path()).output().unwrap()
    }

    /// Runs `import` into the data directory; the exit code, the account, and what it complained of.
    fn import(&self, arguments: &[&str]) -> (i32, Value, String) {
        let data = self.data();
        let all = [&["import", "--json", "--data", data.to_str().unwrap()][..], arguments].concat();
        told(&self.run(&all))
    }

    /// The rows of a query.
    fn sql(&self, query: &str) -> Vec<Value> {
        let data = self.data();
        let output = self.run(&["sql", query, "--format", "json", "--data", data.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["rows"].as_array().unwrap().clone()
    }

    /// All readings, but for when they came.
    fn readings(&self) -> Vec<Value> {
        self.sql(
            "SELECT sensor, measured_at, temperature_c, humidity_pct, unit, quality FROM readings \
             ORDER BY sensor, measured_at, temperature_c, humidity_pct",
        )
    }

    fn rejected(&self) -> Vec<Value> {
        self.sql("SELECT topic, payload, reason FROM rejected ORDER BY reason, payload")
    }

    fn verify(&self) {
        let data = self.data();
        let output = self.run(&["verify", "--data", data.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn told(output: &Output) -> (i32, Value, String) {
    let account = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), account, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn corpus(name: &str) -> String {
    tests::folder().join("corpus/loggers").join(name).to_str().unwrap().to_owned()
}

/// Our own form, `minutes` readings of sensor A.
fn own(minutes: i64) -> String {
    let rows =
        (0..minutes).map(|minute| format!("A,{},{}\n", 1_767_225_600_000 + minute * 60_000, 4.0 + minute as f64 / 8.0));
    std::iter::once("sensor,measured_at,temperature_c\n".to_owned()).chain(rows).collect()
}

#[test]
fn an_import_repeated_changes_nothing() {
    let desk = Desk::new();
    let file = desk.file("cold room 2.csv", own(5));
    let (code, account, complaint) = desk.import(&[&file]);
    assert_eq!(code, 0, "{complaint}");
    assert_eq!((&account["new"], &account["accepted"]), (&json!(5), &json!(5)));
    let first = desk.readings();
    assert_eq!(
        desk.sql("SELECT DISTINCT site, gateway FROM readings"),
        [json!({"site": "import", "gateway": "cold-room-2"})]
    );
    let (code, account, _) = desk.import(&[&file]);
    assert_eq!((code, &account["new"], &account["applied"]), (0, &json!(0), &json!(true)));
    assert_eq!(desk.readings(), first);
    desk.verify();
}

#[test]
fn a_dry_run_tells_and_applies_nothing() {
    let desk = Desk::new();
    let sound = desk.file("sound.csv", own(3));
    let broken = desk.file("broken.csv", own(3) + "A,never,4\n");
    let (code, account, _) = told(&desk.run(&["import", "--dry-run", "--json", &sound]));
    assert_eq!((code, &account["files"][0]["readings"], &account["applied"]), (0, &json!(3), &json!(false)));
    let (code, account, _) = told(&desk.run(&["import", "--dry-run", "--json", &broken]));
    assert_eq!((code, &account["files"][0]["refused"]["first"][0]["line"]), (3, &json!(5)));
    let table = desk.run(&["import", "--dry-run", &broken]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("line 5") && table.contains("nothing was applied"), "{table}");
    assert!(!desk.data().exists());
    let (code, _, complaint) = told(&desk.run(&["import", &sound]));
    assert_eq!(code, 2, "neither a target nor a dry run: {complaint}");
}

#[test]
fn what_is_refused_is_kept_once_when_that_is_accepted() {
    let desk = Desk::new();
    let text = own(2) + "A,never,4\nA b,1767225600000,4\nA,1767225600000,-300\nA,1767225600000,warm\nA,0,4\n";
    let file = desk.file("odd.csv", text);
    let (code, account, complaint) = desk.import(&[&file]);
    assert_eq!((code, &account["applied"]), (2, &json!(false)));
    assert!(complaint.contains("--accept-refused"), "{complaint}");
    assert!(!desk.data().exists());
    let accepted = ["--accept-refused", &file];
    let (code, account, complaint) = desk.import(&accepted);
    assert_eq!((code, &account["new"], &account["rejected"]), (0, &json!(2), &json!(5)), "{complaint}");
    let rejected = desk.rejected();
    let reasons: Vec<&str> = rejected.iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["clock", "name", "range", "shape", "time"]);
    let payload: Value = serde_json::from_str(rejected[4]["payload"].as_str().unwrap()).unwrap();
    assert_eq!((&payload["import"]["line"], &payload["import"]["row"]), (&json!(4), &json!("A,never,4")));
    // The same bytes under another name are the same file.
    let renamed = desk.file("renamed.csv", std::fs::read(&file).unwrap());
    for file in [&file, &renamed] {
        let (code, account, _) = desk.import(&["--accept-refused", file]);
        assert_eq!((code, &account["new"], &account["rejected"]), (0, &json!(0), &json!(0)));
    }
    assert_eq!(desk.rejected(), rejected);
    desk.verify();
}

#[test]
fn what_an_import_needs_and_the_file_does_not_say_is_asked_for() {
    let desk = Desk::new();
    let text = "Zeit;Temperatur °C\n04.05.2025 10:00;4,3\n13.05.2025 10:10;-0,5\n";
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin1: Vec<u8> = text.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect();
    let options = [
        "--column",
        "measured_at=Zeit",
        "--column",
        "temperature=Temperatur °C",
        "--sensor",
        "KR2",
        "--zone",
        "Europe/Berlin",
    ];
    let mut readings = Vec::new();
    for (name, bytes) in [("utf8.csv", text.as_bytes()), ("utf16.csv", &utf16[..]), ("latin1.csv", &latin1[..])] {
        let desk = Desk::new();
        let file = desk.file(name, bytes);
        let (code, _, complaint) = desk.import(&[&[file.as_str()][..], &options].concat());
        assert_eq!(code, 0, "{name}: {complaint}");
        readings.push(desk.readings());
    }
    assert_eq!(readings[0].len(), 2);
    assert_eq!(readings[0][0]["measured_at"], "2025-05-04T08:00:00.000Z");
    assert!(readings.iter().all(|each| *each == readings[0]));
    let ambiguous = desk.file("ambiguous.csv", "Zeit;Temperatur °C\n04.05.2025 10:00;4,3\n");
    let (code, _, complaint) = desk.import(&[&[ambiguous.as_str()][..], &options].concat());
    assert_eq!(code, 2);
    assert!(complaint.contains("line 2") && complaint.contains("--dates"), "{complaint}");
    let (code, _, complaint) = desk.import(&[&ambiguous]);
    assert_eq!(code, 2);
    assert!(complaint.contains("--column") && complaint.contains("Zeit"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_through_a_server_is_the_same() {
    let site = Site::start("").await.unwrap();
    let file = site.dir().join("G7.csv");
    std::fs::write(&file, own(4) + "A,never,4\n").unwrap();
    let (file, url) = (file.to_str().unwrap(), site.url());
    let import = ["import", file, "--json", "--url", &url, "--token", TOKEN, "--site", "S", "--accept-refused"];
    for (new, rejected) in [(4, 1), (0, 0)] {
        let (code, account, complaint) = told(&site.coldtrail(import).await.unwrap());
        assert_eq!(code, 0, "{complaint}");
        assert_eq!((&account["new"], &account["rejected"]), (&json!(new), &json!(rejected)));
    }
    assert_eq!(site.count("SELECT count(*) FROM readings WHERE site = 'S' AND gateway = 'G7'").await.unwrap(), 4);
    assert_eq!(site.count("SELECT count(*) FROM rejected").await.unwrap(), 1);
    let data = site.data().to_str().unwrap().to_owned();
    let token =
        site.coldtrail(["token", "create", "--role", "gateway", "--name", "G7", "--data", &data]).await.unwrap();
    let token = String::from_utf8(token.stdout).unwrap();
    std::fs::write(file, own(6)).unwrap();
    let gateway = ["import", file, "--json", "--url", &url, "--token", token.trim(), "--site", "S"];
    let (code, account, complaint) = told(&site.coldtrail(gateway).await.unwrap());
    assert_eq!((code, &account["accepted"], &account["duplicate"]), (0, &json!(2), &json!(4)), "{complaint}");
    let (code, _, complaint) = told(&site.coldtrail([&gateway[..], &["--gateway", "G8"]].concat()).await.unwrap());
    assert_eq!(code, 1, "a gateway speaks for itself: {complaint}");
}
