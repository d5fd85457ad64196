//! What is known of a unit or a place together with what a picture of it needs, all from the same readings.

use model::assessment::{Assessment, Coverage, Extent, Interval, Provenance};
use model::instant::ValidAt;
use model::name::Name;

use super::Fleet;
use crate::custody::Custody;
use crate::kernel::{Outline, Trace};

/// A unit: its assessment, where it was, and its trace in columns.
#[derive(Clone, Debug)]
pub struct Portrait {
    /// What is known of it, over all of its time.
    pub assessment: Assessment,
    /// Where it was and whose readings count.
    pub custody: Custody,
    /// The part of its time that is drawn.
    pub drawn: Interval,
    /// Temperature by columns of equal length, °C.
    pub temperature: Vec<Outline>,
    /// Humidity by columns of equal length, %RH; empty when none was told.
    pub humidity: Vec<Outline>,
}

/// A place over a period.
#[derive(Clone, Debug)]
pub struct PlacePortrait {
    /// Whose readings count, piece by piece.
    pub custody: Custody,
    /// Temperature by columns of equal length, °C: of several sensors from the lowest to the highest.
    pub temperature: Vec<Outline>,
    /// Humidity by columns of equal length, %RH; empty when none was told.
    pub humidity: Vec<Outline>,
    /// How much of the period's temperature is known.
    pub coverage: Coverage,
    /// Extremes and mean of the temperature, °C.
    pub extent: Extent,
    /// Extremes and mean of the humidity, %RH.
    pub humidity_extent: Extent,
    /// Which readings it is drawn from; the product version is 0.
    pub provenance: Provenance,
    /// Each sensor by itself, by name.
    pub sensors: Vec<SensorPortrait>,
}

/// One sensor while it made the trace of a place.
#[derive(Clone, Debug)]
pub struct SensorPortrait {
    /// The sensor.
    pub sensor: Name,
    /// How much of its time its temperature is known.
    pub coverage: Coverage,
    /// Extremes and mean of its temperature, °C.
    pub extent: Extent,
    /// Extremes and mean of its humidity, %RH.
    pub humidity: Extent,
}

impl Fleet<'_> {
    /// What is known of `unit`, and its trace in `columns` over the part of its time between `from` and `to`.
    #[must_use]
    pub fn portrait(
        &self,
        unit: &Name,
        from: Option<ValidAt>,
        to: Option<ValidAt>,
        columns: usize,
    ) -> Option<Portrait> {
        let assessment = self.assess(unit)?;
        let custody = self.custody(unit)?;
        let window = custody.window;
        let begin = from.map_or(window.from, |from| from.clamp(window.from, window.to));
        let end = to.map_or(window.to, |to| to.clamp(begin, window.to));
        let drawn = Interval { from: begin, to: end };
        let (temperature, humidity) = self.traces(&custody, self.gap(unit));
        let (temperature, humidity) = (columned(&temperature, drawn, columns), columned(&humidity, drawn, columns));
        Some(Portrait { assessment, custody, drawn, temperature, humidity })
    }

    /// What `place` was like in `window`, in `columns`.
    #[must_use]
    pub fn place_portrait(&self, place: &Name, window: Interval, columns: usize) -> PlacePortrait {
        let custody = Custody::of_place(self.registry, &self.index, place, window);
        let (temperature, humidity) = self.traces(&custody, None);
        let mut names: Vec<&Name> = custody.pieces.iter().flat_map(|piece| &piece.sensors).collect();
        names.sort();
        names.dedup();
        let alone = |sensor: &Name| {
            let mut custody = custody.clone();
            custody.pieces.iter_mut().for_each(|piece| piece.sensors.retain(|one| one == sensor));
            let (first, last) = (
                custody.pieces.iter().position(|piece| !piece.sensors.is_empty()).unwrap_or(0),
                custody.pieces.iter().rposition(|piece| !piece.sensors.is_empty()).unwrap_or(0),
            );
            custody.pieces.truncate(last + 1);
            custody.pieces.drain(..first);
            let (temperature, humidity) = self.traces(&custody, None);
            SensorPortrait {
                sensor: sensor.clone(),
                coverage: temperature.coverage(),
                extent: temperature.extent(),
                humidity: humidity.extent(),
            }
        };
        let sensors = names.into_iter().map(alone).collect();
        PlacePortrait {
            temperature: columned(&temperature, window, columns),
            humidity: columned(&humidity, window, columns),
            coverage: temperature.coverage(),
            extent: temperature.extent(),
            humidity_extent: humidity.extent(),
            provenance: self.provenance(&custody, 0),
            sensors,
            custody,
        }
    }
}

/// The columns of a trace; none when nothing at all is known.
fn columned(trace: &Trace, drawn: Interval, columns: usize) -> Vec<Outline> {
    let outline = trace.outline_between(drawn.from, drawn.to, columns);
    if outline.iter().all(|column| *column == Outline::Unknown) { Vec::new() } else { outline }
}
