//! Head and foot of every page.

use serde_json::Value;

use super::facts::{Told, product};
use super::letters::{FaceId, Letters, Style, style};
use super::number::{NONE, time};
use super::sheet::{GREY, HAIR, HEIGHT, INK, LEFT, Mark, RIGHT, Sheet};

const STRONG: Style = style(FaceId::Strong, 7.5);
const PLAIN: Style = style(FaceId::Regular, 7.0);
const FINE: Style = style(FaceId::Regular, 6.2);
const MONO: Style = style(FaceId::Mono, 6.0);

/// Adds head and foot to every sheet.
pub(super) fn furnish(sheets: &mut [Sheet], report: &Value, letters: &Letters<'_>) {
    let count = sheets.len();
    let about = fitted(letters, PLAIN, &about(report), RIGHT - LEFT);
    let period = format!("{} to {} UTC", time(report["period"].text("from")), time(report["period"].text("to")));
    let room = RIGHT - LEFT - letters.width(PLAIN, &period) - 12.0;
    let title = fitted(letters, STRONG, report.text("title"), room);
    for (number, sheet) in sheets.iter_mut().enumerate() {
        let mut set = |(x, y): (f32, f32), style: Style, text: &str, colour, right: bool| {
            let line = letters.line(style, text);
            let x = if right { x - line.width } else { x };
            sheet.push(Mark::Text { x, y, line, colour });
        };
        set((LEFT, 36.0), STRONG, &title, INK, false);
        set((RIGHT, 36.0), PLAIN, &period, GREY, true);
        set((LEFT, 46.0), PLAIN, &about, GREY, false);
        let foot = HEIGHT - 40.0;
        let issued = &report["issued"];
        let made = format!(
            "Made {} UTC for {} by {}",
            time(issued.text("at")),
            issued.text("by"),
            report["source"].text("engine")
        );
        set((LEFT, foot + 10.0), FINE, &made, GREY, false);
        set((RIGHT, foot + 10.0), PLAIN, &format!("Page {} of {count}", number + 1), INK, true);
        let digest = format!("content SHA-256 {}", report.text("content_sha256"));
        set((LEFT, foot + 19.0), MONO, &digest, GREY, false);
        for (y, width) in [(52.0, 0.7), (foot, 0.4)] {
            sheet.push(Mark::Rule { from: (LEFT, y), to: (RIGHT, y), width, colour: HAIR, dashed: false });
        }
    }
}

/// What it is about, in one line: product and lot, or the place's name.
fn about(report: &Value) -> String {
    let subject = &report["subject"];
    if subject.text("kind") == "place" {
        return super::facts::place(report, subject.text("place"));
    }
    let unit = report.items("units").first().map_or(&Value::Null, |unit| &unit["assessment"]);
    let name = match product(report, unit.text("gtin")).text("name") {
        "" => NONE,
        name => name,
    };
    format!("{name} · GTIN {} · lot {}", unit.text("gtin"), unit.text("lot"))
}

/// `text`, cut with an ellipsis when it is wider than `width`; it stands in full on the first page.
fn fitted(letters: &Letters<'_>, style: Style, text: &str, width: f32) -> String {
    if letters.width(style, text) <= width {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while letters.width(style, &kept) > width - 8.0 && kept.pop().is_some() {}
    format!("{kept}…")
}
