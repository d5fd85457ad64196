//! The modulo-10 check digit that ends every numeric GS1 key.

/// The check digit of `body` (the key without its last digit), or `None` when `body` is empty or has anything
/// but the digits 0 to 9.
///
/// Weights 3 and 1 alternate from the right, starting with 3 (GS1 General Specifications, 7.9.1).
#[must_use]
pub fn check_digit(body: &str) -> Option<u8> {
    if body.is_empty() || !body.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut sum = 0_u32;
    for (place, byte) in body.bytes().rev().enumerate() {
        let weight = if place % 2 == 0 { 3 } else { 1 };
        // At most 10 per step matters: the sum is kept modulo 10, so that no length overflows it.
        sum = (sum + u32::from(byte - b'0') * weight) % 10;
    }
    u8::try_from((10 - sum) % 10).ok()
}

/// Whether the last digit of `digits` is the check digit of those before it.
#[must_use]
pub fn has_valid_check_digit(digits: &str) -> bool {
    let Some((last, body)) = digits.as_bytes().split_last() else { return false };
    let Ok(body) = std::str::from_utf8(body) else { return false };
    check_digit(body).is_some_and(|expected| expected + b'0' == *last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_reference_rows() {
        let rows = [
            ("0952012345678", 8),
            ("952012345678", 8),
            ("10614141123456789", 7),
            ("0234567", 3),
            ("41600033610", 8),
            ("123456789012", 8),
            ("1234567890123", 1),
            ("12345678901234567", 5),
        ];
        for (body, expected) in rows {
            assert_eq!(check_digit(body), Some(expected), "{body}");
            assert!(has_valid_check_digit(&format!("{body}{expected}")), "{body}");
        }
        for wrong in ["12345673", "416000336109", "1234567890129", "12345678901232", "123456789012345670"] {
            assert!(!has_valid_check_digit(wrong), "{wrong}");
        }
    }

    #[test]
    fn takes_digits_only() {
        for text in ["", "x", "12a", "１２３", "-1"] {
            assert_eq!(check_digit(text), None, "{text}");
            assert!(!has_valid_check_digit(text), "{text}");
        }
    }
}
