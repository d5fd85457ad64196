//! Reads the readings of some sensors out of lake and tail, on as many threads as there are.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use store::view::LakeFile;
use tokio_util::task::AbortOnDropHandle;

use super::columns::{Columns, NAMES};
use crate::error::SqlError;
use crate::sql::Look;
use crate::tables::{Excerpt, Spans};

/// Files fetched ahead of the one that is decoded.
const AHEAD: usize = 3;

/// One moment of the readings, of which some are wanted.
pub(super) struct Scan {
    excerpt: Excerpt,
    threads: usize,
}

/// Whatever takes batches of readings.
pub(super) trait Taker: Send + 'static {
    /// Takes those that are in `spans`.
    fn take(&mut self, columns: &Columns, spans: &Spans);
}

impl Scan {
    /// What is in `spans` at the moment of `look`.
    pub(super) fn new(look: Look, spans: Spans) -> Self {
        Self { threads: look.threads(), excerpt: look.excerpt(spans, NAMES.map(str::to_owned)) }
    }

    /// Gives all that is wanted to takers, one for each thread.
    pub(super) async fn all<T: Taker>(self: Arc<Self>, taker: impl Fn() -> T) -> Result<Vec<T>, SqlError> {
        let mut files = self.files();
        files.sort_by_key(|file| std::cmp::Reverse(file.size));
        let mut dealt: Vec<Vec<LakeFile>> = vec![Vec::new(); self.threads.clamp(1, files.len().max(1))];
        let turns = dealt.len();
        for (turn, file) in files.into_iter().enumerate() {
            dealt[turn % turns].push(file);
        }
        let mut first = taker();
        self.tail(&mut first)?;
        let mut begun = Some(first);
        let work = dealt.into_iter().map(|files| {
            let (scan, mut taker) = (Arc::clone(&self), begun.take().unwrap_or_else(&taker));
            AbortOnDropHandle::new(tokio::spawn(async move {
                scan.read(&files, &mut taker).await?;
                Ok::<_, SqlError>(taker)
            }))
        });
        let work: Vec<_> = work.collect();
        let mut takers = Vec::with_capacity(work.len());
        for task in work {
            takers.push(task.await.map_err(SqlError::internal)??);
        }
        Ok(takers)
    }

    /// The files that may have something that is wanted.
    pub(super) fn files(&self) -> Vec<LakeFile> {
        self.excerpt.files()
    }

    /// Gives what the tail has.
    pub(super) fn tail(&self, taker: &mut impl Taker) -> Result<(), SqlError> {
        for batch in self.excerpt.tail()? {
            taker.take(&Columns::of(&batch)?, &self.excerpt.spans);
        }
        Ok(())
    }

    /// Gives what `files` have.
    pub(super) async fn read(&self, files: &[LakeFile], taker: &mut impl Taker) -> Result<(), SqlError> {
        let fetch = |file: LakeFile| async move {
            let fetched = self.excerpt.fetch(&file).await?;
            Ok::<_, SqlError>((file, fetched))
        };
        let mut fetched = std::pin::pin!(futures::stream::iter(files.to_vec()).map(fetch).buffered(AHEAD));
        while let Some((file, fetched)) = fetched.try_next().await? {
            let take = |batch| {
                taker.take(&Columns::of(&batch)?, &self.excerpt.spans);
                Ok(())
            };
            self.excerpt.decode(&file, fetched, take).await?;
        }
        Ok(())
    }
}
