//! Where the lake's files live: a local directory or a bucket, both behind one object store.

mod durable_file_system;

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

pub use durable_file_system::DurableFileSystem;

use crate::Error;

/// How to reach a bucket of S3 or a compatible service that supports conditional puts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Options {
    /// The bucket's name.
    pub bucket: String,
    /// The path inside the bucket below which the lake lies; empty for the bucket's root.
    pub prefix: String,
    /// The service's address, `None` for AWS itself.
    pub endpoint: Option<String>,
    /// The region; many compatible services take any.
    pub region: String,
    /// Access key; `None` reads the process environment.
    pub access_key_id: Option<String>,
    /// Secret key; `None` reads the process environment.
    pub secret_access_key: Option<String>,
    /// Whether plain HTTP is allowed, for services on the same machine.
    pub allow_http: bool,
}

/// An object store and the place of the lake in it.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    base: Path,
    url: String,
    local: Option<PathBuf>,
}

impl Objects {
    /// The local directory `dir`, made if missing; every put is fsynced before it returns.
    ///
    /// # Errors
    /// When the directory cannot be made or its path is not UTF-8.
    pub fn local(dir: &FilePath) -> Result<Self, Error> {
        let io = |source| Error::Io { action: "make the directory", path: dir.to_path_buf(), source };
        std::fs::create_dir_all(dir).map_err(io)?;
        let dir = dir.canonicalize().map_err(io)?;
        let base = Path::from_absolute_path(&dir)
            .map_err(|source| Error::Location { location: dir.display().to_string(), source: Box::new(source) })?;
        let url = format!("file:///{base}");
        Ok(Self { store: Arc::new(DurableFileSystem::new()), base, url, local: Some(dir) })
    }

    /// A bucket. Commits use conditional puts, so that two writers never both win a version.
    ///
    /// # Errors
    /// When the options do not make a client.
    pub fn s3(options: &S3Options) -> Result<Self, Error> {
        let location = format!("s3://{}/{}", options.bucket, options.prefix);
        let retry =
            RetryConfig { backoff: BackoffConfig::default(), max_retries: 6, retry_timeout: Duration::from_secs(60) };
        let client = ClientOptions::new().with_allow_http(options.allow_http).with_timeout(Duration::from_secs(60));
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(retry)
            .with_client_options(client);
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(key) = &options.access_key_id {
            builder = builder.with_access_key_id(key);
        }
        if let Some(secret) = &options.secret_access_key {
            builder = builder.with_secret_access_key(secret);
        }
        let store = builder
            .build()
            .map_err(|source| Error::Location { location: location.clone(), source: Box::new(source) })?;
        Ok(Self { store: Arc::new(store), base: Path::from(options.prefix.as_str()), url: location, local: None })
    }

    /// A store of the caller's, with the lake below `prefix`.
    #[must_use]
    pub fn on(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, base: Path::from(prefix), url: format!("memory:///{prefix}"), local: None }
    }

    /// The store, rooted at the file system's or bucket's root.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// The path of `name` below the lake's base.
    #[must_use]
    pub fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.base.clone(), |path, part| path.join(part))
    }

    /// The address of `name` below the lake's base, as other engines want it.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.url.trim_end_matches('/'))
    }

    /// The directory, when the lake is on a local disk.
    #[must_use]
    pub fn local_dir(&self) -> Option<&FilePath> {
        self.local.as_deref()
    }
}
