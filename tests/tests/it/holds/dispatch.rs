//! The issuing question, and moves of what is blocked.

use model::role::Role;

use super::desk::{Desk, signed};
use super::*;

#[tokio::test]
async fn all_blocks_are_told_and_the_future_is_judged_at_its_instant() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 2).await;
    let token = desk.token("w.atch", Role::Viewer).await;
    let mut gone = assessed("U1", 45, vec![hot(10, 45, true)]);
    gone.reasons.push(review(ReasonCode::Unmonitored, 5));
    gone.effective_expiry = "2026-12-20".parse().unwrap();
    desk.find(gone).await;
    let quality = desk.token("m.lin", Role::Quality).await;
    let lot = json!({"lot": {"gtin": GTIN, "lot": "LOT42"}, "reason": "recall"});
    assert_eq!(desk.post("/v1/holds", &quality, lot).await.0, 201);

    let (_, body) = desk.get("/v1/units/U1/dispatch-check?to=H&at=2026-12-21T12:00:00%2B01:00", &token).await;
    let blocks = body["blocks"].as_array().unwrap();
    let codes: Vec<_> = blocks.iter().map(|block| block["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["hold", "hold", "review", "expired", "remaining_life"], "{body}");
    assert_eq!(blocks[0]["cause"], json!({"code": "excursion", "rule": "hot"}));
    assert_eq!(blocks[1]["cause"]["code"], "manual");
    assert_eq!(blocks[1]["scope"], json!({"gtin": GTIN, "lot": "LOT42"}));
    assert_eq!(blocks[2]["reasons"][0]["code"], "unmonitored");
    assert_eq!((&blocks[3]["effective_expiry"], &blocks[3]["on"]), (&json!("2026-12-20"), &json!("2026-12-21")));
    assert_eq!((&blocks[4]["remaining_days"], &blocks[4]["required_days"]), (&json!(-1), &json!(20)));

    // the date ends in Berlin, where the unit is
    assert_eq!(desk.blocks("U2", "at=2026-12-11T22:59:00Z", &token).await, ["hold"]);
    assert_eq!(desk.blocks("U2", "at=2026-12-11T23:00:00Z", &token).await, ["hold", "remaining_life"]);
    for (path, refusal) in [
        ("/v1/units/none/dispatch-check", (404, "not_found")),
        ("/v1/units/a%20b/dispatch-check", (400, "name")),
        ("/v1/units/U1/dispatch-check?at=noon", (400, "parameter")),
        ("/v1/units/U1/dispatch-check?to=%2e%2e%2f", (400, "name")),
        ("/v1/units/U1/dispatch-check?when=now", (400, "parameter")),
    ] {
        let (status, body) = desk.get(path, &token).await;
        assert_eq!((status, body["code"].as_str().unwrap()), refusal, "{path}");
    }
}

#[tokio::test]
async fn a_planned_move_out_of_what_is_blocked_is_refused_and_one_that_happened_raises_an_alarm() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 2).await;
    let token = desk.token("l.ogi", Role::Logistics).await;
    desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await;
    let go = |unit: &str, to: &str, at: i64, planned: bool| json!({"unit": unit, "to": to, "at": minute(at).millis(), "planned": planned});
    let before = desk.ledger.head();
    for to in ["H", "FAR", "nobody-knows"] {
        let (status, body) = desk.post("/v1/moves", &token, go("U1", to, 60, true)).await;
        assert_eq!((status, &body["code"], &body["allowed"]), (409, &json!("blocked"), &json!(false)), "{to}: {body}");
        assert_eq!(body["blocks"][0]["code"], "hold");
        let registry = desk.post("/v1/registry", &token, json!({"moves": [go("U1", to, 60, true)]})).await;
        assert_eq!((registry.0, &registry.1["blocks"]), (409, &body["blocks"]), "{to}");
    }
    assert_eq!(desk.ledger.head(), before, "nothing was recorded");
    // on its site, and on the road, it may be planned; what is not blocked may be planned out
    for (unit, to, at) in [("U1", "Q", 61), ("U1", "TRK", 62), ("U2", "H", 60)] {
        assert_eq!(desk.post("/v1/moves", &token, go(unit, to, at, true)).await.0, 201, "{unit} to {to}");
    }
    let (status, moved) = desk.post("/v1/moves", &token, go("U1", "Q", 41, false)).await;
    assert_eq!((status, &moved["alarms"]), (201, &json!([])));
    let (status, moved) = desk.post("/v1/moves", &token, go("U1", "H", 44, false)).await;
    assert_eq!(
        (status, &moved["created"], &moved["alarms"][0]["code"]),
        (201, &json!(1), &json!("moved_while_blocked"))
    );
    assert_eq!(desk.post("/v1/moves", &token, go("U1", "H", 44, false)).await.0, 200);
    let (_, alarms) = desk.get("/v1/alarms?code=moved_while_blocked&open=true", &token).await;
    assert_eq!(alarms["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&alarms["items"][0]["unit"], &alarms["items"][0]["at"]),
        (&json!("U1"), &json!("2026-11-22T10:44:00.000Z"))
    );
    for body in [json!({"unit": "U1", "to": "H"}), json!([]), json!({"unit": "U1", "to": "Q", "at": 1, "why": "x"})] {
        assert_eq!(desk.refused("/v1/moves", &token, body.clone()).await, (422, "registry_refused".into()), "{body}");
    }
    desk.sound().await;
}

#[tokio::test]
async fn a_pallet_is_blocked_by_what_is_on_it_and_reviews_block_moves_too() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 2).await;
    let token = desk.token("l.ogi", Role::Logistics).await;
    let pallet = json!({"aggregations": [
        {"parent": "PAL", "children": ["U1", "U2"], "from": "2026-11-22T10:30:00Z"}]});
    apply(&desk.ledger, &pallet).await;
    let plan = json!({"unit": "PAL", "to": "H", "at": minute(60).millis(), "planned": true});
    let mut under_review = assessed("U2", 45, vec![]);
    under_review.reasons.push(review(ReasonCode::Unmonitored, 5));
    desk.said.say(under_review);
    let (status, body) = desk.post("/v1/moves", &token, plan.clone()).await;
    assert_eq!((status, &body["blocks"][0]["code"], &body["blocks"][0]["unit"]), (409, &json!("review"), &json!("U2")));
    assert_eq!(desk.blocks("PAL", "", &token).await, ["review"]);
    let quality = desk.token("m.lin", Role::Quality).await;
    assert_eq!(desk.post("/v1/units/U2/accept", &quality, signed()).await.0, 200);
    assert_eq!(desk.post("/v1/moves", &token, plan).await.0, 201);
}

#[tokio::test]
async fn holds_are_found_by_what_they_concern() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 3).await;
    let (quality, logistics) = (desk.token("m.lin", Role::Quality).await, desk.token("l.ogi", Role::Logistics).await);
    desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await;
    for (token, body) in [
        (&quality, json!({"unit": "U2", "reason": "odd label", "quarantine_place": "Q"})),
        (&logistics, json!({"lot": {"gtin": GTIN, "lot": "LOT42"}, "reason": "recall"})),
        (&logistics, json!({"place": "HUB", "reason": "flood"})),
    ] {
        let (status, placed) = desk.post("/v1/holds", token, body).await;
        assert_eq!((status, &placed["state"], &placed["cause"]["code"]), (201, &json!("open"), &json!("manual")));
    }
    for (query, count) in [
        ("", 4),
        ("unit=U1", 3),
        ("unit=U2", 3),
        ("unit=U3", 2),
        ("cause=manual", 3),
        ("cause=excursion", 1),
        ("state=open", 4),
        ("state=released", 0),
        ("lot=LOT42", 3),
        ("gtin=00000000000000", 0),
        ("place=HUB", 3),
        ("place=CR", 2),
        ("place=CR&cause=manual", 1),
        ("incident=none", 0),
        ("unit=nobody", 0),
    ] {
        let (status, body) = desk.get(&format!("/v1/holds?{query}"), &logistics).await;
        assert_eq!((status, body["items"].as_array().unwrap().len()), (200, count), "{query}");
    }
    let (_, first) = desk.get("/v1/holds?limit=3", &logistics).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = desk.get(&format!("/v1/holds?limit=3&cursor={cursor}"), &logistics).await;
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next_cursor"]), (1, &Value::Null));
    for query in ["state=gone", "cursor=zz", "unit=a%20b", "limit=0", "other=1"] {
        assert_eq!(desk.get(&format!("/v1/holds?{query}"), &logistics).await.0, 400, "{query}");
    }
    let viewer = desk.token("w.atch", Role::Viewer).await;
    let hold = |body: Value| desk.refused("/v1/holds", &logistics, body);
    assert_eq!(
        desk.refused("/v1/holds", &viewer, json!({"unit": "U1", "reason": "x"})).await,
        (403, "forbidden".into())
    );
    assert_eq!(hold(json!({"unit": "none", "reason": "x"})).await, (404, "not_found".into()));
    assert_eq!(hold(json!({"unit": "U2", "reason": "again"})).await, (409, "already_held".into()));
    assert_eq!(hold(json!({"unit": "U1", "place": "CR", "reason": "x"})).await, (400, "shape".into()));
    assert_eq!(hold(json!({"unit": "U1", "reason": " "})).await, (400, "reason".into()));
    desk.sound().await;
}
