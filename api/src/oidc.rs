//! Signing in at an identity provider (OpenID Connect Core 1.0): the authorization code flow with PKCE, state and nonce.
//!
//! What a browser has to bring back stands sealed in a cookie of its own, so that nothing is kept here for somebody who never comes
//! back. An ID token counts only when its signature, issuer, audience, times and nonce are right.

mod claims;
mod id_token;
mod keys;
mod options;
mod provider;
mod refused;
mod sealed;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::instant::RecordedAt;
use model::name::Name;
use model::role::Role;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use id_token::Expected;
use provider::Provider;
use sealed::Seal;

pub use options::{OidcError, OidcOptions};
pub(crate) use refused::Refused;
pub(crate) use sealed::{Flow, Purpose};

/// How long somebody may take at the provider.
const FLOW_MS: i64 = 10 * 60_000;

/// How long a person who signed in again may take to sign.
const FRESH_MS: i64 = 2 * 60_000;

/// The path the provider sends people back to.
pub(crate) const CALLBACK: &str = "/v1/oidc/callback";

/// An identity provider people sign in at.
pub struct Oidc {
    options: OidcOptions,
    provider: Provider,
    seal: Seal,
    /// Sessions whose person has just signed in again, until when: (SHA-256 of the session's id, milliseconds since the epoch).
    fresh: Mutex<HashMap<String, i64>>,
}

/// What a browser is sent to the provider with.
pub(crate) struct Departure {
    /// The provider's address, with everything it has to know.
    pub(crate) location: String,
    /// The cookie's value.
    pub(crate) sealed: String,
}

/// Who came back from the provider.
pub(crate) struct Arrival {
    /// What the provider calls them: issuer, a space, subject.
    pub(crate) external: String,
    /// What they are called here, the first time.
    pub(crate) name: Result<Name, Refused>,
    /// What they may do here.
    pub(crate) role: Result<Role, Refused>,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.options.issuer).finish_non_exhaustive()
    }
}

impl Oidc {
    /// The provider of `options`. It is asked nothing before somebody wants to sign in.
    ///
    /// # Errors
    /// When an option can't be: an address in the clear to another machine, no role anybody is mapped to.
    pub fn new(options: OidcOptions) -> Result<Self, OidcError> {
        options.check()?;
        let provider = Provider::new(&options)?;
        Ok(Self { seal: Seal::new()?, provider, options, fresh: Mutex::default() })
    }

    /// What people call the provider.
    pub(crate) fn name(&self) -> &str {
        &self.options.name
    }

    /// Sends somebody to the provider for `purpose`; `to` is where they go afterwards.
    pub(crate) async fn depart(&self, purpose: Purpose, to: String, now: RecordedAt) -> Result<Departure, Refused> {
        let endpoint = self.provider.metadata().await?.authorization_endpoint.clone();
        let word = || sealed::random_word().ok_or(Refused::Failed);
        let (state, nonce, verifier) = (word()?, word()?, word()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut location = endpoint;
        {
            let mut query = location.query_pairs_mut();
            query.append_pair("response_type", "code");
            query.append_pair("client_id", &self.options.client_id);
            query.append_pair("redirect_uri", &self.redirect_uri());
            query.append_pair("scope", &self.options.scopes.join(" "));
            query.append_pair("state", &state);
            query.append_pair("nonce", &nonce);
            query.append_pair("code_challenge", &challenge);
            query.append_pair("code_challenge_method", "S256");
            if matches!(purpose, Purpose::Sign { .. }) {
                query.append_pair("prompt", "login");
                query.append_pair("max_age", "0");
            }
        }
        let flow = Flow { state, nonce, verifier, to, purpose, began_ms: now.millis() };
        let sealed = self.seal.close(&flow).ok_or(Refused::Failed)?;
        Ok(Departure { location: location.into(), sealed })
    }

    /// The flow that a browser left with, from its cookie, if it is still good at `now`.
    pub(crate) fn opened(&self, cookie: Option<&str>, now: RecordedAt) -> Option<Flow> {
        let flow = self.seal.open(cookie?)?;
        let age_ms = now.millis().saturating_sub(flow.began_ms);
        (0..=FLOW_MS).contains(&age_ms).then_some(flow)
    }

    /// Whether `state`, which a browser came back with, is that of `flow`. Takes the same time wherever they differ.
    pub(crate) fn is_answer(flow: &Flow, state: &str) -> bool {
        flow.state.as_bytes().ct_eq(state.as_bytes()).into()
    }

    /// Whether an answer of `issuer` (RFC 9207) is the provider's; one that does not say is.
    pub(crate) fn is_from(&self, issuer: Option<&str>) -> bool {
        issuer.is_none_or(|issuer| issuer == self.options.issuer)
    }

    /// Who came back with `code`.
    pub(crate) async fn arrive(&self, flow: &Flow, code: &str, now: RecordedAt) -> Result<Arrival, Refused> {
        let answer = self.provider.redeem(code, &flow.verifier, &self.redirect_uri()).await?;
        let expected = Expected {
            issuer: &self.options.issuer,
            client_id: &self.options.client_id,
            nonce: &flow.nonce,
            now_s: now.millis().div_euclid(1000),
            signed_in_since_s: matches!(flow.purpose, Purpose::Sign { .. }).then(|| flow.began_ms.div_euclid(1000)),
        };
        let mut claims = self.provider.verified(&answer.id_token, &expected).await?;
        let wanted = [self.options.name_claim.as_str(), self.options.roles_claim.as_str()];
        if wanted.iter().any(|claim| claims::find(&claims, claim).is_none()) {
            self.provider.complete(&mut claims, answer.access_token.as_deref()).await?;
        }
        let subject = claims::subject(&claims)?;
        Ok(Arrival {
            external: format!("{} {subject}", self.options.issuer),
            name: claims::name(&claims, &self.options.name_claim),
            role: claims::role(&claims, &self.options.roles_claim, &self.options.roles),
        })
    }

    /// Notes that the person of a session has signed in again.
    pub(crate) fn refreshed(&self, session: String, now: RecordedAt) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.retain(|_, until_ms| now.millis() < *until_ms);
        fresh.insert(session, now.millis().saturating_add(FRESH_MS));
    }

    /// Whether the person of a session has just signed in again; it counts once.
    pub(crate) fn is_fresh(&self, session: &str, now: RecordedAt) -> bool {
        let until_ms = self.fresh.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
        until_ms.is_some_and(|until_ms| now.millis() < until_ms)
    }

    fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.options.redirect_base.trim_end_matches('/'))
    }
}
