//! The command line.

mod import;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::instant::{ValidAt, parse_millis};

pub(crate) use import::Import;

/// Coldtrail: cold-chain readings, kept durably and asked in SQL.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// Write the log as JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) log_json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole system and a simulated world in one process.
    Demo(Demo),
    /// Serve in production, one node.
    Serve(Serve),
    /// Register a registry document.
    Apply(Apply),
    /// Ask one read-only query.
    Sql(Sql),
    /// What is known of units: excursions, life, effective expiry, verdict.
    Assess(Assess),
    /// Take in files of loggers and ERP systems, with a report on the quality of their data.
    Import(Box<Import>),
    /// The record of a unit, a lot or a place for people, as PDF or JSON.
    Report(Report),
    /// Check every checksum and the audit chain.
    Verify(Verify),
    /// Copy everything consistently, while serving too.
    Backup(Backup),
    /// Put a backup into an empty data directory.
    Restore(Restore),
    /// API tokens.
    Token(Token),
    /// Print the line of a password file for a gateway; the password is read from standard input.
    Password(Password),
    /// Measure what this machine moves, each rate beside a path that stores nothing.
    Bench(Bench),
    /// Move damaged bytes of the journal aside, so that the rest can be served.
    SetAside(SetAside),
}

/// `coldtrail demo`.
#[derive(Args)]
pub(crate) struct Demo {
    /// Where to keep the data; a temporary directory, removed at the end, when absent.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Where to serve HTTP.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,
    /// Where to listen for MQTT.
    #[arg(long, default_value = "127.0.0.1:1883")]
    pub(crate) mqtt: SocketAddr,
    /// Simulated seconds per second.
    #[arg(long, default_value_t = 240.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Decides everything random in the world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Stop by itself after this long, for instance `30s`, `5m`, `2h`.
    #[arg(long = "for", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
}

/// `coldtrail serve`.
#[derive(Args)]
pub(crate) struct Serve {
    /// The configuration; see `deploy/coldtrail.toml`.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// The data directory.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Where to serve HTTP; port 0 takes a free one.
    #[arg(long)]
    pub(crate) http: Option<SocketAddr>,
    /// Where to listen for MQTT; port 0 takes a free one.
    #[arg(long)]
    pub(crate) mqtt: Option<SocketAddr>,
}

/// A data directory with no server running on it, or a server.
#[derive(Args)]
pub(crate) struct Target {
    /// The data directory.
    #[arg(long, required_unless_present = "url", conflicts_with = "url")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration that goes with the data directory, when its lake is in a bucket.
    #[arg(long, requires = "data")]
    pub(crate) config: Option<PathBuf>,
    /// The address of a server, for instance `http://127.0.0.1:8080`.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The API token for the server.
    #[arg(long, env = "COLDTRAIL_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

/// `coldtrail apply`.
#[derive(Args)]
pub(crate) struct Apply {
    /// The registry document, JSON.
    pub(crate) file: PathBuf,
    /// Where to.
    #[command(flatten)]
    pub(crate) target: Target,
    /// Why, for the audit trail.
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

/// `coldtrail sql`.
#[derive(Args)]
pub(crate) struct Sql {
    /// The query.
    pub(crate) query: String,
    /// Whom to ask.
    #[command(flatten)]
    pub(crate) target: Target,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) format: OutputFormat,
    /// Write the answer to this file.
    #[arg(long)]
    pub(crate) output: Option<PathBuf>,
}

/// `coldtrail assess`.
#[derive(Args)]
pub(crate) struct Assess {
    /// The registry document, JSON; with `--readings`.
    #[arg(long, requires = "readings", required_unless_present_any = ["data", "url"], conflicts_with_all = ["data", "url"])]
    pub(crate) registry: Option<PathBuf>,
    /// The readings, CSV; with `--registry`.
    #[arg(long, requires = "registry")]
    pub(crate) readings: Option<PathBuf>,
    /// The data directory, with no server running on it.
    #[arg(long, conflicts_with = "url")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration that goes with the data directory, when its lake is in a bucket.
    #[arg(long, requires = "data")]
    pub(crate) config: Option<PathBuf>,
    /// The address of a server, for instance `http://127.0.0.1:8080`.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The API token for the server.
    #[arg(long, env = "COLDTRAIL_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The instant asked about: RFC 3339, or milliseconds; from a store, now when absent.
    #[arg(long, value_parser = instant, required_unless_present_any = ["data", "url"])]
    pub(crate) as_of: Option<ValidAt>,
    /// What was recorded later does not count: RFC 3339, or milliseconds.
    #[arg(long, value_parser = instant)]
    pub(crate) known_at: Option<ValidAt>,
    /// This unit only.
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// Print a JSON array.
    #[arg(long)]
    pub(crate) json: bool,
    /// End with exit code 3 when a verdict is this grave or graver.
    #[arg(long, value_enum)]
    pub(crate) fail_on: Option<FailOn>,
}

/// `coldtrail report`.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("subject").required(true).args(["unit", "lot", "place"]))]
pub(crate) struct Report {
    /// Of this unit.
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// Of all units of this lot, `GTIN/LOT`.
    #[arg(long)]
    pub(crate) lot: Option<String>,
    /// Of this place or vehicle.
    #[arg(long)]
    pub(crate) place: Option<String>,
    /// From when on it is told in detail: RFC 3339, or milliseconds.
    #[arg(long, value_parser = instant)]
    pub(crate) from: Option<ValidAt>,
    /// Until when it is told in detail: RFC 3339, or milliseconds.
    #[arg(long, value_parser = instant)]
    pub(crate) to: Option<ValidAt>,
    /// The instant asked about: RFC 3339, or milliseconds; now when absent.
    #[arg(long, value_parser = instant)]
    pub(crate) as_of: Option<ValidAt>,
    /// Where from.
    #[command(flatten)]
    pub(crate) target: Target,
    /// The file to write.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Write the content as JSON in place of the PDF.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The verdicts a script may ask to fail on.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// `review`, `indeterminate` or `hold`.
    Review,
    /// `hold`.
    Hold,
}

/// The forms of an answer.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    Table,
    /// RFC 4180; an apostrophe before a text that a spreadsheet would take for a formula.
    Csv,
    /// RFC 4180 with every text as it is stored, for programs.
    CsvExact,
    /// Columns and rows.
    Json,
    /// Apache Parquet.
    Parquet,
}

/// `coldtrail verify`.
#[derive(Args)]
pub(crate) struct Verify {
    /// The data directory, or a backup.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The configuration that goes with it, when its lake is in a bucket.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// The end of the audit chain as it was printed before, `SEQ:HASH`, to find a ledger that was taken back.
    #[arg(long)]
    pub(crate) checkpoint: Option<String>,
}

/// `coldtrail backup`.
#[derive(Args)]
pub(crate) struct Backup {
    /// The directory to make; it must not exist, or be empty.
    pub(crate) into: PathBuf,
    /// The data directory, served or not.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The configuration that goes with it, when its lake is in a bucket.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

/// `coldtrail restore`.
#[derive(Args)]
pub(crate) struct Restore {
    /// The backup.
    pub(crate) from: PathBuf,
    /// The data directory to make; it must not exist, or be empty.
    #[arg(long)]
    pub(crate) data: PathBuf,
}

/// `coldtrail token`.
#[derive(Args)]
pub(crate) struct Token {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

/// What to do with tokens.
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Print a new API token, this once.
    Create {
        /// What it may do: `gateway viewer logistics quality auditor admin`.
        #[arg(long)]
        role: String,
        /// Whose it is.
        #[arg(long)]
        name: String,
        /// The gateway it speaks for; its name when absent. Only with role `gateway`.
        #[arg(long)]
        gateway: Option<String>,
        /// A place it is limited to, with everything inside of it; may be given several times. Not with role `gateway`.
        #[arg(long = "site")]
        sites: Vec<String>,
        /// The data directory, served or not.
        #[arg(long)]
        data: PathBuf,
    },
}

/// `coldtrail password`.
#[derive(Args)]
pub(crate) struct Password {
    /// The gateway's name.
    pub(crate) gateway: String,
}

/// `coldtrail bench`.
#[derive(Args)]
pub(crate) struct Bench {
    /// One part only.
    #[arg(long, value_parser = ["rates", "sustained", "latency", "disk", "memory", "fleet", "holds", "further", "page"])]
    pub(crate) only: Option<String>,
    /// How long each rate is measured.
    #[arg(long = "for", value_parser = duration, default_value = "10s")]
    pub(crate) lasts: Duration,
    /// How long the sustained rate is measured.
    #[arg(long, value_parser = duration, default_value = "120s")]
    pub(crate) sustained: Duration,
}

/// `coldtrail set-aside`.
#[derive(Args)]
pub(crate) struct SetAside {
    /// The data directory, not served.
    #[arg(long)]
    pub(crate) data: PathBuf,
}

/// `30s`, `5m`, `2h`, `1d`, or a number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(format!("`{unit}` is not a unit of time: use s, m, h or d")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{text}` is not a duration: write for instance `30s`"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

fn instant(text: &str) -> Result<ValidAt, String> {
    let millis = parse_millis(text).ok_or_else(|| format!("`{text}` is not a time: use RFC 3339, or milliseconds"))?;
    Ok(ValidAt::from_millis(millis))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    let usable = (0.001..=100_000.0).contains(&speed);
    usable.then_some(speed).ok_or_else(|| "give a speed from 0.001 to 100000".to_owned())
}
