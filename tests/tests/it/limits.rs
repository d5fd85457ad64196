//! Accounts and tokens that are limited to sites: of the other site nothing is told, in any byte of any answer (API1:2023,
//! broken object level authorization). On the real binary, with two sites that share a product, a lot and a region.

mod acts;
mod answers;
mod events;
mod people;
mod routes;

use std::time::Duration;

use chrono::Utc;
use model::instant::to_rfc3339;
use reqwest::Method;
use serde_json::{Value, json};
use tests::site::{Site, TOKEN};

/// The product of both sites.
const GTIN: &str = "09506000134352";
/// A product that only the other site has.
const OTHER_GTIN: &str = "09506000134369";
/// The other site's pallet.
const OTHER_PALLET: &str = "106141411234567910";
const STEP_MS: i64 = 600_000;
const PASSWORD: &str = "a long password for tests";

/// What is the other site's and nobody else's: ids and names, and temperatures and texts that are said nowhere else. In
/// capitals: answers are looked through whatever their letters.
const OTHERS: [&str; 8] =
    ["BRAVO", OTHER_GTIN, OTHER_PALLET, "61.375", "60.25", "ICE CREAM", "ICE+CREAM", "106141411234567"];

/// Two sites in a region, and a truck of none.
///
/// `WANDER` came from the other site, `GONE-BRAVO` went there, `CHILD` was split off there and came over, `ROVER` is a
/// sensor that was there first, and `RIDER-BRAVO` was with `WANDER` as long as that was there. 10.5 is in the record of what came over, 61.375 and 60.25 are the other site's alone,
/// and no seconds of an instant look like them.
fn registry(begins: i64) -> Value {
    let unit = |id: &str, gtin: &str, lot: &str, place: &str, quantity: u64| json!({ "id": id, "gtin": gtin, "lot": lot, "quantity": quantity, "place": place, "at": begins });
    let lot = |gtin: &str, lot: &str| json!({ "gtin": gtin, "lot": lot, "expires_on": "2099-04-30" });
    let product = |gtin: &str, name: &str| {
        json!({
            "gtin": gtin, "name": name, "storage": { "temperature_c": [2.0, 8.0] }, "kinetics": { "model": "none" },
            "rules": [{ "id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                        "mode": "single", "delay_s": 1800, "severity": "hold" }],
            "max_gap_s": 3600,
        })
    };
    let (half, later) = (begins + 4 * STEP_MS, begins + 5 * STEP_MS);
    json!({
        "products": [product(GTIN, "Insulin pen 3 ml"), product(OTHER_GTIN, "Ice cream")],
        "places": [
            { "id": "EU", "kind": "site" },
            { "id": "ALFA", "kind": "site", "parent": "EU" }, { "id": "ALFA-CR", "kind": "cold_room", "parent": "ALFA", "name": "Cold room" },
            { "id": "ALFA-D", "kind": "dock", "parent": "ALFA" },
            { "id": "BRAVO", "kind": "site", "parent": "EU" }, { "id": "BRAVO-CR", "kind": "cold_room", "parent": "BRAVO", "name": "Bravo's room" },
            { "id": "BRAVO-D", "kind": "dock", "parent": "BRAVO" },
            { "id": "TRK7", "kind": "vehicle" },
        ],
        "sensors": [{ "id": "ALFA-T", "interval_s": 600 }, { "id": "BRAVO-T", "interval_s": 600 }, { "id": "ROVER", "interval_s": 600 },
                    { "id": "RIDER-BRAVO", "interval_s": 600 }],
        "associations": [
            { "sensor": "ALFA-T", "place": "ALFA-CR", "from": begins }, { "sensor": "BRAVO-T", "place": "BRAVO-CR", "from": begins },
            { "sensor": "ROVER", "place": "BRAVO-D", "from": begins, "to": half }, { "sensor": "ROVER", "place": "ALFA-D", "from": half },
            { "sensor": "RIDER-BRAVO", "unit": "WANDER", "from": begins, "to": half },
        ],
        "lots": [lot(GTIN, "LOT-ALFA"), lot(GTIN, "LOT-SHARED"), lot(OTHER_GTIN, "LOT-BRAVO")],
        "units": [
            unit("U-ALFA", GTIN, "LOT-ALFA", "ALFA-CR", 40), unit("S-ALFA", GTIN, "LOT-SHARED", "ALFA-CR", 7),
            unit("U-BRAVO", OTHER_GTIN, "LOT-BRAVO", "BRAVO-CR", 111), unit("S-BRAVO", GTIN, "LOT-SHARED", "BRAVO-CR", 13),
            unit("WANDER", GTIN, "LOT-SHARED", "BRAVO-CR", 5), unit("GONE-BRAVO", GTIN, "LOT-ALFA", "ALFA-CR", 6),
            unit("P-BRAVO", GTIN, "LOT-SHARED", "BRAVO-CR", 20),
        ],
        "splits": [{ "unit": "P-BRAVO", "into": [{ "id": "CHILD", "quantity": 2 }], "at": begins + STEP_MS }],
        "aggregations": [{ "parent": OTHER_PALLET, "children": ["U-BRAVO"], "from": begins, "to": null }],
        "moves": [
            { "unit": "WANDER", "to": "ALFA-CR", "at": later }, { "unit": "CHILD", "to": "ALFA-CR", "at": later },
            { "unit": "GONE-BRAVO", "to": "BRAVO-CR", "at": begins + 2 * STEP_MS },
            { "unit": OTHER_PALLET, "to": "BRAVO-CR", "at": begins + STEP_MS },
        ],
    })
}

/// Both sites with their past, and whoever looks at it.
struct World {
    site: Site,
    begins: i64,
    client: reqwest::Client,
    /// A hold of the other site, and its incident.
    other_hold: (String, String),
    /// An alarm of the other site.
    other_alarm: String,
}

/// An answer: status, headers but those that are of the moment, and body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// Fails when a byte of it is the other site's. `asked` is what the request named itself.
    fn tells_nothing(&self, asked: &str, told: &str) {
        let all = format!("{}\n{}", self.headers, self.body);
        let all = if asked.is_empty() { all } else { all.replace(asked, "") };
        for other in OTHERS {
            assert!(!all.to_uppercase().contains(other), "{told}: `{other}` is in {}: {all}", self.status);
        }
    }
}

impl World {
    async fn new() -> Self {
        let site = Site::start("").await.unwrap();
        let begins = Utc::now().timestamp_millis() / STEP_MS * STEP_MS - 8 * STEP_MS;
        let (status, answer) = site.post("/v1/registry", TOKEN, &registry(begins)).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        let mut readings = Vec::new();
        for step in 0..8_i64 {
            let at = begins + step * STEP_MS;
            let (ours, theirs) = match step {
                0..2 => (5.0, 6.0),
                // both pass 8 at one instant
                2 => (9.5, 9.0),
                3..6 => (9.5, 10.5),
                _ => (9.5, 61.375),
            };
            readings.push(json!({ "sensor": "ALFA-T", "at": at, "temperature_c": ours }));
            readings.push(json!({ "sensor": "BRAVO-T", "at": at, "temperature_c": theirs }));
            if step < 4 {
                readings.push(json!({ "sensor": "RIDER-BRAVO", "at": at, "temperature_c": theirs }));
            }
            let rover = if step < 4 { 60.25 } else { 4.5 };
            readings.push(json!({ "sensor": "ROVER", "at": at, "temperature_c": rover }));
        }
        site.publish("G", json!({ "readings": readings }).to_string()).await.unwrap();
        let mut world = Self {
            site,
            begins,
            client: reqwest::Client::new(),
            other_hold: Default::default(),
            other_alarm: String::new(),
        };
        world.holds().await;
        world
    }

    /// Waits for what the evaluator holds at both sites, and adds what people hold.
    async fn holds(&mut self) {
        let held = self.until("/v1/holds?state=open&unit=U-BRAVO", |page| !page["items"][0].is_null()).await;
        self.until("/v1/holds?state=open&unit=U-ALFA", |page| !page["items"][0].is_null()).await;
        self.until("/v1/holds?state=open&unit=WANDER", |page| !page["items"][0].is_null()).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.other_hold = (text(&held["items"][0]["id"]), text(&held["items"][0]["incident"]));
        let alarms = self.until("/v1/alarms?unit=U-BRAVO", |page| !page["items"][0].is_null()).await;
        self.other_alarm = text(&alarms["items"][0]["id"]);
        for wanted in [
            json!({ "place": "BRAVO-CR", "reason": "the door of Bravo's room" }),
            json!({ "lot": { "gtin": GTIN, "lot": "LOT-SHARED" }, "reason": "a complaint" }),
            json!({ "unit": "S-ALFA", "reason": "odd label", "quarantine_place": "BRAVO-CR" }),
            json!({ "place": "EU", "reason": "a storm" }),
        ] {
            let (status, answer) = self.site.post("/v1/holds", TOKEN, &wanted).await.unwrap();
            assert_eq!(status, 201, "{answer}");
        }
        let moved = json!({ "unit": "WANDER", "to": "ALFA-D", "at": Utc::now().timestamp_millis() });
        assert_eq!(self.site.post("/v1/moves", TOKEN, &moved).await.unwrap().0, 201);
    }

    /// What `path` answers an administrator once `wanted` holds of it, however long the machine takes for it.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            let got = self.get(path, TOKEN).await;
            last = got.json();
            if got.status == 200 && wanted(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("`{path}` answers {last}: {}", self.site.log_end());
    }

    /// A token of `role` that is limited to our site.
    async fn token(&self, role: &str) -> String {
        self.named_token(role, &format!("t.{role}"), json!(["ALFA"])).await
    }

    async fn named_token(&self, role: &str, name: &str, sites: Value) -> String {
        let wanted = json!({ "name": name, "role": role, "sites": sites });
        let (status, made) = self.site.post("/v1/tokens", TOKEN, &wanted).await.unwrap();
        assert_eq!((status, &made["sites"]), (201, &sites), "{made}");
        made["token"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, token, None).await
    }

    async fn send(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.site.url())).bearer_auth(token);
        let request = body.iter().fold(request, |request, body| request.json(body));
        answered(request.send().await.unwrap()).await
    }

    fn at(&self, step: i64) -> String {
        to_rfc3339(self.begins + step * STEP_MS)
    }
}

async fn answered(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let of_the_moment = ["date", "content-length"];
    let headers = headers.filter(|(name, _)| !of_the_moment.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    let headers = headers.collect::<Vec<_>>().join("\n");
    let body = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
    Answer { status, headers, body }
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}
