//! The first and the last instant of what is wanted.

use store::view::LakeFile;

use super::columns::Columns;
use super::scan::{Scan, Taker};
use crate::error::SqlError;
use crate::tables::{Spans, has};

/// The instants from the first to the last of the readings taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ends(Option<(i64, i64)>);

impl Taker for Ends {
    fn take(&mut self, columns: &Columns, spans: &Spans) {
        columns.runs(spans, |spans, _, rows| {
            for at in rows.map(|row| columns.at(row)).filter(|at| has(spans, *at)) {
                let (low, high) = self.0.unwrap_or((at, at));
                self.0 = Some((low.min(at), high.max(at)));
            }
        });
    }
}

/// The first and the last instant of the readings that `scan` is about. Only files that may have either are read.
pub(super) async fn of(scan: &Scan) -> Result<Option<(i64, i64)>, SqlError> {
    let mut ends = Ends::default();
    scan.tail(&mut ends)?;
    let mut files = scan.files();
    files.sort_by_key(|file| file.min_measured_at);
    nearer(scan, files.iter(), &mut ends, |file, (low, _)| file.min_measured_at < low).await?;
    files.sort_by_key(|file| std::cmp::Reverse(file.max_measured_at));
    nearer(scan, files.iter(), &mut ends, |file, (_, high)| file.max_measured_at > high).await?;
    Ok(ends.0)
}

/// Reads files one after another while they may reach beyond what was found.
async fn nearer<'a>(
    scan: &Scan,
    files: impl Iterator<Item = &'a LakeFile>,
    ends: &mut Ends,
    reaches: impl Fn(&LakeFile, (i64, i64)) -> bool,
) -> Result<(), SqlError> {
    for file in files {
        if ends.0.is_some_and(|found| !reaches(file, found)) {
            break;
        }
        scan.read(std::slice::from_ref(file), ends).await?;
    }
    Ok(())
}
