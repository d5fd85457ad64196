//! One Delta table: its log, the files of its newest version, and commits.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use arrow::datatypes::{DataType, SchemaRef};
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake_core::kernel::{Action, Add, PrimitiveType, Remove, StructField, Transaction};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use serde_json::Value;

use super::file::is_inside;
use crate::journal::Position;
use crate::objects::Objects;
use crate::schema::DAY;
use crate::view::{LakeFile, TableView};
use crate::{Error, schema};

/// A table of the lake. Commits go one after another; readers take the files of the newest version.
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    schema: SchemaRef,
    node: String,
    log: LogStoreRef,
    state: tokio::sync::Mutex<DeltaTableState>,
    shown: RwLock<Shown>,
    committed: RwLock<Committed>,
}

/// What is committed, and of that what readers have not been shown yet.
#[derive(Debug, Default)]
struct Committed {
    position: Option<Position>,
    unshown: Vec<Change>,
}

/// Files exchanged by a commit.
#[derive(Debug)]
struct Change {
    added: Vec<LakeFile>,
    removed: Vec<LakeFile>,
}

/// What readers need of the newest version.
#[derive(Clone, Debug)]
struct Shown {
    files: Arc<Vec<LakeFile>>,
}

/// Why files are exchanged; written into the table's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// New rows, or rows marked anew.
    Write,
    /// The same rows in fewer files.
    Compact,
}

impl Table {
    /// Opens the table `name`, making it when it does not exist.
    pub(super) async fn open(
        objects: &Objects,
        name: &'static str,
        schema: &SchemaRef,
        node: &str,
    ) -> Result<Self, Error> {
        let failed = |action| move |source| Error::Table { action, table: name, source: Box::new(source) };
        let location = url::Url::parse(&format!("{}/", objects.url(name)))
            .map_err(|source| Error::Location { location: objects.url(name), source: Box::new(source) })?;
        let prefixed = Arc::new(PrefixStore::new(objects.store(), objects.path(name)));
        let log = default_logstore(prefixed, objects.store(), &location, &StorageConfig::default());
        let mut table = DeltaTable::new(Arc::clone(&log));
        if has_log(objects, name).await? {
            table.load().await.map_err(failed("open"))?;
        } else {
            table = create(&log, name, schema).await.map_err(failed("create"))?;
        }
        let state = table.snapshot().map_err(failed("open"))?.clone();
        let committed = state.transaction_version(log.as_ref(), node).await.map_err(failed("open"))?;
        let files = files_of(&state)?;
        let committed = committed.and_then(|version| u64::try_from(version).ok()).map(Position::new);
        let committed = RwLock::new(Committed { position: committed, unshown: Vec::new() });
        let shown = RwLock::new(Shown { files: Arc::new(files) });
        let state = tokio::sync::Mutex::new(state);
        Ok(Self { name, schema: Arc::clone(schema), node: node.to_owned(), log, state, shown, committed })
    }

    /// Checks that the table `name` is there.
    pub(super) async fn expect(objects: &Objects, name: &'static str) -> Result<(), Error> {
        match has_log(objects, name).await? {
            true => Ok(()),
            false => Err(Error::LakeDamaged { path: name.to_owned(), what: "its log is missing".into() }),
        }
    }

    /// The number of the newest version.
    pub(super) async fn version(&self) -> u64 {
        self.state.lock().await.version()
    }

    /// The table's name, which is its directory below the lake.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The files of the newest version.
    #[must_use]
    pub fn files(&self) -> Arc<Vec<LakeFile>> {
        Arc::clone(&self.shown().files)
    }

    /// The last journal position that is committed, if any.
    #[must_use]
    pub fn committed(&self) -> Option<Position> {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).position
    }

    /// The columns, without the partition column.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The path of `file` in the object store.
    pub(super) fn path(&self, objects: &Objects, file: &str) -> Path {
        file.split('/').fold(objects.path(self.name), |path, part| path.join(part))
    }

    pub(super) fn view(&self, objects: &Objects) -> TableView {
        TableView {
            schema: Arc::clone(&self.schema),
            files: self.files().as_ref().clone(),
            tail: Arc::new(Vec::new()),
            store: objects.store(),
            prefix: objects.path(self.name),
            directory: objects.local_dir().map(|lake| lake.join(self.name)),
        }
    }

    /// Exchanges `removed` for `added` in one commit, which reaches `position` of the journal when given.
    ///
    /// Readers go on seeing the files from before until [`Table::show`], but for a compaction, whose rows are the same.
    /// Nothing is committed, and the answer is `false`, when the table has `position` or a later one already, or when
    /// a compaction would take out a file that has gone meanwhile: the files added are then orphans.
    ///
    /// # Errors
    /// When the log refuses; and [`Error::Replaced`] when a write would take out a file that has gone meanwhile.
    pub(super) async fn commit(
        &self,
        added: Vec<LakeFile>,
        removed: &[LakeFile],
        position: Option<Position>,
        purpose: Purpose,
    ) -> Result<bool, Error> {
        let mut state = self.state.lock().await;
        if let Some(position) = position
            && self.committed().is_some_and(|committed| committed >= position)
        {
            return Ok(false);
        }
        if let Some(path) = gone(&state, removed) {
            // What readers are shown differs from the log only after a commit whose outcome was not known.
            self.show_all_of(&state)?;
            return match purpose {
                Purpose::Compact => Ok(false),
                Purpose::Write => Err(Error::Replaced { table: self.name, path }),
            };
        }
        let change = Change { added, removed: removed.to_vec() };
        let known = self.write(&mut state, &change, position, purpose).await?;
        let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        committed.position = position.max(committed.position);
        match purpose {
            Purpose::Write => committed.unshown.push(change),
            // The same rows: it may be seen at once, and must not bring a flush before its moment.
            Purpose::Compact => self.apply(change),
        }
        drop(committed);
        if !known {
            self.show_all_of(&state)?;
        }
        Ok(true)
    }

    /// Writes a commit and takes up the version it makes; `false` when the log had to be read to know that it was
    /// written.
    async fn write(
        &self,
        state: &mut DeltaTableState,
        change: &Change,
        position: Option<Position>,
        purpose: Purpose,
    ) -> Result<bool, Error> {
        let failed = |source| Error::Table { action: "commit to", table: self.name, source: Box::new(source) };
        let mut properties = CommitProperties::default();
        if let Some(position) = position {
            let version = i64::try_from(position.get()).unwrap_or(i64::MAX);
            properties = properties.with_application_transaction(Transaction::new(&self.node, version));
        }
        let commit = CommitBuilder::from(properties)
            .with_actions(actions(&change.added, &change.removed, purpose))
            .build(Some(&*state as &dyn TableReference), Arc::clone(&self.log), operation(purpose))
            .await;
        let error = match commit {
            Ok(commit) => {
                *state = commit.snapshot();
                return Ok(true);
            }
            Err(error) => error,
        };
        // The answer may have been lost after the commit was written: the log itself tells.
        let newest = DeltaTableState::try_new(self.log.as_ref(), None).await.map_err(failed)?;
        let reached = newest.transaction_version(self.log.as_ref(), &self.node).await.map_err(failed)?;
        let reached = reached.and_then(|version| u64::try_from(version).ok()).map(Position::new);
        *state = newest;
        let written = match position {
            Some(position) => reached >= Some(position),
            None => gone(state, &change.added).is_none(),
        };
        if written { Ok(false) } else { Err(failed(error)) }
    }

    /// Paths of files that commits have taken out since `since_ms`.
    pub(super) async fn retired_since(&self, since_ms: i64) -> Result<HashSet<String>, Error> {
        let failed = |source| Error::Table { action: "read the log of", table: self.name, source: Box::new(source) };
        let state = self.state.lock().await;
        let removed: Vec<_> = state.all_tombstones(self.log.as_ref()).try_collect().await.map_err(failed)?;
        let lately = removed.iter().filter(|file| file.deletion_timestamp().is_none_or(|at| at >= since_ms));
        Ok(lately.map(|file| file.path().to_string()).collect())
    }

    /// Lets readers see all that is committed. For a flush this is done in the moment its rows leave the tail.
    pub(super) fn show(&self) {
        let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        for change in committed.unshown.drain(..) {
            self.apply(change);
        }
    }

    /// Lets readers see what `state` has, but for what waits for [`Table::show`].
    fn show_all_of(&self, state: &DeltaTableState) -> Result<(), Error> {
        let committed = self.committed.read().unwrap_or_else(PoisonError::into_inner);
        let mut files = files_of(state)?;
        for change in committed.unshown.iter().rev() {
            files.retain(|file| !change.added.iter().any(|added| added.path == file.path));
            files.extend(change.removed.iter().cloned());
        }
        self.shown.write().unwrap_or_else(PoisonError::into_inner).files = Arc::new(files);
        Ok(())
    }

    fn apply(&self, change: Change) {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        let gone: HashSet<&str> = change.removed.iter().map(|file| file.path.as_str()).collect();
        let kept = shown.files.iter().filter(|file| !gone.contains(file.path.as_str())).cloned();
        shown.files = Arc::new(kept.chain(change.added).collect());
    }

    fn shown(&self) -> Shown {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn has_log(objects: &Objects, name: &str) -> Result<bool, Error> {
    let log = objects.path(name).join("_delta_log");
    let first = objects.store().list(Some(&log)).try_next().await;
    Ok(first.map_err(|source| Error::Object { action: "list", path: log.to_string(), source })?.is_some())
}

async fn create(log: &LogStoreRef, name: &str, schema: &SchemaRef) -> Result<DeltaTable, DeltaTableError> {
    let day = StructField::new(DAY, PrimitiveType::Date, false);
    let columns = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::Timestamp(..) => PrimitiveType::Timestamp,
            DataType::Float64 => PrimitiveType::Double,
            DataType::Float32 => PrimitiveType::Float,
            DataType::Int64 => PrimitiveType::Long,
            _ => PrimitiveType::String,
        };
        StructField::new(field.name(), kind, field.is_nullable())
    });
    CreateBuilder::new()
        .with_log_store(Arc::clone(log))
        .with_table_name(name)
        .with_columns(columns.chain(std::iter::once(day)))
        .with_partition_columns([DAY])
        .with_save_mode(SaveMode::ErrorIfExists)
        .with_configuration([
            ("delta.checkpointInterval", Some("50")),
            ("delta.deletedFileRetentionDuration", Some("interval 24 hours")),
            ("delta.logRetentionDuration", Some("interval 30 days")),
        ])
        .await
}

fn operation(purpose: Purpose) -> DeltaOperation {
    let partition_by = Some(vec![DAY.to_owned()]);
    match purpose {
        Purpose::Write => DeltaOperation::Write { mode: SaveMode::Append, partition_by, predicate: None },
        Purpose::Compact => DeltaOperation::Optimize { predicate: None, target_size: 0 },
    }
}

fn actions(added: &[LakeFile], removed: &[LakeFile], purpose: Purpose) -> Vec<Action> {
    let data_change = purpose == Purpose::Write;
    let day =
        |path: &str| path.strip_prefix("day=").and_then(|rest| rest.split_once('/')).map(|(day, _)| day.to_owned());
    let partition = |path: &str| HashMap::from([(DAY.to_owned(), day(path))]);
    let removed = removed.iter().map(|file| {
        Action::Remove(Remove {
            path: file.path.clone(),
            data_change,
            deletion_timestamp: Some(chrono::Utc::now().timestamp_millis()),
            extended_file_metadata: Some(true),
            partition_values: Some(partition(&file.path)),
            size: i64::try_from(file.size).ok(),
            ..Default::default()
        })
    });
    let added = added.iter().map(|file| {
        Action::Add(Add {
            path: file.path.clone(),
            partition_values: partition(&file.path),
            size: i64::try_from(file.size).unwrap_or(i64::MAX),
            modification_time: file.modified_at,
            data_change,
            stats: Some(stats(file).to_string()),
            ..Default::default()
        })
    });
    removed.chain(added).collect()
}

/// The statistics of a file as the table format writes them.
fn stats(file: &LakeFile) -> Value {
    let at = |millis| Value::String(model::instant::to_rfc3339(millis));
    let (min, max) = match (&file.min_sensor, &file.max_sensor) {
        (Some(min), Some(max)) => (
            serde_json::json!({"sensor": min, "measured_at": at(file.min_measured_at)}),
            serde_json::json!({"sensor": max, "measured_at": at(file.max_measured_at)}),
        ),
        _ => (
            serde_json::json!({"received_at": at(file.min_measured_at)}),
            serde_json::json!({"received_at": at(file.max_measured_at)}),
        ),
    };
    serde_json::json!({"numRecords": file.rows, "minValues": min, "maxValues": max, "nullCount": {}})
}

/// The files of a version.
fn files_of(state: &DeltaTableState) -> Result<Vec<LakeFile>, Error> {
    state.log_data().iter().map(|file| lake_file(&file)).collect()
}

/// One of `files` that `state` does not have.
fn gone(state: &DeltaTableState, files: &[LakeFile]) -> Option<String> {
    let mut wanted: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    if !wanted.is_empty() {
        for file in state.log_data().iter() {
            wanted.remove(file.path().as_ref());
        }
    }
    wanted.into_iter().next().map(str::to_owned)
}

/// The reverse of [`stats`]: a file of the log. Bounds that are missing are the widest.
fn lake_file(file: &deltalake_core::kernel::LogicalFileView) -> Result<LakeFile, Error> {
    let path = file.path().into_owned();
    if !is_inside(&path) {
        return Err(Error::LakeDamaged { path, what: "in the log it leads out of its table".into() });
    }
    let stats: Value = file.stats().and_then(|stats| serde_json::from_str(&stats).ok()).unwrap_or_default();
    let bound = |side: &str, column: &str| stats[side][column].as_str().map(str::to_owned);
    let instant = |side: &str| {
        let text = bound(side, "measured_at").or_else(|| bound(side, "received_at"))?;
        model::instant::parse_millis(&text)
    };
    Ok(LakeFile {
        size: u64::try_from(file.size())
            .map_err(|_| Error::LakeDamaged { path: path.clone(), what: "its size in the log is negative".into() })?,
        rows: stats["numRecords"].as_u64().unwrap_or_default(),
        min_measured_at: instant("minValues").unwrap_or(i64::MIN),
        max_measured_at: instant("maxValues").unwrap_or(i64::MAX),
        min_sensor: bound("minValues", "sensor"),
        max_sensor: bound("maxValues", "sensor"),
        modified_at: file.modification_time(),
        path,
    })
}

/// The column whose bounds a table's files are known by.
pub(super) fn time_column(schema: &SchemaRef) -> &'static str {
    if Arc::ptr_eq(schema, &schema::READINGS) { "measured_at" } else { "received_at" }
}
