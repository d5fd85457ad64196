//! `coldtrail`: the one binary. Parses the command line, wires the crates together, and nothing else.

mod arguments;
mod command;
mod config;
mod exit;
mod node;
mod progress;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::exit::Failure;

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    start_logging(&arguments);
    // The process has one TLS provider; a second installation could only be the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("coldtrail: cannot start the runtime: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(arguments.command));
    // Threads of a query that was given up must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("coldtrail: {failure}");
            failure.code()
        }
    }
}

async fn run(command: Command) -> Result<std::process::ExitCode, Failure> {
    match command {
        Command::Demo(demo) => command::demo::run(demo).await,
        Command::Serve(serve) => command::serve::run(serve).await,
        Command::Apply(apply) => command::apply::run(apply).await,
        Command::Sql(sql) => command::sql::run(sql).await,
        Command::Assess(assess) => command::assess::run(assess).await,
        Command::Import(import) => command::import::run(*import).await,
        Command::Report(report) => command::report::run(report).await,
        Command::Verify(verify) => command::verify::run(verify).await,
        Command::Backup(backup) => command::backup::run(backup).await,
        Command::Restore(restore) => command::restore::run(restore).await,
        Command::Token(token) => command::token::run(token).await,
        Command::Password(password) => command::password::run(&password),
        Command::Bench(bench) => command::bench::run(bench).await,
        Command::SetAside(set_aside) => command::set_aside::run(&set_aside),
    }
}

fn start_logging(arguments: &Arguments) {
    use tracing_subscriber::EnvFilter;
    let quiet = !matches!(arguments.command, Command::Serve(_));
    let default = if quiet { "warn" } else { "info,deltalake_core=warn,buoyant_kernel=warn" };
    let filter = EnvFilter::try_from_env("COLDTRAIL_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match arguments.log_json {
        true => log.json().init(),
        false => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
    }
}
