//! Applying a document: whole or not at all, and again without effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check;
use super::document::RegistryDocument;
use super::entity::{Kind, Record};
use super::read::{Problem, Problems};
use super::state::{Recorded, Registry, Table};
use crate::instant::RecordedAt;

/// What a document would do to a registry.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The records it creates or updates, in the order of the sections.
    pub changes: Vec<Change>,
    /// How many of its records are registered just so already.
    pub unchanged: usize,
    /// What it may do, but somebody may want to know: each with its pointer.
    pub notices: Vec<Problem>,
    /// The registry afterwards.
    pub after: Registry,
}

/// One record that a document creates or updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its kind.
    pub kind: Kind,
    /// Its key, as text.
    pub key: String,
    /// The version it gets.
    pub version: u32,
    /// The version it replaces; `None` when the record is new.
    pub before: Option<u32>,
    /// Its content in canonical form.
    pub after: String,
}

impl Plan {
    /// How many records are new.
    #[must_use]
    pub fn created(&self) -> usize {
        self.changes.iter().filter(|change| change.before.is_none()).count()
    }

    /// How many records get another version.
    #[must_use]
    pub fn updated(&self) -> usize {
        self.changes.len() - self.created()
    }
}

impl Registry {
    /// What `document` would do, recorded at `recorded_at`. Nothing is deleted by absence; the order of the
    /// document's arrays does not matter; everything is checked against what holds after the whole of it.
    ///
    /// # Errors
    /// Every reason to refuse it, each with its JSON pointer; then nothing of it may be applied.
    pub fn plan(&self, document: &RegistryDocument, recorded_at: RecordedAt) -> Result<Plan, Vec<Problem>> {
        let problems = Problems::default();
        let mut after = self.clone();
        let mut merge = Merge { changes: Vec::new(), unchanged: 0, recorded_at, problems: &problems };
        merge.section(&document.products, |product| after.products.upsert(product));
        merge.section(&document.places, |place| after.places.upsert(place));
        merge.section(&document.sensors, |sensor| after.sensors.upsert(sensor));
        merge.section(&document.associations, |association| after.associations.upsert(association));
        merge.section(&document.lots, |lot| after.lots.upsert(lot));
        merge.section(&document.units, |unit| after.units.upsert(unit));
        merge.section(&document.splits, |split| match split {
            Step::Find(key) => after.splits.get(key).cloned(),
            Step::Put(recorded) => {
                after.put_split(recorded);
                None
            }
        });
        merge.section(&document.aggregations, |aggregation| match aggregation {
            Step::Find(key) => after.aggregations.get(key).cloned(),
            Step::Put(recorded) => {
                after.put_aggregation(recorded);
                None
            }
        });
        merge.section(&document.moves, |movement| after.moves.upsert(movement));
        merge.section(&document.exclusions, |exclusion| after.exclusions.upsert(exclusion));
        merge.section(&document.closures, |closure| after.closures.upsert(closure));
        merge.section(&document.recipients, |recipient| after.recipients.upsert(recipient));
        let (changes, unchanged) = (merge.changes, merge.unchanged);
        let notices = check::document(self, document, &after, &problems);
        match problems.into_vec() {
            problems if problems.is_empty() => Ok(Plan { changes, unchanged, notices, after }),
            problems => Err(problems),
        }
    }
}

/// What the merge asks a table: what stands there, or to put something there.
enum Step<'a, T: Record> {
    Find(&'a T::Key),
    Put(Recorded<T>),
}

impl<T: Record> Table<T> {
    fn upsert(&mut self, step: Step<'_, T>) -> Option<Recorded<T>> {
        match step {
            Step::Find(key) => self.get(key).cloned(),
            Step::Put(recorded) => {
                self.put(recorded.key(), recorded);
                None
            }
        }
    }
}

/// The sections merged so far.
struct Merge<'a> {
    changes: Vec<Change>,
    unchanged: usize,
    recorded_at: RecordedAt,
    problems: &'a Problems,
}

impl Merge<'_> {
    fn section<T: Record>(&mut self, records: &[T], mut table: impl FnMut(Step<'_, T>) -> Option<Recorded<T>>) {
        let mut seen: BTreeMap<T::Key, String> = BTreeMap::new();
        for (index, record) in records.iter().enumerate() {
            let key = record.key();
            let content = record.to_canonical();
            if let Some(earlier) = seen.get(&key) {
                if *earlier == content {
                    self.unchanged += 1;
                } else {
                    let pointer = format!("/{}/{index}", T::KIND.section());
                    self.problems.push(pointer, contradiction(T::KIND, &T::key_text(&key)));
                }
                continue;
            }
            let before = table(Step::Find(&key));
            if before.as_ref().is_some_and(|before| before.to_canonical() == content) {
                self.unchanged += 1;
            } else {
                let replaced = before.map(|before| before.version);
                let version = replaced.map_or(1, |version| version.saturating_add(1));
                let (key, after) = (T::key_text(&key), content.clone());
                self.changes.push(Change { kind: T::KIND, key, version, before: replaced, after });
                let record = Arc::new(record.clone());
                table(Step::Put(Recorded { record, version, recorded_at: self.recorded_at }));
            }
            seen.insert(key, content);
        }
    }
}

/// What it means that one document gives two contents for one key.
fn contradiction(kind: Kind, key: &str) -> String {
    let meaning = match kind {
        Kind::Association => "a sensor cannot be in two places at once",
        Kind::Move => "a unit cannot make two moves at one instant",
        Kind::Split => "a unit cannot be split twice at one instant: put all children into one split",
        _ => "keep the one that is meant",
    };
    format!("`{key}` stands in this document twice with different content: {meaning}")
}
