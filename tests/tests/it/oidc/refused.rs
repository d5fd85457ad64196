//! Who does not come in: nothing that a provider, a browser or a stranger gets wrong begins a session.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_brings_back_must_be_its_own() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = Site::start(&provider.config()).await.unwrap();
    provider.knows_lin().await;

    let mut browser = Browser::at(&site);
    let location = browser.leaves().await;
    let back = provider.lets_in(&location, "lin-1").await;
    assert_eq!(browser.get("/v1/oidc/callback").await.problem(), (400, "oidc_state"));
    let other = back.replace("state=", "state=x");
    assert_eq!(browser.get(&other).await.problem(), (400, "oidc_state"), "another state");
    assert_eq!(browser.get(&back.replace("state=", "s=")).await.problem(), (400, "oidc_state"), "no state");
    // somebody is made to follow a stranger's link: their browser began nothing, or something else
    let mut another = Browser::at(&site);
    assert_eq!(another.get(&back).await.problem(), (400, "oidc_state"), "no cookie");
    another.leaves().await;
    assert_eq!(another.get(&back).await.problem(), (400, "oidc_state"), "another browser's cookie");
    another.cookies.insert("coldtrail_oidc".to_owned(), "AAAA".repeat(40));
    assert_eq!(another.get(&back).await.problem(), (400, "oidc_state"), "no cookie of ours");
    assert_eq!(another.visit(&back).await.location.as_deref(), Some("/#refused=oidc_state"));

    // what was left alone is still good, once
    let kept = browser.cookies.clone();
    assert_eq!(browser.get(&back).await.status, 303);
    let mut thief = Browser::at(&site);
    thief.cookies = kept;
    assert_eq!(thief.get(&back).await.problem(), (403, "oidc_refused"), "a code counts once");
    assert!(!thief.cookies.contains_key("coldtrail_session"));
    assert_eq!(entries(&site, "session.began").await.len(), 1);

    // the provider says no, in words that lead nowhere
    let mut denied = Browser::at(&site);
    let location = denied.leaves().await;
    let state = location.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let no = format!("/v1/oidc/callback?state={state}&error=access_denied&error_description=%3Cscript%3E");
    let answer = denied.get(&no).await;
    assert_eq!(answer.problem(), (403, "oidc_denied"));
    assert!(!answer.body.to_string().contains("script"), "{answer:?}");
    for sent in ["code=x&iss=https%3A%2F%2Fevil.example", "code=x", ""] {
        let mut denied = Browser::at(&site);
        let location = denied.leaves().await;
        let state = location.split("state=").nth(1).unwrap().split('&').next().unwrap();
        let answer = denied.visit(&format!("/v1/oidc/callback?state={state}&{sent}")).await;
        let sent_to = answer.location.unwrap();
        assert!(["/#refused=oidc_denied", "/#refused=oidc_refused"].contains(&sent_to.as_str()), "{sent}: {sent_to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_anywhere_but_to_the_page() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = Site::start(&provider.config()).await.unwrap();
    let mut browser = Browser::at(&site);
    for to in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "#token=x",
        "",
        "#/a\r\nX: y",
    ] {
        assert_eq!(browser.post("/v1/oidc/sign-in", json!({ "to": to })).await.problem(), (400, "shape"), "{to}");
    }
    // a form of another site can't begin a sign-in, nor can one be begun by a link
    let form =
        browser.client.post(format!("{}/v1/oidc/sign-in", site.url())).header("content-type", "text/plain").body("{}");
    assert_eq!(browser.send(form).await.problem(), (415, "media_type"));
    assert_eq!(browser.get("/v1/oidc/sign-in").await.problem(), (405, "method_not_allowed"));
    assert!(browser.cookies.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_hold_lets_nobody_in() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = Site::start(&provider.config()).await.unwrap();
    provider.knows_lin().await;
    let (now, begun) = (chrono::Utc::now().timestamp(), std::time::Instant::now());
    for lie in [
        json!({ "claims": { "nonce": "another" } }),
        json!({ "claims": { "nonce": null } }),
        json!({ "claims": { "aud": "another" } }),
        json!({ "claims": { "aud": ["coldtrail", "another"] } }),
        json!({ "claims": { "azp": "another" } }),
        json!({ "claims": { "iss": "https://id.example" } }),
        json!({ "claims": { "exp": now - 61 } }),
        json!({ "claims": { "exp": null } }),
        json!({ "claims": { "iat": now + 600 } }),
        json!({ "claims": { "nbf": now + 600 } }),
        json!({ "claims": { "sub": null } }),
        json!({ "key": "unknown" }),
        json!({ "key": "unknown", "head": { "kid": "elliptic" } }),
        json!({ "key": "unknown", "head": { "jku": format!("{}/jwks", provider.issuer) } }),
        json!({ "key": "unknown", "head": { "jwk": { "kty": "oct", "k": "AAAA" } } }),
        json!({ "key": "elliptic", "head": { "alg": "ES256", "kid": "another" } }),
        json!({ "head": { "kid": "../../etc/passwd" } }),
        json!({ "head": { "kid": "/dev/null" } }),
        json!({ "head": { "kid": "' OR 1=1 --" } }),
        json!({ "head": { "kid": "x".repeat(10_000) } }),
        json!({ "head": { "crit": ["exp"] } }),
        json!({ "key": "none" }),
        json!({ "key": "none", "alg": "None" }),
        json!({ "key": "none", "alg": "RS256" }),
        json!({ "key": "symmetric" }),
        json!({ "key": "symmetric", "head": { "alg": "RS256" } }),
        // longer than any token is, and longer than what is read of an answer
        json!({ "claims": { "more": "x".repeat(100_000) } }),
        json!({ "claims": { "more": "x".repeat(1_100_000) } }),
    ] {
        provider.lies(lie.clone()).await;
        let mut browser = Browser::at(&site);
        assert_eq!(browser.signs_in(&provider, "lin-1").await.problem(), (403, "oidc_refused"), "{lie}");
        assert!(browser.cookies.is_empty(), "{lie}");
    }
    assert!(externals(&site).await.is_empty());
    assert!(entries(&site, "session.began").await.is_empty());
    let most = 2 + begun.elapsed().as_secs() / 10;
    assert!(provider.asked().await <= most, "tokens of nobody's make the provider be asked for its keys");
    provider.lies(json!({})).await;
    assert_eq!(Browser::at(&site).signs_in(&provider, "lin-1").await.status, 303);

    // a token of the provider is no token of ours, whatever it is signed with
    let client = reqwest::Client::new();
    for token in ["eyJhbGciOiJub25lIn0.eyJzdWIiOiJsaW4tMSJ9.".to_owned(), "x".repeat(20_000)] {
        let answer = client.get(format!("{}/v1/units", site.url())).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    // longer than a head may be: the connection may end before all of it is sent
    let long = client.get(format!("{}/v1/units", site.url())).bearer_auth("x".repeat(1 << 20)).send().await;
    assert!(long.map_or(true, |answer| answer.status() == 431));
}

/// As long as keys are told no more, with the limits of the configuration.
const KEYS_MAX_AGE: std::time::Duration = std::time::Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_are_good_without_their_provider_until_they_are_too_old() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let roles = provider.config();
    let site = Site::start(&roles.replacen("[oidc]\n", "[oidc]\nkeys_max_age_s = 5.0\n", 1)).await.unwrap();
    provider.knows_lin().await;
    let begun = std::time::Instant::now();
    assert_eq!(Browser::at(&site).signs_in(&provider, "lin-1").await.status, 303);
    assert_eq!(provider.asked().await, 1);

    provider.lies(json!({ "silent": true })).await;
    let refused = loop {
        let answer = Browser::at(&site).signs_in(&provider, "lin-1").await;
        if answer.status != 303 {
            break answer;
        }
        if provider.asked().await == 1 {
            continue;
        }
        // it was asked again and told nothing; strangers' tokens don't make it be asked more
        provider.lies(json!({ "silent": true, "key": "unknown" })).await;
        for _ in 0..3 {
            let answer = Browser::at(&site).signs_in(&provider, "lin-1").await;
            assert!(matches!(answer.problem(), (403, "oidc_refused") | (503, "oidc_unavailable")), "{answer:?}");
        }
        provider.lies(json!({ "silent": true })).await;
        assert!(begun.elapsed() > KEYS_MAX_AGE || provider.asked().await == 2);
    };
    assert_eq!(refused.problem(), (503, "oidc_unavailable"));
    assert!(begun.elapsed() >= KEYS_MAX_AGE, "known keys were dropped before their time: {:?}", begun.elapsed());
    assert!((2..=4).contains(&provider.asked().await), "{}", provider.asked().await);
    provider.lies(json!({})).await;
    for _ in 0..600 {
        let answer = Browser::at(&site).signs_in(&provider, "lin-1").await;
        if answer.status == 303 {
            return;
        }
        assert_eq!(answer.problem(), (503, "oidc_unavailable"));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nobody comes in though the keys are told again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_place_here_does_not_come_in() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = Site::start(&provider.config()).await.unwrap();
    let account = json!({ "name": "l.ocal", "role": "admin", "password": PASSWORD });
    assert_eq!(site.post("/v1/users", TOKEN, &account).await.unwrap().0, 201);
    for (claims, code) in [
        (json!({ "preferred_username": "x.y" }), (403, "oidc_no_role")),
        (json!({ "preferred_username": "x.y", "groups": ["another", "quality"] }), (403, "oidc_no_role")),
        (json!({ "groups": ["qa"] }), (403, "oidc_name")),
        (json!({ "preferred_username": "x y", "groups": ["qa"] }), (403, "oidc_name")),
        (json!({ "preferred_username": "l.ocal", "groups": ["qa"] }), (409, "oidc_name_taken")),
        (json!({ "preferred_username": "system", "groups": ["qa"] }), (409, "oidc_name_taken")),
    ] {
        provider.knows("somebody", claims.clone()).await;
        assert_eq!(Browser::at(&site).signs_in(&provider, "somebody").await.problem(), code, "{claims}");
    }
    assert!(externals(&site).await.is_empty(), "nobody got an account");

    provider.knows_lin().await;
    let mut browser = Browser::at(&site);
    assert_eq!(browser.signs_in(&provider, "lin-1").await.status, 303);
    let admin = |body: Value| {
        let client = reqwest::Client::new();
        client.patch(format!("{}/v1/users/m.lin", site.url())).bearer_auth(TOKEN).json(&body)
    };
    assert_eq!(admin(json!({ "disabled": true })).send().await.unwrap().status(), 200);
    assert_eq!(browser.get("/v1/session").await.status, 401, "the session ended with the account");
    assert_eq!(browser.signs_in(&provider, "lin-1").await.problem(), (403, "oidc_disabled"));
    assert_eq!(admin(json!({ "disabled": false })).send().await.unwrap().status(), 200);
    assert_eq!(browser.signs_in(&provider, "lin-1").await.status, 303);

    // the account has no password, gets none, and is locked like any other by guesses
    let set = site.post("/v1/users/m.lin/password", TOKEN, &json!({ "password": PASSWORD })).await.unwrap();
    assert_eq!((set.0, set.1["code"].as_str()), (400, Some("refused")), "{set:?}");
    let mut guesser = Browser::at(&site);
    for _ in 0..5 {
        let guess = guesser.post("/v1/session", json!({ "name": "m.lin", "password": PASSWORD })).await;
        assert_eq!(guess.problem(), (401, "wrong_credentials"));
    }
    assert_eq!(Browser::at(&site).signs_in(&provider, "lin-1").await.problem(), (429, "locked_out"));
}
