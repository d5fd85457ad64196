//! Many sorted files into one, a piece of each in memory at a time.

use std::cmp::Ordering;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};

use super::encode::{Encoded, Encoder};
use super::loaded::{Batches, Loaded};
use super::table::time_column;
use crate::Error;

/// Rows put together before they go to the new file.
const PIECE_ROWS: usize = 32 * 1024;

/// The rows of `files`, which are of one day, in one file in the order of the table; `None` when `stop` said so.
///
/// # Errors
/// When a file does not read as Parquet, or rows of `readings` are not in the order that table keeps.
pub(super) fn merge(
    schema: &SchemaRef,
    day: i64,
    files: &[Loaded],
    stop: impl Fn() -> bool,
) -> Result<Option<Encoded>, Error> {
    let mut with_units = false;
    let mut cursors = Vec::with_capacity(files.len());
    for file in files {
        with_units |= file.may_have_units()?;
        cursors.extend(Cursor::over(file, schema)?);
    }
    let mut encoder = Encoder::new(schema, day, with_units)?;
    let mut piece = Piece::of(&mut cursors);
    // The files whose rows are not all taken, the one with the lowest next row first.
    let mut order: Vec<usize> = (0..cursors.len()).collect();
    order.sort_by(|a, b| compare(&cursors[*a], &cursors[*b]));
    while let Some((&first, others)) = order.split_first() {
        let end = match others.first() {
            Some(&second) => cursors[first].rows_up_to(cursors[second].key()),
            None => cursors[first].rows(),
        };
        let cursor = &mut cursors[first];
        piece.rows.extend((cursor.row..end).map(|row| (cursor.batch_in_piece, row)));
        cursor.row = end;
        let mut goes_on = end < cursor.rows();
        if !goes_on && cursor.advance()? {
            goes_on = true;
            cursor.batch_in_piece = piece.keep(cursor.batch.clone());
        }
        order.remove(0);
        if goes_on {
            let place = order.partition_point(|other| compare(&cursors[*other], &cursors[first]).is_lt());
            order.insert(place, first);
        }
        if piece.rows.len() >= PIECE_ROWS || piece.batches.len() > 2 * cursors.len() {
            if stop() {
                return Ok(None);
            }
            piece.write(&mut encoder)?;
            piece = Piece::of(&mut cursors);
        }
    }
    piece.write(&mut encoder)?;
    encoder.finish().map(Some)
}

/// By the next row, and by nothing else: rows that compare equal come in any order of their files.
fn compare(a: &Cursor, b: &Cursor) -> Ordering {
    a.key().cmp(&b.key())
}

/// Rows picked from pieces of files.
struct Piece {
    batches: Vec<RecordBatch>,
    /// Which of `batches`, and the row in it.
    rows: Vec<(usize, usize)>,
}

impl Piece {
    /// An empty one over what `cursors` are at.
    fn of(cursors: &mut [Cursor]) -> Self {
        let mut piece = Self { batches: Vec::with_capacity(2 * cursors.len()), rows: Vec::with_capacity(PIECE_ROWS) };
        for cursor in cursors.iter_mut().filter(|cursor| cursor.row < cursor.rows()) {
            cursor.batch_in_piece = piece.keep(cursor.batch.clone());
        }
        piece
    }

    fn keep(&mut self, batch: RecordBatch) -> usize {
        self.batches.push(batch);
        self.batches.len() - 1
    }

    fn write(self, encoder: &mut Encoder) -> Result<(), Error> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        encoder.write(&interleave_record_batch(&batches, &self.rows)?)
    }
}

/// What rows are sorted by: sensor and `measured_at`, or `received_at` alone.
type Key<'a> = (&'a str, i64);

/// Where the merge is in one file.
struct Cursor {
    path: String,
    batches: Batches,
    batch: RecordBatch,
    sensor: Option<StringArray>,
    at: TimestampMillisecondArray,
    time: &'static str,
    /// The next row of `batch`.
    row: usize,
    /// The place of `batch` in the piece being put together.
    batch_in_piece: usize,
}

impl Cursor {
    /// At the first row of `file`; `None` when it has no rows.
    fn over(file: &Loaded, schema: &SchemaRef) -> Result<Option<Self>, Error> {
        let mut cursor = Self {
            path: file.file.path.clone(),
            batches: file.batches(schema)?,
            batch: RecordBatch::new_empty(schema.clone()),
            sensor: None,
            at: TimestampMillisecondArray::from(Vec::<i64>::new()),
            time: time_column(schema),
            row: 0,
            batch_in_piece: 0,
        };
        Ok(cursor.advance()?.then_some(cursor))
    }

    fn rows(&self) -> usize {
        self.at.len()
    }

    fn key(&self) -> Key<'_> {
        self.key_of(self.row)
    }

    fn key_of(&self, row: usize) -> Key<'_> {
        (self.sensor.as_ref().map_or("", |sensor| sensor.value(row)), self.at.value(row))
    }

    /// The end of the rows from the next one on that are not above `limit`; the next one is taken for one of them.
    fn rows_up_to(&self, limit: Key<'_>) -> usize {
        // Rows of one sensor often come from one file for a while: look near first.
        let (mut below, mut step) = (self.row, 1);
        while below + step < self.rows() && self.key_of(below + step) <= limit {
            below += step;
            step *= 2;
        }
        let (mut low, mut high) = (below + 1, (below + step).min(self.rows()));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key_of(middle) <= limit {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Goes to the next piece of the file; `false` when there is none.
    fn advance(&mut self) -> Result<bool, Error> {
        let last = (self.rows() > 0).then(|| self.key_of(self.rows() - 1)).map(|(sensor, at)| (sensor.to_owned(), at));
        loop {
            let Some(batch) = self.batches.next().transpose()? else { return Ok(false) };
            let column = |name| batch.column_by_name(name);
            let at = column(self.time).and_then(|at| at.as_primitive_opt::<TimestampMillisecondType>());
            let Some(at) = at.filter(|at| !at.is_empty()) else { continue };
            self.at = at.clone();
            self.sensor = column("sensor").and_then(|sensor| sensor.as_string_opt::<i32>()).cloned();
            self.batch = batch;
            self.row = 0;
            break;
        }
        let follows = last.is_none_or(|(sensor, at)| (sensor.as_str(), at) <= self.key_of(0));
        let sorted = || (1..self.rows()).all(|row| self.key_of(row - 1) <= self.key_of(row));
        // Refusals are kept in the order of their arrival, which is that of their times only nearly.
        if self.sensor.is_some() && !(follows && sorted()) {
            let what = "its rows are not in the order of sensor and instant".to_owned();
            return Err(Error::LakeDamaged { path: self.path.clone(), what });
        }
        Ok(true)
    }
}
