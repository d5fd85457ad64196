//! Who may publish over MQTT: gateways of the password file, and API tokens of role `gateway`.

use std::sync::Arc;

use async_trait::async_trait;
use ingest::credentials::{Credentials, Denied, PasswordFile, SignIn};
use model::name::Name;
use model::role::Role;
use store::ledger::Ledger;

use crate::config::Mqtt;
use crate::exit::Failure;

/// The sign-ins of the MQTT listener.
pub(crate) fn of(mqtt: &Mqtt, ledger: Ledger) -> Result<Arc<dyn Credentials>, Failure> {
    let passwords = mqtt.password_file.as_deref().map(PasswordFile::load).transpose()?;
    Ok(Arc::new(Gateways { passwords, ledger }))
}

struct Gateways {
    passwords: Option<PasswordFile>,
    ledger: Ledger,
}

#[async_trait]
impl Credentials for Gateways {
    async fn check(&self, sign_in: &SignIn<'_>) -> Result<Name, Denied> {
        // A token is looked up by its digest, which takes the same time whether it is known or not.
        let token = std::str::from_utf8(sign_in.password).unwrap_or_default();
        let principal = self.ledger.authenticate(token).await.map_err(|error| {
            tracing::error!(%error, "the ledger could not be asked about a gateway's token");
            Denied::Busy
        })?;
        if let Some(principal) = principal.filter(|principal| principal.role == Role::Gateway) {
            let gateway = principal.gateway.unwrap_or(principal.name);
            return if gateway.as_str() == sign_in.user { Ok(gateway) } else { Err(Denied::Wrong) };
        }
        match &self.passwords {
            Some(passwords) => passwords.check(sign_in).await,
            None => Err(Denied::Wrong),
        }
    }
}
