//! Bytes to text: UTF-8, UTF-16 with a byte order mark, Windows-1252 (Latin-1 is part of it), or what the caller names.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::Unreadable;

/// A file's text.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: &'static str,
    pub(super) assumed: Vec<String>,
}

/// Decodes `bytes`, without its byte order mark.
pub(super) fn decode(bytes: &[u8], named: Option<&str>) -> Result<Decoded, Unreadable> {
    let mut assumed = Vec::new();
    let (encoding, mark) = match (Encoding::for_bom(bytes), named) {
        (Some((encoding, length)), _) => (encoding, length),
        (None, Some(label)) => {
            let unknown = || format!("`{label}` is no encoding: name one such as `utf-8`, `windows-1252`, `gbk`");
            (Encoding::for_label(label.as_bytes()).ok_or_else(|| Unreadable::at(1, unknown()))?, 0)
        }
        (None, None) if std::str::from_utf8(bytes).is_ok() => (UTF_8, 0),
        (None, None) => {
            assumed.push("the bytes are not UTF-8 and were read as Windows-1252: else name it with --encoding".into());
            (WINDOWS_1252, 0)
        }
    };
    let (text, had_errors) = encoding.decode_without_bom_handling(&bytes[mark..]);
    if had_errors {
        let line = text.lines().position(|line| line.contains('\u{fffd}')).unwrap_or_default() as u64 + 1;
        let what = format!("has bytes that are not {}: name the encoding with --encoding", encoding.name());
        return Err(Unreadable::at(line, what));
    }
    if let Some(line) = text.lines().position(|line| line.contains('\0')) {
        let what =
            "has zero bytes: it is no text, or UTF-16 without its mark; then say --encoding utf-16le or utf-16be";
        return Err(Unreadable::at(line as u64 + 1, what));
    }
    // A mark that an explicit label left in front is no part of the first column's name.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // Old exports end their lines with CR alone.
    let text = if text.contains('\n') { text.to_owned() } else { text.replace('\r', "\n") };
    Ok(Decoded { text, encoding: encoding.name(), assumed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], named: Option<&str>) -> Result<(String, &'static str), Unreadable> {
        decode(bytes, named).map(|decoded| (decoded.text, decoded.encoding))
    }

    #[test]
    fn knows_encodings_by_their_marks_and_by_what_they_cannot_be() {
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            let pair = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(pair).collect()
        };
        assert_eq!(read("4,3 °C".as_bytes(), None).unwrap(), ("4,3 °C".into(), "UTF-8"));
        assert_eq!(read("\u{feff}°".as_bytes(), None).unwrap().0, "°");
        assert_eq!(read(&utf16("Kühl 2", false), None).unwrap(), ("Kühl 2".into(), "UTF-16LE"));
        assert_eq!(read(&utf16("冷库", true), None).unwrap(), ("冷库".into(), "UTF-16BE"));
        assert_eq!(read(b"4,3 \xb0C", None).unwrap(), ("4,3 °C".into(), "windows-1252"));
        assert_eq!(read(b"\xc0\xe4\xbf\xe2", Some("gbk")).unwrap().0, "冷库");
    }

    #[test]
    fn lines_may_end_as_they_did_on_old_machines() {
        assert_eq!(read(b"a\rb\r", None).unwrap().0, "a\nb\n");
        assert_eq!(read(b"a\r\nb", None).unwrap().0, "a\r\nb");
    }

    #[test]
    fn refuses_what_is_no_text() {
        assert_eq!(read(b"a\nb\0c", None).unwrap_err().line, 2);
        assert!(read(b"a", Some("klingon")).unwrap_err().what.contains("klingon"));
        assert!(read(b"a\xffb", Some("utf-8")).unwrap_err().what.contains("UTF-8"));
    }
}
