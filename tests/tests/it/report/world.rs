//! A server with a quiet unit, a warm and often silent one, a lot of twelve, a vehicle, and odd names.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tests::site::{Site, TOKEN};

pub(super) const GTIN: &str = "09506000134352";
/// 2025-06-01T00:00:00Z.
pub(super) const START: i64 = 1_748_736_000_000;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const AS_OF: &str = "2025-06-08T00:00:00Z";
pub(super) const PASSWORD: &str = "a long enough password";
pub(super) const PRODUCT: &str = "Insulin pen 3 ml <b>&amp;</b> 胰岛素笔 «Größe» Ωmega";
pub(super) const ROOM: &str = "冷库 2 / Kühlraum <script>alert(1)</script>";

fn unit(id: &str, place: &str) -> Value {
    json!({"id": id, "gtin": GTIN, "lot": "LOT42", "quantity": 480, "place": place, "at": "2025-06-01T00:00:00Z"})
}

fn document() -> Value {
    let mut units = vec![unit("QUIET", "CR1"), unit("WARM", "CR2")];
    units.extend((1..=10).map(|number| unit(&format!("U{number:02}"), if number % 2 == 0 { "CR1" } else { "CR2" })));
    let sensor = |id: &str| {
        json!({"id": id, "accuracy_c": 0.5, "interval_s": 300, "calibration_due": "2025-05-01",
        "calibrations": [{"from": "2025-03-01T00:00:00Z", "offset_c": 0.125, "uncertainty_c": 0.2, "certificate": "=K-7781 \"Zürich\""}]})
    };
    json!({
        "products": [{"gtin": GTIN, "name": PRODUCT,
            "storage": {"temperature_c": [2.0, 8.0], "humidity_pct": [null, 75.0]},
            "kinetics": {"model": "arrhenius", "ea_kj_per_mol": 83.144, "reference_c": 5.0, "valid_c": [-5.0, 40.0]},
            "rules": [{"id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                       "mode": "single", "delay_s": 1800, "severity": "hold"}],
            "freeze": {"limit_c": -0.5, "delay_s": 3600},
            "budget": {"bands": [{"above_c": 8.0, "to_c": 15.0, "allowed_s": 259_200}, {"above_c": 15.0, "to_c": 25.0, "allowed_s": 86_400}], "combine": "sum"},
            "max_gap_s": 1800, "max_unmonitored_s": 7200, "gap_bound_c": 25.0,
            "mkt": {"dh_kj_per_mol": 83.144, "window_s": 86_400, "limit_c": 8.0, "severity": "review"}}],
        "lots": [{"gtin": GTIN, "lot": "LOT42", "manufactured_on": "2025-01-02", "expires_on": "2099-04-30"}],
        "places": [
            {"id": "WH", "kind": "site", "timezone": "Europe/Berlin"},
            {"id": "CR1", "name": "Cold room 1", "kind": "cold_room", "parent": "WH", "timezone": "Europe/Berlin"},
            {"id": "CR2", "name": ROOM, "kind": "cold_room", "parent": "WH", "gln": "9506000140445"},
            {"id": "TRK7", "kind": "vehicle"},
        ],
        "sensors": [sensor("S1"), sensor("S2"), sensor("S3"), sensor("S4")],
        "associations": [
            {"sensor": "S1", "place": "CR1", "from": "2025-01-01T00:00:00Z"},
            {"sensor": "S2", "place": "CR2", "from": "2025-01-01T00:00:00Z"},
            {"sensor": "S3", "place": "CR2", "from": "2025-01-01T00:00:00Z"},
            {"sensor": "S4", "place": "TRK7", "from": "2025-01-01T00:00:00Z"},
        ],
        "units": units,
        "moves": [{"unit": "WARM", "to": "TRK7", "at": "2025-06-05T06:00:00Z"}, {"unit": "WARM", "to": "CR2", "at": "2025-06-05T18:00:00Z"}],
        "exclusions": [{"sensor": "S2", "from": "2025-06-02T09:00:00Z", "to": "2025-06-02T09:40:00Z", "reason": "calibration", "by": "m.lin"}],
    })
}

/// What a sensor says at a minute, if it says anything: thousandths of a degree.
fn measured(sensor: usize, minute: i64) -> Option<i64> {
    let day = minute % 1440;
    let slow = (day - 720).abs() / 2;
    match sensor {
        1 => Some(4000 + slow),
        // S2 and S3 are out for 20, 40, 60 … minutes in every third hour, and silent for two hours a day.
        2 if (300..420).contains(&day) => None,
        2 if minute % 180 < (minute / 180 % 6) * 20 => Some(8500 + minute % 7 * 100),
        2 => Some(5500 + slow),
        3 if (300..360).contains(&day) => None,
        3 => Some(5000 + slow),
        _ => Some(6000 + slow / 2),
    }
}

/// Starts a server with all of it; seven days of readings every five minutes.
pub(super) async fn site(config: &str) -> Site {
    let site = Site::start(config).await.unwrap();
    let (status, answer) = site.post("/v1/registry", TOKEN, &document()).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    for sensor in 1..=4 {
        let mut readings = Vec::new();
        for minute in (0..7 * 1440).step_by(5) {
            let Some(millis) = measured(sensor, minute) else { continue };
            readings.push(json!({"sensor": format!("S{sensor}"), "at": START + minute * MINUTE,
                "temperature_c": millis as f64 / 1000.0, "humidity_pct": 50.0 + (minute % 1440) as f64 / 100.0}));
        }
        let count = readings.len();
        let message = json!({"site": "WH", "gateway": "GW", "readings": readings});
        let (status, answer) = site.post("/v1/readings", TOKEN, &message).await.unwrap();
        assert_eq!((status, answer["accepted"].as_u64()), (200, Some(count as u64)), "{answer}");
    }
    site
}

/// A token for a named person with an account.
pub(super) async fn quality(site: &Site) -> String {
    let person = json!({"name": "m.lin", "role": "quality", "password": PASSWORD});
    assert_eq!(site.post("/v1/users", TOKEN, &person).await.unwrap().0, 201);
    let token = json!({"name": "m.lin", "role": "quality"});
    let (status, made) = site.post("/v1/tokens", TOKEN, &token).await.unwrap();
    assert_eq!(status, 201, "{made}");
    made["token"].as_str().unwrap().to_owned()
}

/// Status, headers that matter, and body of a GET.
pub(super) async fn get(site: &Site, path: &str) -> (u16, String, String, Vec<u8>) {
    let client = reqwest::Client::new();
    let response = client.get(format!("{}{path}", site.url())).bearer_auth(TOKEN).send().await.unwrap();
    let header =
        |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (kind, disposition) = (header("content-type"), header("content-disposition"));
    (response.status().as_u16(), kind, disposition, response.bytes().await.unwrap().to_vec())
}

/// A report about `subject` as PDF and as JSON.
pub(super) async fn both(site: &Site, subject: &str) -> (super::Document, Value) {
    // The server may be placing holds still: a PDF between two JSONs of one ledger is of that ledger.
    let mut before = json(site, subject).await;
    for _ in 0..1000 {
        let (status, kind, _, pdf) = get(site, &format!("/v1/report?{subject}")).await;
        assert_eq!((status, kind.as_str()), (200, "application/pdf"), "{}", String::from_utf8_lossy(&pdf));
        let after = json(site, subject).await;
        if before["source"] == after["source"] {
            return (super::Document::new(pdf), after);
        }
        before = after;
    }
    panic!("the ledger never rests: {}", before["source"]);
}

async fn json(site: &Site, subject: &str) -> Value {
    let (status, kind, _, json) = get(site, &format!("/v1/report?{subject}&format=json")).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"), "{}", String::from_utf8_lossy(&json));
    serde_json::from_slice(&json).unwrap()
}

/// An instant as reports print it.
pub(super) fn printed(rfc3339: &str) -> String {
    rfc3339.replace('T', " ").replace(".000Z", "").replace('Z', "")
}

/// Seconds as reports print them.
pub(super) fn lasted(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round() as i64;
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    let mut text = if days > 0 { format!("{days} d ") } else { String::new() };
    write!(text, "{}:{:02}:{:02}", rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60).unwrap();
    if rest % 1000 != 0 {
        write!(text, ".{:03}", rest % 1000).unwrap();
    }
    text
}
