//! Assessments from a data directory or a server.

use std::path::Path;
use std::sync::Arc;

use analytics::logs::{self, Wanted};
use analytics::sql::{Engine, EngineOptions, Limits};
use ingest::clock::Clock;
use model::assessment::Verdict;
use model::instant::{RecordedAt, ValidAt};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Evidence;
use crate::arguments::Assess;
use crate::command::remote::Remote;
use crate::config::Config;
use crate::exit::Failure;
use crate::node;

/// Registry and readings of a data directory that no server runs on.
pub(super) async fn from_directory(data: &Path, arguments: &Assess) -> Result<Evidence, Failure> {
    let config = Config::load(arguments.config.as_deref())?;
    node::must_exist(data)?;
    let clock = Clock::system();
    let opened = node::open(data, &config, &clock).await?;
    let known_at = arguments.known_at.map(|at| RecordedAt::from_millis(at.millis()));
    let registry = match known_at {
        Some(known_at) => opened.ledger.registry_known_at(known_at).await?,
        None => opened.ledger.registry().as_ref().clone(),
    };
    let as_of = arguments.as_of.unwrap_or_else(|| ValidAt::from_millis(clock.now().millis()));
    let options = EngineOptions { limits: Limits::own(), ..node::options::engine(&config.sql, &clock) };
    let engine = Engine::new(Arc::new(opened.pipeline.clone()), None, options)?;
    let logs = logs::from_engine(&engine, &Wanted { sensors: None, from: None, as_of, known_at }).await?;
    Ok(Evidence { registry, logs, as_of, known_at })
}

/// Asks a server for assessments, prints them, and gives their verdicts.
pub(super) async fn ask_server(url: &str, arguments: &Assess) -> Result<Vec<Verdict>, Failure> {
    let remote = Remote::at(url, arguments.token.clone())?;
    let mut query = Vec::new();
    if let Some(as_of) = arguments.as_of {
        query.push(format!("as_of={}", as_of.millis()));
    }
    if let Some(known_at) = arguments.known_at {
        query.push(format!("known_at={}", known_at.millis()));
    }
    let query = query.join("&");
    let units = match &arguments.unit {
        Some(unit) => vec![unit.clone()],
        None => units(&remote).await?,
    };
    let mut all: Vec<Box<RawValue>> = Vec::new();
    for unit in units {
        let answer = remote.get(&format!("/v1/units/{unit}/assessment?{query}")).await?;
        all.push(serde_json::from_slice(&answer.body)?);
    }
    let read: Result<Vec<Value>, _> = all.iter().map(|answer| serde_json::from_str(answer.get())).collect();
    let read = read?;
    let verdicts = read.iter().filter_map(|assessment| Verdict::parse(assessment["verdict"].as_str()?)).collect();
    if arguments.json {
        // as it was sent: a number that is read and written again may end in another digit
        println!("{}", serde_json::to_string(&all)?);
    } else {
        for of in &read {
            let text = |member: &str| of[member].as_str().unwrap_or_default().to_owned();
            println!("{}  {}  {}  expires {}", text("unit"), text("lot"), text("verdict"), text("effective_expiry"));
        }
    }
    Ok(verdicts)
}

async fn units(remote: &Remote) -> Result<Vec<String>, Failure> {
    let mut units = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let after = cursor.as_deref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page: Value = serde_json::from_slice(&remote.get(&format!("/v1/units?limit=1000{after}")).await?.body)?;
        let ids = page["items"].as_array().into_iter().flatten().filter_map(|unit| unit["id"].as_str());
        units.extend(ids.map(str::to_owned));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(units);
        }
    }
}
