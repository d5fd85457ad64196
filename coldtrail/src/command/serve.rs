//! `coldtrail serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use ingest::clock::Clock;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Serve;
use crate::config::Config;
use crate::exit::Failure;
use crate::node::{Node, Options};

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(arguments: Serve) -> Result<ExitCode, Failure> {
    let config = Config::load(arguments.config.as_deref())?;
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let data = arguments.data.or_else(|| config.data.clone()).ok_or_else(|| {
        Failure::Input("which data directory? give `--data DIR`, or `data` in the configuration".to_owned())
    })?;
    let http = arguments.http.or(config.http.listen).unwrap_or(local(8080));
    let mqtt = arguments.mqtt.or(config.mqtt.listen).unwrap_or(local(1883));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let starting = Node::start(Options { data, http, mqtt, config, clock: Clock::system() });
    let node = tokio::select! {
        node = starting => node?,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
    };
    announce(&node)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: closing the doors, then flushing");
    node.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// The one line on standard output that says where the node serves.
fn announce(node: &Node) -> Result<(), Failure> {
    let ready = serde_json::json!({ "ready": true, "http": node.http.to_string(), "mqtt": node.mqtt.to_string() });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()?;
    Ok(())
}
