//! `coldtrail report`.

use std::process::ExitCode;
use std::sync::Arc;

use analytics::assess::StoreAssess;
use analytics::evaluator::Board;
use analytics::report::{Question, ReportError, Subject};
use analytics::sql::{Engine, EngineOptions, Limits};
use api::report::{self, Fonts, Issued};
use ingest::clock::Clock;
use model::gs1::LotKey;
use model::instant::ValidAt;
use model::name::Name;
use model::sight::Sight;

use super::remote::Remote;
use crate::arguments::Report;
use crate::config::Config;
use crate::exit::Failure;
use crate::node;

/// Writes the record of a unit, a lot or a place to a file.
pub(crate) async fn run(arguments: Report) -> Result<ExitCode, Failure> {
    let subject = subject(&arguments)?;
    let bytes = match Remote::of(&arguments.target)? {
        Some(remote) => remote.get(&path(&arguments)).await?.body,
        None => from_directory(&arguments, subject).await?,
    };
    std::fs::write(&arguments.output, bytes)
        .map_err(|error| Failure::Input(format!("cannot write `{}`: {error}", arguments.output.display())))?;
    Ok(ExitCode::SUCCESS)
}

fn subject(arguments: &Report) -> Result<Subject, Failure> {
    let input = |error: &dyn std::fmt::Display| Failure::Input(error.to_string());
    let named = |text: &String| Name::parse(text).map_err(|error| input(&error));
    match (&arguments.unit, &arguments.lot, &arguments.place) {
        (Some(unit), _, _) => named(unit).map(Subject::Unit),
        (_, Some(lot), _) => LotKey::parse(lot).map(Subject::Lot).map_err(|error| input(&format!("`--lot`: {error}"))),
        (_, _, Some(place)) => named(place).map(Subject::Place),
        _ => Err(input(&"name one of `--unit`, `--lot` and `--place`")),
    }
}

/// The route that makes the same report.
fn path(arguments: &Report) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("unit", &arguments.unit), ("lot", &arguments.lot), ("place", &arguments.place)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    for (name, value) in [("from", arguments.from), ("to", arguments.to), ("as_of", arguments.as_of)] {
        if let Some(value) = value {
            query.append_pair(name, &value.millis().to_string());
        }
    }
    query.append_pair("format", if arguments.json { "json" } else { "pdf" });
    format!("/v1/report?{}", query.finish())
}

async fn from_directory(arguments: &Report, subject: Subject) -> Result<Vec<u8>, Failure> {
    let config = Config::load(arguments.target.config.as_deref())?;
    let data = arguments.target.data.clone().unwrap_or_default();
    node::must_exist(&data)?;
    let clock = Clock::system();
    let opened = node::open(&data, &config, &clock).await?;
    let options = EngineOptions { limits: Limits::own(), ..node::options::engine(&config.sql, &clock) };
    let engine = Engine::new(Arc::new(opened.pipeline.clone()), None, options)?;
    let now = ValidAt::from_millis(clock.now().millis());
    let assess = StoreAssess::new(engine, opened.ledger.clone(), Arc::new(move || now), Board::default());
    let as_of = arguments.as_of.unwrap_or(now);
    let question = Question { subject, from: arguments.from, to: arguments.to, as_of, sight: Sight::everything() };
    let issued = Issued { at: opened.ledger.now(), by: "the command line".to_owned() };
    let made =
        report::make(&assess, &opened.ledger.snapshot(), &question, &issued).await.map_err(|error| match error {
            ReportError::Assess(error) => Failure::Failed(error.into()),
            error => Failure::Input(error.to_string()),
        })?;
    if arguments.json {
        return Ok(serde_json::to_vec(&made)?);
    }
    let fonts = Fonts::load(&node::options::font_directories(&config.http))?;
    Ok(tokio::task::spawn_blocking(move || report::draw(&made, &fonts)).await??)
}
