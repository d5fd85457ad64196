//! A small picture of a unit's temperature and its limits, in the terminal.

use std::io::{self, Write};

use analytics::fleet::{Fleet, Outline};
use model::assessment::Assessment;
use model::registry::Registry;

const COLUMNS: usize = 72;
const ROWS: usize = 12;

/// Draws lowest and highest value column by column, with the storage limits as lines.
pub(super) fn write(
    out: &mut impl Write,
    registry: &Registry,
    fleet: &Fleet<'_>,
    assessment: &Assessment,
) -> io::Result<()> {
    let outline = fleet.outline(&assessment.unit, COLUMNS);
    let Some((lowest, highest)) = range(&outline) else { return Ok(()) };
    let storage = registry.products.get(&assessment.gtin).map(|product| product.storage);
    let limits: Vec<f64> = storage
        .iter()
        .flat_map(|storage| [storage.temperature_low, storage.temperature_high])
        .flatten()
        .map(|limit| limit.celsius())
        .collect();
    let bottom = limits.iter().copied().fold(lowest, f64::min);
    let top = limits.iter().copied().fold(highest, f64::max).max(bottom + 0.1);
    let row_of = |celsius: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to ROWS - 1")]
        let row = ((celsius - bottom) / (top - bottom) * (ROWS - 1) as f64).round() as usize;
        row.min(ROWS - 1)
    };
    writeln!(out)?;
    for row in (0..ROWS).rev() {
        let limit = limits.iter().find(|limit| row_of(**limit) == row);
        let label = match limit {
            Some(limit) => format!("{limit:>7.1} "),
            None if row == ROWS - 1 => format!("{top:>7.1} "),
            None if row == 0 => format!("{bottom:>7.1} "),
            None => " ".repeat(8),
        };
        let line: String = outline
            .iter()
            .map(|column| match column {
                Outline::Known { lowest, highest } if (row_of(*lowest)..=row_of(*highest)).contains(&row) => '█',
                Outline::Unknown if row == 0 => '?',
                _ if limit.is_some() => '┄',
                _ => ' ',
            })
            .collect();
        writeln!(out, "{label}{}", line.trim_end())?;
    }
    let (from, to) = (assessment.window.from.to_string(), assessment.window.to.to_string());
    writeln!(out, "        {from}{}{to}", " ".repeat(COLUMNS.saturating_sub(from.len() + to.len()).max(1)))
}

fn range(outline: &[Outline]) -> Option<(f64, f64)> {
    let known = outline.iter().filter_map(|column| match column {
        Outline::Known { lowest, highest } => Some((*lowest, *highest)),
        Outline::Unknown => None,
    });
    known.reduce(|(low, high), (lowest, highest)| (low.min(lowest), high.max(highest)))
}
