//! Asking a server over HTTP.

use serde_json::Value;

use crate::arguments::Target;
use crate::exit::Failure;

/// A server and the token to show it.
pub(crate) struct Remote {
    url: String,
    token: Option<String>,
    client: reqwest::Client,
}

/// What a server answered.
pub(crate) struct Answer {
    /// The body of an answer that is no error.
    pub(crate) body: Vec<u8>,
}

impl Remote {
    /// The server of `--url`, if that was given.
    pub(crate) fn of(target: &Target) -> Result<Option<Self>, Failure> {
        let Some(url) = &target.url else { return Ok(None) };
        Self::at(url, target.token.clone()).map(Some)
    }

    /// The server at `url`.
    pub(crate) fn at(url: &str, token: Option<String>) -> Result<Self, Failure> {
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, token, client: reqwest::Client::builder().build()? })
    }

    /// Gets `path`; otherwise as [`Remote::post`].
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(self.client.get(format!("{}{path}", self.url))).await
    }

    /// Posts JSON and gives the body of the answer; a refusal of the server is a [`Failure`] with its words.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        let request = self.client.post(format!("{}{path}", self.url)).body(body);
        self.send(request.header("content-type", "application/json")).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| anyhow::anyhow!("cannot reach `{}`: {error}", self.url))?;
        let status = response.status();
        let body = response.bytes().await?.to_vec();
        if status.is_success() {
            return Ok(Answer { body });
        }
        let problem = describe(&body);
        match status.as_u16() {
            400 | 404 | 413 | 422 => Err(Failure::Input(problem)),
            401 => Err(Failure::Failed(anyhow::anyhow!("{problem}: give a token with `--token` or COLDTRAIL_TOKEN"))),
            _ => Err(Failure::Failed(anyhow::anyhow!("the server answered {status}: {problem}"))),
        }
    }
}

/// The words of a problem document, with the places it names.
fn describe(body: &[u8]) -> String {
    let Ok(problem) = serde_json::from_slice::<Value>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let text = |member: &str| problem[member].as_str().map(str::to_owned);
    let mut message = text("detail").or_else(|| text("title")).unwrap_or_else(|| problem.to_string());
    for error in problem["errors"].as_array().into_iter().flatten() {
        let member = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
        message.push_str(&format!("\n  {}: {}", member("pointer"), member("message")));
    }
    message
}
