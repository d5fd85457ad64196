//! How a report is set: pages, heads, repeated table heads, fonts, the same bytes for the same content.

use api::report::{Fonts, draw};
use serde_json::{Value, json};

use super::world::{AS_OF, GTIN, PRODUCT, both, site};
use super::{Document, squeezed};

#[tokio::test]
async fn pages_are_numbered_named_and_pdf_a() {
    let site = site("").await;
    let (document, json) = both(&site, &format!("lot={GTIN}/LOT42&as_of={AS_OF}")).await;
    let pages = document.pages();
    assert!(pages.len() > 12, "{}", pages.len());
    let digest = json["content_sha256"].as_str().unwrap();
    for (number, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page{}of{}", number + 1, pages.len())), "{page}");
        assert!(page.contains("TemperaturerecordoflotLOT42") && page.contains(GTIN), "{page}");
        assert!(page.contains(digest), "{page}");
    }
    let info = document.told("pdfinfo", &[]);
    for line in [
        format!("Pages:           {}", pages.len()),
        "Title:           Temperature record of lot LOT42".to_owned(),
        "Page size:       595.28 x 841.89 pts (A4)".to_owned(),
    ] {
        assert!(info.contains(&line), "{line}: {info}");
    }
    let metadata = document.told("pdfinfo", &["-meta"]);
    let squeezed = squeezed(&metadata).to_lowercase();
    assert!(squeezed.contains("<pdfaid:part>3</pdfaid:part><pdfaid:conformance>b"), "{metadata}");
    // every font is inside
    let fonts = document.told("pdffonts", &[]);
    let embedded = |line: &&str| line.split_whitespace().rev().nth(4) == Some("yes");
    let lines: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(lines.len() >= 3 && lines.iter().all(embedded), "{fonts}");
}

/// A report as it was made by a server, for drawing again.
async fn report() -> Value {
    both(&site("").await, &format!("unit=WARM&as_of={AS_OF}")).await.1
}

#[tokio::test]
async fn the_same_content_gives_the_same_bytes() {
    let json = report().await;
    let fonts = || Fonts::load(&Fonts::system_directories()).unwrap();
    assert!(draw(&json, &fonts()).unwrap() == draw(&json, &fonts()).unwrap());
    let mut later = json.clone();
    later["issued"]["at"] = json!("2031-01-01T00:00:00.000Z");
    let document = Document::new(draw(&later, &fonts()).unwrap());
    assert!(document.bytes != draw(&json, &fonts()).unwrap());
    assert!(document.told("pdfinfo", &["-isodates"]).contains("CreationDate:    2031-01-01T00:00:00Z"));
}

#[tokio::test]
async fn long_tables_go_on_under_their_heads() {
    let mut json = report().await;
    let excursions = json["units"][0]["assessment"]["excursions"].as_array_mut().unwrap();
    let one = excursions[0].clone();
    excursions.extend((0..300).map(|number| {
        let mut one = one.clone();
        one["start"] = json!(format!("2025-06-02T00:{:02}:{:02}.000Z", number / 60, number % 60));
        one
    }));
    // a reason as long as a page and a half is neither cut nor lost
    let long: String = (0..4000).map(|word| format!("word{word} ")).collect();
    json["holds"] = json!([{"id": "h1", "scope": {"unit": "WARM"}, "cause": {"code": "manual", "rule": null}, "state": "released",
        "author": "m.lin", "evidence": [], "acts": [{"meaning": "released", "by": "m.lin", "at": AS_OF, "reason": long, "record": "00"}]}]);
    json["units"][0]["holds"] = json!(["h1"]);
    let document = Document::new(draw(&json, &Fonts::load(&[]).unwrap()).unwrap());
    let pages = document.pages();
    let with = |needle: &str| pages.iter().filter(|page| page.contains(needle)).count();
    assert!(with("EndedbyDurationTimeout") >= 5, "the head stands on every page of the table");
    let text = pages.concat();
    assert!((0..300).all(|number| text.contains(&format!("2025-06-0200:{:02}:{:02}", number / 60, number % 60))));
    let lost: Vec<usize> = (0..4000).filter(|word| !text.contains(&format!("word{word}"))).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test]
async fn what_no_font_has_is_shown_and_survives() {
    let mut json = report().await;
    let odd = "a\u{202e}b \u{1f9ca} עברית \u{e000} \u{0} \u{feff}z";
    json["products"][0]["name"] = json!(format!("{PRODUCT} {odd}"));
    let without = Document::new(draw(&json, &Fonts::load(&[]).unwrap()).unwrap());
    let with = Document::new(draw(&json, &Fonts::load(&Fonts::system_directories()).unwrap()).unwrap());
    for document in [&without, &with] {
        let text = document.pages().concat();
        assert!(text.contains("胰岛素笔") && text.contains("עברית") || text.contains("תירבע"), "{text}");
        assert!(text.contains("Charactersthatnofontonthismachinehas"), "it is said that something is not shown");
    }
    let fonts = |document: &Document| document.told("pdffonts", &[]).lines().count();
    assert_eq!(fonts(&with), fonts(&without) + 1, "the machine's font is used: {}", with.told("pdffonts", &[]));
}
