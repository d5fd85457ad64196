//! Files into readings and registry records: what loggers, warehouses and other systems exported.
//!
//! Everything here is plain functions over bytes. A file is read whole ([`read`]) into what it says; every line that says
//! something else than a reading is named with its line and a reason, none is skipped in silence. Whether anything of it
//! is taken in is for the caller to decide; what is, goes through the same door as a gateway's messages ([`messages`]).

mod berlinger;
mod clock;
mod dates;
mod declared;
mod device;
mod numbers;
mod quality;
mod rows;
mod send;
mod table;
mod text;
mod zone;

use model::instant::ReceivedAt;
use model::name::Name;
use model::rejection::Reason;
use store::ledger::Hash;

pub use dates::DateOrder;
pub use declared::{Declarations, Record};
pub use device::{DayAlarm, Device, DeviceAlarm, DeviceDay};
pub use numbers::{Decimal, Degrees};
pub use quality::{ClockOddity, Gap, Implausible, Jump, Listed, SensorQuality};
pub use rows::{Recording, Refused, Taken};
pub use send::{Lines, Message, is_of_file, messages, refusal_line};
pub use table::{Column, Field};
pub use zone::{RepeatedHour, Zone};

/// What the file itself does not say. Everything is optional; what is needed and missing is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The encoding, a label of the WHATWG list, for instance `windows-1252` or `gbk`.
    pub encoding: Option<String>,
    /// The character between columns.
    pub separator: Option<char>,
    /// Which columns hold what, when the header does not say it in our words.
    pub columns: Vec<Column>,
    /// The sensor of every row.
    pub sensor: Option<Name>,
    /// The unit every reading travelled with.
    pub unit: Option<Name>,
    /// The zone of times without an offset.
    pub zone: Option<Zone>,
    /// What becomes of the hour that a clock set back shows twice.
    pub repeated_hour: RepeatedHour,
    /// The order of day and month.
    pub dates: Option<DateOrder>,
    /// The form of times, as `strftime` writes it; `%s` is seconds since the epoch.
    pub time_format: Option<String>,
    /// The scale of temperatures.
    pub degrees: Option<Degrees>,
    /// The decimal sign.
    pub decimal: Option<Decimal>,
}

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct File {
    /// SHA-256 of its bytes, lowercase hexadecimal.
    pub sha256: String,
    /// How many bytes it has.
    pub bytes: usize,
    /// The encoding it was read in.
    pub encoding: &'static str,
    /// What it is.
    pub form: Form,
    /// What was taken for granted in reading it, each a sentence for people.
    pub assumed: Vec<String>,
    /// What it says.
    pub content: Content,
}

/// The forms that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Our own readings file.
    Readings,
    /// A table whose columns were named by the caller.
    Table,
    /// The text export of a Berlinger Q-tag or Fridge-tag.
    Berlinger,
    /// A table of lots, units, moves or shipments.
    Registry,
}

impl Form {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Readings => "readings",
            Self::Table => "table",
            Self::Berlinger => "berlinger",
            Self::Registry => "registry",
        }
    }
}

/// What a file says.
#[derive(Clone, Debug)]
pub enum Content {
    /// What sensors measured.
    Recording(Box<Recording>),
    /// What was declared.
    Declarations(Declarations),
}

/// Why nothing of a file can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Unreadable {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong and what to do.
    pub what: String,
}

impl Unreadable {
    fn at(line: u64, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// A reason of the doors with its words, for one row.
type Refusal = (Reason, String);

/// Reads `bytes`. `now` decides which times lie in the future.
///
/// # Errors
/// When the file is of no known form, or something that its rows need was neither in it nor in `options`.
pub fn read(bytes: &[u8], options: &Options, now: ReceivedAt) -> Result<File, Unreadable> {
    let sha256 = Hash::of(bytes).to_string();
    let decoded = text::decode(bytes, options.encoding.as_deref())?;
    let (mut assumed, text) = (decoded.assumed, decoded.text);
    let (form, content) = if berlinger::is_one(&text) {
        (Form::Berlinger, Content::Recording(Box::new(berlinger::read(&text, options, now, &mut assumed)?)))
    } else {
        let opened = table::open(&text, options)?;
        match opened.kind() {
            table::Kind::Declared => {
                (Form::Registry, Content::Declarations(declared::read(&opened, options, &mut assumed)?))
            }
            kind => {
                let form = if kind == table::Kind::Own { Form::Readings } else { Form::Table };
                (form, Content::Recording(Box::new(table::read(&opened, options, now, &mut assumed)?)))
            }
        }
    };
    Ok(File { sha256, bytes: bytes.len(), encoding: decoded.encoding, form, assumed, content })
}

#[cfg(test)]
mod tests;
