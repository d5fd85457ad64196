//! Parts of files that are in memory already, read without waiting for a disk.

use std::ops::Range;

use bytes::Bytes;

use super::file::{FileName, is_inside};
use crate::view::{LakeFile, TableView};

impl TableView {
    /// The bytes of each of `ranges` of `file`, when it is a file of ours on this machine and the system holds all of them in
    /// memory. Otherwise `None`, at once: whoever reads from a disk does it where waiting holds up nobody.
    #[must_use]
    pub fn at_hand(&self, file: &LakeFile, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
        let directory = self.directory.as_ref()?;
        let is_ours = FileName::parse(&file.path).is_some() && is_inside(&file.path);
        if is_ours { held(&directory.join(&file.path), ranges) } else { None }
    }
}

#[cfg(target_os = "linux")]
fn held(path: &std::path::Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
    use std::io::IoSliceMut;

    use rustix::io::{ReadWriteFlags, preadv2};

    let file = std::fs::File::open(path).ok()?;
    let read = |range: &Range<u64>| {
        let mut bytes = vec![0; usize::try_from(range.end.checked_sub(range.start)?).ok()?];
        // short when some of it is on the disk only
        let read = preadv2(&file, &mut [IoSliceMut::new(&mut bytes)], range.start, ReadWriteFlags::NOWAIT).ok()?;
        (read == bytes.len()).then(|| bytes.into())
    };
    ranges.iter().map(read).collect()
}

#[cfg(not(target_os = "linux"))]
fn held(_: &std::path::Path, _: &[Range<u64>]) -> Option<Vec<Bytes>> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;
    use crate::schema::READINGS;

    fn file(path: &str) -> LakeFile {
        LakeFile {
            path: path.to_owned(),
            size: 1000,
            rows: 1,
            min_measured_at: 0,
            max_measured_at: 0,
            min_sensor: None,
            max_sensor: None,
            modified_at: 0,
        }
    }

    #[test]
    fn only_whole_parts_of_our_own_files_are_at_hand() {
        let dir = tempfile::tempdir().unwrap();
        let name = "day=2026-11-22/00000000000000000007-0-deadbeef.parquet";
        let bytes: Vec<u8> = (0..1000_u32).map(|number| (number % 251) as u8).collect();
        let day = dir.path().join("readings/day=2026-11-22");
        std::fs::create_dir_all(&day).unwrap();
        std::fs::write(dir.path().join("readings").join(name), &bytes).unwrap();
        std::fs::write(day.join("other.parquet"), &bytes).unwrap();
        let view = |directory| TableView {
            schema: Arc::clone(&READINGS),
            files: Vec::new(),
            tail: Arc::new(Vec::new()),
            store: Arc::new(InMemory::new()),
            prefix: Path::from("readings"),
            directory,
        };
        let here = view(Some(dir.path().join("readings")));
        // a file system that cannot say what is in memory has nothing at hand
        if let Some(parts) = here.at_hand(&file(name), &[0..4, 990..1000, 5..5]) {
            assert_eq!(parts, [&bytes[..4], &bytes[990..], &[]]);
        }
        for (what, at) in [
            ("not ours", "day=2026-11-22/other.parquet"),
            ("gone", "day=2026-11-22/00000000000000000008-0-deadbeef.parquet"),
            ("outside", "day=2026-11-22/../../readings/day=2026-11-22/00000000000000000007-0-deadbeef.parquet"),
        ] {
            assert_eq!(here.at_hand(&file(at), &[0..4, 8..9]), None, "{what}");
        }
        for range in [990..1001, 2000..2001, Range { start: 4, end: 0 }] {
            assert_eq!(here.at_hand(&file(name), &[0..4, range.clone()]), None, "{range:?}");
        }
        assert_eq!(view(None).at_hand(&file(name), &[0..4, 8..9]), None, "a bucket is elsewhere");
    }
}
