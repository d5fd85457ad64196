//! How an identity provider is set up.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use model::role::Role;
use url::{Host, Url};

/// How an identity provider is set up.
#[derive(Clone)]
pub struct OidcOptions {
    /// What people call it: the page's button has it.
    pub name: String,
    /// Its issuer, exactly as it calls itself.
    pub issuer: String,
    /// What this system is called there.
    pub client_id: String,
    /// The secret for it; a public client has none.
    pub client_secret: Option<String>,
    /// What this system's addresses begin with, as browsers see them.
    pub redirect_base: String,
    /// What is asked for; `openid` among it.
    pub scopes: Vec<String>,
    /// The claim with a person's name.
    pub name_claim: String,
    /// The claim with what a person is there; a path of members with dots between them.
    pub roles_claim: String,
    /// What of it makes which role; the first that fits counts.
    pub roles: Vec<(String, Role)>,
    /// The authority that signed its certificate (PEM), in place of the system's list.
    pub authority: Option<PathBuf>,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// How long the keys it told last are good while it does not tell them again.
    pub keys_max_age: Duration,
}

/// Why an identity provider can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// An option can't be.
    #[error("`oidc.{option}` {problem}")]
    Option {
        /// Which.
        option: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The authority can't be read.
    #[error("`oidc.authority`: `{path}` can't be used")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no client to ask with.
    #[error("nothing can be asked over HTTP")]
    Client {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

impl OidcOptions {
    /// Fails at the first option that can't be.
    pub(super) fn check(&self) -> Result<(), OidcError> {
        let wrong = |option, problem: &str| Err(OidcError::Option { option, problem: problem.to_owned() });
        for (option, address) in [("issuer", &self.issuer), ("redirect_base", &self.redirect_base)] {
            let Ok(url) = Url::parse(address) else { return wrong(option, "is no address: give `https://…`") };
            if !is_private(&url) {
                return wrong(option, "is in the clear to another machine: use https");
            }
            if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
                return wrong(option, "has a query, a fragment or a user in it: leave them out");
            }
        }
        if Url::parse(&self.redirect_base).is_ok_and(|url| url.path() != "/") {
            return wrong("redirect_base", "has a path: the page is at the root");
        }
        for (option, text) in [("client_id", &self.client_id), ("name", &self.name), ("roles_claim", &self.roles_claim)]
        {
            if text.trim().is_empty() {
                return wrong(option, "is empty");
            }
        }
        if self.roles.is_empty() {
            return wrong("role", "is missing: say what of the claim makes which role, or nobody can come in");
        }
        if self.roles.iter().any(|(_, role)| *role == Role::Gateway) {
            return wrong("role", "makes people gateways: a gateway has a token");
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return wrong("scopes", "lacks `openid`");
        }
        Ok(())
    }
}

/// Whether what is sent to `url` can be read on the way by nobody: it is encrypted, or never leaves this machine.
pub(super) fn is_private(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn options() -> OidcOptions {
        OidcOptions {
            name: "Corp".to_owned(),
            issuer: "https://id.example/realms/wh".to_owned(),
            client_id: "coldtrail".to_owned(),
            client_secret: None,
            redirect_base: "https://coldtrail.example".to_owned(),
            scopes: vec!["openid".to_owned()],
            name_claim: "preferred_username".to_owned(),
            roles_claim: "groups".to_owned(),
            roles: vec![("qa".to_owned(), Role::Quality)],
            authority: None,
            timeout: Duration::from_secs(1),
            keys_max_age: Duration::from_secs(60),
        }
    }

    #[test]
    fn in_the_clear_is_for_this_machine_only() {
        assert!(options().check().is_ok());
        for issuer in ["http://localhost:9400", "http://127.0.0.1:9400", "http://[::1]:9400", "https://10.0.0.1"] {
            assert!(OidcOptions { issuer: issuer.to_owned(), ..options() }.check().is_ok(), "{issuer}");
        }
        for issuer in ["http://id.example", "http://127.0.0.1.example", "http://10.0.0.1", "ftp://localhost", "id", ""]
        {
            assert!(OidcOptions { issuer: issuer.to_owned(), ..options() }.check().is_err(), "{issuer}");
        }
        for base in ["http://wh.example", "https://wh.example/app", "https://u@wh.example", "https://wh.example/?x"] {
            assert!(OidcOptions { redirect_base: base.to_owned(), ..options() }.check().is_err(), "{base}");
        }
    }

    #[test]
    fn somebody_must_be_able_to_come_in_and_nobody_as_a_gateway() {
        let with = |roles| OidcOptions { roles, ..options() }.check();
        assert!(with(Vec::new()).is_err());
        assert!(with(vec![("gw".to_owned(), Role::Gateway)]).is_err());
        assert!(OidcOptions { scopes: vec!["profile".to_owned()], ..options() }.check().is_err());
    }
}
