//! `coldtrail sql`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use analytics::error::SqlError;
use analytics::sql::{Answer, Engine, Format, Reach};
use ingest::clock::Clock;

use super::remote::Remote;
use crate::arguments::{OutputFormat, Sql};
use crate::config::Config;
use crate::exit::Failure;
use crate::node;

/// Asks one query of a data directory or a server.
pub(crate) async fn run(arguments: Sql) -> Result<ExitCode, Failure> {
    let bytes = match Remote::of(&arguments.target)? {
        Some(remote) => ask_server(&remote, &arguments).await?,
        None => ask_directory(&arguments).await?,
    };
    match &arguments.output {
        Some(path) => std::fs::write(path, bytes)?,
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(&bytes)?;
            if !bytes.ends_with(b"\n") && arguments.format != OutputFormat::Parquet {
                out.write_all(b"\n")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask_directory(arguments: &Sql) -> Result<Vec<u8>, Failure> {
    let config = Config::load(arguments.target.config.as_deref())?;
    let data = arguments.target.data.clone().unwrap_or_default();
    node::must_exist(&data)?;
    let clock = Clock::system();
    let opened = node::open(&data, &config, &clock).await?;
    let engine = Engine::new(
        Arc::new(opened.pipeline.clone()),
        Some(opened.ledger.clone()),
        node::options::engine(&config.sql, &clock),
    )?;
    let sql = arguments.query.as_str();
    let encode = |format| engine.encoded(sql, format, Reach::Everything);
    let answer = match arguments.format {
        OutputFormat::Table => match engine.answer(sql, Reach::Everything).await {
            Ok(answer) => return Ok(table(&answer)?),
            Err(error) => Err(error),
        },
        OutputFormat::Csv => encode(Format::Csv).await.map(|encoded| encoded.bytes),
        OutputFormat::CsvExact => encode(Format::CsvExact).await.map(|encoded| encoded.bytes),
        OutputFormat::Json => encode(Format::Json).await.map(|encoded| encoded.bytes),
        OutputFormat::Parquet => encode(Format::Parquet).await.map(|encoded| encoded.bytes),
    };
    answer.map_err(|error| match error {
        SqlError::Refused { .. } | SqlError::Invalid { .. } => Failure::Input(error.to_string()),
        error => Failure::Failed(error.into()),
    })
}

async fn ask_server(remote: &Remote, arguments: &Sql) -> Result<Vec<u8>, Failure> {
    let format = match arguments.format {
        OutputFormat::Table => "arrow",
        OutputFormat::Csv => "csv",
        OutputFormat::CsvExact => "csv-exact",
        OutputFormat::Json => "json",
        OutputFormat::Parquet => "parquet",
    };
    let body = serde_json::json!({ "sql": arguments.query, "format": format });
    let answer = remote.post("/v1/sql", body.to_string().into_bytes()).await?;
    if arguments.format != OutputFormat::Table {
        return Ok(answer.body);
    }
    Ok(table(&Answer::from_arrow(&answer.body)?)?)
}

/// The answer for people, with the number of rows below it.
fn table(answer: &Answer) -> Result<Vec<u8>, arrow::error::ArrowError> {
    Ok(format!("{}\n{} rows\n", answer.pretty()?, answer.rows()).into_bytes())
}
