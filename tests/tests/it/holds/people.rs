//! Accounts: the first administrator, passwords, and what happens when somebody guesses.

use store::ledger::{Bootstrap, LOCKED_FOR, MAX_FAILURES};

use super::desk::{Desk, PASSWORD, signed};
use super::*;

async fn users(desk: &Desk, who: &str, password: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}/v1/users", desk.base);
    let request = match body {
        Some(body) => desk.client.post(url).json(&body),
        None => desk.client.get(url),
    };
    desk.send(request.basic_auth(who, Some(password))).await
}

#[tokio::test]
async fn the_one_time_password_opens_the_way_to_people() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::open(directory.path(), Arc::default()).await;
    let file = directory.path().join("initial-admin-password");
    assert_eq!(desk.ledger.bootstrap(None, &file).await.unwrap(), Bootstrap::Password);
    let first = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    let person = |name: &str, role: &str| json!({"name": name, "role": role, "password": PASSWORD});
    let begun = desk.ledger.head().seq;
    assert_eq!(users(&desk, "admin", "wrong", Some(person("x", "viewer"))).await.0, 401);
    assert_eq!(desk.written(begun, 1).await[0].kind, "sign_in.failed");
    let before = desk.ledger.head().seq;
    let (status, made) = users(&desk, "admin", &first, Some(person("m.lin", "quality"))).await;
    assert_eq!((status, &made["name"], &made["role"]), (201, &json!("m.lin"), &json!("quality")), "{made}");
    let event = desk.ledger.audit(before.next(), 10).await.unwrap();
    assert_eq!((event.len(), event[0].actor.as_str(), event[0].kind.as_str()), (1, "admin", "user.created"));
    for (body, refusal) in [
        (person("m.lin", "quality"), (400, "refused")),
        (person("a b", "quality"), (400, "name")),
        (person("gw", "gateway"), (400, "role")),
        (person("system", "admin"), (400, "refused")),
        (json!({"name": "y", "role": "viewer", "password": "short"}), (400, "refused")),
    ] {
        let (status, answer) = users(&desk, "admin", &first, Some(body)).await;
        assert_eq!((status, answer["code"].as_str().unwrap()), refusal);
    }
    // a token for her, in her name; with it and her password she signs
    let url = format!("{}/v1/tokens", desk.base);
    let request = desk.client.post(url).json(&json!({"name": "m.lin", "role": "quality"}));
    let (status, made) = desk.send(request.basic_auth("admin", Some(&first))).await;
    assert_eq!(status, 201);
    let token = made["token"].as_str().unwrap().to_owned();
    apply(&desk.ledger, &document(1)).await;
    let (_, hold) = desk.post("/v1/holds", &token, json!({"unit": "U1", "reason": "odd label"})).await;
    let release = format!("/v1/holds/{}/release", hold["id"].as_str().unwrap());
    assert_eq!(desk.post(&release, &token, signed()).await.0, 200);

    // not everybody makes people, and passwords come in nowhere else
    assert_eq!(users(&desk, "m.lin", PASSWORD, None).await.0, 403);
    assert_eq!(users(&desk, "m.lin", PASSWORD, Some(person("z", "admin"))).await.0, 403);
    let request = desk.client.get(format!("{}/v1/places", desk.base)).basic_auth("admin", Some(&first));
    assert_eq!(desk.send(request).await.0, 401);
    // another administrator with a password of their own, and the first one's is no good any more
    assert_eq!(users(&desk, "admin", &first, Some(person("r.oot", "admin"))).await.0, 201);
    assert_eq!(users(&desk, "admin", &first, None).await.0, 401);
    let (_, listed) = users(&desk, "r.oot", PASSWORD, None).await;
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["admin", "m.lin", "r.oot"]);
    desk.sound().await;
}

#[tokio::test]
async fn people_change_their_own_password_and_administrators_anybodys() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    desk.ledger.create_user(&name("r.oot"), model::role::Role::Admin, PASSWORD, &name("admin")).await.unwrap();
    let change = |who: &'static str, password: &'static str, whose: &'static str, new: &'static str| {
        let request =
            desk.client.post(format!("{}/v1/users/{whose}/password", desk.base)).json(&json!({"password": new}));
        let desk = &desk;
        async move { desk.send(request.basic_auth(who, Some(password))).await.0 }
    };
    assert_eq!(change("m.lin", PASSWORD, "m.lin", "something else now").await, 204);
    assert_eq!(change("m.lin", PASSWORD, "m.lin", "something else now").await, 401);
    assert_eq!(change("m.lin", "something else now", "j.doe", "something else now").await, 403);
    assert_eq!(change("r.oot", PASSWORD, "m.lin", "and a third password").await, 204);
    assert_eq!(change("r.oot", PASSWORD, "nobody", "and a third password").await, 404);
    // a token alone does not change its person's password
    let token = desk.token("m.lin", model::role::Role::Quality).await;
    let own = desk.refused("/v1/users/m.lin/password", &token, json!({"password": "by token alone"})).await;
    assert_eq!(own, (403, "forbidden".into()));
    desk.sound().await;
}

#[tokio::test]
async fn guessing_locks_the_account_at_every_door_and_across_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let token = desk.token("m.lin", model::role::Role::Quality).await;
    let hold = desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await[0];
    let release = format!("/v1/holds/{hold}/release");
    let wrong = || json!({"reason": "x", "password": "guessing"});
    let before = desk.ledger.head().seq;
    // a right one in between starts the count again, and so does time
    let few = MAX_FAILURES - 1;
    for _ in 0..few {
        assert_eq!(desk.refused(&release, &token, wrong()).await, (403, "wrong_password".into()));
    }
    assert_eq!(desk.post(&format!("/v1/holds/{hold}/review"), &token, signed()).await.0, 200);
    for _ in 0..few {
        assert_eq!(desk.refused(&release, &token, wrong()).await.0, 403);
    }
    desk.clock(ValidAt::from_millis(minute(45).millis() + LOCKED_FOR.as_millis() as i64 + 1));
    for _ in 0..few {
        assert_eq!(desk.refused(&release, &token, wrong()).await.0, 403);
    }
    // every one of them is written down, and of the last one that it locked the account
    let written = desk.written(before, 1 + u64::from(3 * few)).await;
    assert_eq!(written.iter().filter(|event| event.kind == "sign_in.failed").count() as u64, u64::from(3 * few));
    let before = desk.ledger.head().seq;
    assert_eq!(desk.refused(&release, &token, wrong()).await, (403, "wrong_password".into()));
    assert_eq!(desk.refused(&release, &token, signed()).await, (429, "locked_out".into()), "at once");
    let told: Vec<_> = desk.written(before, 3).await.into_iter().map(|event| (event.actor, event.kind)).collect();
    let by_system = |kind: &str| ("system".to_owned(), kind.to_owned());
    assert_eq!(told, ["sign_in.failed", "user.locked", "alarm.raised"].map(by_system));
    let (_, alarms) = desk.get("/v1/alarms?code=account_locked", &token).await;
    let alarm = &alarms["items"][0];
    assert_eq!((&alarm["account"], &alarm["unit"]), (&json!("m.lin"), &Value::Null), "{alarm}");
    assert_eq!(desk.refused(&release, &token, signed()).await, (429, "locked_out".into()));
    assert_eq!(users(&desk, "m.lin", PASSWORD, None).await.0, 429);
    assert_eq!(desk.ledger.holds().get(hold).unwrap().state, HoldState::UnderReview);
    desk.sound().await;
    let said = desk.said.clone();
    desk.stop().await;

    let desk = Desk::open(directory.path(), said).await;
    assert_eq!(desk.refused(&release, &token, signed()).await, (429, "locked_out".into()));
    desk.clock(ValidAt::from_millis(minute(46).millis() + 2 * LOCKED_FOR.as_millis() as i64 + 2));
    assert_eq!(desk.post(&release, &token, signed()).await.0, 200);
    desk.sound().await;
}

#[tokio::test]
async fn whether_there_is_such_an_account_is_not_to_be_learned_by_guessing() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let before = desk.ledger.head().seq;
    let mut seen = Vec::new();
    for who in ["m.lin", "nobody"] {
        let mut answers = Vec::new();
        for _ in 0..=MAX_FAILURES {
            let body = json!({"name": who, "password": "guessing"});
            let request = desk.client.post(format!("{}/v1/session", desk.base)).json(&body);
            answers.push(desk.send(request).await);
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    let statuses: Vec<u16> = seen[0].iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    // what nobody has an account for is not written down: it may be a password in the wrong field
    let events = desk.written(before, u64::from(MAX_FAILURES) + 2).await;
    assert!(events.iter().all(|event| !event.body.contains("nobody")));
    // an administrator who sets another password lets the person in
    desk.ledger.set_password(&name("m.lin"), "a new long password", &name("admin")).await.unwrap();
    let passed = desk.ledger.sign_in("m.lin", "a new long password").await.unwrap();
    assert!(passed.passed().is_some());
    desk.sound().await;
}
