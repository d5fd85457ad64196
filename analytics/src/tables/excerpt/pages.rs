//! Which parts of a file may have what is wanted, by the bounds in its footer.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Schema, TimeUnit, TimestampMillisecondType};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::errors::Result;
use parquet::file::metadata::ParquetMetaData;

use super::spans::Spans;

/// The parts of a file that are to be read.
pub(super) struct Parts {
    /// Row groups.
    pub(super) groups: Vec<usize>,
    /// Rows of these, where pages of the file are told apart.
    pub(super) rows: Option<RowSelection>,
}

/// The parts of the file of `metadata`, whose columns are those of `schema`, that may have what is in `spans`.
pub(super) fn parts(metadata: &ParquetMetaData, schema: &Schema, spans: &Spans) -> Result<Parts> {
    let columns = metadata.file_metadata().schema_descr();
    let sensors = StatisticsConverter::try_new("sensor", schema, columns)?;
    let times = StatisticsConverter::try_new("measured_at", schema, columns)?;
    let all = metadata.row_groups();
    let (low, high) = (sensors.row_group_mins(all)?, sensors.row_group_maxes(all)?);
    let (from, to) = (times.row_group_mins(all)?, times.row_group_maxes(all)?);
    let may_have = |group: &usize| {
        let times = (instant(&from, *group).unwrap_or(i64::MIN), instant(&to, *group).unwrap_or(i64::MAX));
        spans.may_have((text(&low, *group), text(&high, *group)), times)
    };
    let groups: Vec<usize> = (0..all.len()).filter(may_have).collect();
    let rows = rows(metadata, &sensors, &groups, spans)?;
    Ok(Parts { groups, rows })
}

/// The rows of `groups` in pages that may have a sensor of `spans`.
fn rows(
    metadata: &ParquetMetaData,
    sensors: &StatisticsConverter<'_>,
    groups: &[usize],
    spans: &Spans,
) -> Result<Option<RowSelection>> {
    let Some((bounds, places)) = metadata.column_index().zip(metadata.offset_index()) else { return Ok(None) };
    let low = sensors.data_page_mins(bounds, places, groups)?;
    let high = sensors.data_page_maxes(bounds, places, groups)?;
    let Some(counts) = sensors.data_page_row_counts(places, metadata.row_groups(), groups)? else { return Ok(None) };
    if low.len() != counts.len() || high.len() != counts.len() {
        return Ok(None);
    }
    let any_time = (i64::MIN, i64::MAX);
    let page = |(page, rows): (usize, &u64)| {
        let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
        match spans.may_have((text(&low, page), text(&high, page)), any_time) {
            true => RowSelector::select(rows),
            false => RowSelector::skip(rows),
        }
    };
    Ok(Some(counts.values().iter().enumerate().map(page).collect::<Vec<_>>().into()))
}

fn text(bounds: &ArrayRef, at: usize) -> Option<&str> {
    let bounds = bounds.as_string_opt::<i32>()?;
    bounds.is_valid(at).then(|| bounds.value(at))
}

/// A bound in milliseconds; other units, which other programs write, rule nothing out.
fn instant(bounds: &ArrayRef, at: usize) -> Option<i64> {
    if !matches!(bounds.data_type(), DataType::Timestamp(TimeUnit::Millisecond, _)) {
        return None;
    }
    let bounds = bounds.as_primitive_opt::<TimestampMillisecondType>()?;
    bounds.is_valid(at).then(|| bounds.value(at))
}
