//! A generation of the tail as sorted files, one per day.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Builder, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMillisecondArray,
};
use model::instant::MeasuredAt;
use model::reading::Quality;

use super::encode::{Encoded, Encoder, ROW_GROUP_ROWS};
use crate::Error;
use crate::names::NameList;
use crate::schema::{READINGS, REJECTED};
use crate::tail::{Generation, Refused, rejected_batch};

/// Bytes of refusals that are put together at a time.
const REFUSED_BYTES: usize = 4 << 20;

/// The readings of `generation` that belong into the lake as one file a day, sorted by (sensor, measured_at, values).
pub(super) fn readings(generation: &Generation, names: &NameList) -> Result<Vec<Encoded>, Error> {
    let order = by_sensor_and_time(generation, names);
    let mut days: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    let (mut day, mut rows) = (i64::MIN, Vec::new());
    for row in order {
        let of = MeasuredAt::from_millis(generation.measured_at(row)).day();
        if of != day {
            days.entry(day).or_default().append(&mut rows);
            day = of;
        }
        rows.push(row);
    }
    days.entry(day).or_default().append(&mut rows);
    let (conflicts, with_units) = (generation.conflicts(), generation.has_units());
    let filled = days.into_iter().filter(|(_, rows)| !rows.is_empty());
    let file = |(day, rows): (i64, Vec<u32>)| {
        let mut encoder = Encoder::new(&READINGS, day, with_units)?;
        for rows in rows.chunks(ROW_GROUP_ROWS) {
            encoder.write(&batch(generation, rows, &conflicts, names)?)?;
        }
        encoder.finish()
    };
    filled.map(file).collect()
}

/// The refusals of `generation` as one file a day of arrival, sorted by `received_at`.
pub(super) fn rejected(generation: &Generation) -> Result<Vec<Encoded>, Error> {
    let mut days: BTreeMap<i64, Vec<&Refused>> = BTreeMap::new();
    for refused in generation.refused() {
        let day = MeasuredAt::from_millis(refused.received_at).day();
        days.entry(day).or_default().push(refused);
    }
    let file = |(day, mut rows): (i64, Vec<&Refused>)| {
        rows.sort_by_key(|refused| refused.received_at);
        let mut encoder = Encoder::new(&REJECTED, day, false)?;
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|refused| {
                bytes += refused.payload.len();
                bytes <= REFUSED_BYTES
            });
            let (some, others) = rest.split_at(fits.count().max(1));
            encoder.write(&rejected_batch(some.iter().copied())?)?;
            rest = others;
        }
        encoder.finish()
    };
    days.into_iter().map(file).collect()
}

/// The numbers of the rows to be stored, in their final order.
///
/// A counting sort by the sensor's rank; within a sensor rows come in order nearly always, and are sorted if not.
fn by_sensor_and_time(generation: &Generation, names: &NameList) -> Vec<u32> {
    let ranks = ranks(generation, names);
    let mut ends = vec![0usize; ranks.distinct + 1];
    generation.for_each_shown(|_, sensor| ends[ranks.of[sensor as usize] as usize + 1] += 1);
    for rank in 1..ends.len() {
        ends[rank] += ends[rank - 1];
    }
    let starts = ends.clone();
    let mut next = ends;
    let mut order = vec![0u32; starts.last().copied().unwrap_or_default()];
    generation.for_each_shown(|row, sensor| {
        let slot = &mut next[ranks.of[sensor as usize] as usize];
        order[*slot] = row;
        *slot += 1;
    });
    for bounds in starts.windows(2) {
        let rows = &mut order[bounds[0]..bounds[1]];
        if !rows.is_sorted_by(|a, b| generation.measured_at(*a) < generation.measured_at(*b)) {
            rows.sort_by_cached_key(|row| generation.order_key(*row));
        }
    }
    order
}

/// The rank of each sensor of a generation in order of name.
struct Ranks {
    /// By number of the name; only meaningful for sensors of the generation.
    of: Vec<u32>,
    distinct: usize,
}

fn ranks(generation: &Generation, names: &NameList) -> Ranks {
    let mut sensors = HashSet::new();
    let mut last = u32::MAX;
    generation.for_each_shown(|_, sensor| {
        if sensor != last {
            sensors.insert(sensor);
            last = sensor;
        }
    });
    let mut distinct: Vec<u32> = sensors.into_iter().collect();
    distinct.sort_unstable_by(|a, b| names.known(*a).cmp(names.known(*b)));
    let mut of = vec![0; names.len()];
    for (rank, sensor) in (0..).zip(&distinct) {
        of[*sensor as usize] = rank;
    }
    Ranks { of, distinct: distinct.len() }
}

/// The rows `order` of a generation with the columns of `readings`.
fn batch(
    generation: &Generation,
    order: &[u32],
    conflicts: &HashSet<u32>,
    names: &NameList,
) -> Result<RecordBatch, Error> {
    let rows = order.len();
    let mut measured_at = Vec::with_capacity(rows);
    let mut received_at = Vec::with_capacity(rows);
    let mut temperature = Float64Builder::with_capacity(rows);
    let mut humidity = Float64Builder::with_capacity(rows);
    let (mut seq, mut battery, mut rssi) =
        (Int64Builder::with_capacity(rows), Float32Builder::with_capacity(rows), Float32Builder::with_capacity(rows));
    let text = || StringBuilder::with_capacity(rows, rows * 8);
    let (mut sensor, mut site, mut gateway, mut unit, mut quality) = (text(), text(), text(), text(), text());
    for &number in order {
        let row = generation.stored_row(number);
        sensor.append_value(names.known(row.sensor));
        measured_at.push(row.measured_at);
        received_at.push(row.received_at);
        temperature.append_option(row.temperature_c);
        humidity.append_option(row.humidity_pct);
        site.append_value(names.known(row.site));
        gateway.append_value(names.known(row.gateway));
        unit.append_option(row.unit.map(|unit| names.known(unit)));
        seq.append_option(row.seq);
        let conflict = !conflicts.is_empty() && conflicts.contains(&number);
        quality.append_value(if conflict { Quality::Conflict } else { Quality::Good }.as_str());
        battery.append_option(row.battery_v);
        rssi.append_option(row.rssi_dbm);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(sensor.finish()),
        Arc::new(TimestampMillisecondArray::from(measured_at).with_timezone("UTC")),
        Arc::new(TimestampMillisecondArray::from(received_at).with_timezone("UTC")),
        Arc::new(temperature.finish()),
        Arc::new(humidity.finish()),
        Arc::new(site.finish()),
        Arc::new(gateway.finish()),
        Arc::new(unit.finish()),
        Arc::new(seq.finish()),
        Arc::new(quality.finish()),
        Arc::new(battery.finish()),
        Arc::new(rssi.finish()),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&READINGS), columns)?)
}
