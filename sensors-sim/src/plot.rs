//! A glance at a world: one line of blocks per sensor.

use chrono::{DateTime, Utc};

use crate::message::Emission;
use crate::scenario::Scenario;
use crate::span::Span;
use crate::world::World;

/// Columns of a curve.
const COLUMNS: usize = 72;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The temperatures that up to `lines` sensors whose names begin with `prefix` sense from `start` on, for `span`.
///
/// Each column shows the highest value in its time, so that no peak is lost.
///
/// # Errors
/// When the scenario contradicts itself.
pub fn draw(
    scenario: &Scenario,
    (seed, start): (u64, DateTime<Utc>),
    span: Span,
    (prefix, lines): (&str, usize),
) -> anyhow::Result<String> {
    let mut world = World::new(scenario, seed, start)?;
    let mut peaks = vec![[f64::NAN; COLUMNS]; world.sensors()];
    let mut lows = vec![f64::INFINITY; world.sensors()];
    let mut out = Vec::new();
    world.advance_to(start + span.delta(), &mut out);
    world.drain(&mut out);
    for emission in out {
        let Emission::Message(message) = emission else { continue };
        for reading in message.readings.iter() {
            let celsius = reading.measurement.temperature.value();
            let passed_ms = (reading.true_at - start).num_milliseconds().max(0);
            let column =
                usize::try_from(passed_ms * COLUMNS as i64 / span.millis().max(1)).unwrap_or(0).min(COLUMNS - 1);
            let peak = &mut peaks[reading.sensor][column];
            *peak = peak.max(celsius);
            lows[reading.sensor] = lows[reading.sensor].min(celsius);
        }
    }
    let mut text = format!(
        "{}: {}\n{} sensors, {span} from {}\n",
        scenario.name,
        scenario.about,
        world.sensors(),
        start.to_rfc3339()
    );
    let chosen: Vec<usize> =
        (0..world.sensors()).filter(|sensor| world.sensor_name(*sensor).starts_with(prefix)).collect();
    let stride = chosen.len().div_ceil(lines.max(1)).max(1);
    let width = chosen.iter().map(|sensor| world.sensor_name(*sensor).len()).max().unwrap_or(0);
    for sensor in chosen.into_iter().step_by(stride) {
        let high = peaks[sensor].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let curve: String = peaks[sensor].iter().map(|celsius| level(*celsius, lows[sensor], high)).collect();
        text += &format!("{:width$}  {:7.2} {curve} {high:.2} °C\n", world.sensor_name(sensor), lows[sensor]);
    }
    Ok(text)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a level from 0 to 7")]
fn level(celsius: f64, low: f64, high: f64) -> char {
    if celsius.is_nan() {
        return ' ';
    }
    let share = if high > low { (celsius - low) / (high - low) } else { 0.0 };
    LEVELS[((share * 7.99) as usize).min(7)]
}
