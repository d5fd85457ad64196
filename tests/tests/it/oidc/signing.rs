//! Signatures of people who have no password here: they sign in at the provider once more.

use super::*;
use crate::page::warm_site_with;

/// The open hold of the warm unit.
async fn hold(browser: &mut Browser) -> String {
    let holds = browser.get("/v1/holds?state=open").await.body;
    holds["items"][0]["id"].as_str().unwrap().to_owned()
}

/// What comes of signing in again as `subject`.
async fn again(browser: &mut Browser, provider: &Provider, subject: &str) -> Answer {
    let answer = browser.post("/v1/oidc/sign-again", json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let location = answer.body["location"].as_str().unwrap().to_owned();
    assert!(location.contains("prompt=login") && location.contains("max_age=0"), "{location}");
    let back = provider.lets_in(&location, subject).await;
    browser.get(&back).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_needs_a_sign_in_since_it_was_asked_for() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = warm_site_with(&provider.config()).await;
    provider.knows_lin().await;
    provider.knows("berg-1", json!({ "preferred_username": "j.berg", "groups": ["qa"] })).await;
    let mut browser = Browser::at(&site);
    assert_eq!(browser.signs_in(&provider, "lin-1").await.status, 303);
    let hold = hold(&mut browser).await;
    let review = format!("/v1/holds/{hold}/review");
    let signed = || json!({ "reason": "looked at the door" });

    assert_eq!(browser.post(&review, signed()).await.problem(), (403, "sign_in_again"), "a session is not enough");
    let guessed = json!({ "reason": "x", "password": PASSWORD });
    assert_eq!(browser.post(&review, guessed).await.problem(), (403, "sign_in_again"), "nor is any password");
    let token = json!({ "name": "m.lin", "role": "quality" });
    let (_, made) = site.post("/v1/tokens", TOKEN, &token).await.unwrap();
    let (status, refused) = site.post(&review, made["token"].as_str().unwrap(), &signed()).await.unwrap();
    assert_eq!((status, refused["code"].as_str()), (403, Some("no_password")), "nor a token");

    // a browser that the provider knows still, without asking
    let earlier = chrono::Utc::now().timestamp() - 3600;
    for lie in [json!({ "claims": { "auth_time": earlier } }), json!({ "claims": { "auth_time": null } })] {
        provider.lies(lie.clone()).await;
        assert_eq!(again(&mut browser, &provider, "lin-1").await.problem(), (403, "oidc_stale"), "{lie}");
        assert_eq!(browser.post(&review, signed()).await.problem(), (403, "sign_in_again"));
    }
    provider.lies(json!({})).await;
    assert_eq!(again(&mut browser, &provider, "berg-1").await.problem(), (403, "oidc_other_person"));
    assert_eq!(browser.post(&review, signed()).await.problem(), (403, "sign_in_again"));
    assert_eq!(externals(&site).await.len(), 1, "the other person did not come in by that");

    // of the right person, in the right session, once
    let mut elsewhere = Browser::at(&site);
    assert_eq!(elsewhere.signs_in(&provider, "lin-1").await.status, 303);
    let answer = again(&mut browser, &provider, "lin-1").await;
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/#again=done")));
    assert_eq!(elsewhere.post(&review, signed()).await.problem(), (403, "sign_in_again"), "it is the other session's");
    let under_review = browser.post(&review, signed()).await;
    assert_eq!((under_review.status, &under_review.body["state"]), (200, &json!("under_review")), "{under_review:?}");
    let acts = &under_review.body["acts"][0];
    assert_eq!((&acts["by"], &acts["signature"]["valid"]), (&json!("m.lin"), &json!(true)));
    let release = format!("/v1/holds/{hold}/release");
    assert_eq!(browser.post(&release, signed()).await.problem(), (403, "sign_in_again"), "one signature each");
    let began = entries(&site, "session.began").await.len();
    assert_eq!(again(&mut browser, &provider, "lin-1").await.status, 303);
    assert_eq!(browser.post(&release, signed()).await.body["state"], "released");
    assert_eq!(entries(&site, "session.began").await.len(), began, "no session began by signing in again");
    assert_eq!(entries(&site, "sign_in.failed").await.len(), 1, "the other person's try counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_sign_ins_lock_the_account() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = warm_site_with(&provider.config()).await;
    provider.knows_lin().await;
    let mut browser = Browser::at(&site);
    assert_eq!(browser.signs_in(&provider, "lin-1").await.status, 303);
    for _ in 0..5 {
        assert_eq!(again(&mut browser, &provider, "berg-1").await.problem(), (403, "oidc_other_person"));
    }
    assert_eq!(again(&mut browser, &provider, "lin-1").await.problem(), (429, "locked_out"));
    let account = json!({ "name": "l.ocal", "role": "quality", "password": PASSWORD });
    assert_eq!(site.post("/v1/users", TOKEN, &account).await.unwrap().0, 201);
    let mut local = Browser::at(&site);
    let session = local.post("/v1/session", json!({ "name": "l.ocal", "password": PASSWORD })).await;
    local.csrf = session.body["csrf"].as_str().map(str::to_owned);
    assert_eq!(
        local.post("/v1/oidc/sign-again", json!({})).await.problem(),
        (409, "no_session"),
        "a local account has a password"
    );
}
