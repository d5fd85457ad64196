//! The rows of one sensor picked out of a file by the keys of its dictionary: neither its name is read once a row, nor any
//! page without a row of it, nor a row of other columns that is another's.
//!
//! This reads what our own files are made of. Of any other file [`Stop::Unusual`] is all that is said, and who asked reads it as
//! any program would.

mod chunk;
mod column;
mod keys;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use object_store::path::Path;
use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;
use store::view::{LakeFile, TableView};

use crate::error::SqlError;
use chunk::{Chunk, Held};

/// Why nothing was picked.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file is not made as ours are.
    Unusual,
    /// It could not be read.
    Failed(SqlError),
}

impl From<ParquetError> for Stop {
    fn from(error: ParquetError) -> Self {
        Self::Failed(SqlError::internal(error))
    }
}

impl From<ArrowError> for Stop {
    fn from(error: ArrowError) -> Self {
        Self::Failed(SqlError::internal(error))
    }
}

/// Where the bytes of a file are.
pub(super) enum Source<'a> {
    /// Here, all of them.
    Whole(&'a Bytes),
    /// In the store of a view: the file, and its path there.
    Stored(&'a TableView, &'a LakeFile, &'a Path),
}

impl Source<'_> {
    /// The bytes of each of `ranges`.
    async fn read(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, Stop> {
        match self {
            Self::Whole(bytes) => {
                let part = |range: Range<u64>| {
                    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
                    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
                };
                ranges.into_iter().map(part).collect::<Option<_>>().ok_or(Stop::Unusual)
            }
            Self::Stored(view, file, path) => match view.at_hand(file, &ranges) {
                Some(bytes) => Ok(bytes),
                None => {
                    let read = view.store.get_ranges(path, &ranges).await;
                    read.map_err(|error| Stop::Failed(SqlError::internal(error)))
                }
            },
        }
    }
}

/// What is picked of a file.
pub(super) struct Picked<'a> {
    metadata: &'a ParquetMetaData,
    sensor: &'a str,
    schema: &'a SchemaRef,
    /// The number of the sensor's column in the file.
    by: usize,
    /// Where the columns of `schema` come from.
    columns: Vec<Origin>,
}

/// Where a column comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// The column of this number in the file.
    File(usize),
    /// The file does not have it.
    Nowhere,
}

impl<'a> Picked<'a> {
    /// The columns of `schema` of the rows of `sensor`, in the file of `metadata`.
    pub(super) fn new(metadata: &'a ParquetMetaData, sensor: &'a str, schema: &'a SchemaRef) -> Result<Self, Stop> {
        let all = metadata.file_metadata().schema_descr().columns();
        let place = |name: &str| all.iter().position(|column| column.path().parts() == [name]);
        let by = place(super::SENSOR).filter(|by| column::is_text(&all[*by]) && all[*by].max_def_level() == 0);
        let origin = |field: &Arc<Field>| match place(field.name()) {
            Some(column) if column::fits(&all[column], field.data_type()) => Ok(Origin::File(column)),
            None if !all.iter().any(|column| is_below(column, field.name())) => Ok(Origin::Nowhere),
            _ => Err(Stop::Unusual),
        };
        let columns = schema.fields().iter().map(origin).collect::<Result<_, _>>()?;
        Ok(Self { metadata, sensor, schema, by: by.ok_or(Stop::Unusual)?, columns })
    }

    /// Reads the rows from `source`, which has the bytes of the file.
    pub(super) async fn rows(&self, source: &Source<'_>) -> Result<RecordBatch, Stop> {
        let mut parts = Vec::new();
        for group in 0..self.metadata.num_row_groups() {
            let pages = self.pages(group)?;
            if pages.is_empty() {
                continue;
            }
            let held = self.held(group, &pages)?;
            let ranges = held.iter().flat_map(Held::ranges).collect();
            let bytes = source.read(ranges).await?;
            parts.extend(self.decode(held, bytes)?);
        }
        match parts.as_slice() {
            [one] => Ok(one.clone()),
            several => Ok(concat_batches(self.schema, several)?),
        }
    }

    /// The pages of the sensor's column in the row group numbered `group` that may have it.
    fn pages(&self, group: usize) -> Result<Vec<usize>, Stop> {
        let index = self.metadata.column_index().and_then(|groups| groups.get(group)?.get(self.by));
        let Some(ColumnIndexMetaData::BYTE_ARRAY(bounds)) = index else { return Err(Stop::Unusual) };
        let sensor = self.sensor.as_bytes();
        let chunk = self.metadata.row_group(group).column(self.by);
        if let Some(Statistics::ByteArray(of_all)) = chunk.statistics().filter(|it| !it.is_min_max_deprecated())
            && (of_all.min_bytes_opt().is_some_and(|low| sensor < low)
                || of_all.max_bytes_opt().is_some_and(|high| high < sensor))
        {
            return Ok(Vec::new());
        }
        let may_have = |page: &usize| {
            bounds.min_value(*page).is_none_or(|low| low <= sensor)
                && bounds.max_value(*page).is_none_or(|high| sensor <= high)
        };
        let pages = Chunk::new(self.metadata, group, self.by)?.pages();
        if u64::try_from(pages) != Ok(bounds.num_pages()) {
            return Err(Stop::Unusual);
        }
        Ok((0..pages).filter(may_have).collect())
    }

    /// What has to be there of the row group numbered `group` to read its rows that are in `pages` of the sensor's column; that
    /// column is the first.
    fn held(&self, group: usize, pages: &[usize]) -> Result<Vec<Held<'a>>, Stop> {
        let by = Chunk::new(self.metadata, group, self.by)?;
        let rows: Vec<Range<usize>> = pages.iter().map(|page| by.rows(*page)).collect::<Result<_, _>>()?;
        let mut held = vec![Held::new(by, &rows)?];
        for origin in &self.columns {
            if let Origin::File(column) = *origin {
                held.push(Held::new(Chunk::new(self.metadata, group, column)?, &rows)?);
            }
        }
        Ok(held)
    }

    /// The rows that are the sensor's in what is `held` of a row group, of which `bytes` are there.
    fn decode(&self, held: Vec<Held<'a>>, bytes: Vec<Bytes>) -> Result<Option<RecordBatch>, Stop> {
        let (mut held, mut bytes) = (held.into_iter(), bytes.into_iter());
        let mut next = || held.next().ok_or(Stop::Unusual)?.filled(&mut bytes);
        let rows = self.own(&next()?)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let count = rows.iter().map(Range::len).sum();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (origin, field) in self.columns.iter().zip(self.schema.fields()) {
            columns.push(match origin {
                Origin::File(_) => column::read(&next()?, field.data_type(), &rows)?,
                Origin::Nowhere => new_null_array(field.data_type(), count),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(Some(RecordBatch::try_new_with_options(Arc::clone(self.schema), columns, &options)?))
    }

    /// The rows of a row group that are the sensor's, by what is held of its column.
    fn own(&self, held: &Held<'_>) -> Result<Vec<Range<usize>>, Stop> {
        let Some(Page::DictionaryPage { buf, num_values, encoding, .. }) = held.dictionary()? else {
            return Err(Stop::Unusual);
        };
        if !matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY) {
            return Err(Stop::Unusual);
        }
        // a name without a key may still be in pages that are written without the dictionary
        let key = keys::key_of(&buf, num_values, self.sensor.as_bytes())?;
        let mut rows: Vec<Range<usize>> = Vec::new();
        for page in held.pages(&held.rows()) {
            let (of_page, page) = page?;
            let Page::DataPage { buf, num_values, encoding, .. } = page else { return Err(Stop::Unusual) };
            if !matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY) {
                return Err(Stop::Unusual);
            }
            let Some(key) = key else { continue };
            for found in keys::rows_of(&buf, num_values, key)? {
                let found = of_page.start + found.start..of_page.start + found.end;
                match rows.last_mut() {
                    Some(before) if before.end == found.start => before.end = found.end,
                    _ => rows.push(found),
                }
            }
        }
        Ok(rows)
    }
}

/// Whether `column` is a part of a column called `name`.
fn is_below(column: &ColumnDescriptor, name: &str) -> bool {
    column.path().parts().first().is_some_and(|first| first == name)
}

#[cfg(test)]
mod tests;
