//! `coldtrail demo`: the node and a simulated world that publishes to it over real MQTT.

mod findings;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use analytics::sql::Reach;
use anyhow::Context;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};
use ingest::clock::Clock;
use model::instant::ReceivedAt;
use model::name::Name;
use model::registry::RegistryDocument;
use model::role::Role;
use sensors_sim::{Broker, Pace, Progress, Runner, RunnerOptions, Scenario, World};

use crate::arguments::Demo;
use crate::config::Config;
use crate::exit::Failure;
use crate::node::{Node, Options};

/// How long gateways get at the end to have everything acknowledged.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs until `--for` has passed or Ctrl-C, then compares what was published with what SQL finds.
pub(crate) async fn run(arguments: Demo) -> Result<ExitCode, Failure> {
    let temporary = arguments.data.is_none().then(tempfile::tempdir).transpose()?;
    let data = arguments.data.clone().or_else(|| temporary.as_ref().map(|dir| dir.path().join("data")));
    let data = data.context("no data directory")?;
    let start = Utc::now();
    let clock = Clock::accelerated(ReceivedAt::from(start), arguments.speed);
    let mut config = Config::default();
    // Files appear within the demo, not after it.
    config.ingest.flush_after_s = Some(5.0);
    let node = Node::start(Options {
        data: data.clone(),
        http: arguments.http,
        mqtt: arguments.mqtt,
        config,
        clock: clock.clone(),
    })
    .await?;
    let world = World::new(&Scenario::load("demo")?, arguments.seed, start)?;
    // What visitors publish beside the world is welcome, and not part of the account.
    let gateways: Vec<String> = (0..world.gateways()).map(|at| format!("'{}'", world.gateway_name(at))).collect();
    let of_the_world = format!("gateway IN ({})", gateways.join(", "));
    let before = count(&node, "readings", &of_the_world).await?;
    register(&node, &world).await?;
    let admin = Name::parse("demo")?;
    let token = node.ledger.create_token(Role::Admin, &admin, None, &admin).await?;
    welcome(&node, &world, &data, &token, arguments.speed);
    let runner = Runner::start(
        world,
        RunnerOptions {
            broker: Broker::at(node.mqtt.to_string()),
            pace: Pace::Clock(now_of(&clock)),
            until: None,
            truth: Some(data.join("truth")),
            inflight: 100,
        },
    )?;
    watch(&node, &runner.progress(), &clock, arguments.duration).await?;

    let summary = runner.stop(PATIENCE).await?;
    let findings = findings::of(&node, &clock).await?;
    let readable = count(&node, "readings", &of_the_world).await? - before;
    let rejected = count(&node, "rejected", "true").await?;
    node.stop().await?;
    let result = serde_json::json!({
        "published": summary.published_readings,
        "acknowledged": summary.acknowledged_readings,
        "readable": readable,
        "rejected": rejected,
        "excursions": findings.excursions,
        "holds": findings.holds,
    });
    println!("{result}");
    let whole = summary.published_readings == summary.acknowledged_readings
        && u64::try_from(readable) == Ok(summary.acknowledged_readings)
        && findings.missing.is_empty();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn now_of(clock: &Clock) -> sensors_sim::Now {
    let clock = clock.clone();
    Arc::new(move || DateTime::from_timestamp_millis(clock.now().millis()).unwrap_or_default())
}

async fn register(node: &Node, world: &World) -> Result<(), Failure> {
    let document = RegistryDocument::from_value(&world.registry()).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        anyhow::anyhow!("the world's registry document does not hold: {first}")
    })?;
    let actor = Name::parse("demo")?;
    match node.ledger.apply(document, &actor, Some("the simulated world")).await? {
        store::ledger::Outcome::Applied(_) => Ok(()),
        store::ledger::Outcome::Refused(problems) => {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            Err(Failure::Failed(anyhow::anyhow!("the world's registry document was refused: {first}")))
        }
        store::ledger::Outcome::Blocked(_) => {
            Err(Failure::Failed(anyhow::anyhow!("the world's registry document plans to take out what is blocked")))
        }
    }
}

fn welcome(node: &Node, world: &World, data: &std::path::Path, token: &str, speed: f64) {
    let (http, mqtt) = (node.http, node.mqtt);
    let (host, port) = (mqtt.ip(), mqtt.port());
    println!(
        "Coldtrail demo: {} sensors behind {} gateways, {speed} simulated seconds per second",
        world.sensors(),
        world.gateways()
    );
    println!("  page     http://{http}/#token={token}");
    println!("  SQL      curl -s http://{http}/v1/sql -H 'Authorization: Bearer {token}' \\");
    println!("             -H 'Content-Type: application/json' \\");
    println!(
        "             -d '{{\"sql\":\"SELECT site, count(*) AS readings, min(temperature_c), max(temperature_c) FROM readings GROUP BY site ORDER BY site\"}}'"
    );
    println!("  MQTT     mosquitto_pub -h {host} -p {port} -q 1 -t coldtrail/v1/MY-SITE/MY-GATEWAY/readings \\");
    println!(
        "             -m '{{\"readings\":[{{\"sensor\":\"MINE\",\"at\":\"{}\",\"temperature_c\":4.2}}]}}'",
        Utc::now().format("%Y-%m-%dT%H:%M:%SZ")
    );
    println!("  data     {}", data.display());
    println!("  Ctrl-C ends it with a summary");
}

/// Shows progress until the time is up or somebody interrupts.
async fn watch(node: &Node, progress: &Progress, clock: &Clock, duration: Option<Duration>) -> Result<(), Failure> {
    use std::io::IsTerminal;
    let began = Instant::now();
    let ends = duration.map(|duration| tokio::time::Instant::now() + duration);
    let live = std::io::stderr().is_terminal();
    let mut tick = tokio::time::interval(Duration::from_secs(if live { 1 } else { 5 }));
    tick.tick().await;
    let (mut last, mut last_at) = (0, began);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = async { match ends { Some(ends) => tokio::time::sleep_until(ends).await, None => std::future::pending().await } } => break,
            interrupted = tokio::signal::ctrl_c() => { interrupted?; break }
        }
        let now = progress.summary();
        let counts = node.pipeline.counts();
        let rate = (now.acknowledged_readings - last) as f64 / last_at.elapsed().as_secs_f64();
        (last, last_at) = (now.acknowledged_readings, Instant::now());
        let line = format!(
            "{}  {} sensors  {:>7.0} readings/s  {} acknowledged  {} rejected  {} duplicates  {} flushes  {} messages behind  {} excursions under way  {} holds",
            clock.now(),
            now.sensors,
            rate,
            now.acknowledged_readings,
            counts.rejected,
            counts.duplicate,
            counts.flushes,
            node.pipeline.lag(),
            findings::under_way(node),
            node.ledger.holds().len(),
        );
        if live { eprint!("\r\x1b[K{line}") } else { eprintln!("{line}") }
    }
    if live {
        eprintln!();
    }
    Ok(())
}

async fn count(node: &Node, table: &str, condition: &str) -> Result<i64, Failure> {
    let answer =
        node.engine.answer(&format!("SELECT count(*) FROM {table} WHERE {condition}"), Reach::Everything).await?;
    let batch = answer.batches.first().context("an aggregate without a row")?;
    Ok(batch.column(0).as_primitive::<Int64Type>().value(0))
}
