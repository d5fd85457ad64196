//! A column in a row group: where its pages are, and what is in those that were fetched.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Decompressor;

use super::Stop;

thread_local! {
    /// Making one takes longer than what it does for a page.
    static DECOMPRESSOR: RefCell<Decompressor<'static>> = RefCell::default();
}

/// A column in a row group.
pub(super) struct Chunk<'a> {
    metadata: &'a ColumnChunkMetaData,
    locations: &'a [PageLocation],
    /// Rows of the row group.
    rows: usize,
}

impl<'a> Chunk<'a> {
    /// The column numbered `column` in the row group numbered `group`.
    pub(super) fn new(metadata: &'a ParquetMetaData, group: usize, column: usize) -> Result<Self, Stop> {
        let places = metadata.offset_index().and_then(|groups| groups.get(group)?.get(column)).ok_or(Stop::Unusual)?;
        let group = metadata.row_groups().get(group).ok_or(Stop::Unusual)?;
        let rows = usize::try_from(group.num_rows()).map_err(|_| Stop::Unusual)?;
        let chunk = Self { metadata: group.column(column), locations: places.page_locations(), rows };
        let is_known = matches!(chunk.metadata.compression(), Compression::ZSTD(_) | Compression::UNCOMPRESSED);
        let is_whole = chunk.locations.first().is_some_and(|first| first.first_row_index == 0);
        if is_known && is_whole { Ok(chunk) } else { Err(Stop::Unusual) }
    }

    /// How many pages there are.
    pub(super) fn pages(&self) -> usize {
        self.locations.len()
    }

    /// What the column is.
    pub(super) fn descriptor(&self) -> ColumnDescPtr {
        self.metadata.column_descr_ptr()
    }

    /// The rows of the page numbered `page`, as they are numbered in the row group.
    pub(super) fn rows(&self, page: usize) -> Result<Range<usize>, Stop> {
        let first = |page: &PageLocation| usize::try_from(page.first_row_index).map_err(|_| Stop::Unusual);
        let start = first(self.locations.get(page).ok_or(Stop::Unusual)?)?;
        let end = self.locations.get(page + 1).map_or(Ok(self.rows), first)?;
        if start < end && end <= self.rows { Ok(start..end) } else { Err(Stop::Unusual) }
    }

    /// Where the page numbered `page` is in the file.
    fn bytes(&self, page: usize) -> Result<Range<u64>, Stop> {
        let location = self.locations.get(page).ok_or(Stop::Unusual)?;
        let start = u64::try_from(location.offset).map_err(|_| Stop::Unusual)?;
        let length = u64::try_from(location.compressed_page_size).map_err(|_| Stop::Unusual)?;
        Ok(start..start + length)
    }

    /// Where its dictionary is in the file: all that is before the first page.
    fn dictionary(&self) -> Result<Option<Range<u64>>, Stop> {
        let start = self.metadata.dictionary_page_offset().unwrap_or(self.metadata.data_page_offset());
        let start = u64::try_from(start).map_err(|_| Stop::Unusual)?;
        let end = self.bytes(0)?.start;
        if start <= end { Ok((start < end).then_some(start..end)) } else { Err(Stop::Unusual) }
    }

    /// The page that `bytes` are, taken out of its compression.
    fn page(&self, bytes: Bytes) -> Result<Page, Stop> {
        // told that nothing is compressed, the reader of pages takes off the header and leaves the rest as it is
        let length = i32::try_from(bytes.len()).map_err(|_| Stop::Unusual)?;
        let all = PageLocation { offset: 0, compressed_page_size: length, first_row_index: 0 };
        let plain = ColumnChunkMetaData::builder(self.descriptor()).set_total_compressed_size(length.into()).build()?;
        let mut pages = SerializedPageReader::new(Arc::new(bytes), &plain, self.rows, Some(vec![all]))?;
        match pages.get_next_page()?.ok_or(Stop::Unusual)? {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics } => {
                let buf = self.inflated(buf)?;
                Ok(Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics })
            }
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                let buf = self.inflated(buf)?;
                Ok(Page::DictionaryPage { buf, num_values, encoding, is_sorted })
            }
            Page::DataPageV2 { .. } => Err(Stop::Unusual),
        }
    }

    fn inflated(&self, bytes: Bytes) -> Result<Bytes, Stop> {
        if self.metadata.compression() == Compression::UNCOMPRESSED {
            return Ok(bytes);
        }
        let size = zstd::zstd_safe::get_frame_content_size(&bytes).ok().flatten();
        let size = size.filter(|size| i64::try_from(*size).is_ok_and(|size| size <= self.metadata.uncompressed_size()));
        let size = size.and_then(|size| usize::try_from(size).ok()).ok_or(Stop::Unusual)?;
        let mut inflated = Vec::with_capacity(size);
        DECOMPRESSOR
            .with_borrow_mut(|context| context.decompress_to_buffer(&bytes, &mut inflated))
            .map_err(ParquetError::from)?;
        if inflated.len() == size { Ok(inflated.into()) } else { Err(Stop::Unusual) }
    }
}

/// A column in a row group, with the bytes of some of its pages.
pub(super) struct Held<'a> {
    chunk: Chunk<'a>,
    dictionary: Option<Range<u64>>,
    /// Rows and place of each page.
    places: Vec<(Range<usize>, Range<u64>)>,
    /// What is in the file at these places, the dictionary first.
    bytes: Vec<Bytes>,
}

impl<'a> Held<'a> {
    /// The pages of `chunk` that have some of `rows`, of which the bytes are still to come.
    pub(super) fn new(chunk: Chunk<'a>, rows: &[Range<usize>]) -> Result<Self, Stop> {
        let mut places = Vec::new();
        for page in 0..chunk.locations.len() {
            let of_page = chunk.rows(page)?;
            if have(rows, &of_page) {
                places.push((of_page, chunk.bytes(page)?));
            }
        }
        Ok(Self { dictionary: chunk.dictionary()?, chunk, places, bytes: Vec::new() })
    }

    /// The places in the file of what is wanted.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.dictionary.iter().chain(self.places.iter().map(|(_, bytes)| bytes)).cloned()
    }

    /// With its bytes, which are the next of `bytes`.
    pub(super) fn filled(mut self, bytes: &mut impl Iterator<Item = Bytes>) -> Result<Self, Stop> {
        let wanted = self.ranges().count();
        self.bytes = bytes.take(wanted).collect();
        if self.bytes.len() == wanted { Ok(self) } else { Err(Stop::Unusual) }
    }

    /// What the column is.
    pub(super) fn descriptor(&self) -> ColumnDescPtr {
        self.chunk.descriptor()
    }

    /// The page with the dictionary.
    pub(super) fn dictionary(&self) -> Result<Option<Page>, Stop> {
        match (&self.dictionary, self.bytes.first()) {
            (Some(_), Some(bytes)) => Ok(Some(self.chunk.page(bytes.clone())?)),
            _ => Ok(None),
        }
    }

    /// The pages that have some of `rows`, each with its rows.
    pub(super) fn pages(&self, rows: &[Range<usize>]) -> impl Iterator<Item = Result<(Range<usize>, Page), Stop>> {
        let pages = self.bytes.iter().skip(usize::from(self.dictionary.is_some()));
        let wanted = self.places.iter().zip(pages).filter(|((of_page, _), _)| have(rows, of_page));
        wanted.map(|((of_page, _), bytes)| {
            let page = self.chunk.page(bytes.clone())?;
            let is_whole = page.is_data_page() && usize::try_from(page.num_values()) == Ok(of_page.len());
            if is_whole { Ok((of_page.clone(), page)) } else { Err(Stop::Unusual) }
        })
    }

    /// The rows of all pages.
    pub(super) fn rows(&self) -> Vec<Range<usize>> {
        self.places.iter().map(|(rows, _)| rows.clone()).collect()
    }
}

/// Whether some of `rows` are `of_page`.
fn have(rows: &[Range<usize>], of_page: &Range<usize>) -> bool {
    let first = rows.partition_point(|rows| rows.end <= of_page.start);
    rows.get(first).is_some_and(|rows| rows.start < of_page.end)
}
