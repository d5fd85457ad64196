//! `sensors-sim`: the world that publishes, and the load generator.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Parser, Subcommand};
use sensors_sim::load::{self, LoadOptions, LoadProgress};
use sensors_sim::{Broker, Clock, Pace, Protocol, Runner, RunnerOptions, Scenario, Span, World, plot};

/// How long a run waits at its end for acknowledgements.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
#[command(version, about = "A simulated world of cold rooms, trucks and boxes that publishes over MQTT")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Publish the world of a scenario.
    Run(RunArgs),
    /// Publish as much as possible, without physics.
    Load(LoadArgs),
    /// List the built-in scenarios.
    List,
    /// Draw what a few sensors of a scenario sense.
    Show(ShowArgs),
}

#[derive(Args)]
struct BrokerArgs {
    /// The broker, as host:port.
    #[arg(long, default_value = "127.0.0.1:1883")]
    broker: String,
    /// Certificate authority (PEM) to trust; makes the connection TLS.
    #[arg(long, value_name = "CA_FILE")]
    tls: Option<PathBuf>,
    /// User name; `{gateway}` in it becomes the gateway's name.
    #[arg(long)]
    user: Option<String>,
    /// Password.
    #[arg(long, env = "SENSORS_SIM_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// MQTT version: 5 or 3.1.1.
    #[arg(long, default_value = "5")]
    protocol: Protocol,
}

impl From<BrokerArgs> for Broker {
    fn from(args: BrokerArgs) -> Self {
        Self { address: args.broker, protocol: args.protocol, ca: args.tls, user: args.user, password: args.password }
    }
}

#[derive(Args)]
struct RunArgs {
    /// Name of a built-in scenario, or a file.
    #[arg(long, default_value = "demo")]
    scenario: String,
    #[command(flatten)]
    broker: BrokerArgs,
    /// What all random numbers come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated seconds per second; 0 is as fast as the broker acknowledges.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// How much simulated time to run; without it, until interrupted.
    #[arg(long = "for", value_name = "DURATION")]
    lasts: Option<Span>,
    /// Simulated start (RFC 3339). Default: now at speed 1, otherwise so that `--for` ends now.
    #[arg(long)]
    start: Option<DateTime<Utc>>,
    /// Directory to write the truth to.
    #[arg(long, value_name = "DIR")]
    truth: Option<PathBuf>,
    /// Unacknowledged messages per gateway, at most.
    #[arg(long, default_value_t = 100)]
    inflight: u16,
}

#[derive(Args)]
struct LoadArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// Sensors.
    #[arg(long, default_value_t = 100_000)]
    sensors: usize,
    /// Gateways: one connection each.
    #[arg(long, default_value_t = 50)]
    gateways: usize,
    /// Readings in each message.
    #[arg(long, default_value_t = 50)]
    readings_per_message: usize,
    /// Messages per second over all gateways; 0 is as fast as they are acknowledged.
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// Unacknowledged messages per gateway, at most.
    #[arg(long, default_value_t = 1000)]
    inflight: u16,
    /// How long.
    #[arg(long = "for", value_name = "DURATION", default_value = "30s")]
    lasts: Span,
    /// Stop after so many messages.
    #[arg(long)]
    messages: Option<u64>,
    /// Stamp of the first readings (RFC 3339). Default: 30 days ago.
    #[arg(long)]
    start: Option<DateTime<Utc>>,
    /// From one reading of a sensor to its next, in stamps.
    #[arg(long, default_value = "60s")]
    interval: Span,
    /// Keep every stamp on the grid of the interval.
    #[arg(long, conflicts_with = "jitter")]
    regular: bool,
    /// Make each stamp late by up to this many milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    jitter: i64,
    /// What all random numbers come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Args)]
struct ShowArgs {
    /// Name of a built-in scenario, or a file.
    scenario: String,
    /// How much simulated time to draw.
    #[arg(long = "for", value_name = "DURATION", default_value = "24h")]
    lasts: Span,
    /// Only sensors whose names begin so.
    #[arg(long, default_value = "")]
    sensor: String,
    /// At most so many lines.
    #[arg(long, default_value_t = 16)]
    lines: usize,
    /// What all random numbers come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated start (RFC 3339). Default: now.
    #[arg(long)]
    start: Option<DateTime<Utc>>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Cli::parse().command {
        Command::Run(args) => run(args).await,
        Command::Load(args) => make_load(args).await,
        Command::List => list(),
        Command::Show(args) => show(&args),
    }
}

fn list() -> anyhow::Result<()> {
    for name in Scenario::builtin_names() {
        println!("{name:20} {}", Scenario::load(name)?.about);
    }
    println!("{:20} a flat, fast generator: see `sensors-sim load --help`", "(load)");
    Ok(())
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let scenario = Scenario::load(&args.scenario)?;
    let start = args.start.unwrap_or_else(Utc::now);
    print!("{}", plot::draw(&scenario, (args.seed, start), args.lasts, (&args.sensor, args.lines))?);
    Ok(())
}

async fn run(args: RunArgs) -> anyhow::Result<()> {
    let scenario = Scenario::load(&args.scenario)?;
    anyhow::ensure!(args.speed >= 0.0 && args.speed.is_finite(), "`{}` is not a speed: give 0 or more", args.speed);
    let real_time = (args.speed - 1.0).abs() < f64::EPSILON;
    let start = match (args.start, args.lasts) {
        (Some(start), _) => start,
        (None, _) if real_time => Utc::now(),
        // No reading may be in the future of a server that lives in real time.
        (None, Some(lasts)) => Utc::now() - lasts.delta(),
        (None, None) => Utc::now() - TimeDelta::days(365),
    };
    let world = World::new(&scenario, args.seed, start)?;
    let pace =
        if args.speed > 0.0 { Pace::Clock(Clock::starting_at(start, args.speed).shared()) } else { Pace::Unpaced };
    let until = args.lasts.map(|lasts| start + lasts.delta());
    let options = RunnerOptions { broker: args.broker.into(), pace, until, truth: args.truth, inflight: args.inflight };
    eprintln!(
        "{}: {} sensors behind {} gateways, seed {}, from {start}",
        scenario.name,
        world.sensors(),
        world.gateways(),
        args.seed
    );
    let mut runner = Runner::start(world, options)?;
    let progress = runner.progress();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.tick().await;
    loop {
        tokio::select! {
            () = runner.finished() => break,
            _ = tokio::signal::ctrl_c() => break,
            _ = tick.tick() => {
                let now = progress.summary();
                eprintln!(
                    "{}  readings {} published, {} acknowledged  messages {}, {}  connected {}",
                    progress.simulated_at().format("%F %T"), now.published_readings, now.acknowledged_readings,
                    now.published_messages, now.acknowledged_messages, now.connected,
                );
            }
        }
    }
    let summary = runner.stop(PATIENCE).await?;
    println!("{}", serde_json::to_string(&summary)?);
    let open = summary.published_messages - summary.acknowledged_messages;
    anyhow::ensure!(open == 0, "`{open}` messages were not acknowledged");
    Ok(())
}

async fn make_load(args: LoadArgs) -> anyhow::Result<()> {
    let now = Utc::now();
    let options = LoadOptions {
        broker: args.broker.into(),
        sensors: args.sensors,
        gateways: args.gateways,
        readings_per_message: args.readings_per_message,
        messages_per_s: args.rate,
        inflight: args.inflight,
        lasts: args.lasts.duration(),
        max_messages: args.messages,
        start: args.start.unwrap_or(now - TimeDelta::days(30)),
        not_after: now,
        interval: args.interval,
        jitter: if args.regular { Span::default() } else { Span::from_millis(args.jitter) },
        seed: args.seed,
    };
    let per_message = options.readings_per_message as u64;
    let progress = Arc::new(LoadProgress::default());
    let mut running = tokio::spawn(load::run(options, progress.clone()));
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.tick().await;
    let mut acknowledged_before = 0;
    let report = loop {
        tokio::select! {
            report = &mut running => break report.context("the load panicked")??,
            _ = tick.tick() => {
                let (published, acknowledged) = progress.messages();
                let per_s = acknowledged - acknowledged_before;
                acknowledged_before = acknowledged;
                eprintln!(
                    "{{\"messages\":{published},\"acknowledged_messages\":{acknowledged},\"messages_per_s\":{per_s},\"readings_per_s\":{}}}",
                    per_s * per_message,
                );
            }
        }
    };
    println!("{}", serde_json::to_string(&report)?);
    anyhow::ensure!(
        report.errors.is_empty(),
        "{} connections ended early, the first with: {}",
        report.errors.len(),
        report.errors[0]
    );
    Ok(())
}
