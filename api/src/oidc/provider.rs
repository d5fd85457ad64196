//! The provider itself: what it says of itself, its keys, and the exchange of a code for tokens.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::claims::{self, Claims};
use super::id_token::{Expected, Parsed};
use super::keys::Keys;
use super::options::{OidcError, OidcOptions, is_private};
use super::refused::Refused;

/// How long what the provider says of itself is believed.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// How long nobody else waits for a provider that has just not answered.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(2);

/// How often its keys are asked for because a token is signed by none of them, or because it has not told them.
const KEYS_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// How much of an answer is read.
const ANSWER_BYTES: usize = 1 << 20;

/// Where a provider's doors are (OpenID Connect Discovery 1.0, section 3).
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Option<Url>,
    jwks_uri: Url,
    /// Whether the secret goes into the body, because the head is not read there.
    secret_in_body: bool,
}

/// What a code is exchanged for.
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<String>,
}

/// A client of the provider.
pub(super) struct Provider {
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    client: reqwest::Client,
    metadata: Mutex<Option<(Result<Metadata, Refused>, Instant)>>,
    keys: Mutex<Ring>,
    keys_max_age: Duration,
}

/// The keys it last told, and that it did not tell them since.
#[derive(Default)]
struct Ring {
    told: Option<(Keys, Instant)>,
    failed: Option<(Refused, Instant)>,
}

impl Provider {
    /// The client of `options`. Redirects are not followed and no proxy of the environment is used: nothing is contacted but
    /// the configured issuer and where it says its doors are.
    pub(super) fn new(options: &OidcOptions) -> Result<Self, OidcError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(options.timeout)
            .connect_timeout(options.timeout)
            .user_agent(concat!("coldtrail/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &options.authority {
            let unusable =
                |source: Box<dyn std::error::Error + Send + Sync>| OidcError::Authority { path: path.clone(), source };
            let pem = std::fs::read(path).map_err(|source| unusable(source.into()))?;
            let chain = reqwest::Certificate::from_pem_bundle(&pem).map_err(|source| unusable(source.into()))?;
            if chain.is_empty() {
                return Err(unusable("there is no certificate in it".into()));
            }
            builder = builder.tls_built_in_root_certs(false);
            builder = chain.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        Ok(Self {
            issuer: options.issuer.clone(),
            client_id: options.client_id.clone(),
            client_secret: options.client_secret.clone(),
            client: builder.build().map_err(|source| OidcError::Client { source })?,
            metadata: Mutex::default(),
            keys: Mutex::default(),
            keys_max_age: options.keys_max_age,
        })
    }

    /// Where its doors are. Asked for once an hour; who comes meanwhile waits for the same answer.
    pub(super) async fn metadata(&self) -> Result<Metadata, Refused> {
        let mut kept = self.metadata.lock().await;
        let lasts = |told: &Result<Metadata, Refused>| if told.is_ok() { KEPT_FOR } else { LEFT_ALONE_FOR };
        if let Some((told, _)) = kept.as_ref().filter(|(told, since)| since.elapsed() < lasts(told)) {
            return told.clone();
        }
        let told = self.discover().await;
        *kept = Some((told.clone(), Instant::now()));
        told
    }

    async fn discover(&self) -> Result<Metadata, Refused> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let address = Url::parse(&address).map_err(|_| unreachable("its issuer is no address"))?;
        let document = good(self.client.get(address).header(ACCEPT, "application/json")).await?;
        Metadata::of(&document, &self.issuer)
    }

    /// Exchanges `code` (RFC 6749, section 4.1.3).
    pub(super) async fn redeem(&self, code: &str, verifier: &str, redirect_uri: &str) -> Result<Tokens, Refused> {
        let metadata = self.metadata().await?;
        let (status, answer) = asked(self.redemption(&metadata, code, verifier, redirect_uri)).await?;
        if status.is_client_error() {
            let why = answer.get("error").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(Refused::invalid(format!("it refused the code: {}", why.chars().take(80).collect::<String>())));
        }
        if !status.is_success() {
            return Err(unreachable(format!("it answered {status}")));
        }
        let text = |member: &str| answer.get(member).and_then(Value::as_str).map(str::to_owned);
        let id_token = text("id_token").ok_or_else(|| Refused::invalid("there is no ID token"))?;
        Ok(Tokens { id_token, access_token: text("access_token") })
    }

    fn redemption(&self, to: &Metadata, code: &str, verifier: &str, redirect_uri: &str) -> reqwest::RequestBuilder {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("grant_type", "authorization_code");
        body.append_pair("code", code);
        body.append_pair("redirect_uri", redirect_uri);
        body.append_pair("code_verifier", verifier);
        let mut request = self.client.post(to.token_endpoint.clone());
        match &self.client_secret {
            Some(secret) if to.secret_in_body => {
                body.append_pair("client_id", &self.client_id);
                body.append_pair("client_secret", secret);
            }
            Some(secret) => {
                let escaped = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                request = request.basic_auth(escaped(&self.client_id), Some(escaped(secret)));
            }
            None => {
                body.append_pair("client_id", &self.client_id);
            }
        }
        request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body.finish())
    }

    /// What `token` says, if one of the provider's keys signed it and it is as expected.
    pub(super) async fn verified(&self, token: &str, expected: &Expected<'_>) -> Result<Claims, Refused> {
        let parsed = Parsed::of(token)?;
        // a key that is not known may be new
        if !parsed.is_by(&self.keys(false).await?) && !parsed.is_by(&self.keys(true).await?) {
            return Err(Refused::invalid("none of its keys signed it"));
        }
        parsed.accepted(expected)
    }

    /// Adds what the provider says of the person elsewhere (OpenID Connect Core 1.0, section 5.3), where the ID token is short.
    pub(super) async fn complete(&self, said: &mut Claims, access_token: Option<&str>) -> Result<(), Refused> {
        let metadata = self.metadata().await?;
        let Some((address, token)) = metadata.userinfo_endpoint.zip(access_token) else { return Ok(()) };
        let Value::Object(more) = good(self.client.get(address).bearer_auth(token)).await? else {
            return Err(Refused::invalid("what it says of the person is no object"));
        };
        if claims::subject(&more)? != claims::subject(said)? {
            return Err(Refused::invalid("what it says is of another person"));
        }
        for (claim, value) in more {
            said.entry(claim).or_insert(value);
        }
        Ok(())
    }

    /// Its keys; `again` asks for them though some are known.
    ///
    /// While it does not tell them, those it told last are good until they are too old. Whoever comes meanwhile, with whatever
    /// token, does not make it be asked more often.
    async fn keys(&self, again: bool) -> Result<Keys, Refused> {
        let mut ring = self.keys.lock().await;
        let lasts = if again { KEYS_AGAIN_AFTER } else { KEPT_FOR.min(self.keys_max_age / 2) };
        let known = ring.told.as_ref().filter(|(_, since)| since.elapsed() < self.keys_max_age);
        if let Some((keys, _)) = known.filter(|(_, since)| since.elapsed() < lasts) {
            return Ok(keys.clone());
        }
        let known = known.map(|(keys, _)| keys.clone());
        let pause = if known.is_some() { KEYS_AGAIN_AFTER } else { LEFT_ALONE_FOR };
        if let Some((refused, _)) = ring.failed.as_ref().filter(|(_, since)| since.elapsed() < pause) {
            return known.ok_or_else(|| refused.clone());
        }
        match self.told_keys().await {
            Ok(keys) => {
                *ring = Ring { told: Some((keys.clone(), Instant::now())), failed: None };
                Ok(keys)
            }
            Err(refused) => {
                tracing::warn!(why = %refused, "the identity provider does not tell its keys");
                ring.failed = Some((refused.clone(), Instant::now()));
                known.ok_or(refused)
            }
        }
    }

    async fn told_keys(&self) -> Result<Keys, Refused> {
        let address = self.metadata().await?.jwks_uri;
        Ok(Keys::of(&good(self.client.get(address).header(ACCEPT, "application/json")).await?))
    }
}

impl Metadata {
    fn of(document: &Value, issuer: &str) -> Result<Self, Refused> {
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(unreachable("it calls itself by another issuer than the configuration does"));
        }
        let found = |member: &str| {
            let url = document.get(member).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
            url.filter(is_private)
        };
        let needed =
            |member: &str| found(member).ok_or_else(|| unreachable(format!("its `{member}` is no safe address")));
        let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let takes = |method: &str| methods.is_some_and(|methods| methods.iter().any(|one| one == method));
        Ok(Self {
            authorization_endpoint: needed("authorization_endpoint")?,
            token_endpoint: needed("token_endpoint")?,
            userinfo_endpoint: found("userinfo_endpoint"),
            jwks_uri: needed("jwks_uri")?,
            secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
        })
    }
}

fn unreachable(why: impl Into<String>) -> Refused {
    Refused::Unreachable { why: why.into() }
}

/// The JSON of a good answer.
async fn good(request: reqwest::RequestBuilder) -> Result<Value, Refused> {
    let (status, answer) = asked(request).await.map_err(|refused| match refused {
        Refused::Invalid { why } => unreachable(why),
        other => other,
    })?;
    if status.is_success() { Ok(answer) } else { Err(unreachable(format!("it answered {status}"))) }
}

/// Status and JSON of the answer; null where there is none in it.
async fn asked(request: reqwest::RequestBuilder) -> Result<(reqwest::StatusCode, Value), Refused> {
    let failed = |error: reqwest::Error| unreachable(chain(&error.without_url()));
    let mut answer = request.send().await.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES {
            return Err(Refused::invalid("its answer has no end"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((answer.status(), serde_json::from_slice(&bytes).unwrap_or_default()))
}

/// An error and all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        told.push_str(": ");
        told.push_str(&inner.to_string());
        cause = inner.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn its_doors_are_on_safe_addresses_and_it_is_who_it_should_be() {
        let issuer = "https://id.example";
        let document = json!({
            "issuer": issuer, "authorization_endpoint": "https://id.example/a?x=1", "token_endpoint": "https://id.example/t",
            "jwks_uri": "https://id.example/k", "userinfo_endpoint": "http://id.example/u",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        });
        let metadata = Metadata::of(&document, issuer).unwrap();
        assert!(metadata.secret_in_body);
        assert_eq!(metadata.userinfo_endpoint, None, "in the clear to another machine");
        assert!(Metadata::of(&document, "https://id.example/").is_err());
        for member in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for wrong in [json!("http://id.example/x"), json!("javascript:alert(1)"), json!(7), Value::Null] {
                let mut document = document.clone();
                document[member] = wrong;
                assert!(Metadata::of(&document, issuer).is_err(), "{member}");
            }
        }
    }
}
