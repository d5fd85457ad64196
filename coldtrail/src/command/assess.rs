//! `coldtrail assess`.

mod picture;
mod store;
mod table;

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;

use analytics::assessment_json;
use analytics::fleet::{Fleet, Profiles};
use analytics::logs::{FileError, Logs, read_csv};
use model::assessment::{Assessment, Verdict};
use model::instant::{ReceivedAt, RecordedAt, ValidAt};
use model::name::Name;
use model::registry::{Registry, RegistryDocument};

use crate::arguments::{Assess, FailOn};
use crate::exit::{FOUND_WRONG, Failure};
use crate::progress::Progress;

/// What units are assessed from.
struct Evidence {
    registry: Registry,
    logs: Logs,
    as_of: ValidAt,
    known_at: Option<RecordedAt>,
}

/// Assesses units from files, a data directory or a server.
pub(crate) async fn run(arguments: Assess) -> Result<ExitCode, Failure> {
    if let Some(url) = &arguments.url {
        let verdicts = store::ask_server(url, &arguments).await?;
        return Ok(code(arguments.fail_on, verdicts.into_iter()));
    }
    let evidence = match (&arguments.registry, &arguments.readings, &arguments.data) {
        (Some(registry), Some(readings), _) => from_files(registry, readings, &arguments)?,
        (_, _, Some(data)) => store::from_directory(data, &arguments).await?,
        _ => return Err(Failure::Input("give `--registry` and `--readings`, `--data`, or `--url`".into())),
    };
    let units = chosen(&evidence.registry, arguments.unit.as_deref())?;
    let profiles = Profiles::default();
    let fleet = Fleet::new(&evidence.registry, &evidence.logs, &profiles, evidence.as_of, evidence.known_at);
    let progress = Mutex::new(Progress::new("units"));
    let shown = |done: usize| {
        if let Ok(mut progress) = progress.try_lock() {
            progress.at(done, units.len());
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let assessments = fleet.assess_all(&units, threads, &shown);
    if let Ok(progress) = progress.lock() {
        progress.end();
    }
    if let (Some(unit), true) = (&arguments.unit, assessments.is_empty()) {
        return Err(Failure::Input(format!(
            "the unit `{unit}` begins after {}: choose a later `--as-of`",
            evidence.as_of
        )));
    }
    print(&arguments, &evidence, &fleet, &assessments)?;
    Ok(code(arguments.fail_on, assessments.iter().map(|assessment| assessment.verdict)))
}

fn from_files(registry: &std::path::Path, readings: &std::path::Path, arguments: &Assess) -> Result<Evidence, Failure> {
    let text = std::fs::read(registry).map_err(|error| {
        Failure::Input(format!("cannot read the registry document `{}`: {error}", registry.display()))
    })?;
    let refused = |problems: Vec<model::registry::Problem>| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        Failure::Input(format!("`{}` is refused:\n{}", registry.display(), lines.join("\n")))
    };
    let document = RegistryDocument::parse(&text).map_err(&refused)?;
    let plan = Registry::default().plan(&document, RecordedAt::from_millis(0)).map_err(refused)?;
    let named = |error: &dyn std::fmt::Display| Failure::Input(format!("`{}`: {error}", readings.display()));
    let file = File::open(readings).map_err(|error| named(&error))?;
    let known_at = arguments.known_at.map(|at| ReceivedAt::from_millis(at.millis()));
    let logs = read_csv(std::io::BufReader::with_capacity(1 << 20, file), known_at).map_err(|error| match error {
        FileError::Unreadable(cause) => named(&format!("cannot be read as CSV: {cause}")),
        error => named(&error),
    })?;
    let as_of = arguments.as_of.ok_or_else(|| Failure::Input("give `--as-of`".into()))?;
    let known_at = arguments.known_at.map(|at| RecordedAt::from_millis(at.millis()));
    Ok(Evidence { registry: plan.after, logs, as_of, known_at })
}

/// The units asked about: all, or the one that is named.
fn chosen(registry: &Registry, unit: Option<&str>) -> Result<Vec<Name>, Failure> {
    let Some(unit) = unit else { return Ok(Fleet::units(registry)) };
    let name = Name::parse(unit).map_err(|error| Failure::Input(format!("`--unit`: {error}")))?;
    match registry.origin(&name) {
        Some(_) => Ok(vec![name]),
        None => {
            Err(Failure::Input(format!("the unit `{unit}` is not registered: `--unit` names a unit of the registry")))
        }
    }
}

fn print(
    arguments: &Assess,
    evidence: &Evidence,
    fleet: &Fleet<'_>,
    assessments: &[Assessment],
) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if arguments.json {
        out.write_all(b"[")?;
        for (number, assessment) in assessments.iter().enumerate() {
            out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut out, &assessment_json::assessment(assessment))?;
        }
        out.write_all(b"\n]\n")?;
    } else {
        table::write(&mut out, assessments)?;
        if let [assessment] = assessments {
            picture::write(&mut out, &evidence.registry, fleet, assessment)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn code(fail_on: Option<FailOn>, mut verdicts: impl Iterator<Item = Verdict>) -> ExitCode {
    let grave = match fail_on {
        None => return ExitCode::SUCCESS,
        Some(FailOn::Review) => Verdict::Review,
        Some(FailOn::Hold) => Verdict::Hold,
    };
    if verdicts.any(|verdict| verdict >= grave) { ExitCode::from(FOUND_WRONG) } else { ExitCode::SUCCESS }
}
