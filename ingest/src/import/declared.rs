//! Tables of lots, units, moves and shipments, as warehouses and ERP systems export them, into registry records.
//!
//! What a row declares is told by the columns there are; one row may declare a lot and a unit of it. Values are only
//! brought into the form of the registry document here; keys, check digits and what fits together are its to check.

use std::collections::HashSet;

use csv::StringRecord;
use model::instant::to_rfc3339;
use serde_json::{Map, Value, json};

use super::clock::{Reader, Told};
use super::dates::{Evidence, Written, cut};
use super::table::{Field, Opened};
use super::zone::Placed;
use super::{DateOrder, Options, RepeatedHour, Unreadable};

/// The fields a column may hold, `unit` besides.
pub(super) const FIELDS: [&str; 12] = [
    "gtin",
    "lot",
    "expires_on",
    "manufactured_on",
    "quantity",
    "place",
    "at",
    "to",
    "vehicle",
    "shipped_at",
    "delivered_at",
    "planned",
];

/// Columns with a date, and with a time.
const DATES: [&str; 2] = ["expires_on", "manufactured_on"];
const TIMES: [&str; 3] = ["at", "shipped_at", "delivered_at"];

/// What `unit` is called in files of others.
const UNIT_NAMES: [&str; 3] = ["unit", "sscc", "id"];

/// A record and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The section of the registry document.
    pub section: &'static str,
    /// The record, of the form of that section.
    pub json: Value,
    /// The line it stands on.
    pub line: u64,
}

/// What a file declares.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// Rows read.
    pub rows: u64,
    /// The records, each once, in the order of the file.
    pub records: Vec<Record>,
    /// Records that an earlier row declared already, word for word.
    pub repeated: u64,
    /// Lines that declare nothing, and why.
    pub refused: Vec<(u64, String)>,
}

/// Whether a table with this header declares something.
pub(super) fn is_one(header: &StringRecord, options: &Options) -> bool {
    Columns::of(|name| place(header, options, name)).is_ok_and(|columns| !columns.kinds().is_empty())
}

/// Where the column of `name` is: the one the caller named, or the one of that name.
fn place(header: &StringRecord, options: &Options, name: &str) -> Result<Option<usize>, Unreadable> {
    let mapped = options.columns.iter().find(|column| match column.field {
        Field::Declared(field) => field == name,
        Field::Unit => name == "unit",
        _ => false,
    });
    let find = |wanted: &str| header.iter().position(|field| field == wanted);
    Ok(match mapped {
        Some(column) => find(&column.header),
        None if name == "unit" => UNIT_NAMES.iter().find_map(|name| find(name)),
        None => find(name),
    })
}

/// A kind of record a row can declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lot,
    Unit,
    Move,
    Shipment,
}

/// Where the columns are, by field.
struct Columns {
    unit: Option<usize>,
    fields: Vec<(&'static str, usize)>,
}

impl Columns {
    fn of(place: impl Fn(&str) -> Result<Option<usize>, Unreadable>) -> Result<Self, Unreadable> {
        let mut fields = Vec::new();
        for name in FIELDS {
            fields.extend(place(name)?.map(|place| (name, place)));
        }
        Ok(Self { unit: place("unit")?, fields })
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, place)| *place)
    }

    fn kinds(&self) -> Vec<Kind> {
        let has = |names: &[&str]| names.iter().all(|name| self.place(name).is_some());
        let unit = self.unit.is_some();
        let is_unit = unit && has(&["gtin", "lot", "quantity", "at"]);
        let kinds = [
            (Kind::Lot, has(&["gtin", "lot", "expires_on"])),
            (Kind::Unit, is_unit),
            (Kind::Move, unit && !is_unit && has(&["to", "at"])),
            (Kind::Shipment, unit && has(&["to", "shipped_at"])),
        ];
        kinds.into_iter().filter(|(_, is)| *is).map(|(kind, _)| kind).collect()
    }
}

/// Reads what a table declares.
pub(super) fn read(
    opened: &Opened<'_>,
    options: &Options,
    assumed: &mut Vec<String>,
) -> Result<Declarations, Unreadable> {
    for name in FIELDS.iter().chain(&UNIT_NAMES) {
        opened.place(name)?;
    }
    let columns = Columns::of(|name| place(&opened.header, options, name))?;
    let reader = Reader::new(options.time_format.as_deref()).map_err(|what| Unreadable::at(opened.line, what))?;
    let mut evidence = Evidence::default();
    for (_, record) in opened.records() {
        let Ok(record) = record else { continue };
        let field = |name: &&str| columns.place(name).and_then(|place| record.get(place)).map(str::trim);
        for date in DATES.iter().filter_map(field).filter_map(|text| Written::parse(text).ok()) {
            evidence.note(date);
        }
        for time in TIMES.iter().filter_map(field).filter_map(|text| reader.read(text).ok()) {
            time.prove(&mut evidence);
        }
    }
    let order = evidence.order(options.dates, assumed).map_err(|what| Unreadable::at(opened.line + 1, what))?;
    let values = Values { columns: &columns, reader: &reader, order, options };
    let (mut found, mut seen) = (Declarations::default(), HashSet::new());
    for (line, record) in opened.records() {
        found.rows += 1;
        let declared = record.and_then(|record| values.declare(&record));
        match declared {
            Err(what) => found.refused.push((line, what)),
            Ok(records) => {
                for (section, json) in records {
                    if seen.insert((section, json.to_string())) {
                        found.records.push(Record { section, json, line });
                    } else {
                        found.repeated += 1;
                    }
                }
            }
        }
    }
    Ok(found)
}

/// How the cells of one table are read.
struct Values<'a> {
    columns: &'a Columns,
    reader: &'a Reader,
    order: Option<DateOrder>,
    options: &'a Options,
}

impl Values<'_> {
    /// The records of one row.
    fn declare(&self, record: &StringRecord) -> Result<Vec<(&'static str, Value)>, String> {
        let mut records = Vec::new();
        for kind in self.columns.kinds() {
            match kind {
                Kind::Lot => records.push(("lots", self.lot(record)?)),
                Kind::Unit => records.push(("units", self.unit(record)?)),
                Kind::Move => records.push(("moves", self.movement(record, "to", "at")?)),
                Kind::Shipment => records.extend(self.shipment(record)?.into_iter().map(|json| ("moves", json))),
            }
        }
        Ok(records)
    }

    fn lot(&self, record: &StringRecord) -> Result<Value, String> {
        let mut json = Map::new();
        json.insert("gtin".into(), self.text(record, "gtin")?);
        json.insert("lot".into(), self.text(record, "lot")?);
        if self.cell(record, "manufactured_on").is_some() {
            json.insert("manufactured_on".into(), self.date(record, "manufactured_on")?);
        }
        json.insert("expires_on".into(), self.date(record, "expires_on")?);
        Ok(Value::Object(json))
    }

    fn unit(&self, record: &StringRecord) -> Result<Value, String> {
        let quantity = self.needed(record, "quantity")?;
        let number = quantity.parse::<u64>();
        let number = number.map_err(|_| format!("`quantity` is `{}`: use a whole number", cut(quantity)))?;
        let mut json = Map::new();
        json.insert("id".into(), self.unit_id(record)?);
        json.insert("gtin".into(), self.text(record, "gtin")?);
        json.insert("lot".into(), self.text(record, "lot")?);
        json.insert("quantity".into(), json!(number));
        if let Some(place) = self.cell(record, "place") {
            json.insert("place".into(), json!(place));
        }
        json.insert("at".into(), self.time(record, "at")?);
        Ok(Value::Object(json))
    }

    fn movement(&self, record: &StringRecord, to: &str, at: &str) -> Result<Value, String> {
        let mut json = Map::new();
        json.insert("unit".into(), self.unit_id(record)?);
        json.insert("to".into(), self.text(record, to)?);
        json.insert("at".into(), self.time(record, at)?);
        if let Some(planned) = self.cell(record, "planned") {
            let planned = match planned.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => true,
                "false" | "no" | "0" => false,
                _ => return Err(format!("`planned` is `{}`: use true or false", cut(planned))),
            };
            json.insert("planned".into(), json!(planned));
        }
        Ok(Value::Object(json))
    }

    /// A shipment is a move into the vehicle when it left, and one to its destination when it was delivered.
    fn shipment(&self, record: &StringRecord) -> Result<Vec<Value>, String> {
        let (vehicle, delivered) = (self.cell(record, "vehicle"), self.cell(record, "delivered_at"));
        match (vehicle, delivered) {
            (Some(_), Some(_)) => {
                let left = self.movement(record, "vehicle", "shipped_at")?;
                Ok(vec![left, self.movement(record, "to", "delivered_at")?])
            }
            (Some(_), None) => Ok(vec![self.movement(record, "vehicle", "shipped_at")?]),
            (None, Some(_)) => Ok(vec![self.movement(record, "to", "delivered_at")?]),
            (None, None) => Err("says neither the vehicle nor when it was delivered: nothing follows from it".into()),
        }
    }

    fn cell<'r>(&self, record: &'r StringRecord, name: &str) -> Option<&'r str> {
        let cell = record.get(self.columns.place(name)?)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    fn needed<'r>(&self, record: &'r StringRecord, name: &str) -> Result<&'r str, String> {
        self.cell(record, name).ok_or_else(|| format!("`{name}` is empty"))
    }

    fn text(&self, record: &StringRecord, name: &str) -> Result<Value, String> {
        self.needed(record, name).map(|cell| json!(cell))
    }

    fn unit_id(&self, record: &StringRecord) -> Result<Value, String> {
        let cell = self.columns.unit.and_then(|place| record.get(place)).map(str::trim).filter(|cell| !cell.is_empty());
        cell.map(|cell| json!(cell)).ok_or_else(|| "`unit` is empty".to_owned())
    }

    fn date(&self, record: &StringRecord, name: &str) -> Result<Value, String> {
        let date = Written::parse(self.needed(record, name)?).and_then(|written| written.date(self.order));
        date.map(|date| json!(date.to_string())).map_err(|what| format!("`{name}`: {what}"))
    }

    fn time(&self, record: &StringRecord, name: &str) -> Result<Value, String> {
        let told = self.reader.read(self.needed(record, name)?).and_then(|read| read.told(self.order));
        let placed = match (told, self.options.zone) {
            (Err(what), _) => Err(what),
            (Ok(Told::Instant(at)), _) => Ok(at),
            (Ok(Told::Local(_)), None) => Err("the time has no offset: say in which zone it is with --zone".into()),
            (Ok(Told::Local(local)), Some(zone)) => match (zone.place(local), self.options.repeated_hour) {
                (Placed::Once(at), _) => Ok(at),
                (Placed::Twice(first, _), RepeatedHour::First) => Ok(first),
                (Placed::Twice(_, second), RepeatedHour::Second) => Ok(second),
                (Placed::Twice(..), _) => {
                    Err(format!("{local} was there twice in {zone}: say --repeated-hour first or second"))
                }
                (Placed::Never, _) => {
                    Err(format!("{local} does not exist in {zone}: the clock was set forward over it"))
                }
            },
        };
        placed.map(|at| json!(to_rfc3339(at))).map_err(|what| format!("`{name}`: {what}"))
    }
}
