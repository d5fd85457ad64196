//! The query engine's session for one query: allowed functions, offered tables, one memory pool, no disk.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::cache::cache_manager::CacheManager;
use datafusion::execution::context::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::prelude::SessionConfig;
use object_store::ObjectStore;
use url::Url;

use super::functions::ALLOWED;
use super::limits::Limits;
use super::texts::BoundConcatenation;
use crate::tables::Tables;

const CATALOG: &str = "coldtrail";
const SCHEMA: &str = "public";

/// What the sessions of one engine share: configuration and the cache of file footers.
pub(crate) struct Sessions {
    config: SessionConfig,
    base: RuntimeEnv,
}

impl Sessions {
    pub(crate) fn new(partitions: usize) -> Result<Self> {
        let mut config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(false);
        let options = config.options_mut();
        options.execution.enable_recursive_ctes = false;
        options.execution.time_zone = Some("UTC".to_owned());
        let base = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .with_object_store_registry(Arc::new(Stores::default()))
            .build()?;
        Ok(Self { config, base })
    }

    /// The caches that outlive a query: of file footers, for one.
    pub(crate) fn caches(&self) -> Arc<CacheManager> {
        Arc::clone(&self.base.cache_manager)
    }

    /// A session over `tables` at the instant `now`.
    pub(crate) fn open(&self, tables: Tables, limits: &Limits, now: DateTime<Utc>) -> Result<SessionState> {
        let schema = MemorySchemaProvider::new();
        for (name, provider) in tables.providers {
            schema.register_table(name.to_owned(), provider)?;
        }
        let functions = tables.functions.into_iter();
        let functions = functions.map(|(name, function)| (name.to_owned(), Arc::new(function))).collect();
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::new(schema))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));

        let pool = GreedyMemoryPool::new(usize::try_from(limits.max_memory_bytes).unwrap_or(usize::MAX));
        let runtime = RuntimeEnv {
            memory_pool: Arc::new(pool),
            object_store_registry: Arc::new(Stores { by_host: tables.stores }),
            ..self.base.clone()
        };
        let mut state = SessionStateBuilder::new()
            .with_config(self.config.clone())
            .with_runtime_env(Arc::new(runtime))
            .with_catalog_list(Arc::new(catalogs))
            .with_expr_planners(SessionStateDefaults::default_expr_planners())
            .with_scalar_functions(ALLOWED.scalar.clone())
            .with_aggregate_functions(ALLOWED.aggregate.clone())
            .with_window_functions(ALLOWED.window.clone())
            .with_table_functions(functions)
            .build();
        state.register_function_rewrite(Arc::new(BoundConcatenation::new()))?;
        state.execution_props_mut().query_execution_start_time = Some(now);
        Ok(state)
    }
}

/// The object stores of the offered tables, and no other: no address leads to a file of ours or to the network.
#[derive(Debug, Default)]
struct Stores {
    by_host: HashMap<&'static str, Arc<dyn ObjectStore>>,
}

impl ObjectStoreRegistry for Stores {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let known =
            (url.scheme() == "coldtrail").then(|| url.host_str().and_then(|host| self.by_host.get(host))).flatten();
        known.cloned().ok_or_else(|| DataFusionError::Plan(format!("`{url}` is not a table's store")))
    }
}
