//! Tables: our own readings file, and others whose columns the caller names.

use csv::{ReaderBuilder, StringRecord};
use model::instant::ReceivedAt;
use model::name::Name;
use model::rejection::Reason;

use super::clock::{Read, Reader};
use super::dates::{Evidence, cut};
use super::numbers::{self, Decimal, Degrees};
use super::rows::{self, Recording, Row, misshapen};
use super::{Options, Refusal, Unreadable, declared};

/// How many lines may stand in front of the header.
const PREAMBLE_LINES: usize = 200;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// The sensor's name.
    Sensor,
    /// When it measured, date and time of day.
    MeasuredAt,
    /// The date alone.
    Date,
    /// The time of day alone.
    Time,
    /// Temperatures; of that sensor, when one is named.
    Temperature(Option<Name>),
    /// Humidities; of that sensor, when one is named.
    Humidity(Option<Name>),
    /// The unit it travelled with.
    Unit,
    /// A field of a registry record.
    Declared(&'static str),
}

/// A column and its name in the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What it holds.
    pub field: Field,
    /// Its name in the file.
    pub header: String,
}

impl Column {
    /// Reads `FIELD=HEADER`, where `temperature` and `humidity` may have `@SENSOR` behind them.
    ///
    /// # Errors
    /// When the field is not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (field, header) = text.split_once('=').ok_or_else(|| format!("`{text}`: write it as FIELD=HEADER"))?;
        let (name, sensor) = field.split_once('@').map_or((field, None), |(name, sensor)| (name, Some(sensor)));
        let sensor = sensor.map(Name::parse).transpose().map_err(|error| error.to_string())?;
        let declared = declared::FIELDS.iter().find(|known| **known == name);
        let field = match (name, declared, &sensor) {
            ("temperature" | "temperature_c", ..) => Field::Temperature(sensor),
            ("humidity" | "humidity_pct", ..) => Field::Humidity(sensor),
            ("sensor", _, None) => Field::Sensor,
            ("measured_at", _, None) => Field::MeasuredAt,
            ("date", _, None) => Field::Date,
            ("time", _, None) => Field::Time,
            ("unit", _, None) => Field::Unit,
            (_, Some(known), None) => Field::Declared(known),
            _ => {
                return Err(format!(
                    "`{field}` is no field: use `sensor`, `measured_at`, `date`, `time`, `temperature`, \
                     `temperature@SENSOR`, `humidity`, `humidity@SENSOR`, `unit`, or one of `{}`",
                    declared::FIELDS.join("`, `")
                ));
            }
        };
        Ok(Self { field, header: header.trim().to_owned() })
    }
}

/// What a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Readings, columns named as we name them.
    Own,
    /// Readings, columns named by the caller.
    Mapped,
    /// Registry records.
    Declared,
}

/// A table whose header was found.
#[derive(Debug)]
pub(super) struct Opened<'t> {
    text: &'t str,
    kind: Kind,
    separator: u8,
    /// The line of the header, from 1.
    pub(super) line: u64,
    pub(super) header: StringRecord,
    /// What stands below it.
    body: &'t str,
}

/// Finds the header.
pub(super) fn open<'t>(text: &'t str, options: &Options) -> Result<Opened<'t>, Unreadable> {
    let separators: Vec<u8> = match options.separator {
        Some(sign) => vec![u8::try_from(sign).map_err(|_| Unreadable::at(1, "the separator must be one ASCII sign"))?],
        None => vec![b',', b';', b'\t'],
    };
    let mut rest = text;
    for line in 1..=PREAMBLE_LINES as u64 + 1 {
        let (head, body) = rest.split_once('\n').unwrap_or((rest, ""));
        for separator in &separators {
            let header = fields(head, *separator);
            if let Some(kind) = kind_of(&header, options) {
                return Ok(Opened { text, kind, separator: *separator, line, header, body });
            }
        }
        if body.is_empty() {
            break;
        }
        rest = body;
    }
    Err(unknown(text, &separators, options))
}

fn unknown(text: &str, separators: &[u8], options: &Options) -> Unreadable {
    let first = text.lines().next().unwrap_or_default();
    let widest = separators.iter().map(|separator| fields(first, *separator)).max_by_key(StringRecord::len);
    let names: Vec<String> = widest.iter().flatten().map(|name| format!("`{}`", cut(name))).collect();
    let asked: Vec<String> = options.columns.iter().map(|column| format!("`{}`", column.header)).collect();
    let what = if text.trim().is_empty() {
        "the file is empty".to_owned()
    } else if asked.is_empty() {
        format!(
            "the form of the file is not known. If it is a table, name its columns, for instance --column \
             measured_at=Timestamp --column temperature=Value --sensor NAME; the first line has {}",
            names.join(", ")
        )
    } else {
        format!("no line has all of the columns {}; the first line has {}", asked.join(", "), names.join(", "))
    };
    Unreadable::at(1, what)
}

fn fields(line: &str, separator: u8) -> StringRecord {
    let mut reader = ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(str::trim).collect()
}

fn kind_of(header: &StringRecord, options: &Options) -> Option<Kind> {
    let has = |name: &str| header.iter().any(|field| field == name);
    let values = has("temperature_c") || has("humidity_pct");
    if options.columns.is_empty() {
        let own = has("measured_at") && values && (has("sensor") || options.sensor.is_some());
        return own.then_some(Kind::Own).or_else(|| declared::is_one(header, options).then_some(Kind::Declared));
    }
    if !options.columns.iter().all(|column| has(&column.header)) {
        return None;
    }
    let declared = options.columns.iter().any(|column| matches!(column.field, Field::Declared(_)));
    Some(if declared || declared::is_one(header, options) { Kind::Declared } else { Kind::Mapped })
}

impl Opened<'_> {
    /// What it is about.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The place of the column named `name`.
    pub(super) fn place(&self, name: &str) -> Result<Option<usize>, Unreadable> {
        let mut found = self.header.iter().enumerate().filter(|(_, field)| *field == name);
        match (found.next(), found.next()) {
            (first, None) => Ok(first.map(|(place, _)| place)),
            _ => Err(Unreadable::at(self.line, format!("the column `{name}` stands there twice"))),
        }
    }

    /// The rows below the header with their lines; a row that does not fit the header is a refusal.
    pub(super) fn records(&self) -> impl Iterator<Item = (u64, Result<StringRecord, String>)> {
        let mut builder = ReaderBuilder::new();
        let reader = builder.delimiter(self.separator).has_headers(false).flexible(true);
        let (above, width) = (self.line, self.header.len());
        reader.from_reader(self.body.as_bytes()).into_records().map(move |record| match record {
            Ok(record) => {
                let line = above + record.position().map_or(0, csv::Position::line);
                let fits = record.len() >= width && record.iter().skip(width).all(|field| field.trim().is_empty());
                let record = if fits {
                    Ok(record)
                } else {
                    Err(format!("has {} fields, but the header has {width}", record.len()))
                };
                (line, record)
            }
            Err(error) => {
                let line = above + error.position().map_or(0, csv::Position::line);
                (line, Err(format!("cannot be read: {error}")))
            }
        })
    }
}

/// Where the columns of readings are.
struct Layout {
    sensor: Option<usize>,
    when: When,
    values: Vec<Values>,
    unit: Option<usize>,
    decimal: Decimal,
    strict: bool,
}

/// Where the time stands.
#[derive(Clone, Copy)]
enum When {
    Whole(usize),
    Parts(usize, usize),
}

/// The columns of one sensor.
struct Values {
    sensor: Option<Name>,
    temperature: Option<(usize, Degrees)>,
    humidity: Option<usize>,
}

/// Reads the readings of a table.
pub(super) fn read(
    opened: &Opened<'_>,
    options: &Options,
    now: ReceivedAt,
    assumed: &mut Vec<String>,
) -> Result<Recording, Unreadable> {
    let layout = Layout::of(opened, options, assumed)?;
    let reader = Reader::new(options.time_format.as_deref()).map_err(|what| Unreadable::at(opened.line, what))?;
    let mut evidence = Evidence::default();
    let mut read: Vec<(Result<Read, String>, Row)> = Vec::new();
    for (line, record) in opened.records() {
        let record = match record {
            Ok(record) => record,
            Err(what) => {
                read.push((Err(String::new()), misshapen(line, what)));
                continue;
            }
        };
        let written = layout.written(&record);
        let when = reader.read(&written);
        if let Ok(when) = &when {
            when.prove(&mut evidence);
        }
        let rows = layout.values.iter().zip(0..);
        read.extend(
            rows.map(|(values, part)| (when.clone(), layout.row(&record, line, part, values, options, &written))),
        );
    }
    let order = evidence.order(options.dates, assumed).map_err(|what| Unreadable::at(opened.line + 1, what))?;
    let rows = read.into_iter().map(|(when, mut row)| {
        row.when = when.and_then(|when| when.told(order)).map_err(|what| (Reason::Time, what));
        row
    });
    rows::settle(rows.collect(), opened.text, options, now)
}

impl Layout {
    fn of(opened: &Opened<'_>, options: &Options, assumed: &mut Vec<String>) -> Result<Self, Unreadable> {
        let missing = |what: &str| Unreadable::at(opened.line, what);
        let mapped = |field: &Field| options.columns.iter().find(|column| column.field == *field);
        let column =
            |field: &Field, own: &str| opened.place(mapped(field).map_or(own, |column| column.header.as_str()));
        let when = match (column(&Field::MeasuredAt, "measured_at")?, column(&Field::Date, "date")?) {
            (Some(whole), _) => When::Whole(whole),
            (None, Some(date)) => {
                let time = column(&Field::Time, "time")?;
                When::Parts(
                    date,
                    time.ok_or_else(|| missing("a column of times of day is missing: name it with --column time=…"))?,
                )
            }
            (None, None) => return Err(missing("a column of times is missing: name it with --column measured_at=…")),
        };
        let sensor = if options.sensor.is_some() { None } else { column(&Field::Sensor, "sensor")? };
        let mut values: Vec<Values> = Vec::new();
        let mut of = |sensor: &Option<Name>| -> usize {
            values.iter().position(|values| values.sensor == *sensor).unwrap_or_else(|| {
                values.push(Values { sensor: sensor.clone(), temperature: None, humidity: None });
                values.len() - 1
            })
        };
        let mut found = Vec::new();
        for column in &options.columns {
            match &column.field {
                Field::Temperature(sensor) => found.push((of(sensor), true, column.header.as_str())),
                Field::Humidity(sensor) => found.push((of(sensor), false, column.header.as_str())),
                _ => {}
            }
        }
        for (own, is_temperature) in [("temperature_c", true), ("humidity_pct", false)] {
            let known = found.iter().any(|(_, temperature, _)| *temperature == is_temperature);
            if !known && opened.place(own)?.is_some() {
                found.push((of(&None), is_temperature, own));
            }
        }
        for (index, is_temperature, header) in found {
            let place = opened.place(header)?.ok_or_else(|| missing("a column that was named is missing"))?;
            if is_temperature {
                values[index].temperature = Some((place, degrees(header, options, opened.line)?));
            } else {
                values[index].humidity = Some(place);
            }
        }
        if values.is_empty() {
            return Err(missing("a column of values is missing: name it with --column temperature=… or humidity=…"));
        }
        if sensor.is_none() && options.sensor.is_none() && values.iter().any(|values| values.sensor.is_none()) {
            return Err(missing(
                "nothing says which sensor it was: name it with --sensor, or its column with --column sensor=…",
            ));
        }
        if opened.place("received_at")?.is_some() {
            assumed.push("`received_at` is not taken: readings arrive when they are imported".into());
        }
        let unit = column(&Field::Unit, "unit")?;
        let strict = opened.kind == Kind::Own;
        let mut layout = Self { sensor, when, values, unit, decimal: Decimal::Point, strict };
        layout.decimal = layout.decimal_of(opened, options, assumed);
        Ok(layout)
    }

    /// The decimal sign: the one that was said, or the comma when numbers have commas and no points.
    fn decimal_of(&self, opened: &Opened<'_>, options: &Options, assumed: &mut Vec<String>) -> Decimal {
        if let Some(decimal) = options.decimal {
            return decimal;
        }
        if self.strict {
            return Decimal::Point;
        }
        let places: Vec<usize> = self.values.iter().flat_map(Values::places).collect();
        let (mut commas, mut points) = (false, false);
        for (_, record) in opened.records() {
            let Ok(record) = record else { continue };
            for value in
                places.iter().filter_map(|place| record.get(*place)).filter(|value| !numbers::is_missing(value))
            {
                commas |= value.contains(',');
                points |= value.contains('.');
            }
        }
        if !commas || points {
            return Decimal::Point;
        }
        assumed.push("numbers have a decimal comma".into());
        Decimal::Comma
    }

    fn written(&self, record: &StringRecord) -> String {
        let field = |place: usize| record.get(place).unwrap_or_default().trim();
        match self.when {
            When::Whole(place) => field(place).to_owned(),
            When::Parts(date, time) => format!("{} {}", field(date), field(time)),
        }
    }

    fn row(
        &self,
        record: &StringRecord,
        line: u64,
        part: u32,
        values: &Values,
        options: &Options,
        written: &str,
    ) -> Row {
        let field = |place: usize| record.get(place).unwrap_or_default().trim();
        let mut wrong = None;
        let mut value =
            |place: Option<usize>, expected: &[&str]| match place.map(|place| self.number(field(place), expected)) {
                None => None,
                Some(Ok(value)) => value,
                Some(Err(refusal)) => {
                    wrong = Some(refusal);
                    None
                }
            };
        let temperature = values.temperature.and_then(|(place, degrees)| {
            let signs: &[&str] = match degrees {
                Degrees::Celsius => &["°C", "C", "℃"],
                Degrees::Fahrenheit => &["°F", "F", "℉"],
            };
            value(Some(place), signs).map(|value| degrees.celsius(value))
        });
        let humidity = value(values.humidity, &["%", "%RH", "% RH", "%rh", "% rh", "%rF", "% rF"]);
        let sensor = match (&values.sensor, self.sensor, &options.sensor) {
            (Some(sensor), ..) | (None, _, Some(sensor)) => sensor.as_str(),
            (None, Some(place), None) => field(place),
            (None, None, None) => "",
        };
        let unit = match (&options.unit, self.unit.map(field)) {
            (Some(unit), _) => Some(unit.as_str().to_owned()),
            (None, Some(unit)) if !unit.is_empty() => Some(unit.to_owned()),
            (None, _) => None,
        };
        Row {
            line,
            part,
            sensor: sensor.to_owned(),
            when: Err((Reason::Time, String::new())),
            temperature,
            humidity,
            unit,
            written: cut(written),
            wrong,
        }
    }

    fn number(&self, text: &str, expected: &[&str]) -> Result<Option<f64>, Refusal> {
        if text.is_empty() || (!self.strict && numbers::is_missing(text)) {
            return Ok(None);
        }
        let unit = numbers::unit_of(text);
        if !unit.is_empty() && (self.strict || !expected.contains(&unit)) {
            return Err((Reason::Shape, format!("`{}` is not a number in {}", cut(text), expected[0])));
        }
        numbers::parse(text, self.decimal).map(Some).map_err(|what| (Reason::Shape, what))
    }
}

impl Values {
    fn places(&self) -> impl Iterator<Item = usize> {
        self.temperature.map(|(place, _)| place).into_iter().chain(self.humidity)
    }
}

/// The scale of the column `header`: what it states, what was said, and no guess.
fn degrees(header: &str, options: &Options, line: u64) -> Result<Degrees, Unreadable> {
    match (Degrees::stated(header), options.degrees) {
        (Some(stated), Some(said)) if stated != said => {
            Err(Unreadable::at(line, format!("the column `{header}` states another scale than --degrees says")))
        }
        (Some(degrees), _) | (None, Some(degrees)) => Ok(degrees),
        (None, None) => Err(Unreadable::at(
            line,
            format!("the column `{header}` does not say °C or °F: say --degrees c or --degrees f"),
        )),
    }
}
