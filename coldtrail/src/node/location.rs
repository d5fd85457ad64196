//! Where the lake of a data directory is: in it, or in a bucket that the configuration names and the directory notes.

use std::path::Path;

use store::objects::Objects;

use super::{Layout, options, write_whole};
use crate::config::Config;
use crate::exit::Failure;

/// The place of the lake that belongs to `data`.
pub(crate) fn objects(data: &Path, config: &Config) -> Result<Objects, Failure> {
    has_location(data, config)?;
    match &config.s3 {
        Some(s3) => Ok(Objects::s3(&options::s3(s3))?),
        None => Ok(Objects::local(&Layout::of(data).lake())?),
    }
}

/// Whether `config` says where the lake is, if that is not in `data`.
pub(crate) fn has_location(data: &Path, config: &Config) -> Result<(), Failure> {
    let file = Layout::of(data).lake_location();
    match std::fs::read_to_string(&file) {
        Ok(location) if config.s3.is_none() => Err(Failure::Input(format!(
            "the lake of `{}` is in the bucket {}, as `{}` says: give the configuration it is served with, `--config FILE`",
            data.display(),
            location.trim(),
            file.display()
        ))),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::Failed(error.into())),
        _ => Ok(()),
    }
}

/// Writes down in `data` where its lake is, for those who come without the configuration.
pub(super) fn note(layout: &Layout, config: &Config) -> Result<(), Failure> {
    let Some(s3) = &config.s3 else { return Ok(()) };
    let endpoint = s3.endpoint.as_deref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
    let location = format!("s3://{}/{}{endpoint}", s3.bucket, s3.prefix);
    if std::fs::read_to_string(layout.lake_location()).ok().as_deref() != Some(location.as_str()) {
        write_whole(&layout.lake_location(), &location)?;
    }
    Ok(())
}
