//! The audit trail: every call that changes something leaves one entry, and entries are found again.

use std::collections::BTreeSet;

use model::role::Role;
use store::ledger::{NewAlarm, Sequence};

use super::desk::{Desk, PASSWORD, signed};
use super::*;

/// What changes nothing that the trail is about: a question; readings, of which the journal is the record; and leaving for an
/// identity provider, from which the return is an entry.
const WITHOUT_ENTRY: [&str; 4] =
    ["POST /v1/sql", "POST /v1/readings", "POST /v1/oidc/sign-in", "POST /v1/oidc/sign-again"];

/// One call: its route, its path, whose token, its body; who and what the entry names, and why.
struct Call {
    route: &'static str,
    path: String,
    token: String,
    body: Option<Value>,
    entry: (&'static str, &'static str, Option<&'static str>),
}

async fn answer(desk: &Desk, call: &Call) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(call.route.split(' ').next().unwrap().as_bytes()).unwrap();
    let mut request = desk.client.request(method, format!("{}{}", desk.base, call.path));
    if let Some(cookie) = call.token.strip_prefix("cookie ") {
        let (id, csrf) = cookie.split_once(' ').unwrap();
        request = request.header("cookie", format!("coldtrail_session={id}")).header("x-csrf-token", csrf);
    } else if !call.token.is_empty() {
        request = request.bearer_auth(&call.token);
    }
    desk.send(call.body.iter().fold(request, reqwest::RequestBuilder::json)).await
}

/// The calls, each of which can be made after those before it.
async fn calls(desk: &Desk) -> Vec<Call> {
    let (quality, logistics) = (desk.token("m.lin", Role::Quality).await, desk.token("l.ogi", Role::Logistics).await);
    let admin = desk.token("r.oot", Role::Admin).await;
    let mut holds = Vec::new();
    for unit in ["U1", "U2", "U3", "U4", "U5", "U6"] {
        let found = assessed(unit, 45, vec![hot(10, 45, true)]);
        desk.said.say(found.clone());
        holds.extend(desk.ledger.record_findings(found_on(unit, vec![found])).await.unwrap().placed);
    }
    let known = desk.ledger.holds();
    let incident = |nth: usize| known.get(holds[nth]).unwrap().incident.to_string();
    let mut under_review = assessed("U7", 45, vec![]);
    under_review.reasons.push(review(ReasonCode::Unmonitored, 20));
    desk.said.say(under_review);
    let silent = NewAlarm {
        code: AlarmCode::SensorSilent,
        subject: Subject::Sensor(name("S1")),
        rule: None,
        at: minute(1),
        detail: "nothing was heard of it".into(),
    };
    let alarm = Findings { alarms: vec![silent], ..Findings::default() };
    let alarm = desk.ledger.record_findings(alarm).await.unwrap().raised[0];
    let doomed = desk.ledger.create_token(Role::Viewer, &name("doomed"), None, &name("admin")).await.unwrap();
    assert!(doomed.starts_with("ct_"));
    let listed = desk.ledger.tokens().await.unwrap();
    let doomed = listed.iter().find(|token| token.name.as_str() == "doomed").unwrap().id.clone();
    let (id, session) =
        desk.ledger.begin_session("j.doe", store::ledger::Way::Password, Default::default()).await.unwrap();
    let cookie = format!("cookie {id} {}", session.csrf);

    let because = "stability data 77 cover it";
    let with = |field: &str, value: &str| {
        let mut body = signed();
        body[field] = json!(value);
        Some(body)
    };
    let lin = |kind: &'static str| ("m.lin", kind, Some(because));
    let place = json!({"places": [{"id": "NEW", "kind": "store"}]});
    let at = minute(40).millis();
    let call = |route: &'static str, path: String, token: &String, body, entry| Call {
        route,
        path,
        token: token.clone(),
        body,
        entry,
    };
    vec![
        call(
            "POST /v1/registry",
            "/v1/registry?reason=opened".into(),
            &logistics,
            Some(place),
            ("l.ogi", "registry", Some("opened")),
        ),
        call(
            "POST /v1/moves",
            "/v1/moves?reason=full".into(),
            &logistics,
            Some(json!({"unit": "U7", "to": "TRK", "at": at})),
            ("l.ogi", "registry", Some("full")),
        ),
        call(
            "POST /v1/holds",
            "/v1/holds".into(),
            &cookie,
            Some(json!({"place": "Q", "reason": "flood"})),
            ("j.doe", "hold.placed", Some("flood")),
        ),
        call(
            "POST /v1/holds/{id}/review",
            format!("/v1/holds/{}/review", holds[0]),
            &quality,
            Some(signed()),
            lin("hold.under_review"),
        ),
        call(
            "POST /v1/holds/{id}/release",
            format!("/v1/holds/{}/release", holds[1]),
            &quality,
            Some(signed()),
            lin("hold.released"),
        ),
        call(
            "POST /v1/holds/{id}/reject",
            format!("/v1/holds/{}/reject", holds[2]),
            &quality,
            with("disposition", "destroy"),
            lin("hold.rejected"),
        ),
        call(
            "POST /v1/incidents/{id}/review",
            format!("/v1/incidents/{}/review", incident(3)),
            &quality,
            Some(signed()),
            lin("hold.under_review"),
        ),
        call(
            "POST /v1/incidents/{id}/release",
            format!("/v1/incidents/{}/release", incident(4)),
            &quality,
            Some(signed()),
            lin("hold.released"),
        ),
        call(
            "POST /v1/incidents/{id}/reject",
            format!("/v1/incidents/{}/reject", incident(5)),
            &quality,
            with("disposition", "return"),
            lin("hold.rejected"),
        ),
        call(
            "POST /v1/units/{id}/accept",
            "/v1/units/U7/accept".into(),
            &quality,
            Some(signed()),
            lin("review.accepted"),
        ),
        call(
            "POST /v1/alarms/{id}/acknowledge",
            format!("/v1/alarms/{alarm}/acknowledge"),
            &quality,
            Some(json!({"reason": "seen"})),
            ("m.lin", "alarm.acknowledged", Some("seen")),
        ),
        call(
            "POST /v1/recipients",
            "/v1/recipients?reason=new".into(),
            &admin,
            Some(json!({"id": "n.ew", "email": "n@wh.example", "level": 1})),
            ("r.oot", "registry", Some("new")),
        ),
        call(
            "POST /v1/tokens",
            "/v1/tokens".into(),
            &admin,
            Some(json!({"name": "screen", "role": "viewer"})),
            ("r.oot", "token.created", None),
        ),
        call(
            "DELETE /v1/tokens/{id}",
            format!("/v1/tokens/{doomed}?reason=lost"),
            &admin,
            None,
            ("r.oot", "token.revoked", Some("lost")),
        ),
        call(
            "POST /v1/users",
            "/v1/users".into(),
            &admin,
            Some(json!({"name": "n.ew", "role": "viewer", "password": PASSWORD})),
            ("r.oot", "user.created", None),
        ),
        call(
            "PATCH /v1/users/{id}",
            "/v1/users/n.ew".into(),
            &admin,
            Some(json!({"role": "auditor", "reason": "moved"})),
            ("r.oot", "user.changed", Some("moved")),
        ),
        call(
            "POST /v1/users/{id}/password",
            "/v1/users/n.ew/password".into(),
            &admin,
            Some(json!({"password": "another long one"})),
            ("r.oot", "user.password", None),
        ),
        call(
            "POST /v1/session",
            "/v1/session".into(),
            &String::new(),
            Some(json!({"name": "m.lin", "password": PASSWORD})),
            ("m.lin", "session.began", None),
        ),
        call("DELETE /v1/session", "/v1/session".into(), &cookie, None, ("j.doe", "session.ended", None)),
    ]
}

#[tokio::test]
async fn every_call_that_changes_something_leaves_one_entry_that_tells_who_when_what_and_why() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 7).await;
    let auditor = desk.token("a.uditor", Role::Auditor).await;
    let calls = calls(&desk).await;
    for call in &calls {
        let before = desk.ledger.head().seq;
        let (status, answered) = answer(&desk, call).await;
        assert!((200..300).contains(&status), "{}: {status} {answered}", call.route);
        let from = format!("/v1/audit?limit=1000&cursor={}", hex(before));
        let (_, entries) = desk.get(&from, &auditor).await;
        let entries = entries["items"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "{}: {entries:?}", call.route);
        let (who, kind, why) = call.entry;
        let entry = &entries[0];
        assert_eq!(
            (&entry["actor"], &entry["kind"], &entry["reason"]),
            (&json!(who), &json!(kind), &json!(why)),
            "{}",
            call.route
        );
        assert_eq!(entry["at"], "2026-11-22T10:45:00.000Z", "{}", call.route);
        assert_ne!(entry["before"], entry["after"], "{}: {entry}", call.route);
        assert!(!entry.to_string().contains(PASSWORD), "{}", call.route);
        // the same call again, refused or without effect, leaves none (a session and a password are made anew)
        if !["POST /v1/tokens", "POST /v1/users/{id}/password", "POST /v1/session"].contains(&call.route) {
            let head = desk.ledger.head();
            let (status, answered) = answer(&desk, call).await;
            assert!(status == 200 || (400..500).contains(&status), "{}: {status} {answered}", call.route);
            assert_eq!(desk.ledger.head(), head, "{} again: {answered}", call.route);
        }
    }
    let made: BTreeSet<&str> = calls.iter().map(|call| call.route).chain(WITHOUT_ENTRY).collect();
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut changing = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap().keys().filter(|method| *method != "get");
        changing.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    assert_eq!(made, changing.iter().map(String::as_str).collect(), "every route that is no GET is called here");
    desk.sound().await;
}

/// A cursor behind `seq`.
fn hex(seq: Sequence) -> String {
    seq.to_string().bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn entries_tell_what_was_before_and_what_is_after() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let (auditor, logistics) =
        (desk.token("a.uditor", Role::Auditor).await, desk.token("l.ogi", Role::Logistics).await);
    let quality = desk.token("m.lin", Role::Quality).await;
    let before = desk.ledger.head().seq;
    for called in ["Room 9", "Room 9 north"] {
        let document = json!({"places": [{"id": "R9", "name": called, "kind": "cold_room"}]});
        assert_eq!(desk.post("/v1/registry?reason=renamed", &logistics, document).await.0, 200);
    }
    let hold = desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await[0].to_string();
    assert_eq!(desk.post(&format!("/v1/holds/{hold}/release"), &quality, signed()).await.0, 200);
    let (_, entries) = desk.get(&format!("/v1/audit?cursor={}", hex(before)), &auditor).await;
    let entries = entries["items"].as_array().unwrap();
    assert_eq!((&entries[0]["before"], &entries[0]["after"]["name"]), (&Value::Null, &json!("Room 9")));
    assert_eq!(
        (&entries[1]["before"]["name"], &entries[1]["after"]["name"]),
        (&json!("Room 9"), &json!("Room 9 north"))
    );
    assert_eq!(entries[1]["reason"], "renamed");
    let released = entries.iter().find(|entry| entry["kind"] == "hold.released").unwrap();
    assert_eq!(released["before"], json!([{"hold": hold, "state": "open"}]));
    assert_eq!(released["after"], json!({"state": "released", "disposition": null}));
    assert_eq!(released["body"]["signature"]["name"], "m.lin");
}

#[tokio::test]
async fn entries_are_found_by_who_what_whom_and_when() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 2).await;
    let (auditor, quality) = (desk.token("a.uditor", Role::Auditor).await, desk.token("m.lin", Role::Quality).await);
    let hold = desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await[0].to_string();
    desk.find(assessed("U2", 45, vec![hot(10, 45, true)])).await;
    desk.clock(minute(60));
    assert_eq!(desk.post(&format!("/v1/holds/{hold}/review"), &quality, signed()).await.0, 200);
    assert_eq!(desk.post(&format!("/v1/holds/{hold}/release"), &quality, signed()).await.0, 200);
    let ask = async |query: &str| {
        let (status, body) = desk.get(&format!("/v1/audit?{query}"), &auditor).await;
        assert_eq!(status, 200, "{query}: {body}");
        let items = body["items"].as_array().unwrap().clone();
        (items, body["next_cursor"].clone())
    };
    let kinds = async |query: &str| {
        let (items, _) = ask(query).await;
        items.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds("who=m.lin&kind=hold").await, ["hold.under_review", "hold.released"]);
    assert!(ask("who=m.lin").await.0.iter().all(|entry| entry["actor"] == "m.lin"));
    assert_eq!(kinds("kind=hold.released").await, ["hold.released"]);
    assert_eq!(kinds("kind=hold").await, ["hold.placed", "hold.placed", "hold.under_review", "hold.released"]);
    assert_eq!(kinds("unit=U1&kind=hold").await, ["hold.placed", "hold.under_review", "hold.released"]);
    assert_eq!(kinds("unit=U1").await[..1], ["registry"], "its own registration comes first");
    assert_eq!(kinds(&format!("subject={hold}&who=m.lin")).await, ["hold.under_review", "hold.released"]);
    assert_eq!(kinds("subject=l.ogi").await, ["user.created"]);
    assert_eq!(ask("subject=U1").await, ask("unit=U1").await, "a unit is found by either");
    assert_eq!(kinds("from=2026-11-22T11:00:00Z").await, ["hold.under_review", "hold.released"]);
    assert_eq!(kinds(&format!("kind=hold&to={}", minute(60).millis())).await, ["hold.placed", "hold.placed"]);
    assert_eq!(kinds("who=nobody").await, [""; 0]);

    // pages of what is found have neither holes nor anything twice, from either end
    let (mut whole, _) = ask("unit=U1").await;
    for order in ["oldest", "newest"] {
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let (items, next) = ask(&format!("unit=U1&limit=1&order={order}{cursor}")).await;
            paged.extend(items);
            let Some(next) = next.as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, whole, "{order}");
        whole.reverse();
    }
    let wrongs =
        ["who=a b", "from=yesterday", "unit=U1&subject=U1", "subject=", "kind=", "limit=0", "cursor=zz", "by=m.lin"];
    for wrong in wrongs.into_iter().chain(["order=up"]) {
        let (status, body) = desk.get(&format!("/v1/audit?{wrong}"), &auditor).await;
        assert_eq!(status, 400, "{wrong}: {body}");
    }
}
