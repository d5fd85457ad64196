//! Who a gateway is: user names and passwords checked when an MQTT client connects.

mod password_file;

use std::net::IpAddr;

use async_trait::async_trait;
use model::name::Name;

pub use password_file::{PasswordFile, hash_password};

/// What a client shows when it connects.
#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    /// The MQTT user name.
    pub user: &'a str,
    /// The MQTT password: the gateway's own, or an API token. Empty when none was sent.
    pub password: &'a [u8],
    /// Where the client connects from.
    pub peer: IpAddr,
}

impl std::fmt::Debug for SignIn<'_> {
    /// Leaves the password out, so that no log ever holds one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("user", &self.user).field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Why a client was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Unknown user or wrong password; which of the two is not told.
    Wrong,
    /// Too many checks are waiting: try again later.
    Busy,
}

/// Checks what clients show. One object for all doors; the composition root chooses what stands behind it.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The gateway this sign-in speaks for: the only one whose topics it may write.
    ///
    /// Takes the same time for an unknown user as for a wrong password, and never blocks the runtime.
    ///
    /// # Errors
    /// [`Denied`] when it is not let in.
    async fn check(&self, sign_in: &SignIn<'_>) -> Result<Name, Denied>;
}

/// No users at all: every sign-in with a user name is denied.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUsers;

#[async_trait]
impl Credentials for NoUsers {
    async fn check(&self, _sign_in: &SignIn<'_>) -> Result<Name, Denied> {
        Err(Denied::Wrong)
    }
}
