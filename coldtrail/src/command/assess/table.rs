//! Assessments as a table for people.

use std::io::{self, Write};

use model::assessment::{Assessment, EndKind, Extent};

/// One line a unit; with a single unit also its findings.
pub(super) fn write(out: &mut impl Write, assessments: &[Assessment]) -> io::Result<()> {
    if assessments.is_empty() {
        return writeln!(out, "no unit is registered");
    }
    let rows: Vec<[String; 7]> = assessments.iter().map(row).collect();
    let head = ["unit", "lot", "verdict", "why", "known", "°C", "expires"].map(str::to_owned);
    let widths = std::array::from_fn::<usize, 7, _>(|column| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    for row in std::iter::once(&head).chain(&rows) {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    if let [assessment] = assessments {
        findings(out, assessment)?;
    }
    Ok(())
}

fn row(of: &Assessment) -> [String; 7] {
    let why: Vec<String> = of
        .reasons
        .iter()
        .map(|reason| match &reason.rule {
            Some(rule) => format!("{} {rule}", reason.code.as_str()),
            None => reason.code.as_str().to_owned(),
        })
        .collect();
    let known = of.coverage.fraction.map_or_else(|| "-".to_owned(), |fraction| format!("{:.1} %", fraction * 100.0));
    let expires = match of.effective_expiry == of.labelled_expiry {
        true => of.labelled_expiry.to_string(),
        false => format!("{} (label {})", of.effective_expiry, of.labelled_expiry),
    };
    let why = if why.is_empty() { "-".to_owned() } else { why.join(", ") };
    [
        of.unit.to_string(),
        of.lot.to_string(),
        of.verdict.as_str().to_owned(),
        why,
        known,
        range(&of.temperature),
        expires,
    ]
}

fn range(extent: &Extent) -> String {
    match (extent.min, extent.max) {
        (Some(min), Some(max)) => format!("{min:.1} to {max:.1}"),
        _ => "-".to_owned(),
    }
}

fn findings(out: &mut impl Write, of: &Assessment) -> io::Result<()> {
    if !of.excursions.is_empty() {
        writeln!(out, "\nexcursions")?;
    }
    for excursion in &of.excursions {
        let end = match (excursion.end, excursion.end_kind) {
            (Some(end), EndKind::Gap) => format!("{end}, then silence"),
            (Some(end), _) => end.to_string(),
            (None, _) => "still out".to_owned(),
        };
        let lasted = lasted(excursion.duration_s);
        writeln!(out, "  {}  {} to {end}  {lasted}, worst {:.1}", excursion.rule, excursion.start, excursion.peak)?;
    }
    let life = &of.life;
    if life.extra_s > 0.0 {
        let (extra, nominal) = (lasted(life.extra_s), (life.equivalent_s.nominal - life.elapsed_s).max(0.0));
        writeln!(out, "\naged {extra} more than the calendar at worst, {} as read; most of it", lasted(nominal))?;
        for part in life.contributions.iter().take(5) {
            let (from, to) = (part.interval.from, part.interval.to);
            writeln!(out, "  {}  {}  {from} to {to}", lasted(part.extra_s), part.kind.as_str())?;
        }
    }
    for gap in of.coverage.gaps.iter().take(10) {
        let seconds = (gap.to.millis() - gap.from.millis()) as f64 / 1000.0;
        writeln!(out, "unknown  {} to {}  {}", gap.from, gap.to, lasted(seconds))?;
    }
    Ok(())
}

/// A duration as people say it.
fn lasted(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}
