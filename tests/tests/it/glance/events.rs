//! Events as they happen, and after a client was away.

use futures::StreamExt;
use tokio::time::timeout;

use super::*;

/// How long an event may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One client that listens.
struct Listening {
    text: String,
    body: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
}

/// One event.
#[derive(Debug)]
struct Told {
    event: String,
    id: Option<String>,
    data: Value,
}

impl Listening {
    async fn to(site: &Site, query: &str, last: Option<&str>) -> Self {
        let mut request = reqwest::Client::new().get(format!("{}/v1/events{query}", site.url())).bearer_auth(TOKEN);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { text: String::new(), body: response.bytes_stream().boxed() }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((block, rest)) =
                self.text.split_once("\n\n").map(|(block, rest)| (block.to_owned(), rest.to_owned()))
            {
                self.text = rest;
                let field =
                    |name: &str| block.lines().find_map(|line| Some(line.strip_prefix(name)?.trim_start().to_owned()));
                let (Some(event), Some(data)) = (field("event:"), field("data:")) else { continue };
                return Some(Told { event, id: field("id:"), data: serde_json::from_str(&data).unwrap() });
            }
            let more = timeout(PATIENCE, self.body.next()).await.expect("an event comes")?;
            self.text.push_str(std::str::from_utf8(&more.ok()?).unwrap());
        }
    }

    /// The next event for which `wanted` holds. Those before it are named when it does not come.
    async fn find(&mut self, mut wanted: impl FnMut(&Told) -> bool) -> Told {
        let mut passed = Vec::new();
        let found = timeout(PATIENCE, async {
            loop {
                let told = self.next().await.expect("the stream goes on");
                if wanted(&told) {
                    return told;
                }
                passed.push(told);
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("what is waited for does not come after {passed:#?}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_readings_excursions_holds_and_alarms_and_resumes_without_loss() {
    let mut site = Site::start("").await.unwrap();
    let begins = chrono::Utc::now().timestamp_millis() / STEP_MS * STEP_MS - 8 * STEP_MS;
    let mut everything = Listening::to(&site, "", None).await;
    let mut holds = Listening::to(&site, "?types=hold,alarm", None).await;
    site.post("/v1/registry", TOKEN, &registry(begins)).await.unwrap();
    until(&site, "/v1/units", |page| {
        let units = page["items"].as_array().unwrap();
        units.len() == 5 && units.iter().all(|unit| unit["verdict"] != Value::Null)
    })
    .await;
    let warm: Vec<Value> = (0..6_i64)
        .map(|step| {
            let celsius = if step < 2 { 5.0 } else { 9.5 };
            json!({ "sensor": "CR2-A", "at": begins + step * STEP_MS, "temperature_c": celsius })
        })
        .collect();
    site.publish("G", json!({ "readings": warm }).to_string()).await.unwrap();

    // the newest reading of the sensor, the excursion under way, and the hold it led to
    let mut seen = std::collections::BTreeSet::new();
    everything
        .find(|told| {
            match told.event.as_str() {
                "reading" => assert_eq!((&told.data["sensor"], &told.id), (&json!("CR2-A"), &None)),
                "excursion" => {
                    assert_eq!((&told.data["rule"], &told.id), (&json!("hot"), &None), "{told:?}");
                    assert_eq!(told.data["units"], json!(["106141411234567897"]));
                }
                "hold" => assert_eq!(told.data["change"], "placed"),
                _ => assert_eq!(told.event, "alarm"),
            }
            seen.insert(told.event.clone());
            seen.len() == 4
        })
        .await;
    let placed = holds.find(|told| told.event == "hold" && told.data["holds"][0]["cause"]["code"] == "excursion").await;
    assert_eq!(placed.data["holds"][0]["unit"], "106141411234567897");
    let id = placed.id.clone().unwrap();

    // while nobody listens another is placed; whoever comes back is told it, also after a restart
    drop((everything, holds));
    let by_hand = json!({ "unit": "C", "reason": "a dent" });
    assert_eq!(site.post("/v1/holds", TOKEN, &by_hand).await.unwrap().0, 201);
    for restarted in [false, true] {
        if restarted {
            site.sigterm().await.unwrap();
            site.restart().await.unwrap();
        }
        let mut back = Listening::to(&site, "?types=hold", Some(&id)).await;
        let told = back.find(|told| told.data["holds"][0]["cause"]["code"] == "manual").await;
        assert_eq!((&told.data["holds"][0]["unit"], &told.data["by"]), (&json!("C"), &json!("bootstrap")));
        assert!(told.id.unwrap().parse::<u64>().unwrap() > id.parse::<u64>().unwrap());
    }

    // a stream ends when the server stops, and does not hold it up
    let mut listening = Listening::to(&site, "", None).await;
    let (status, _) = site.sigterm().await.unwrap();
    assert!(status.success());
    while listening.next().await.is_some() {}
}

/// Also of a unit that nobody had looked at before the client came.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_is_told_the_end_of_what_is_under_way() {
    let site = Site::start("").await.unwrap();
    let begins = chrono::Utc::now().timestamp_millis() / STEP_MS * STEP_MS - 8 * STEP_MS;
    for round in 0..6 {
        let [unit, room, sensor] = ["U", "R", "S"].map(|kind| format!("{kind}{round}"));
        let mut document = registry(begins);
        for section in ["splits", "aggregations", "moves", "closures"] {
            document.as_object_mut().unwrap().remove(section);
        }
        document["places"] = json!([{ "id": room, "kind": "cold_room" }]);
        document["sensors"] = json!([{ "id": sensor, "interval_s": 600 }]);
        document["associations"] = json!([{ "sensor": sensor, "place": room, "from": begins }]);
        document["units"] =
            json!([{ "id": unit, "gtin": GTIN, "lot": "LOT42", "quantity": 1, "place": room, "at": begins }]);
        let (status, answer) = site.post("/v1/registry", TOKEN, &document).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        let said = |at: i64, celsius: f64| json!({ "sensor": sensor, "at": at, "temperature_c": celsius });
        let warm: Vec<Value> = (0..8).map(|step| said(begins + step * STEP_MS, 9.5)).collect();
        site.publish("G", json!({ "readings": warm }).to_string()).await.unwrap();
        until(&site, &format!("/v1/excursions?unit={unit}&open=true"), |page| !page["items"][0].is_null()).await;
        let mut listening = Listening::to(&site, "?types=excursion", None).await;
        let cool = said(chrono::Utc::now().timestamp_millis(), 4.0);
        site.publish("G", json!({ "readings": [cool] }).to_string()).await.unwrap();
        let closed = listening.find(|told| told.data["change"] == "closed").await;
        assert_eq!(closed.data["units"], json!([unit]), "{closed:?}");
    }
}
