//! `coldtrail import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ingest::import::{Column, DateOrder, Decimal, Degrees, Options, RepeatedHour, Zone};
use model::name::Name;

use super::Target;

/// `coldtrail import`.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("into").required(true).args(["data", "url", "dry_run"]).multiple(true))]
pub(crate) struct Import {
    /// Exports of loggers, readings files, tables of readings, or tables of lots, units, moves and shipments.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The data directory, with no server running on it.
    #[arg(long, conflicts_with = "url")]
    data: Option<PathBuf>,
    /// The configuration that goes with the data directory, when its lake is in a bucket.
    #[arg(long, requires = "data")]
    config: Option<PathBuf>,
    /// The address of a server, for instance `http://127.0.0.1:8080`.
    #[arg(long)]
    url: Option<String>,
    /// The API token for the server.
    #[arg(long, env = "COLDTRAIL_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Say what is in the files and apply nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply what is sound although rows are refused; those go to `rejected`, each with its line.
    #[arg(long)]
    pub(crate) accept_refused: bool,
    /// Print the account of the files as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Why, for the audit trail; with records of the registry.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// The site the readings are from.
    #[arg(long, default_value = "import", value_parser = name)]
    pub(crate) site: Name,
    /// The gateway the readings are from; the name of each file when absent.
    #[arg(long, value_parser = name)]
    pub(crate) gateway: Option<Name>,
    /// The sensor of every row, whatever the file says.
    #[arg(long, value_parser = name)]
    sensor: Option<Name>,
    /// The unit the logger travelled with.
    #[arg(long, value_parser = name)]
    unit: Option<Name>,
    /// The zone of times without an offset: `Europe/Berlin`, `UTC`, `+02:00`.
    #[arg(long, value_parser = Zone::parse, allow_hyphen_values = true)]
    zone: Option<Zone>,
    /// What becomes of times in the hour that is there twice when the clock is set back.
    #[arg(long, value_enum, default_value_t = Repeated::Refuse)]
    repeated_hour: Repeated,
    /// Which comes first in dates such as 04/05/2026.
    #[arg(long, value_enum)]
    dates: Option<Dates>,
    /// The form of times, with the signs of `strftime`, for instance `%d.%m.%y %H:%M`; `%s` is seconds since the epoch.
    #[arg(long)]
    time_format: Option<String>,
    /// The scale of temperatures, when no column's name states it.
    #[arg(long, value_enum)]
    degrees: Option<Scale>,
    /// The decimal sign.
    #[arg(long, value_enum)]
    decimal: Option<Sign>,
    /// What a column of a table holds, as FIELD=HEADER, for instance `measured_at=Timestamp`, `temperature@S1=Channel 1`.
    #[arg(long = "column", value_parser = Column::parse)]
    columns: Vec<Column>,
    /// The character between columns, when it is none of `,`, `;` and tab.
    #[arg(long)]
    separator: Option<char>,
    /// The encoding, when it is none of UTF-8, UTF-16 with a mark and Windows-1252; for instance `gbk`.
    #[arg(long)]
    encoding: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Repeated {
    /// They are refused.
    Refuse,
    /// They are of the first time through it.
    First,
    /// They are of the second time through it.
    Second,
    /// The order of the rows tells.
    ByOrder,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dates {
    /// 31/12/2026.
    DayFirst,
    /// 12/31/2026.
    MonthFirst,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scale {
    /// Celsius.
    C,
    /// Fahrenheit.
    F,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sign {
    /// 4.3
    Point,
    /// 4,3
    Comma,
}

impl Import {
    /// How the files are to be read.
    pub(crate) fn options(&self) -> Options {
        Options {
            encoding: self.encoding.clone(),
            separator: self.separator,
            columns: self.columns.clone(),
            sensor: self.sensor.clone(),
            unit: self.unit.clone(),
            zone: self.zone,
            repeated_hour: match self.repeated_hour {
                Repeated::Refuse => RepeatedHour::Refuse,
                Repeated::First => RepeatedHour::First,
                Repeated::Second => RepeatedHour::Second,
                Repeated::ByOrder => RepeatedHour::ByOrder,
            },
            dates: self.dates.map(|dates| match dates {
                Dates::DayFirst => DateOrder::DayFirst,
                Dates::MonthFirst => DateOrder::MonthFirst,
            }),
            time_format: self.time_format.clone(),
            degrees: self.degrees.map(|scale| match scale {
                Scale::C => Degrees::Celsius,
                Scale::F => Degrees::Fahrenheit,
            }),
            decimal: self.decimal.map(|sign| match sign {
                Sign::Point => Decimal::Point,
                Sign::Comma => Decimal::Comma,
            }),
        }
    }

    /// Where to; nowhere in a dry run.
    pub(crate) fn target(&self) -> Option<Target> {
        let target = Target {
            data: self.data.clone(),
            config: self.config.clone(),
            url: self.url.clone(),
            token: self.token.clone(),
        };
        (!self.dry_run).then_some(target)
    }
}

fn name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(|error| error.to_string())
}
