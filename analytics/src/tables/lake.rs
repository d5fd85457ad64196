//! A table of the lake at one moment: its files, less those a filter rules out, and the rows not yet flushed.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::union::UnionExec;
use parquet::arrow::async_reader::AsyncFileReader;
use store::view::{LakeFile, TableView};

use super::excerpt::{Excerpt, Spans};
use super::footer;
use super::kept::Kept;
use super::narrow::{self, Narrow};
use super::opened::{Noting, Opened};
use super::prune;
use crate::error::SqlError;

/// One table of the lake, as the query engine asks for it.
#[derive(Debug)]
pub(crate) struct LakeTable {
    view: Arc<TableView>,
    opened: Opened,
    kept: Kept,
    /// The columns of the view with texts as string views, which filters and groups compare faster.
    schema: SchemaRef,
    address: ObjectStoreUrl,
    /// The column the bounds of each file speak of.
    time: &'static str,
}

impl LakeTable {
    /// The table `name` at the moment of `view`.
    pub(crate) fn new(name: &str, view: TableView, opened: Opened, kept: Kept) -> Result<Self, SqlError> {
        let address = ObjectStoreUrl::parse(address_of(name)).map_err(SqlError::internal)?;
        let time = if view.schema.column_with_name("measured_at").is_some() { "measured_at" } else { "received_at" };
        Ok(Self { schema: with_text_views(&view.schema), view: Arc::new(view), opened, kept, address, time })
    }

    /// The files as a plan, or nothing when no file is left.
    fn scan_files(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        sensors: Option<&[String]>,
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let files = prune::may_match(&self.view.files, predicate.as_ref(), &self.schema, self.time)?;
        if files.is_empty() {
            return Ok(None);
        }
        let partitions = state.config().target_partitions();
        if let Some(sensors) = sensors {
            return Ok(Some(self.narrow(state, projection)?.plan(files, sensors, partitions)));
        }
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let inner = CachedParquetFileReaderFactory::new(Arc::clone(&self.view.store), cache);
        let (opened, view) = (self.opened.clone(), Arc::clone(&self.view));
        let reader = Noting { opened, view, time: self.time, inner };
        let mut source =
            ParquetSource::new(Arc::clone(&self.schema)).with_parquet_file_reader_factory(Arc::new(reader));
        if let Some(predicate) = predicate {
            source = source.with_predicate(predicate);
        }
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX));

        let config = FileScanConfigBuilder::new(self.address.clone(), Arc::new(source))
            .with_file_groups(self.groups(files, partitions)?)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    /// Whether rows are of sensors, and files sorted by them.
    fn has_sensors(&self) -> bool {
        self.time == "measured_at"
    }

    /// The columns of `projection`, read by sensor.
    fn narrow(&self, state: &dyn Session, projection: Option<&Vec<usize>>) -> Result<Narrow> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let schema = Arc::new(self.schema.project(projection)?);
        let names = schema.fields().iter().map(|field| field.name().as_str()).chain(["sensor"]);
        let excerpt = Excerpt {
            view: Arc::clone(&self.view),
            opened: self.opened.clone(),
            footers: state.runtime_env().cache_manager.get_file_metadata_cache(),
            spans: Arc::new(Spans::default()),
            columns: names.map(str::to_owned).collect(),
        };
        Ok(Narrow::new(excerpt, self.kept.clone(), schema, projection))
    }

    /// `files` dealt out into at most `partitions` groups of about the same size.
    fn groups(&self, mut files: Vec<LakeFile>, partitions: usize) -> Result<Vec<FileGroup>> {
        files.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        let mut groups: Vec<(u64, Vec<PartitionedFile>)> = Vec::new();
        groups.resize_with(partitions.clamp(1, files.len().max(1)), Default::default);
        for file in files {
            if let Some(smallest) = groups.iter_mut().min_by_key(|(size, _)| *size) {
                smallest.0 += file.size;
                smallest.1.push(self.open(&file)?);
            }
        }
        Ok(groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect())
    }

    fn open(&self, file: &LakeFile) -> Result<PartitionedFile> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX));
        Ok(partitioned(&self.view, file)?.with_statistics(Arc::new(statistics)))
    }

    /// The tail as a plan, or nothing when it is empty.
    fn scan_tail(
        &self,
        projected: &SchemaRef,
        projection: Option<&Vec<usize>>,
        sensors: Option<&[String]>,
        partitions: usize,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let sensors: Option<Vec<&str>> = sensors.map(|sensors| sensors.iter().map(String::as_str).collect());
        let tail = self.view.tail.batches(projection.unwrap_or(&all), sensors.as_deref());
        let mut tail = tail.map_err(|error| DataFusionError::External(error.into()))?;
        tail.retain(|batch| batch.num_rows() > 0);
        if tail.is_empty() {
            return Ok(None);
        }
        let mut dealt: Vec<Vec<RecordBatch>> = vec![Vec::new(); partitions.clamp(1, tail.len())];
        let turns = dealt.len();
        for (turn, batch) in tail.iter().enumerate() {
            dealt[turn % turns].push(with_types(batch, projected)?);
        }
        Ok(Some(MemorySourceConfig::try_new_exec(&dealt, Arc::clone(projected), None)?))
    }
}

/// A reader of `file` of `view`, without a query: what it opens is noted in `opened`, its footer kept in `cache`.
pub(crate) fn open(
    view: &Arc<TableView>,
    file: &LakeFile,
    time: &'static str,
    opened: &Opened,
    cache: Arc<FileMetadataCache>,
) -> Result<Box<dyn AsyncFileReader>> {
    let inner = CachedParquetFileReaderFactory::new(Arc::clone(&view.store), cache);
    let reader = Noting { opened: opened.clone(), view: Arc::clone(view), time, inner };
    let reader = reader.create_reader(0, partitioned(view, file)?, None, &ExecutionPlanMetricsSet::new())?;
    Ok(reader)
}

/// `file` of `view`, as the query engine's readers are told of it.
fn partitioned(view: &TableView, file: &LakeFile) -> Result<PartitionedFile> {
    Ok(PartitionedFile::new_from_meta(footer::object(view, file)?).with_extension(file.clone()))
}

/// Where the object store registry finds the files of the table `name`.
pub(crate) fn address_of(name: &str) -> String {
    format!("coldtrail://{name}")
}

/// `schema` with every text column as a string view.
fn with_text_views(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::new(field.name(), DataType::Utf8View, field.is_nullable()),
        _ => field.as_ref().clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// `batch` with the types of `projected`.
fn with_types(batch: &RecordBatch, projected: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(projected.fields()).map(|(column, field)| cast(column, field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(projected), columns.collect::<Result<_, _>>()?, &options)?)
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // they rule out files and row groups; which rows match is decided above the scan
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let predicate = match conjunction(filters.to_vec()) {
            Some(filter) => {
                let columns = DFSchema::try_from(Arc::clone(&self.schema))?;
                Some(state.create_physical_expr(filter, &columns)?)
            }
            None => None,
        };
        let projected = match projection {
            Some(indices) => Arc::new(self.schema.project(indices)?),
            None => Arc::clone(&self.schema),
        };
        let sensors = predicate.as_ref().filter(|_| self.has_sensors()).and_then(narrow::sensors);
        let files = self.scan_files(state, projection, predicate, sensors.as_deref(), limit)?;
        let tail = self.scan_tail(&projected, projection, sensors.as_deref(), state.config().target_partitions())?;
        let parts: Vec<_> = files.into_iter().chain(tail).collect();
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(projected)));
        }
        UnionExec::try_new(parts)
    }
}
