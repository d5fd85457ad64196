//! `coldtrail apply`.

use std::process::ExitCode;
use std::sync::Arc;

use ingest::clock::Clock;
use model::instant::RecordedAt;
use model::name::Name;
use model::registry::RegistryDocument;
use store::ledger::{BlockedMove, Ledger, Outcome};

use super::remote::Remote;
use crate::arguments::Apply;
use crate::exit::Failure;
use crate::node::{self, Layout};

/// Registers a document, in a data directory or through a server.
pub(crate) async fn run(arguments: Apply) -> Result<ExitCode, Failure> {
    let file = arguments.file.display();
    let text = std::fs::read(&arguments.file)
        .map_err(|error| Failure::Input(format!("cannot read the registry document `{file}`: {error}")))?;
    let document = RegistryDocument::parse(&text).map_err(|problems| refused(&file.to_string(), &problems))?;
    if let Some(remote) = Remote::of(&arguments.target)? {
        let answer = remote.post("/v1/registry", text).await?;
        println!("{}", String::from_utf8_lossy(&answer.body).trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let data = arguments.target.data.clone().unwrap_or_default();
    let _lock = node::lock(&data)?;
    let clock = Clock::system();
    let recorded = move || RecordedAt::from_millis(clock.now().millis());
    let ledger = Ledger::open(&Layout::of(&data).ledger(), Arc::new(recorded)).await?;
    let actor = Name::parse(store::ledger::SYSTEM)?;
    let outcome = ledger.apply(document, &actor, arguments.reason.as_deref()).await?;
    ledger.close().await?;
    match outcome {
        Outcome::Applied(applied) => {
            for notice in &applied.notices {
                eprintln!("note: {notice}");
            }
            let counts = serde_json::json!({
                "created": applied.created, "updated": applied.updated, "unchanged": applied.unchanged,
            });
            println!("{counts}");
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Refused(problems) => Err(refused(&file.to_string(), &problems)),
        Outcome::Blocked(moves) => {
            let told = |planned: &BlockedMove| format!("  `{}` to `{}` at {}", planned.unit, planned.to, planned.at);
            let lines: Vec<String> = moves.iter().map(told).collect();
            Err(Failure::Input(format!(
                "`{file}` is refused, nothing of it was applied: it plans to take out what is blocked:\n{}",
                lines.join("\n")
            )))
        }
    }
}

fn refused(file: &str, problems: &[model::registry::Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    Failure::Input(format!("`{file}` is refused, nothing of it was applied:\n{}", lines.join("\n")))
}
