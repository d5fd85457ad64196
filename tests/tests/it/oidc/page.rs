//! The page, for people who come in from the provider: in headless Chromium, which finds the site and the provider on two sites.

use super::*;
use crate::page::{WARM, browse_with, warm_site_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_the_provider_and_signs_there_again() {
    let Some(python) = python() else { return };
    let provider = Provider::start(python).await;
    let site = warm_site_with(&provider.config()).await;
    provider.knows_lin().await;
    provider.knows("guest-1", json!({ "preferred_username": "g.uest", "groups": [] })).await;
    // for browsers the site is where the provider sends them back to
    let rules = format!(
        "--host-resolver-rules='MAP {} {}'",
        BASE.trim_start_matches("http://"),
        site.url().trim_start_matches("http://")
    );
    let said = browse_with(python, "oidc.py", &site, &[&format!("{BASE}/"), WARM], &rules).await;
    assert_eq!(said.lines().count(), 5, "{said}");
}
