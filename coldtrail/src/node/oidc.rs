//! The identity provider people sign in at.

use std::sync::Arc;
use std::time::Duration;

use api::{Oidc, OidcOptions};
use model::role::Role;

use crate::config;
use crate::exit::Failure;

/// How long it may take to answer when the configuration does not say.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the keys it told last are good while it does not tell them again, when the configuration does not say.
const KEYS_MAX_AGE: Duration = Duration::from_secs(86_400);

/// The provider of the configuration, if there is one. It is not asked anything yet: that it can't be reached stops nothing.
pub(super) fn of(given: Option<&config::Oidc>) -> Result<Option<Arc<Oidc>>, Failure> {
    let Some(given) = given else { return Ok(None) };
    let wrong = |what: String| Failure::Input(format!("configuration: {what}"));
    let oidc = Oidc::new(options(given).map_err(wrong)?)
        .map_err(|error| wrong(format!("{:#}", anyhow::Error::from(error))))?;
    Ok(Some(Arc::new(oidc)))
}

fn options(given: &config::Oidc) -> Result<OidcOptions, String> {
    let host = || url::Url::parse(&given.issuer).ok()?.host_str().map(str::to_owned);
    let words = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    let scopes = given.scopes.clone().unwrap_or_else(|| ["openid", "profile"].map(str::to_owned).to_vec());
    let role = |mapped: &config::oidc::Mapped| {
        let role = Role::parse(&mapped.role).map_err(|error| format!("`oidc.role`: {error}"))?;
        Ok::<_, String>((mapped.value.clone(), role))
    };
    let seconds = |option, given: Option<f64>, default, (least, most)| match given {
        None => Ok(default),
        Some(seconds) if (least..=most).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Some(seconds) => Err(format!("`oidc.{option}` is {seconds}: give {least} to {most} seconds")),
    };
    Ok(OidcOptions {
        name: given.name.clone().or_else(host).unwrap_or_else(|| given.issuer.clone()),
        issuer: given.issuer.clone(),
        client_id: given.client_id.clone(),
        client_secret: secret(given)?,
        redirect_base: given.redirect_base.clone(),
        scopes,
        name_claim: words(&given.name_claim, "preferred_username"),
        roles_claim: words(&given.roles_claim, "groups"),
        roles: given.role.iter().map(role).collect::<Result<_, _>>()?,
        authority: given.authority.clone(),
        timeout: seconds("timeout_s", given.timeout_s, TIMEOUT, (0.1, 300.0))?,
        keys_max_age: seconds("keys_max_age_s", given.keys_max_age_s, KEYS_MAX_AGE, (1.0, 604_800.0))?,
    })
}

/// The secret, from the configuration or a file; a public client has none.
fn secret(given: &config::Oidc) -> Result<Option<String>, String> {
    match (&given.client_secret, &given.client_secret_file) {
        (Some(_), Some(_)) => Err("give `oidc.client_secret` or `oidc.client_secret_file`, not both".to_owned()),
        (secret, None) => Ok(secret.clone()),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("`oidc.client_secret_file`: cannot read `{}`: {error}", path.display()))?;
            let secret = text.trim_end_matches(['\r', '\n']);
            if secret.is_empty() {
                return Err(format!("`oidc.client_secret_file`: `{}` is empty", path.display()));
            }
            Ok(Some(secret.to_owned()))
        }
    }
}
