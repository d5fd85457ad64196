//! Footers of files, which tell where what is in a file.

use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use datafusion::datasource::physical_plan::parquet::CachedParquetMetaData;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use store::lake::FileName;
use store::view::{LakeFile, TableView};

/// `file` of `view` as the object store knows it.
pub(crate) fn object(view: &TableView, file: &LakeFile) -> Result<ObjectMeta> {
    let location = match view.prefix.as_ref() {
        "" => Path::parse(&file.path),
        prefix => Path::parse(format!("{prefix}/{}", file.path)),
    };
    Ok(ObjectMeta {
        location: location.map_err(|error| DataFusionError::External(error.into()))?,
        last_modified: DateTime::from_timestamp_millis(file.modified_at).unwrap_or_default(),
        size: file.size,
        e_tag: None,
        version: None,
    })
}

/// The footer of `file`, which is `object` of `view`, with the index of its pages: from `cache`, from its bytes when they are here as
/// a `whole`, or read.
pub(crate) async fn footer(
    view: &TableView,
    file: &LakeFile,
    object: &ObjectMeta,
    cache: &Arc<FileMetadataCache>,
    whole: Option<&Bytes>,
) -> Result<Arc<ParquetMetaData>> {
    let kept = cache.get(&object.location).filter(|kept| kept.is_valid_for(object));
    let kept = kept.and_then(|kept| {
        let kept = kept.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
        Some(Arc::clone(kept.parquet_metadata()))
    });
    let footer = match (kept, whole) {
        (Some(kept), _) if kept.offset_index().is_some() => kept,
        (_, Some(bytes)) => {
            let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
            let footer = Arc::new(reader.parse_and_finish(bytes)?);
            let entry = Arc::new(CachedParquetMetaData::new(Arc::clone(&footer)));
            cache.put(&object.location, CachedFileMetadataEntry::new(object.clone(), entry));
            footer
        }
        _ => {
            DFParquetMetadata::new(view.store.as_ref(), object)
                .with_file_metadata_cache(Some(Arc::clone(cache)))
                .with_page_index_policy(Some(PageIndexPolicy::Optional))
                .fetch_metadata()
                .await?
        }
    };
    must_be_of(file, "measured_at", &footer)?;
    Ok(footer)
}

/// Fails unless a footer fits what the table's log says of the file: a file under another's name is whole Parquet. Only
/// told of files that we wrote: others may write instants in another unit. `time` is the column the bounds of the file speak of.
pub(crate) fn must_be_of(file: &LakeFile, time: &str, metadata: &ParquetMetaData) -> ParquetResult<()> {
    if FileName::parse(&file.path).is_none() || is_of(file, time, metadata) {
        return Ok(());
    }
    Err(ParquetError::General(format!("`{}` holds another file", file.path)))
}

fn is_of(file: &LakeFile, time: &str, metadata: &ParquetMetaData) -> bool {
    let rows = metadata.file_metadata().num_rows();
    let columns = metadata.file_metadata().schema_descr().columns();
    let time = columns.iter().position(|column| column.name() == time);
    let within = |statistics: &Statistics| match statistics {
        Statistics::Int64(bounds) => {
            bounds.min_opt().is_none_or(|min| file.min_measured_at <= *min)
                && bounds.max_opt().is_none_or(|max| *max <= file.max_measured_at)
        }
        _ => true,
    };
    let bounds = |time: usize| metadata.row_groups().iter().filter_map(move |group| group.column(time).statistics());
    u64::try_from(rows) == Ok(file.rows) && time.is_none_or(|time| bounds(time).all(within))
}
