//! Signing in at an identity provider: the real binary against a provider nobody here wrote, which can be made to lie.

mod page;
mod refused;
mod signing;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use reqwest::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use tests::python::{python, script};
use tests::site::{Site, TOKEN};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Where the provider sends browsers back to; nobody follows it, the path and what is behind it go to wherever the site is.
const BASE: &str = "http://localhost:8099";

const PASSWORD: &str = "a long password for tests";

/// The provider. Killed when dropped.
struct Provider {
    issuer: String,
    client: reqwest::Client,
    _child: Child,
}

impl Provider {
    async fn start(python: &Path) -> Self {
        let mut command = Command::new(python);
        command.arg(script("provider.py")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let line = BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
        let port = serde_json::from_str::<Value>(&line).unwrap()["port"].as_u64().unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { issuer: format!("http://127.0.0.1:{port}"), client, _child: child }
    }

    /// The configuration of a site whose people sign in here.
    fn config(&self) -> String {
        let issuer = &self.issuer;
        let role = |value: &str, role: &str| format!("[[oidc.role]]\nvalue = \"{value}\"\nrole = \"{role}\"\n");
        format!(
            "[oidc]\nname = \"Example Corp\"\nissuer = \"{issuer}\"\nclient_id = \"coldtrail\"\nclient_secret = \"a & secret\"\n\
             redirect_base = \"{BASE}\"\n{}{}",
            role("qa", "quality"),
            role("staff", "viewer")
        )
    }

    /// What the provider says of `subject` from now on.
    async fn knows(&self, subject: &str, claims: Value) {
        let request = self.client.put(format!("{}/users/{subject}", self.issuer)).json(&claims);
        assert_eq!(request.send().await.unwrap().status(), 204);
    }

    async fn knows_lin(&self) {
        self.knows("lin-1", json!({ "preferred_username": "m.lin@wh.example", "groups": ["staff", "qa"] })).await;
    }

    /// How ID tokens lie from now on.
    async fn lies(&self, lie: Value) {
        assert_eq!(self.client.put(format!("{}/lie", self.issuer)).json(&lie).send().await.unwrap().status(), 204);
    }

    /// How often its keys were asked for.
    async fn asked(&self) -> u64 {
        self.client.get(format!("{}/asked", self.issuer)).send().await.unwrap().json().await.unwrap()
    }

    /// The path, and what is behind it, that the provider sends a browser back to when `subject` signs in at `location`.
    async fn lets_in(&self, location: &str, subject: &str) -> String {
        let request = self.client.post(location).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("sub={subject}")).send().await.unwrap();
        assert_eq!(answer.status(), 302, "{}", answer.text().await.unwrap());
        answer.headers()[LOCATION].to_str().unwrap().strip_prefix(BASE).unwrap().to_owned()
    }
}

/// A browser at a site: it keeps cookies.
struct Browser {
    url: String,
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// What goes with what changes something, in a session.
    csrf: Option<String>,
}

/// What a browser was answered: status, where it was sent, JSON.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: Option<String>,
    body: Value,
}

impl Answer {
    /// Status and code of a problem.
    fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

impl Browser {
    fn at(site: &Site) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { url: site.url(), client, cookies: BTreeMap::new(), csrf: None }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let kept: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if kept.is_empty() { request } else { request.header(COOKIE, kept.join("; ")) };
        let request = self.csrf.iter().fold(request, |request, csrf| request.header("x-csrf-token", csrf));
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = answer.headers().get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        if status >= 400 {
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
        }
        Answer { status, location, body: answer.json().await.unwrap_or_default() }
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.url))).await
    }

    /// As a browser navigates.
    async fn visit(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        self.send(request.header(ACCEPT, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")).await
    }

    async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(self.client.post(format!("{}{path}", self.url)).json(&body)).await
    }

    /// Where the provider asks who it is.
    async fn leaves(&mut self) -> String {
        let answer = self.post("/v1/oidc/sign-in", json!({ "to": "#/holds" })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["location"].as_str().unwrap().to_owned()
    }

    /// What comes of signing in at the provider as `subject`.
    async fn signs_in(&mut self, provider: &Provider, subject: &str) -> Answer {
        let location = self.leaves().await;
        let back = provider.lets_in(&location, subject).await;
        let answer = self.get(&back).await;
        if answer.status == 303 {
            self.csrf = self.get("/v1/session").await.body["csrf"].as_str().map(str::to_owned);
        }
        answer
    }
}

/// Entries of the audit trail of this kind.
async fn entries(site: &Site, kind: &str) -> Vec<Value> {
    let client = reqwest::Client::new();
    let request = client.get(format!("{}/v1/audit?kind={kind}&limit=1000", site.url())).bearer_auth(TOKEN);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["items"].as_array().unwrap().clone()
}

/// The accounts that come in from the provider.
async fn externals(site: &Site) -> Vec<Value> {
    let client = reqwest::Client::new();
    let request = client.get(format!("{}/v1/users", site.url())).bearer_auth(TOKEN);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["items"].as_array().unwrap().iter().filter(|user| !user["external"].is_null()).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_in_and_are_who_the_provider_says() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = Site::start(&provider.config()).await.unwrap();
    provider.knows_lin().await;
    let mut browser = Browser::at(&site);
    assert_eq!(browser.get("/v1/oidc").await.body, json!({ "name": "Example Corp" }));

    let location = browser.leaves().await;
    for needed in [
        "response_type=code",
        "scope=openid+profile",
        "code_challenge_method=S256",
        "state=",
        "nonce=",
        "client_id=coldtrail",
    ] {
        assert!(location.contains(needed), "{location}");
    }
    assert!(!location.contains("prompt="), "{location}");
    let answer = browser.signs_in(&provider, "lin-1").await;
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/#/holds")));
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["coldtrail_session"], "what was brought back is over");
    let session = browser.get("/v1/session").await.body;
    assert_eq!(
        (&session["name"], &session["role"], &session["external"]),
        (&json!("m.lin"), &json!("quality"), &json!(true))
    );
    let lin = &externals(&site).await[0];
    assert_eq!((&lin["name"], &lin["has_password"]), (&json!("m.lin"), &json!(false)));
    assert_eq!(lin["external"], json!(format!("{} lin-1", provider.issuer)));
    let made = entries(&site, "user.created").await;
    assert_eq!((made.len(), &made[0]["body"]["external"]), (1, &lin["external"]));
    assert_eq!(entries(&site, "session.began").await[0]["body"]["way"], "oidc");

    // another name and another group there: the same person with another role here
    provider.knows("lin-1", json!({ "preferred_username": "min.lin", "groups": ["staff"] })).await;
    provider.lies(json!({ "key": "elliptic" })).await;
    let mut elsewhere = Browser::at(&site);
    assert_eq!(elsewhere.signs_in(&provider, "lin-1").await.status, 303);
    let session = elsewhere.get("/v1/session").await.body;
    assert_eq!((&session["name"], &session["role"]), (&json!("m.lin"), &json!("viewer")));
    assert_eq!(externals(&site).await.len(), 1);
    let changed = entries(&site, "user.changed").await;
    assert_eq!(
        (changed.len(), &changed[0]["after"]["role"], &changed[0]["actor"]),
        (1, &json!("viewer"), &json!("system"))
    );
    assert_eq!(
        browser.get("/v1/session").await.problem(),
        (401, "unauthorized"),
        "the role before ended with its session"
    );
    assert_eq!(elsewhere.send(elsewhere.client.delete(format!("{}/v1/session", site.url()))).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_accounts_go_on_without_the_provider() {
    let mut nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    nowhere.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    let config = format!(
        "[oidc]\nissuer = \"http://{nowhere}\"\nclient_id = \"coldtrail\"\nredirect_base = \"{BASE}\"\ntimeout_s = 2.0\n\
         [[oidc.role]]\nvalue = \"qa\"\nrole = \"quality\"\n"
    );
    let site = Site::start(&config).await.unwrap();
    let mut browser = Browser::at(&site);
    assert_eq!(browser.get("/v1/oidc").await.body, json!({ "name": "127.0.0.1" }));
    let answer = browser.post("/v1/oidc/sign-in", json!({})).await;
    assert_eq!(answer.problem(), (503, "oidc_unavailable"));
    let account = json!({ "name": "l.ocal", "role": "viewer", "password": PASSWORD });
    assert_eq!(site.post("/v1/users", TOKEN, &account).await.unwrap().0, 201);
    assert_eq!(browser.post("/v1/session", json!({ "name": "l.ocal", "password": PASSWORD })).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_not_safe_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let good = "issuer = \"https://id.example\"\nclient_id = \"c\"\nredirect_base = \"https://wh.example\"\n";
    let role = "[[oidc.role]]\nvalue = \"qa\"\nrole = \"quality\"\n";
    for (config, told) in [
        (format!("{}{role}", good.replace("https://id", "http://id")), "issuer"),
        (format!("{}{role}", good.replace("https://wh", "http://wh")), "redirect_base"),
        (good.to_owned(), "oidc.role"),
        (format!("{good}{}", role.replace("quality", "gateway")), "gateway"),
        (format!("{good}{}", role.replace("quality", "king")), "king"),
        (format!("{good}client_secret_file = \"/none\"\n{role}"), "client_secret_file"),
        (format!("{good}client_secret = \"a\"\nclient_secret_file = \"/none\"\n{role}"), "not both"),
        (format!("{good}secret = \"a\"\n{role}"), "unknown field"),
    ] {
        let file = dir.path().join("coldtrail.toml");
        std::fs::write(&file, format!("[oidc]\n{config}")).unwrap();
        let mut command = Command::new(tests::site::binary("coldtrail").unwrap());
        command
            .args(["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(dir.path().join("data"));
        command.arg("--config").arg(&file).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(std::time::Duration::from_secs(60), command.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{config}: {said}");
        assert!(said.contains(told), "{config}: {said}");
    }
}
