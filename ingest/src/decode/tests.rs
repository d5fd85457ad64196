use super::*;

fn reasons(payload: impl AsRef<[u8]>) -> String {
    match decode(&Native, payload.as_ref()) {
        Err(reason) => format!("whole {reason}"),
        Ok(readings) => {
            let word = |reading: &Result<Candidate<'_>, Reason>| match reading {
                Ok(candidate) => format!("{}@{}", candidate.sensor, candidate.at),
                Err(reason) => reason.to_string(),
            };
            readings.iter().map(word).collect::<Vec<_>>().join(" ")
        }
    }
}

fn one(members: &str) -> String {
    reasons(format!(r#"{{"readings":[{{{members}}},{{"sensor":"B","at":1,"temperature_c":1}}]}}"#))
}

#[test]
fn reads_the_form_of_the_contract() {
    let payload = br#"{"readings":[
      {"sensor":"WH1-CR2-A","at":"2026-11-22T10:00:00Z","temperature_c":4.31,"humidity_pct":55.2},
      {"sensor":"TRK7-F","at":1795341600000,"temperature_c":5.02,"unit":"106141411234567897","seq":4711}]}"#;
    let readings = decode(&Native, payload).unwrap();
    let [first, second] = &readings[..] else { panic!("{readings:?}") };
    let (first, second) = (first.as_ref().unwrap(), second.as_ref().unwrap());
    assert_eq!((first.at, first.temperature_c, first.humidity_pct), (1_795_341_600_000, Some(4.31), Some(55.2)));
    assert_eq!((second.unit.as_deref(), second.seq), (Some("106141411234567897"), Some(4711)));
    assert!(matches!(first.sensor, std::borrow::Cow::Borrowed(_)));
}

#[test]
fn says_why_a_whole_message_cannot_be_read() {
    let deep = format!(r#"{{"readings":{}"#, "[".repeat(1_000_000));
    let cases: [(&[u8], &str); 14] = [
        (b"", "whole json"),
        (b"{", "whole json"),
        (b"\xef\xbb\xbf{\"readings\":[]}", "whole json"),
        (b"{\0\"\0", "whole json"),
        (b"{\"readings\":[\"\xff\"]}", "whole json"),
        (b"{\"readings\":[]} x", "whole json"),
        (b"{\"readings\":[{\"sensor\":\"A\",\"at\":1,\"temperature_c\":NaN}]}", "whole json"),
        (b"[]", "whole shape"),
        (b"[[{\"sensor\":\"A\",\"at\":1,\"temperature_c\":1}]]", "whole shape"),
        (b"{}", "whole shape"),
        (b"{\"readings\":{}}", "whole shape"),
        (b"{\"readings\":[],\"readings\":[]}", "whole shape"),
        (b"{\"readings\":[]}", ""),
        (deep.as_bytes(), "whole json"),
    ];
    for (payload, expected) in cases {
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(60)]).into_owned();
        if payload.len() > 1000 {
            assert!(reasons(payload).starts_with("whole"), "{shown}");
        } else {
            assert_eq!(reasons(payload), expected, "{shown}");
        }
    }
}

#[test]
fn refuses_a_bad_reading_alone() {
    let cases = [
        (r#""sensor":"A","at":1,"temperature_c":1e308"#, "A@1"),
        (r#""sensor":"A","at":1,"temperature_c":1e400"#, "range"),
        (r#""sensor":"A","at":1,"temperature_c":"12,5""#, "shape"),
        (r#""sensor":"A","at":1,"temperature_c":"0x1F""#, "shape"),
        (r#""sensor":"A","at":1,"temperature_c":null"#, "shape"),
        (r#""sensor":"A","at":1,"temperature_c":null,"humidity_pct":5"#, "A@1"),
        (r#""sensor":"A","at":1,"temperature_c":true"#, "shape"),
        (r#""sensor":"A","at":1,"temperature_c":[1]"#, "shape"),
        (r#""sensor":"A","at":1,"temperature_c":1,"temperature_c":2"#, "shape"),
        (r#""sensor":"A","at":1.5,"temperature_c":1"#, "time"),
        (r#""sensor":"A","at":"yesterday","temperature_c":1"#, "time"),
        (r#""sensor":"A","at":"1795341600000","temperature_c":1"#, "time"),
        (r#""sensor":"A","at":99999999999999999999999,"temperature_c":1"#, "time"),
        (r#""sensor":"A","at":null,"temperature_c":1"#, "shape"),
        (r#""sensor":7,"at":1,"temperature_c":1"#, "shape"),
        (r#""at":1,"temperature_c":1"#, "shape"),
        (r#""sensor":"\u0041","at":1,"temperature_c":1,"more":{"x":[1]}"#, "A@1"),
    ];
    for (members, expected) in cases {
        assert_eq!(one(members), format!("{expected} B@1"), "{members}");
    }
    let payload = br#"{"readings":[{"sensor":"A"}, {"sensor":7}]}"#;
    assert_eq!(Native.part(payload, 1), br#"{"sensor":7}"#);
}

#[test]
fn takes_readings_only_from_topics_made_of_names() {
    let origin = |topic| Native.origin(topic).map(|origin| format!("{} {}", origin.site, origin.gateway));
    assert_eq!(origin("coldtrail/v1/WH1/GW1/readings").as_deref(), Some("WH1 GW1"));
    for topic in [
        "coldtrail/v1/WH1/GW1",
        "coldtrail/v1/WH1/GW1/readings/x",
        "coldtrail/v1/../../readings",
        "coldtrail/v1/lot=1/x=2/readings",
        "coldtrail/v1/%2e%2e/GW1/readings",
        "coldtrail/v1//GW1/readings",
        "coldtrail/v1/WH\u{202e}1/GW1/readings",
        "$SYS/x",
        "сoldtrail/v1/WH1/GW1/readings",
        "coldtrail/v1/+/#/readings",
    ] {
        let allowed = topic == "coldtrail/v1/../../readings";
        assert_eq!(origin(topic).is_some(), allowed, "{topic}");
    }
}

struct Panicking;

impl Decoder for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }
    fn origin<'t>(&self, _: &'t str) -> Option<Origin<'t>> {
        None
    }
    fn decode<'a>(&self, _: &'a [u8]) -> Result<Decoded<'a>, Reason> {
        panic!("a defect")
    }
    fn part<'a>(&self, payload: &'a [u8], _: usize) -> &'a [u8] {
        payload
    }
}

#[test]
fn a_decoder_that_panics_refuses_the_message() {
    assert_eq!(decode(&Panicking, b"x"), Err(Reason::Decoder));
}
