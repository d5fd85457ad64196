//! Who a connecting client is, and what it may write.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use model::name::Name;
use tokio::time::timeout;
use tracing::info;

use super::Shared;
use super::hello::{Hello, Refusal};
use super::topics::{Rights, checked};
use crate::credentials::{Denied, SignIn};

/// How long a sign-in may take, the wait for its turn included.
const SIGN_IN_WITHIN: Duration = Duration::from_secs(30);

/// Where a client connects from and what its TLS told about it.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) peer: IpAddr,
    /// Both ends of the connection are on this machine.
    pub(super) is_loopback: bool,
    /// The common name of the verified client certificate, if it has one; outer `None` without a certificate.
    pub(super) certified_name: Option<Option<String>>,
}

/// The rights of the client that says `hello`.
///
/// A client certificate is enough; its common name is the gateway's name. Otherwise user and password are
/// checked. Without either only loopback is let in, and only when the configuration allows it.
///
/// # Errors
/// Why it is not let in.
pub(super) async fn admit(shared: &Shared, hello: &Hello, origin: &Origin) -> Result<Rights, Refusal> {
    let admitted = identify(shared, hello, origin).await;
    match admitted {
        Ok(rights) => match &hello.will {
            None => Ok(rights),
            Some(will) if checked(will.topic.as_bytes()).is_err() => Err(Refusal::WillTopic),
            Some(will) if will.topic.len() > shared.limits.topic_max_bytes => Err(Refusal::WillTopic),
            Some(will) if !rights.allow(&will.topic) => Err(Refusal::NotAuthorized),
            Some(_) => Ok(rights),
        },
        Err(refusal) => {
            let user = hello.user.as_deref().unwrap_or_default();
            info!(peer = %origin.peer, user, client_id = &*hello.client_id, reason = refusal.word(), "a client was not let in");
            Err(refusal)
        }
    }
}

async fn identify(shared: &Shared, hello: &Hello, origin: &Origin) -> Result<Rights, Refusal> {
    hello.check()?;
    match (&origin.certified_name, &hello.user) {
        (Some(common_name), user) => {
            let name = common_name.as_deref().and_then(|name| Name::parse(name).ok());
            let name = name.ok_or(Refusal::NotAuthorized)?;
            match user {
                Some(user) if **user != *name.as_str() => Err(Refusal::BadCredentials),
                _ => Ok(Rights::Gateway(name)),
            }
        }
        (None, Some(user)) => sign_in(shared, hello, user, origin.peer).await.map(Rights::Gateway),
        (None, None) if shared.allow_anonymous && origin.is_loopback => Ok(Rights::Anyone),
        (None, None) => Err(Refusal::NotAuthorized),
    }
}

async fn sign_in(shared: &Shared, hello: &Hello, user: &str, peer: IpAddr) -> Result<Name, Refusal> {
    if shared.gate.is_barred(peer, user, Instant::now()) {
        return Err(Refusal::Barred);
    }
    let password = hello.password.as_deref().unwrap_or_default();
    let shown = SignIn { user, password, peer };
    match timeout(SIGN_IN_WITHIN, shared.credentials.check(&shown)).await {
        Ok(Ok(name)) => Ok(name),
        Ok(Err(Denied::Wrong)) => {
            shared.gate.failed(peer, user, Instant::now());
            Err(Refusal::BadCredentials)
        }
        Ok(Err(Denied::Busy)) | Err(_) => Err(Refusal::Busy),
    }
}
