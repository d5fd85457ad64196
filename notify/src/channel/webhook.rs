//! Webhooks: one signed POST for each event.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use model::registry::Recipient;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use store::outbox::Due;
use url::{Host, Url};

use super::{Channel, Refused, Scope, cloud_event, event_id};
use crate::audience;
use crate::error::{Error, chain};
use crate::options::WebhookOptions;
use crate::signature::Signer;

/// How much of an answer is read.
const ANSWER_BYTES: usize = 4096;

/// How much of an answer is kept.
const SAID_CHARS: usize = 200;

/// The longest time another side may ask to be left alone for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// A program that is told over HTTP.
pub(crate) struct Webhook {
    source: String,
    url: Url,
    signer: Signer,
    client: reqwest::Client,
}

impl Webhook {
    /// The webhook of `options`. Redirects are not followed and no proxy of the environment is used: nothing but the
    /// configured address is ever contacted.
    pub(crate) fn new(options: &WebhookOptions, source: &str) -> Result<Self, Error> {
        let channel = || audience::webhook(&options.name);
        let wrong = |option, problem| Error::Option { channel: channel(), option, problem };
        let client = |source: reqwest::Error| Error::Client { channel: channel(), source: source.into() };
        let url = Url::parse(&options.url).map_err(|cause| wrong("url", format!("is no address: {cause}")))?;
        match url.scheme() {
            "https" => {}
            "http" if options.allow_http || is_loopback(&url) => {}
            "http" => return Err(wrong("url", "is plain HTTP to another machine: use https".to_owned())),
            other => return Err(wrong("url", format!("begins with `{other}`: use https"))),
        }
        let signer = Signer::new(&options.secrets).map_err(|problem| wrong("secret", problem))?;
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(options.timeout)
            .connect_timeout(options.timeout)
            .user_agent(concat!("coldtrail/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &options.authority {
            let unusable = |source: Box<dyn std::error::Error + Send + Sync>| Error::Authority {
                channel: channel(),
                path: path.clone(),
                source,
            };
            let pem = std::fs::read(path).map_err(|source| unusable(source.into()))?;
            let chain = reqwest::Certificate::from_pem_bundle(&pem).map_err(|source| unusable(source.into()))?;
            if chain.is_empty() {
                return Err(unusable("there is no certificate in it".into()));
            }
            builder = builder.tls_built_in_root_certs(false);
            builder = chain.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        Ok(Self { source: source.to_owned(), url, signer, client: builder.build().map_err(client)? })
    }
}

/// Whether `url` can only lead to this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[async_trait]
impl Channel for Webhook {
    async fn deliver(&self, due: &Due, person: Option<&Recipient>) -> Result<(), Refused> {
        let (id, body) = (event_id(due), cloud_event(&self.source, due, person));
        // The receiver compares it with its own clock, so it is the machine's and not that of a simulation.
        let timestamp_s = chrono::Utc::now().timestamp();
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .header("webhook-signature", self.signer.sign(&id, timestamp_s, &body))
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-id", id)
            .body(body);
        let answer = request.send().await.map_err(|error| Refused::channel(chain(&error.without_url())))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let retry_after = retry_after(answer.headers());
        let said = said(answer).await;
        let why = if said.is_empty() { format!("answered {status}") } else { format!("answered {status}: {said}") };
        Err(Refused { scope: scope(status), why, retry_after })
    }
}

/// What a status refuses: an error of the other side concerns everything, one of ours this delivery.
fn scope(status: StatusCode) -> Scope {
    let busy = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if status.is_server_error() || busy { Scope::Channel } else { Scope::Delivery }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// The beginning of an answer, for people; an endless one is not read to its end.
async fn said(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(SAID_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> WebhookOptions {
        WebhookOptions {
            name: "erp".to_owned(),
            url: url.to_owned(),
            secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()],
            kinds: Vec::new(),
            level: 1,
            tells_people: false,
            allow_http: false,
            authority: None,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn takes_https_and_plain_http_to_this_machine_only() {
        drop(rustls::crypto::ring::default_provider().install_default());
        for url in ["https://erp.example/hook", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/x"] {
            assert!(Webhook::new(&options(url), "/x").is_ok(), "{url}");
        }
        for url in
            ["http://erp.example/", "http://10.0.0.1/", "http://127.0.0.1.example/", "file:///etc/passwd", "erp", ""]
        {
            assert!(Webhook::new(&options(url), "/x").is_err(), "{url}");
        }
        assert!(Webhook::new(&WebhookOptions { allow_http: true, ..options("http://erp.example/") }, "/x").is_ok());
    }
}
