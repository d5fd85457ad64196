//! What cannot be read is acknowledged and kept with its reason, and the next message is unaffected.

use std::time::Duration;

use serde_json::json;
use tests::publisher::{Outgoing, read};
use tests::site::{HURRIED, Site};
use tests::wire::{Packet, kind};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{AT, everything};

/// A payload, the reason for which it is refused, and the refused part; `None`: the whole message.
struct Case {
    payload: Vec<u8>,
    reason: &'static str,
    part: Option<String>,
}

fn whole(payload: impl Into<Vec<u8>>, reason: &'static str) -> Case {
    Case { payload: payload.into(), reason, part: None }
}

/// A message whose only reading is `part`.
fn part(part: impl Into<String>, reason: &'static str) -> Case {
    let part = part.into();
    Case { payload: format!(r#"{{"readings":[{part}]}}"#).into(), reason, part: Some(part) }
}

fn with_temperature(value: &str) -> String {
    format!(r#"{{"sensor":"A","at":{AT},"temperature_c":{value}}}"#)
}

fn payloads() -> Vec<Case> {
    let good = format!(r#"{{"readings":[{}]}}"#, with_temperature("1"));
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_array = |value: &str| format!(r#"{{"readings":[{}]}}"#, with_temperature(value));
    let mut cases = vec![
        whole("", "json"),
        whole("hello", "json"),
        whole(in_array("NaN"), "json"),
        whole(in_array("Infinity"), "json"),
        whole(in_array("0x1F"), "json"),
        whole(in_array("4,5"), "json"),
        whole(format!("\u{feff}{good}"), "json"),
        whole(utf16, "json"),
        whole(b"{\"readings\":[{\"sensor\":\"\xff\"}]}".to_vec(), "json"),
        whole(format!("{good}\0"), "json"),
        whole(format!("{good}{good}"), "json"),
        whole("[".repeat(1_000_000), "json"),
        whole("x".repeat(2 << 20), "json"),
        whole(r#"{"readings":[{"sensor":"A""#, "json"),
        whole("null", "shape"),
        whole("[]", "shape"),
        whole("{}", "shape"),
        whole(r#"{"readings":{}}"#, "shape"),
        whole(r#"{"readings":[],"readings":[]}"#, "shape"),
        part(format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000)), "shape"),
        part("5", "shape"),
        part(format!(r#"["A",{AT},4.5]"#), "shape"),
        part(format!(r#"{{"sensor":"A","at":{AT}}}"#), "shape"),
        part(format!(r#"{{"at":{AT},"temperature_c":1}}"#), "shape"),
        part(r#"{"sensor":"A","temperature_c":1}"#, "shape"),
        part(format!(r#"{{"sensor":"A","at":{AT},"temperature_c":1,"temperature_c":2}}"#), "shape"),
        part(format!(r#"{{"sensor":7,"at":{AT},"temperature_c":1}}"#), "shape"),
    ];
    cases.extend(
        [r#""12,5""#, r#""0x1F""#, "null", "true", "[[4]]", "{}"].map(|value| part(with_temperature(value), "shape")),
    );
    cases.extend(["1e308", "1e400", "-300", "200.001", "-200.001"].map(|value| part(with_temperature(value), "range")));
    cases.extend(
        ["-0.001", "105.001"]
            .map(|value| part(format!(r#"{{"sensor":"A","at":{AT},"humidity_pct":{value}}}"#), "range")),
    );
    // 1970 in seconds, microseconds, nanoseconds, 1999, 2038, 2262, tomorrow's end of days.
    let times = [
        (1_790_000_000.to_string(), "clock"),
        ((AT * 1_000).to_string(), "clock"),
        (i64::MAX.to_string(), "clock"),
        (u64::MAX.to_string(), "clock"),
        ("-1".into(), "clock"),
        (r#""1970-01-01T00:00:00Z""#.into(), "clock"),
        (r#""1999-12-31T23:59:59.999Z""#.into(), "clock"),
        (r#""2138-01-19T03:14:08Z""#.into(), "clock"),
        (r#""2262-04-11T23:47:17Z""#.into(), "clock"),
        (format!("{AT}.5"), "time"),
        (r#""yesterday""#.into(), "time"),
        (r#""2026-09-21""#.into(), "time"),
        (r#""2026-09-21T13:46:40""#.into(), "time"),
        (r#""2026-02-30T00:00:00Z""#.into(), "time"),
        (format!(r#""{AT}""#), "time"),
        (r#""""#.into(), "time"),
    ];
    cases.extend(times.map(|(at, reason)| part(format!(r#"{{"sensor":"A","at":{at},"temperature_c":1}}"#), reason)));
    let long = "n".repeat(65);
    let names = ["", " ", "../x", "lot=1/x=2", "%2e%2e", "a b", "А", "a\u{202e}b", "a\\u0000b", "é", long.as_str()];
    cases.extend(names.map(|name| part(format!(r#"{{"sensor":"{name}","at":{AT},"temperature_c":1}}"#), "name")));
    cases.push(part(format!(r#"{{"sensor":"A","at":{AT},"temperature_c":1,"unit":"../x"}}"#), "name"));
    cases
}

/// Topics that name no gateway. What is published there is kept, whole.
const TOPICS: [&str; 12] = [
    "hello",
    "../../etc/passwd",
    "$SYS/x",
    "coldtrail/v1/S/G",
    "coldtrail/v1/S/G/readings/",
    "coldtrail/v1/S/G/Readings",
    "coldtrail/v2/S/G/readings",
    "coldtrail/v1//G/readings",
    "coldtrail/v1/lot=1/x=2/readings",
    "coldtrail/v1/%2e%2e/G/readings",
    "coldtrail/v1/S/\u{410}/readings",
    "coldtrail/v1/S/a\u{202e}b/readings",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_with_its_reason_and_the_next_message_is_unaffected() {
    let mut site = Site::start(HURRIED).await.unwrap();
    let mut publisher = site.publisher("G");
    let good = |number: usize| {
        format!(r#"{{"readings":[{{"sensor":"GOOD","at":{AT},"temperature_c":1,"seq":{number}}}]}}"#)
            .replace(&AT.to_string(), &(AT + i64::try_from(number).unwrap()).to_string())
    };
    let mut expected = Vec::new();
    let mut messages = Vec::new();
    for (number, case) in payloads().into_iter().enumerate() {
        let topic = format!("coldtrail/v1/S/M{number}/readings");
        let shown = case.part.unwrap_or_else(|| escaped(&case.payload));
        expected.push((topic.clone(), shown, case.reason));
        messages.push((topic, case.payload));
    }
    for topic in TOPICS {
        expected.push((topic.to_owned(), good(0), "topic"));
        messages.push((topic.to_owned(), good(0).into()));
    }
    let count = messages.len();
    for (number, (topic, payload)) in messages.into_iter().enumerate() {
        let bad = Outgoing { topic, qos: 1, retain: false, payload };
        let topic = "coldtrail/v1/S/G/readings".to_owned();
        let next = Outgoing { topic, qos: 1, retain: false, payload: good(number).into() };
        publisher.publish(vec![bad, next], Duration::from_secs(30)).await.unwrap();
    }
    for restarted in [false, true] {
        let (readings, rejected) = everything(&site).await;
        assert_eq!(readings.len(), count, "only the good messages, each once");
        assert!(readings.iter().all(|row| row["sensor"] == "GOOD" && row["quality"] == "good"));
        let mut found: Vec<(String, String, String)> = rejected
            .iter()
            .map(|row| ["topic", "payload", "reason"].map(|column| row[column].as_str().unwrap().to_owned()).into())
            .collect();
        let mut wanted: Vec<_> = expected
            .iter()
            .map(|(topic, payload, reason)| (topic.clone(), payload.clone(), (*reason).to_owned()))
            .collect();
        found.sort();
        wanted.sort();
        for (found, wanted) in found.iter().zip(&wanted) {
            let short = |row: &(String, String, String)| {
                (row.0.clone(), row.1.chars().take(200).collect::<String>(), row.2.clone())
            };
            assert!(found == wanted, "found {:?}, expected {:?}", short(found), short(wanted));
        }
        assert_eq!(found.len(), wanted.len());
        if !restarted {
            site.sigterm().await.unwrap();
            site.verify(site.data()).await.unwrap();
            site.restart().await.unwrap();
        }
    }
}

/// The payload as `rejected` shows it: bytes that are no UTF-8 as `\xNN`.
fn escaped(payload: &[u8]) -> String {
    let mut text = String::new();
    for chunk in payload.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn values_and_times_at_their_limits_are_taken() {
    let site = Site::start("").await.unwrap();
    for (number, value) in ["-200", "200", "1e-320", "-0.0004", "4.0005", "-4.0005", "1E1"].into_iter().enumerate() {
        let reading =
            format!(r#"{{"sensor":"T{number}","at":{AT},"temperature_c":{value},"x":[[[]]],"humidity_pct":null}}"#);
        site.publish("G", format!(r#"{{"readings":[{reading}],"other":{{}}}}"#)).await.unwrap();
    }
    let rows = site.sql("SELECT temperature_c FROM readings ORDER BY sensor").await.unwrap();
    let values: Vec<f64> = rows.iter().map(|row| row["temperature_c"].as_f64().unwrap()).collect();
    assert_eq!(values, [-200.0, 200.0, 0.0, 0.0, 4.001, -4.001, 10.0]);
    let times = [r#""2000-01-01T00:00:00Z""#, r#""2016-12-31T23:59:60Z""#, r#""2026-03-29T02:30:00+01:00""#];
    for at in times {
        site.publish("G", format!(r#"{{"readings":[{{"sensor":"A","at":{at},"humidity_pct":105}}]}}"#)).await.unwrap();
    }
    let rows = site.sql("SELECT measured_at FROM readings WHERE sensor = 'A' ORDER BY measured_at").await.unwrap();
    let at = |text: &str| json!({ "measured_at": text });
    // A leap second is the first instant after it: the time scale has no place of its own for it.
    assert_eq!(rows, ["2000-01-01T00:00:00.000Z", "2017-01-01T00:00:00.000Z", "2026-03-29T01:30:00.000Z"].map(at));
    assert_eq!(site.count("SELECT count(*) AS n FROM rejected").await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_says_it_has_256_mb_closes_its_connection_alone() {
    let site = Site::start("").await.unwrap();
    let mut stream = TcpStream::connect(site.mqtt()).await.unwrap();
    stream.write_all(&Packet::connect("large").encode()).await.unwrap();
    let mut bytes = Vec::new();
    assert_eq!(read(&mut stream, &mut bytes).await.unwrap().kind(), kind::CONNACK);
    stream.write_all(&[0x32, 0xff, 0xff, 0xff, 0x7f, 0, 1, b'a', 0, 1]).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), read(&mut stream, &mut bytes)).await;
    assert!(ended.expect("the connection is closed").is_err());
    site.publish("G", format!(r#"{{"readings":[{}]}}"#, with_temperature("1"))).await.unwrap();
    assert_eq!(site.count("SELECT count(*) AS n FROM readings").await.unwrap(), 1);
    assert_eq!(site.count("SELECT count(*) AS n FROM rejected").await.unwrap(), 0);
}
