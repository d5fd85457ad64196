//! Where an import goes: a data directory of our own, or a server. Readings take the door that all readings take.

use std::collections::HashSet;
use std::sync::Arc;

use analytics::sql::{Engine, Format, Reach};
use ingest::clock::Clock;
use ingest::http_door::{HttpDoor, HttpLimits};
use ingest::import::{Lines, is_of_file, refusal_line};
use model::name::Name;
use model::registry::RegistryDocument;
use serde_json::{Value, json};
use store::ledger::Outcome;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::registry::Declared;
use crate::arguments::Target;
use crate::command::remote::Remote;
use crate::config::Config;
use crate::exit::Failure;
use crate::node::{self, Opened};

/// The client's name in the journal.
const CLIENT: &str = "import";

/// A place for readings and registry records.
pub(super) enum Destination {
    /// A data directory that no server runs on.
    Directory(Box<Directory>),
    /// A server.
    Server(Remote),
}

/// A data directory, opened, with its flushes running.
pub(super) struct Directory {
    opened: Opened,
    door: HttpDoor,
    engine: Engine,
    stop: CancellationToken,
    flushing: JoinHandle<Result<(), ingest::Error>>,
}

/// What became of the readings of one message.
pub(super) struct Receipt {
    pub(super) accepted: u64,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
}

impl Destination {
    /// Opens `target`.
    pub(super) async fn open(target: &Target) -> Result<Self, Failure> {
        if let Some(remote) = Remote::of(target)? {
            return Ok(Self::Server(remote));
        }
        let config = Config::load(target.config.as_deref())?;
        let data = target.data.clone().unwrap_or_default();
        let clock = Clock::system();
        let opened = node::open(&data, &config, &clock).await?;
        let stop = CancellationToken::new();
        let flushing = tokio::spawn({
            let (pipeline, stop) = (opened.pipeline.clone(), stop.clone());
            async move { pipeline.run(stop).await }
        });
        node::replayed(&opened.pipeline).await?;
        let options = node::options::engine(&config.sql, &clock);
        let engine = Engine::new(Arc::new(opened.pipeline.clone()), Some(opened.ledger.clone()), options)?;
        let door = HttpDoor::new(opened.pipeline.clone(), HttpLimits::default());
        Ok(Self::Directory(Box::new(Directory { opened, door, engine, stop, flushing })))
    }

    /// Registers a document whole; created, updated and unchanged.
    pub(super) async fn register(
        &self,
        declared: &Declared,
        document: &RegistryDocument,
        reason: Option<&str>,
    ) -> Result<[u64; 3], Failure> {
        match self {
            Self::Server(remote) => {
                let body = document.to_json().to_string().into_bytes();
                let answer = remote.post("/v1/registry", body).await.map_err(|failure| declared.located(failure))?;
                let counts: Value = serde_json::from_slice(&answer.body)?;
                Ok(["created", "updated", "unchanged"].map(|count| counts[count].as_u64().unwrap_or_default()))
            }
            Self::Directory(directory) => {
                let actor = Name::parse(store::ledger::SYSTEM)?;
                match directory.opened.ledger.apply(document.clone(), &actor, reason).await? {
                    Outcome::Applied(applied) => {
                        let counts = [applied.created, applied.updated, applied.unchanged];
                        Ok(counts.map(|count| count as u64))
                    }
                    Outcome::Refused(problems) => Err(declared.refused(&problems)),
                    Outcome::Blocked(moves) => Err(Failure::Input(format!(
                        "nothing was applied: `{}` is blocked and must not move",
                        moves.iter().map(|planned| planned.unit.to_string()).collect::<Vec<_>>().join("`, `")
                    ))),
                }
            }
        }
    }

    /// The refused rows of a file that are in `rejected` already.
    pub(super) async fn rejected(&self, sha256: &str) -> Result<Lines, Failure> {
        let sql = format!("SELECT payload FROM rejected WHERE payload LIKE '%{}%'", is_of_file(sha256));
        let bytes = match self {
            Self::Directory(directory) => directory.engine.encoded(&sql, Format::Json, Reach::Everything).await?.bytes,
            Self::Server(remote) => {
                let body = json!({ "sql": sql, "format": "json" }).to_string().into_bytes();
                let answer = remote.post("/v1/sql", body).await.map_err(|failure| {
                    Failure::Failed(anyhow::anyhow!(
                        "what is in `rejected` already cannot be asked, so refused rows might be stored twice; use a \
                         token that may publish readings and ask in SQL, as of the role `admin`: {failure}"
                    ))
                })?;
                answer.body
            }
        };
        let answer: Value = serde_json::from_slice(&bytes)?;
        let payloads = answer["rows"].as_array().into_iter().flatten().filter_map(|row| row["payload"].as_str());
        Ok(payloads.filter_map(refusal_line).collect::<HashSet<_>>())
    }

    /// How many readings are stored that `condition` holds for; `None` where that may not be asked.
    pub(super) async fn stored(&self, condition: &str) -> Result<Option<u64>, Failure> {
        let sql = format!("SELECT count(*) AS stored FROM readings WHERE {condition}");
        let bytes = match self {
            Self::Directory(directory) => directory.engine.encoded(&sql, Format::Json, Reach::Everything).await?.bytes,
            Self::Server(remote) => {
                let body = json!({ "sql": sql, "format": "json" }).to_string().into_bytes();
                match remote.post("/v1/sql", body).await {
                    Ok(answer) => answer.body,
                    // A gateway may hand in readings and ask nothing.
                    Err(_) => return Ok(None),
                }
            }
        };
        let answer: Value = serde_json::from_slice(&bytes)?;
        Ok(answer["rows"][0]["stored"].as_u64())
    }

    /// Hands one message to the door; answered when it is on disk.
    pub(super) async fn post(&self, body: Vec<u8>) -> Result<Receipt, Failure> {
        match self {
            Self::Directory(directory) => {
                let receipt = directory.door.post(CLIENT, &body).await?;
                let rejected = receipt.rejected.len() as u64;
                Ok(Receipt { accepted: receipt.accepted, duplicate: receipt.duplicate, rejected })
            }
            Self::Server(remote) => {
                let receipt: Value = serde_json::from_slice(&remote.post("/v1/readings", body).await?.body)?;
                let count = |name: &str| receipt[name].as_u64().unwrap_or_default();
                let rejected = receipt["rejected"].as_array().map_or(0, |rejected| rejected.len() as u64);
                Ok(Receipt { accepted: count("accepted"), duplicate: count("duplicate"), rejected })
            }
        }
    }

    /// Flushes what was taken.
    pub(super) async fn close(self) -> Result<(), Failure> {
        if let Self::Directory(directory) = self {
            let Directory { opened, stop, flushing, engine, door } = *directory;
            drop((engine, door));
            stop.cancel();
            flushing.await??;
            opened.ledger.close().await?;
        }
        Ok(())
    }
}
