//! `coldtrail token`.

use std::process::ExitCode;
use std::sync::Arc;

use ingest::clock::Clock;
use model::instant::RecordedAt;
use model::name::Name;
use model::role::Role;
use model::sight::Sites;
use store::ledger::Ledger;

use crate::arguments::{Token, TokenCommand};
use crate::exit::Failure;
use crate::node::Layout;

/// Works beside a server too: the ledger takes appends from several processes.
pub(crate) async fn run(arguments: Token) -> Result<ExitCode, Failure> {
    let TokenCommand::Create { role, name, gateway, sites, data } = arguments.command;
    let input = |error: &dyn std::fmt::Display| Failure::Input(error.to_string());
    let role = Role::parse(&role).map_err(|error| input(&error))?;
    let name = Name::parse(&name).map_err(|error| input(&error))?;
    let gateway = gateway.map(|gateway| Name::parse(&gateway)).transpose().map_err(|error| input(&error))?;
    if gateway.is_some() && role != Role::Gateway {
        return Err(Failure::Input("`--gateway` goes with role `gateway` only".to_owned()));
    }
    if !sites.is_empty() && role == Role::Gateway {
        return Err(Failure::Input("`--site` does not go with role `gateway`, which reads nothing".to_owned()));
    }
    let sites =
        sites.iter().map(|site| Name::parse(site)).collect::<Result<Vec<_>, _>>().map_err(|error| input(&error))?;
    let sites = (!sites.is_empty()).then(|| Sites::new(sites)).transpose().map_err(|error| input(&error))?;
    let gateway = gateway.or_else(|| (role == Role::Gateway).then(|| name.clone()));
    let clock = Clock::system();
    let recorded = move || RecordedAt::from_millis(clock.now().millis());
    let ledger = Ledger::open(&Layout::of(&data).ledger(), Arc::new(recorded)).await?;
    let actor = Name::parse(store::ledger::SYSTEM)?;
    let token = match ledger.create_limited_token(role, &name, gateway.as_ref(), sites, &actor).await {
        Err(store::Error::AccessRefused { what }) => return Err(Failure::Input(what)),
        created => created?,
    };
    ledger.close().await?;
    println!("{token}");
    Ok(ExitCode::SUCCESS)
}
