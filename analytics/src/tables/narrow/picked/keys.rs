//! Keys of a dictionary, as pages have them: runs of one key, and stretches of keys packed bit by bit.

use std::ops::Range;

use super::Stop;

/// The key that stands for `wanted` in a dictionary of `count` texts; `None` when it is not in there.
pub(super) fn key_of(dictionary: &[u8], count: u32, wanted: &[u8]) -> Result<Option<u32>, Stop> {
    let (mut rest, mut found) = (dictionary, None);
    for key in 0..count {
        let (length, after) = rest.split_first_chunk().ok_or(Stop::Unusual)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Stop::Unusual)?;
        let (text, after) = after.split_at_checked(length).ok_or(Stop::Unusual)?;
        if text == wanted && found.replace(key).is_some() {
            return Err(Stop::Unusual);
        }
        rest = after;
    }
    Ok(found)
}

/// The rows with the key `wanted` in a page of `count` keys: in order, apart from each other.
pub(super) fn rows_of(page: &[u8], count: u32, wanted: u32) -> Result<Vec<Range<usize>>, Stop> {
    let count = usize::try_from(count).map_err(|_| Stop::Unusual)?;
    let (width, mut rest) = page.split_first().ok_or(Stop::Unusual)?;
    let width = usize::from(*width);
    if width > 32 {
        return Err(Stop::Unusual);
    }
    let mut rows = Rows::default();
    let mut at = 0;
    while at < count {
        let header = varint(&mut rest)?;
        let length = usize::try_from(header >> 1).map_err(|_| Stop::Unusual)?;
        if header & 1 == 0 {
            let (key, after) = rest.split_at_checked(width.div_ceil(8)).ok_or(Stop::Unusual)?;
            let key = key.iter().rev().fold(0, |key, byte| key << 8 | u32::from(*byte));
            let end = length.checked_add(at).ok_or(Stop::Unusual)?.min(count);
            if key == wanted {
                rows.add(at..end);
            }
            (at, rest) = (end, after);
        } else {
            let bytes = length.checked_mul(width).ok_or(Stop::Unusual)?;
            let (packed, after) = rest.split_at_checked(bytes).ok_or(Stop::Unusual)?;
            let end = length.checked_mul(8).and_then(|keys| keys.checked_add(at)).ok_or(Stop::Unusual)?.min(count);
            for row in at..end {
                if unpacked(packed, width, row - at) == u64::from(wanted) {
                    rows.add(row..row + 1);
                }
            }
            (at, rest) = (end, after);
        }
    }
    Ok(rows.0)
}

/// The key numbered `number` of those in `packed`, each of `width` bits.
fn unpacked(packed: &[u8], width: usize, number: usize) -> u64 {
    let bit = number * width;
    let bytes = packed.get(bit / 8..).unwrap_or_default();
    let near = bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut last = [0; 8];
        last.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        last
    });
    u64::from_le_bytes(near) >> (bit % 8) & ((1 << width) - 1)
}

/// A number of up to 32 bits, of which each byte has seven.
fn varint(bytes: &mut &[u8]) -> Result<u32, Stop> {
    let mut number = 0_u32;
    for shift in (0..32).step_by(7) {
        let (byte, after) = bytes.split_first().ok_or(Stop::Unusual)?;
        *bytes = after;
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Stop::Unusual)
}

/// Rows in order, those that touch joined.
#[derive(Default)]
struct Rows(Vec<Range<usize>>);

impl Rows {
    fn add(&mut self, rows: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ if rows.is_empty() => {}
            _ => self.0.push(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of `keys`, each of `width` bits: in runs where `in_runs`, else packed.
    fn page(keys: &[u32], width: usize, in_runs: bool) -> Vec<u8> {
        let mut page = vec![u8::try_from(width).unwrap()];
        let varint = |page: &mut Vec<u8>, mut number: usize| {
            while number >= 0x80 {
                page.push((number & 0x7f) as u8 | 0x80);
                number >>= 7;
            }
            page.push(number as u8);
        };
        if in_runs {
            for run in keys.chunk_by(|a, b| a == b) {
                varint(&mut page, run.len() << 1);
                page.extend(&run[0].to_le_bytes()[..width.div_ceil(8)]);
            }
            return page;
        }
        let groups = keys.len().div_ceil(8);
        varint(&mut page, groups << 1 | 1);
        let mut bits = vec![false; groups * 8 * width];
        for (number, key) in keys.iter().enumerate() {
            (0..width).for_each(|bit| bits[number * width + bit] = key >> bit & 1 == 1);
        }
        page.extend(bits.chunks(8).map(|bits| (0..8).fold(0, |byte, bit| byte | u8::from(bits[bit]) << bit)));
        page
    }

    #[test]
    fn finds_the_rows_of_a_key_in_runs_and_in_packed_keys() {
        for width in [1, 3, 7, 8, 11, 20, 31, 32] {
            let most = u32::try_from((1_u64 << width) - 1).unwrap();
            let keys: Vec<u32> = (0..777_u32).map(|row| (row / 5).wrapping_mul(2_654_435_761) & most).collect();
            for wanted in [keys[0], keys[5], keys[776], most] {
                let expected: Vec<usize> = (0..keys.len()).filter(|row| keys[*row] == wanted).collect();
                for in_runs in [true, false] {
                    let found = rows_of(&page(&keys, width, in_runs), 777, wanted).unwrap();
                    assert!(found.windows(2).all(|pair| pair[0].end < pair[1].start), "{found:?}");
                    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), expected, "{width} {wanted} {in_runs}");
                }
            }
        }
        let one = rows_of(&page(&[0; 9], 0, true), 9, 0).unwrap();
        assert_eq!(one.first(), Some(&(0..9)), "a dictionary of one text needs no bits");
    }

    #[test]
    fn bytes_that_end_early_are_not_taken_for_keys() {
        for in_runs in [true, false] {
            let whole = page(&(0..100).map(|row| row / 10).collect::<Vec<_>>(), 11, in_runs);
            for end in 0..whole.len() {
                assert!(matches!(rows_of(&whole[..end], 100, 3), Err(Stop::Unusual)), "{end} of {}", whole.len());
            }
        }
        assert!(matches!(rows_of(&[33, 2, 0, 0, 0, 0, 0], 1, 0), Err(Stop::Unusual)));
        assert!(matches!(rows_of(&[1, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff], 1, 0), Err(Stop::Unusual)));
    }

    #[test]
    fn a_text_has_one_key_or_the_dictionary_is_another_program_s() {
        let dictionary = |texts: &[&str]| -> Vec<u8> {
            let text = |text: &&str| [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat();
            texts.iter().flat_map(text).collect()
        };
        let texts = ["", "A", "AB", "ABC"];
        for (key, text) in texts.into_iter().enumerate() {
            let found = key_of(&dictionary(&texts), 4, text.as_bytes()).unwrap();
            assert_eq!(found, Some(u32::try_from(key).unwrap()));
        }
        assert_eq!(key_of(&dictionary(&texts), 4, b"B").unwrap(), None);
        assert!(matches!(key_of(&dictionary(&["A", "A"]), 2, b"A"), Err(Stop::Unusual)));
        assert!(matches!(key_of(&dictionary(&texts)[..9], 4, b"B"), Err(Stop::Unusual)));
    }
}
