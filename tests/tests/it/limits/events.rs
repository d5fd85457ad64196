//! What is told as it happens: of the other site nothing, live and to whoever comes back.

use futures::StreamExt;
use tokio::time::timeout;

use super::*;

/// How long an event may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// All that a stream said until `last` is in it.
async fn heard(response: reqwest::Response, last: &str) -> String {
    assert_eq!(response.status(), 200);
    let (mut text, mut body) = (String::new(), response.bytes_stream());
    let until_then = async {
        while !text.contains(last) {
            let more = body.next().await.expect("the stream goes on");
            text.push_str(std::str::from_utf8(&more.unwrap()).unwrap());
        }
    };
    let in_time = timeout(PATIENCE, until_then).await.is_ok();
    assert!(in_time, "`{last}` is not in {text}");
    text
}

fn tells_nothing(text: &str) {
    for other in OTHERS {
        assert!(!text.to_uppercase().contains(other), "`{other}` is in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_tell_of_ones_own_site_only() {
    let world = World::new().await;
    let token = world.token("viewer").await;
    let stream = |query: &str, token: &str| {
        world.client.get(format!("{}/v1/events{query}", world.site.url())).bearer_auth(token).send()
    };
    // live: whatever happens at the other site happens first
    let (limited, all) = (stream("", &token).await.unwrap(), stream("", TOKEN).await.unwrap());
    let now = Utc::now().timestamp_millis();
    let reading = |sensor: &str, temperature: f64, unit: &str| json!({ "sensor": sensor, "at": now, "temperature_c": temperature, "unit": unit });
    let theirs = json!({ "readings": [reading("BRAVO-T", 3.0, "U-BRAVO"), reading("LOGGER-BRAVO", 3.0, "U-BRAVO")] });
    world.site.publish("G", theirs.to_string()).await.unwrap();
    let held = json!({ "unit": "U-BRAVO", "reason": "bravo" });
    let (status, held) = world.site.post("/v1/holds", TOKEN, &held).await.unwrap();
    assert_eq!(status, 201, "{held}");
    let ours = json!({ "readings": [{ "sensor": "ALFA-T", "at": now, "temperature_c": 3.5 }, reading("ROVER", 3.25, "U-BRAVO"), reading("LOGGER", 3.75, "U-ALFA")] });
    world.site.publish("G", ours.to_string()).await.unwrap();
    let told = heard(all, held["id"].as_str().unwrap()).await;
    assert!(told.contains("BRAVO"), "{told}");
    let own = json!({ "unit": "U-ALFA", "reason": "the last one" });
    let (status, own) = world.site.post("/v1/holds", TOKEN, &own).await.unwrap();
    assert_eq!(status, 201, "{own}");
    let told = heard(limited, own["id"].as_str().unwrap()).await;
    tells_nothing(&told);
    let readings = stream("?types=reading", &token).await.unwrap();
    let again = json!({ "readings": [reading("BRAVO-T", 3.0, "U-BRAVO"), { "sensor": "ALFA-T", "at": now + 1, "temperature_c": 3.625 }] });
    world.site.publish("G", again.to_string()).await.unwrap();
    tells_nothing(&heard(readings, "3.625").await);

    // to whoever comes back: the whole chain, from its first event on
    let all =
        heard(stream("?types=hold,alarm&last_event_id=0", TOKEN).await.unwrap(), own["id"].as_str().unwrap()).await;
    assert!(all.contains("U-BRAVO") && all.contains("BRAVO-CR"), "{all}");
    let back = stream("?types=hold,alarm&last_event_id=0", &token).await.unwrap();
    let back = heard(back, own["id"].as_str().unwrap()).await;
    tells_nothing(&back);
    assert!(
        back.contains("\"unit\":\"U-ALFA\"") && back.contains("event:") && !back.contains("\"holds\":[]"),
        "{back}"
    );
    // what many units have in common is counted as far as it is seen
    let shared = world.get("/v1/holds?lot=LOT-ALFA", &token).await.json();
    assert!(shared["items"].as_array().unwrap().iter().all(|hold| hold["unit"] == "U-ALFA"), "{shared}");
}

/// The excursions that `text` tells of as closed or opened.
fn excursions(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let told = data.filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok());
    told.filter(|told| told["change"] == "closed" || told["change"] == "opened").collect()
}

fn names(excursion: &Value) -> Vec<&str> {
    excursion["units"].as_array().unwrap().iter().map(|unit| unit.as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excursion_of_both_sites_is_told_of_ones_own_units() {
    let world = World::new().await;
    let token = world.token("viewer").await;
    let url = format!("{}/v1/events?types=excursion", world.site.url());
    let own = ["U-ALFA", "S-ALFA", "CHILD", "WANDER"];
    let mut is_together = false;
    // both cool down, and are warm again, at one instant: one change for all units of the product, if the look for all
    // clients does not come in between
    for round in 0..20 {
        let (temperature, change) = if round % 2 == 0 { (4.0, "closed") } else { (9.5, "opened") };
        let under_way = round % 2 == 0;
        for unit in ["U-ALFA", "S-BRAVO", "U-BRAVO"] {
            let path = format!("/v1/excursions?unit={unit}&open=true");
            world.until(&path, |page| page["items"][0].is_object() == under_way).await;
        }
        let limited = world.client.get(&url).bearer_auth(&token).send().await.unwrap();
        let all = world.client.get(&url).bearer_auth(TOKEN).send().await.unwrap();
        let now = Utc::now().timestamp_millis();
        let say = |sensor: &str| json!({ "sensor": sensor, "at": now, "temperature_c": temperature });
        world.site.publish("G", json!({ "readings": [say("BRAVO-T"), say("ALFA-T")] }).to_string()).await.unwrap();
        let all = heard(all, "\"U-BRAVO\"").await;
        let told = excursions(&all);
        let together = told.iter().find(|told| ["S-ALFA", "S-BRAVO"].iter().all(|unit| names(told).contains(unit)));
        let told = heard(limited, "\"U-ALFA\"").await;
        tells_nothing(&told);
        for told in excursions(&told) {
            let units = names(&told);
            assert!(told["change"] == change && units.iter().all(|unit| own.contains(unit)), "{told}");
            assert_eq!(told["unit_count"], units.len(), "{told}");
            if together.is_some_and(|all| all["start"] == told["start"] && all["rule"] == told["rule"]) {
                let all = together.unwrap();
                assert!(units.contains(&"U-ALFA") && units.len() < names(all).len(), "{told} of {all}");
                is_together = true;
            }
        }
        if is_together {
            return;
        }
    }
    panic!("no change was told of both sites together");
}

/// Waits for the end of a stream.
async fn ends(response: reqwest::Response) {
    assert_eq!(response.status(), 200);
    let mut body = response.bytes_stream();
    let ended = timeout(PATIENCE, async { while let Some(Ok(_)) = body.next().await {} }).await;
    assert!(ended.is_ok(), "the stream goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_limit_is_another_or_the_token_is_revoked() {
    let world = World::new().await;
    let url = format!("{}/v1/events", world.site.url());
    let person = json!({ "name": "v.iew", "role": "viewer", "password": PASSWORD });
    assert_eq!(world.site.post("/v1/users", TOKEN, &person).await.unwrap().0, 201);
    let credentials = json!({ "name": "v.iew", "password": PASSWORD });
    let sign_in = || async {
        let request = world.client.post(format!("{}/v1/session", world.site.url())).json(&credentials);
        let cookie = request.send().await.unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
        world.client.get(&url).header("cookie", cookie.split(';').next().unwrap()).send().await.unwrap()
    };
    // from everything to one site, and from there to another
    for sites in [json!(["ALFA"]), json!(["BRAVO"])] {
        let listening = sign_in().await;
        let change = json!({ "sites": sites, "reason": "moved" });
        assert_eq!(world.send(Method::PATCH, "/v1/users/v.iew", TOKEN, Some(&change)).await.status, 200);
        ends(listening).await;
    }
    let (kept, revoked) = (world.named_token("viewer", "t.kept", json!(["ALFA"])).await, world.token("viewer").await);
    let listen = |token: &str| world.client.get(&url).bearer_auth(token).send();
    let (going_on, ending) = (listen(&kept).await.unwrap(), listen(&revoked).await.unwrap());
    let tokens = world.get("/v1/tokens", TOKEN).await.json();
    let of = |name: &str| tokens["items"].as_array().unwrap().iter().find(|token| token["name"] == name).unwrap();
    let path = format!("/v1/tokens/{}", of("t.viewer")["id"].as_str().unwrap());
    assert_eq!(world.send(Method::DELETE, &path, TOKEN, None).await.status, 204);
    ends(ending).await;
    let held = json!({ "unit": "U-ALFA", "reason": "the other one listens" });
    let (status, held) = world.site.post("/v1/holds", TOKEN, &held).await.unwrap();
    assert_eq!(status, 201, "{held}");
    heard(going_on, held["id"].as_str().unwrap()).await;
}
