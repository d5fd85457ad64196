//! Web addresses built on a key: GS1 Digital Link.

use super::text::unknown;
use super::{LONGEST, Scan, ScanError, ScanFault};
use crate::gs1::identifier::Identifier;
use crate::gs1::lot::is_cset_82;

/// Where addresses of no brand's own lead.
const RESOLVER: &str = "https://id.gs1.org";

impl Scan {
    /// The code that a web address is: key and qualifiers in its path, the rest among its parameters.
    ///
    /// The rightmost key of the path counts. Parameters that are no numbers are somebody else's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_link(text: &str, reference_year: i32) -> Result<Self, ScanError> {
        let schemes = ["https://", "http://", "HTTPS://", "HTTP://"];
        let stripped = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
        let no_address = || {
            let what =
                "this is no web address of a GS1 code: it begins with `https://`, all small or all large letters";
            ScanError::new(ScanFault::NotADlUri, what)
        };
        let address = stripped.filter(|_| text.len() <= LONGEST && text.is_ascii()).ok_or_else(no_address)?;
        let address = address.split('#').next().unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let (domain, path) = path.split_once('/').unwrap_or((path, ""));
        if domain.is_empty() {
            return Err(no_address());
        }
        if path.ends_with('/') {
            return Err(ScanError::new(ScanFault::TrailingSlash, "the address ends in a slash: leave it out"));
        }
        let segments: Vec<&str> = path.split('/').collect();
        let mut found = path_elements(&segments)?;
        for parameter in query.split(['&', ';']).filter(|parameter| !parameter.is_empty()) {
            let (ai, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if !ai.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let identifier = Identifier::of(ai).ok_or_else(|| unknown(ai))?;
            if value.is_empty() {
                let what = format!("`{ai}=` has no value");
                return Err(ScanError::new(ScanFault::EmptyValue, what));
            }
            found.push((identifier, ai.to_owned(), decoded(value)?));
        }
        Self::checked(found, reference_year)
    }

    /// The address of the code at the common resolver; `None` without a key to build it on.
    #[must_use]
    pub fn to_link(&self) -> Option<String> {
        let primary = self.elements().iter().find_map(|element| {
            let qualifiers = Identifier::of(&element.ai)?.qualifiers?;
            Some((element, qualifiers))
        });
        let (primary, qualifiers) = primary?;
        let mut link = format!("{RESOLVER}/{}/{}", primary.ai, encoded(&primary.value));
        for qualifier in qualifiers {
            if let Some(value) = self.value(qualifier) {
                link.push_str(&format!("/{qualifier}/{}", encoded(value)));
            }
        }
        let is_in_path = |ai: &str| ai == &*primary.ai || qualifiers.contains(&ai);
        let others = self.elements().iter().filter(|element| !is_in_path(&element.ai));
        let others: Vec<String> = others.map(|element| format!("{}={}", element.ai, encoded(&element.value))).collect();
        if !others.is_empty() {
            link.push_str(&format!("?{}", others.join("&")));
        }
        Some(link)
    }
}

/// Key and qualifiers of the path.
fn path_elements(segments: &[&str]) -> Result<Vec<(&'static Identifier, String, String)>, ScanError> {
    let is_key = |at: &usize| {
        (segments.len() - at).is_multiple_of(2)
            && segments.get(*at).and_then(|ai| Identifier::of(ai)).is_some_and(|known| known.qualifiers.is_some())
    };
    let Some(start) = (0..segments.len()).rev().find(is_key) else {
        let what = "the address has no key in its path, such as `/01/` and a GTIN";
        return Err(ScanError::new(ScanFault::NoPrimaryKey, what));
    };
    let mut found = Vec::new();
    let mut allowed: &[&str] = &[];
    for (number, pair) in segments[start..].chunks_exact(2).enumerate() {
        let (ai, value) = (pair[0], decoded(pair[1])?);
        let identifier = Identifier::of(ai).ok_or_else(|| unknown(ai))?;
        if number == 0 {
            allowed = identifier.qualifiers.unwrap_or_default();
        } else {
            let place = allowed.iter().position(|qualifier| *qualifier == ai).ok_or_else(|| {
                let what = format!("`/{ai}/` does not stand there: the order is `/{}/`", allowed.join("/, /"));
                ScanError::new(ScanFault::BadKeyQualifier, what)
            })?;
            allowed = &allowed[place + 1..];
        }
        found.push((identifier, ai.to_owned(), value));
    }
    Ok(found)
}

/// `text` without its percent encoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> Result<String, ScanError> {
    let wrong = || {
        let shown: String = text.chars().take(40).collect();
        ScanError::new(ScanFault::BadCharset, format!("`{shown}` has characters that stand in no GS1 code"))
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(wrong)?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    if !bytes.iter().all(|byte| is_cset_82(*byte)) {
        return Err(wrong());
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
