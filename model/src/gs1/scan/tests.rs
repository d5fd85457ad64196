use serde_json::Value;

use super::*;
use crate::gs1::{check_digit, has_valid_check_digit};
use crate::instant::parse_millis;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

#[test]
fn reads_the_reference_codes() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 50);
    for case in cases {
        let input = case["input"].as_str().unwrap();
        let year = i32::try_from(case["reference_year"].as_i64().unwrap()).unwrap();
        let read = match case["kind"].as_str().unwrap() {
            "scan" => Scan::of_elements(input, year),
            "human" => Scan::of_brackets(input, year),
            _ => Scan::of_link(input, year),
        };
        // the look of a code tells which it is, but for addresses that are not even that
        assert_eq!(Scan::parse(input, year).is_ok(), read.is_ok(), "{input:?}");
        if case["valid"] == false {
            assert_eq!(read.unwrap_err().fault.as_str(), case["error"], "{input:?}");
            continue;
        }
        let scan = read.unwrap_or_else(|error| panic!("{input:?}: {error}"));
        let expected = case["elements"].as_array().unwrap();
        assert_eq!(scan.elements().len(), expected.len(), "{input:?}");
        for (element, expected) in scan.elements().iter().zip(expected) {
            assert_eq!(
                (&*element.ai, &*element.value),
                (expected["ai"].as_str().unwrap(), expected["value"].as_str().unwrap())
            );
            let date = element.date.map(|date| date.to_string());
            assert_eq!(date.as_deref(), expected["date"].as_str(), "{input:?}");
            assert_eq!(element.is_day_open, expected["day_unspecified"] == true, "{input:?}");
            let time = element.local_time.map(|at| at.format("%Y-%m-%dT%H:%M").to_string());
            assert_eq!(time.as_deref(), expected["local_datetime"].as_str(), "{input:?}");
            let number = expected["temperature"].as_str().or(expected["kg"].as_str());
            assert_eq!(element.decimal().as_deref(), number, "{input:?}");
        }
        assert_eq!(scan.to_link().as_deref(), case["digital_link"].as_str(), "{input:?}");
        let again = Scan::of_link(&scan.to_link().unwrap(), year).unwrap();
        for element in scan.elements() {
            assert_eq!(again.value(&element.ai), Some(&*element.value), "{input:?}");
        }
    }
}

#[test]
fn reads_two_digits_of_a_year_as_the_reference_does() {
    for row in vectors()["century"]["rows"].as_array().unwrap() {
        let number = |field: &str| i32::try_from(row[field].as_i64().unwrap()).unwrap();
        assert_eq!(year_of(number("yy"), number("reference_year")), number("year"), "{row}");
    }
}

#[test]
fn agrees_with_the_reference_check_digits() {
    let vectors = vectors();
    for row in vectors["check_digits"]["rows"].as_array().unwrap() {
        let digit = check_digit(row["body"].as_str().unwrap()).unwrap();
        assert_eq!(digit.to_string(), row["check_digit"].as_str().unwrap(), "{row}");
    }
    for row in vectors["check_digits"]["verdicts"].as_array().unwrap() {
        assert_eq!(has_valid_check_digit(row["full"].as_str().unwrap()), row["valid"] == true, "{row}");
    }
}

#[test]
fn an_expiry_ends_where_the_place_is() {
    for row in vectors()["expiry_end"].as_array().unwrap() {
        let zone = row["site_tz"].as_str().unwrap().parse().unwrap();
        let code = match (row["ai17"].as_str(), row["ai7003"].as_str()) {
            (Some(date), _) => format!("0109520123456788{}", format_args!("17{date}")),
            (_, Some(time)) => format!("0109520123456788{}", format_args!("7003{time}")),
            _ => panic!("{row}"),
        };
        let expiry = Scan::of_elements(&code, 2026).unwrap().expiry().unwrap();
        let end = row["effective_end"].as_str().unwrap().trim_end_matches(" (exclusive)");
        assert_eq!(expiry.ends(Some(zone)).millis(), parse_millis(end).unwrap(), "{row}");
        assert!(expiry.ends(None) <= expiry.ends(Some(zone)), "{row}");
    }
}

#[test]
fn a_lot_that_swallowed_its_expiry_is_found_out() {
    let scan = Scan::parse("]d2010952012345678810LOT4217271130", 2026).unwrap();
    let (lot, expiry) = scan.swallowed().unwrap();
    assert_eq!((lot.as_str(), expiry), ("LOT42", "271130"));
    assert_eq!(scan.with_expiry().unwrap_err().fault, ScanFault::ExpiryMissing);
    let fine = Scan::parse("]d2010952012345678810LOT42\u{1d}17271130", 2026).unwrap();
    assert_eq!(fine.swallowed(), None);
    assert!(fine.with_expiry().is_ok());
    assert_eq!(Scan::parse("]d2010952012345678810LOT4217991399", 2026).unwrap().swallowed(), None);
}

proptest::proptest! {
    #[test]
    fn never_panics_and_what_it_reads_it_reads_again(text in "\\PC{0,60}|[\\]dC12Q3]{0,3}(01|10|17|21|00|37)[0-9A-Z\u{1d}()]{0,60}") {
        if let Ok(scan) = Scan::parse(&text, 2026) {
            let link = scan.to_link();
            let again = link.as_deref().map(|link| Scan::parse(link, 2026));
            if let Some(again) = again {
                let again = again.unwrap();
                proptest::prop_assert_eq!(again.elements().len(), scan.elements().len());
            }
        }
    }
}
