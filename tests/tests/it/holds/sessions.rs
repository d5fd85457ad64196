//! Sessions: signing in, what a browser shows, and when it is over.

use model::role::Role;
use store::ledger::{Bootstrap, Sequence, SessionLimits, UserChange};

use super::desk::{Desk, PASSWORD, signed};
use super::*;

/// Somebody's browser: the cookie it keeps and what the page was told.
struct Browser {
    cookie: String,
    csrf: String,
    told: Value,
}

impl Browser {
    async fn sign_in(desk: &Desk, who: &str, password: &str) -> Self {
        let body = json!({"name": who, "password": password});
        let response = desk.client.post(format!("{}/v1/session", desk.base)).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{who}");
        let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
        let (cookie, attributes) = set.split_once(';').unwrap();
        assert_eq!(attributes, " HttpOnly; SameSite=Strict; Path=/");
        let (cookie, told) = (cookie.to_owned(), response.json::<Value>().await.unwrap());
        Self { cookie, csrf: told["csrf"].as_str().unwrap().to_owned(), told }
    }

    fn ask(&self, desk: &Desk, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        desk.client.request(method, format!("{}{path}", desk.base)).header("cookie", &self.cookie)
    }

    async fn get(&self, desk: &Desk, path: &str) -> (u16, Value) {
        desk.send(self.ask(desk, "GET", path)).await
    }

    async fn post(&self, desk: &Desk, path: &str, body: Value) -> (u16, Value) {
        desk.send(self.ask(desk, "POST", path).header("x-csrf-token", &self.csrf).json(&body)).await
    }
}

/// Status and code of a refused sign-in.
async fn refused(desk: &Desk, body: Value) -> (u16, String) {
    let (status, body) = desk.send(desk.client.post(format!("{}/v1/session", desk.base)).json(&body)).await;
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

fn code(answer: (u16, Value)) -> (u16, String) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_session_is_known_by_its_cookie_and_changes_things_with_its_secret() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let before = desk.ledger.head().seq;
    let lin = Browser::sign_in(&desk, "m.lin", PASSWORD).await;
    assert_eq!(
        lin.told,
        json!({"name": "m.lin", "role": "quality", "csrf": lin.csrf, "one_time": false, "external": false,
               "expires_at": "2026-11-22T22:45:00.000Z"})
    );
    assert_eq!(lin.get(&desk, "/v1/session").await, (200, lin.told.clone()));
    assert_eq!(lin.get(&desk, "/v1/units/U1").await.0, 200);
    assert_eq!(code(lin.get(&desk, "/v1/audit").await), (403, "forbidden".into()));

    let hold = json!({"unit": "U1", "reason": "odd label"});
    for secret in [None, Some(""), Some("0"), Some(&lin.csrf[1..]), Some(&*lin.csrf.to_uppercase())] {
        let mut request = lin.ask(&desk, "POST", "/v1/holds").json(&hold);
        if let Some(secret) = secret {
            request = request.header("x-csrf-token", secret);
        }
        let (status, answer) = desk.send(request).await;
        assert_eq!((status, &answer["code"]), (403, &json!("csrf")), "{secret:?}");
    }
    let (status, placed) = lin.post(&desk, "/v1/holds", hold).await;
    assert_eq!((status, &placed["author"]), (201, &json!("m.lin")), "{placed}");
    // a session is not enough to sign: the password is entered again
    let release = format!("/v1/holds/{}/release", placed["id"].as_str().unwrap());
    let wrong = json!({"reason": "x", "password": "not that one"});
    assert_eq!(code(lin.post(&desk, &release, wrong).await), (403, "wrong_password".into()));
    let (status, released) = lin.post(&desk, &release, signed()).await;
    assert_eq!((status, &released["acts"][0]["by"]), (200, &json!("m.lin")), "{released}");

    // somebody else's secret is none
    let doe = Browser::sign_in(&desk, "j.doe", PASSWORD).await;
    let request = doe.ask(&desk, "DELETE", "/v1/session").header("x-csrf-token", &lin.csrf);
    assert_eq!(code(desk.send(request).await), (403, "csrf".into()));
    let request = lin.ask(&desk, "DELETE", "/v1/session").header("x-csrf-token", &lin.csrf);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 204);
    let gone = response.headers()["set-cookie"].to_str().unwrap();
    assert_eq!(gone, "coldtrail_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    assert_eq!(code(lin.get(&desk, "/v1/session").await), (401, "unauthorized".into()));
    assert_eq!(doe.get(&desk, "/v1/session").await.0, 200);

    let events = desk.ledger.audit(before.next(), 100).await.unwrap();
    let told: Vec<_> = events
        .iter()
        .filter(|event| event.kind.starts_with("session."))
        .map(|event| (event.actor.as_str(), event.kind.as_str()))
        .collect();
    assert_eq!(told, [("m.lin", "session.began"), ("j.doe", "session.began"), ("m.lin", "session.ended")]);
    let all: String = events.iter().map(|event| event.body.as_str()).collect();
    let id = lin.cookie.split_once('=').unwrap().1;
    assert!(!all.contains(id) && !all.contains(&lin.csrf), "no secret in the trail");
    let file = std::fs::read(directory.path().join("ledger.sqlite")).unwrap();
    assert!(!file.windows(id.len()).any(|window| window == id.as_bytes()), "no id on disk");
    desk.sound().await;
}

#[tokio::test]
async fn a_token_says_who_it_is_and_has_no_session() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let token = desk.token("dock.screen", Role::Viewer).await;
    let told = json!({"name": "dock.screen", "role": "viewer", "csrf": null, "one_time": false, "external": false, "expires_at": null});
    assert_eq!(desk.get("/v1/session", &token).await, (200, told));
    let request = desk.client.delete(format!("{}/v1/session", desk.base)).bearer_auth(&token);
    assert_eq!(code(desk.send(request).await), (404, "not_found".into()));
    // a token beside a cookie is what counts: no browser sends it by itself
    let lin = Browser::sign_in(&desk, "m.lin", PASSWORD).await;
    let both = lin.ask(&desk, "POST", "/v1/sql").bearer_auth(&token).json(&json!({"sql": "SELECT 1"}));
    assert_eq!(desk.send(both).await.0, 200);
    assert_eq!(code(desk.send(desk.client.get(format!("{}/v1/session", desk.base))).await).0, 401);
}

#[tokio::test]
async fn what_is_wrong_about_a_sign_in_is_not_told() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let (long, name) = ("x".repeat(5000), "y".repeat(5000));
    for (who, password) in
        [("m.lin", "not that one"), ("nobody", PASSWORD), ("", ""), ("m.lin", ""), ("m.lin", &long), (&name, "x")]
    {
        let answer = refused(&desk, json!({"name": who, "password": password})).await;
        assert_eq!(answer, (401, "wrong_credentials".into()), "{who:.9} {password:.9}");
    }
    assert_eq!(refused(&desk, json!({"name": "m.lin"})).await, (400, "json".into()));
    // a form of another site comes in no form that is read
    let request = desk.client.post(format!("{}/v1/session", desk.base));
    let form = format!(r#"{{"name":"m.lin","password":"{PASSWORD}"}}"#);
    assert_eq!(desk.send(request.header("content-type", "text/plain").body(form)).await.0, 415);
}

#[tokio::test]
async fn a_session_survives_a_restart_and_is_over_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let lin = Browser::sign_in(&desk, "m.lin", PASSWORD).await;
    let SessionLimits { idle, total } = SessionLimits::default();
    let begun = minute(45).millis();
    let after = |ms: u128| ValidAt::from_millis(begun + i64::try_from(ms).unwrap());
    desk.clock(after(idle.as_millis() - 1));
    assert_eq!(lin.get(&desk, "/v1/session").await.0, 200);
    let said = desk.said.clone();
    desk.stop().await;

    let desk = Desk::open(directory.path(), said).await;
    desk.clock(after(2 * idle.as_millis() - 2));
    assert_eq!(lin.get(&desk, "/v1/session").await.0, 200, "it was used meanwhile, which was kept");
    desk.clock(after(3 * idle.as_millis() - 2));
    assert_eq!(code(lin.get(&desk, "/v1/session").await), (401, "unauthorized".into()), "nobody asked for too long");

    let lin = Browser::sign_in(&desk, "m.lin", PASSWORD).await;
    let begun = desk.ledger.now().millis();
    let mut asked = 0;
    loop {
        let at = ValidAt::from_millis(begun + asked * i64::try_from(idle.as_millis() / 2).unwrap());
        desk.clock(at);
        let (status, _) = lin.get(&desk, "/v1/session").await;
        let is_over = at.millis() - begun >= i64::try_from(total.as_millis()).unwrap();
        assert_eq!(status, if is_over { 401 } else { 200 }, "{asked}");
        if is_over {
            break;
        }
        asked += 1;
    }
    assert_eq!(asked, 28, "two for every 12 hours of a week");
}

#[tokio::test]
async fn a_session_ends_with_the_password_the_role_and_the_account() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let (lin, admin) = (name("m.lin"), name("admin"));
    let is_known = async |browser: &Browser| browser.get(&desk, "/v1/session").await.0 == 200;

    let (browser, other) = (Browser::sign_in(&desk, "m.lin", PASSWORD).await, "a new long password");
    desk.ledger.set_password(&lin, other, &admin).await.unwrap();
    assert!(!is_known(&browser).await, "another password");

    let browser = Browser::sign_in(&desk, "m.lin", other).await;
    let viewer = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
    desk.ledger.change_user(&lin, viewer, Some("moved on"), &admin).await.unwrap();
    assert!(!is_known(&browser).await, "another role");

    let browser = Browser::sign_in(&desk, "m.lin", other).await;
    assert_eq!(browser.told["role"], "viewer");
    let disabled = |disabled| UserChange { disabled: Some(disabled), ..UserChange::default() };
    desk.ledger.change_user(&lin, disabled(true), Some("left"), &admin).await.unwrap();
    assert!(!is_known(&browser).await, "no account");
    assert_eq!(refused(&desk, json!({"name": "m.lin", "password": other})).await, (401, "wrong_credentials".into()));
    desk.ledger.change_user(&lin, disabled(false), None, &admin).await.unwrap();
    assert!(!is_known(&browser).await, "what ended stays ended");
    assert!(is_known(&Browser::sign_in(&desk, "m.lin", other).await).await);

    let events = desk.ledger.audit(Sequence::ZERO, 1000).await.unwrap();
    let changed: Vec<Value> = events
        .iter()
        .filter(|event| event.kind == "user.changed")
        .map(|event| serde_json::from_str(&event.body).unwrap())
        .collect();
    assert_eq!(
        changed[0],
        json!({"name": "m.lin", "before": {"role": "quality", "disabled": false},
               "after": {"role": "viewer", "disabled": false}, "reason": "moved on"})
    );
    assert_eq!(changed.len(), 3);
    desk.sound().await;
}

#[tokio::test]
async fn the_one_time_password_is_replaced_before_anything_else() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::open(directory.path(), Arc::default()).await;
    let file = directory.path().join("initial-admin-password");
    assert_eq!(desk.ledger.bootstrap(None, &file).await.unwrap(), Bootstrap::Password);
    let first = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    let admin = Browser::sign_in(&desk, "admin", &first).await;
    assert_eq!(admin.told["one_time"], true);
    for path in ["/v1/units", "/v1/users", "/v1/audit"] {
        assert_eq!(code(admin.get(&desk, path).await), (403, "one_time_password".into()), "{path}");
    }
    let person = json!({"name": "x", "role": "admin", "password": PASSWORD});
    assert_eq!(code(admin.post(&desk, "/v1/users", person).await), (403, "one_time_password".into()));
    let own = "/v1/users/admin/password";
    assert_eq!(admin.post(&desk, own, json!({"password": "my own long one"})).await.0, 204);
    assert_eq!(admin.get(&desk, "/v1/session").await.0, 401, "the password is another one");

    // from then on the password until now is asked for, so that a session left open is no way to it
    let admin = Browser::sign_in(&desk, "admin", "my own long one").await;
    assert_eq!((&admin.told["one_time"], admin.get(&desk, "/v1/users").await.0), (&json!(false), 200));
    for body in [json!({"password": PASSWORD}), json!({"password": PASSWORD, "current": "a guess"})] {
        assert_eq!(code(admin.post(&desk, own, body).await), (403, "wrong_password".into()));
    }
    let body = json!({"password": PASSWORD, "current": "my own long one"});
    assert_eq!(admin.post(&desk, own, body).await.0, 204);
    Browser::sign_in(&desk, "admin", PASSWORD).await;
    desk.sound().await;
}
