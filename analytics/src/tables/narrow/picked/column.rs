//! The values of some rows of a column.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringViewBuilder};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType};
use parquet::basic::{LogicalType, TimeUnit as FileUnit, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type as stored;
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::ColumnDescriptor;

use super::Stop;
use super::chunk::Held;

/// Whether `column` is one of texts.
pub(super) fn is_text(column: &ColumnDescriptor) -> bool {
    let is_text = column.logical_type_ref() == Some(&LogicalType::String);
    is_text && column.physical_type() == Type::BYTE_ARRAY && is_flat(column)
}

/// Whether `column` has values of `wanted` as they are, and none of another unit or kind.
pub(super) fn fits(column: &ColumnDescriptor, wanted: &DataType) -> bool {
    let (kind, meaning) = (column.physical_type(), column.logical_type_ref());
    is_flat(column)
        && match wanted {
            DataType::Utf8View => is_text(column),
            DataType::Float64 => kind == Type::DOUBLE && meaning.is_none(),
            DataType::Float32 => kind == Type::FLOAT && meaning.is_none(),
            DataType::Int64 => kind == Type::INT64 && meaning.is_none(),
            DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => {
                kind == Type::INT64 && meaning == Some(&LogicalType::timestamp(true, FileUnit::MILLIS))
            }
            _ => false,
        }
}

/// Whether a row has at most one value.
fn is_flat(column: &ColumnDescriptor) -> bool {
    column.max_rep_level() == 0 && column.max_def_level() <= 1
}

/// The values of `rows` of the column that is `held`, as `wanted`, which it [`fits`].
pub(super) fn read(held: &Held<'_>, wanted: &DataType, rows: &[Range<usize>]) -> Result<ArrayRef, Stop> {
    Ok(match wanted {
        DataType::Utf8View => texts(Values::read(held, rows)?)?,
        DataType::Float64 => Arc::new(numbers::<Float64Type>(Values::<stored::DoubleType>::read(held, rows)?)),
        DataType::Float32 => Arc::new(numbers::<Float32Type>(Values::<stored::FloatType>::read(held, rows)?)),
        DataType::Int64 => Arc::new(numbers::<Int64Type>(Values::<stored::Int64Type>::read(held, rows)?)),
        DataType::Timestamp(TimeUnit::Millisecond, zone) => {
            let instants = numbers::<TimestampMillisecondType>(Values::<stored::Int64Type>::read(held, rows)?);
            Arc::new(instants.with_timezone_opt(zone.clone()))
        }
        _ => return Err(Stop::Unusual),
    })
}

fn numbers<A: ArrowPrimitiveType>(values: Values<impl stored::DataType<T = A::Native>>) -> PrimitiveArray<A> {
    match values.has_nulls() {
        false => PrimitiveArray::new(values.values.into(), None),
        true => values.into_rows().collect(),
    }
}

fn texts(values: Values<stored::ByteArrayType>) -> Result<ArrayRef, Stop> {
    let mut texts = StringViewBuilder::with_capacity(values.rows);
    for text in values.into_rows() {
        texts.append_option(text.as_ref().map(stored::ByteArray::as_utf8).transpose()?);
    }
    Ok(Arc::new(texts.finish()))
}

/// The values of some rows: those that are there, and for each row whether one is.
struct Values<T: stored::DataType> {
    values: Vec<T::T>,
    levels: Vec<i16>,
    rows: usize,
}

impl<T: stored::DataType> Values<T> {
    fn read(held: &Held<'_>, rows: &[Range<usize>]) -> Result<Self, Stop> {
        let pages = held.pages(rows).collect::<Result<Vec<_>, Stop>>()?;
        let (of_pages, mut pages): (Vec<Range<usize>>, VecDeque<Page>) = pages.into_iter().unzip();
        if let Some(dictionary) = held.dictionary()? {
            pages.push_front(dictionary);
        }
        let count = rows.iter().map(Range::len).sum();
        let mut found = Self { values: Vec::with_capacity(count), levels: Vec::new(), rows: count };
        let mut reader = ColumnReaderImpl::<T>::new(held.descriptor(), Box::new(Pages(pages)));
        let (mut places, mut at) = (Places::new(&of_pages), 0);
        for rows in rows {
            let start = places.of(rows.start).ok_or(Stop::Unusual)?;
            let skipped = reader.skip_records(start - at)?;
            let levels = Some(&mut found.levels);
            let (read, _, _) = reader.read_records(rows.len(), levels, None, &mut found.values)?;
            if (skipped, read) != (start - at, rows.len()) {
                return Err(Stop::Unusual);
            }
            at = start + read;
        }
        let levels = if found.levels.is_empty() { found.values.len() } else { found.levels.len() };
        if levels == count { Ok(found) } else { Err(Stop::Unusual) }
    }

    fn has_nulls(&self) -> bool {
        self.values.len() < self.rows
    }

    /// Row by row.
    fn into_rows(self) -> impl Iterator<Item = Option<T::T>> {
        let all_there = !self.has_nulls();
        let mut values = self.values.into_iter();
        let levels = self.levels.into_iter().map(|level| level > 0).chain(std::iter::repeat(true));
        levels.take(self.rows).map(move |there| if there || all_there { values.next() } else { None })
    }
}

/// Where rows are among those of some pages, asked for in order.
struct Places<'a> {
    pages: Peekable<std::slice::Iter<'a, Range<usize>>>,
    /// Rows of the pages that are passed.
    before: usize,
}

impl<'a> Places<'a> {
    fn new(pages: &'a [Range<usize>]) -> Self {
        Self { pages: pages.iter().peekable(), before: 0 }
    }

    /// How many rows of the pages come before `row`.
    fn of(&mut self, row: usize) -> Option<usize> {
        while let Some(passed) = self.pages.next_if(|page| page.end <= row) {
            self.before += passed.len();
        }
        let page = self.pages.peek()?;
        row.checked_sub(page.start).map(|within| self.before + within)
    }
}

/// Pages that are at hand.
struct Pages(VecDeque<Page>);

impl Iterator for Pages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop_front().map(Ok)
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        Ok(self.0.pop_front())
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        let told = |page: &Page| {
            let rows = page.is_data_page().then(|| usize::try_from(page.num_values()).unwrap_or(usize::MAX));
            PageMetadata { num_rows: rows, num_levels: rows, is_dict: page.is_dictionary_page() }
        };
        Ok(self.0.front().map(told))
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.0.pop_front();
        Ok(())
    }
}
