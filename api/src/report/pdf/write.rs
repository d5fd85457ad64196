//! Sheets written as PDF/A-3b, with the report's JSON inside.

use chrono::{DateTime, Datelike, Timelike, Utc};
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime as PdfDate, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};
use serde_json::Value;

use super::PdfError;
use super::facts::Told;
use super::letters::{Letters, Line};
use super::sheet::{Bookmark, Colour, HEIGHT, Mark, Sheet, WIDTH};

/// Writes `sheets`.
pub(super) fn pdf(
    sheets: &[Sheet],
    bookmarks: &[Bookmark],
    report: &Value,
    letters: &Letters<'_>,
) -> Result<Vec<u8>, PdfError> {
    let refused = |error: &dyn std::fmt::Debug| PdfError::Refused(format!("{error:?}"));
    let archival = ConfigurationBuilder::new().with_archival_validator(Archival::A3_B).finish();
    let settings = SerializeSettings {
        configuration: archival.map_err(|error| refused(&error))?,
        enable_tagging: false,
        ..SerializeSettings::default()
    };
    let mut document = Document::new_with(settings);
    for sheet in sheets {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| refused(&"a page without size"))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for mark in sheet {
            draw(&mut surface, mark, letters);
        }
        surface.finish();
        page.finish();
    }
    document.set_outline(outline(bookmarks));
    let issued = date(report["issued"].text("at"));
    document.set_metadata(metadata(report, issued));
    let json = EmbeddedFile {
        path: "report.json".to_owned(),
        mime_type: MimeType::new("application/json"),
        description: Some("The content of this document as JSON".to_owned()),
        association_kind: AssociationKind::Source,
        data: serde_json::to_vec(report).unwrap_or_default().into(),
        modification_date: Some(issued),
        compress: Some(true),
        location: None,
    };
    let _ = document.embed_file(json);
    document.finish().map_err(|error| refused(&error))
}

fn metadata(report: &Value, issued: PdfDate) -> Metadata {
    let program = report["source"].text("engine").to_owned();
    Metadata::new()
        .title(report.text("title").to_owned())
        .description(format!("As of {}. Content SHA-256 {}", report.text("as_of"), report.text("content_sha256")))
        .authors(vec![report["issued"].text("by").to_owned()])
        .creator(program.clone())
        .producer(program)
        .language("en".to_owned())
        .document_id(report.text("content_sha256").to_owned())
        .creation_date(issued)
}

fn date(text: &str) -> PdfDate {
    let at: DateTime<Utc> = DateTime::parse_from_rfc3339(text).unwrap_or_default().to_utc();
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    PdfDate::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// The reader's list of parts and their sections.
fn outline(bookmarks: &[Bookmark]) -> Outline {
    let mut outline = Outline::new();
    let mut part: Option<OutlineNode> = None;
    for bookmark in bookmarks {
        let place = XyzDestination::new(bookmark.page, Point::from_xy(0.0, (bookmark.y - 14.0).max(0.0)));
        let node = OutlineNode::new(bookmark.title.clone(), place);
        match (&mut part, bookmark.level) {
            (Some(part), 1) => part.push_child(node),
            _ => {
                part.take().into_iter().for_each(|part| outline.push_child(part));
                part = Some(node);
            }
        }
    }
    part.into_iter().for_each(|part| outline.push_child(part));
    outline
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, letters: &Letters<'_>) {
    match mark {
        Mark::Text { x, y, line, colour } => text(surface, (*x, *y), line, *colour, letters),
        Mark::Fill { x, y, width, height, colour } => {
            let mut path = PathBuilder::new();
            let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) else { return };
            path.push_rect(rect);
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*colour)));
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
        Mark::Rule { from, to, width, colour, dashed } => {
            let dash = dashed.then(|| StrokeDash { array: vec![3.0, 2.0], offset: 0.0 });
            lines(surface, &[*from, *to], false, None, stroke(*colour, *width, dash));
        }
        Mark::Band { points, colour, width } => {
            let closed = points.len() > 2;
            lines(surface, points, closed, closed.then(|| fill(*colour)), stroke(*colour, *width, None));
        }
    }
}

fn lines(surface: &mut Surface<'_>, points: &[(f32, f32)], closed: bool, inside: Option<Fill>, stroke: Stroke) {
    let mut path = PathBuilder::new();
    for (number, (x, y)) in points.iter().enumerate() {
        if number == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
    }
    if closed {
        path.close();
    }
    surface.set_fill(inside);
    surface.set_stroke(Some(stroke));
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn text(surface: &mut Surface<'_>, (x, y): (f32, f32), line: &Line, colour: Colour, letters: &Letters<'_>) {
    surface.set_stroke(None);
    surface.set_fill(Some(fill(colour)));
    let mut x = x;
    for run in &line.runs {
        let glyphs: Vec<KrillaGlyph> = run
            .glyphs
            .iter()
            .map(|placed| KrillaGlyph {
                glyph_id: GlyphId::new(placed.glyph),
                text_range: placed.range.clone(),
                x_advance: placed.advance,
                x_offset: 0.0,
                y_offset: 0.0,
                y_advance: 0.0,
                location: None,
            })
            .collect();
        let font = letters.face(run.face).font.clone();
        surface.draw_glyphs(Point::from_xy(x, y), &glyphs, font, &run.text, line.size, false);
        x += run.glyphs.iter().map(|placed| placed.advance).sum::<f32>() * line.size;
    }
}

fn fill(colour: Colour) -> Fill {
    Fill {
        paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    }
}

fn stroke(colour: Colour, width: f32, dash: Option<StrokeDash>) -> Stroke {
    Stroke { paint: rgb::Color::new(colour.0, colour.1, colour.2).into(), width, dash, ..Stroke::default() }
}
