//! The world: everything in a scenario, stepped together in simulated time.

mod build;
mod gateway;
mod passive_box;
mod room;
mod tale;
mod weather;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::message::Emission;
use crate::probe::Probe;
use crate::psychrometrics::Air;
use crate::registry::Registry;
use gateway::{Gateway, Noted};
use passive_box::PassiveBox;
use room::Room;
use tale::Tale;
use weather::Weather;

/// Length of a step. Everything is solved exactly within one, so it only bounds when things can switch.
const STEP_MS: i64 = 10_000;

/// What a probe can hang in.
#[derive(Debug)]
enum Inside {
    Room(Box<Room>),
    PassiveBox(Box<PassiveBox>),
}

/// What is around a body.
#[derive(Clone, Copy, Debug)]
enum Around {
    Outdoor,
    /// The hall of the site with this index.
    Hall(usize),
}

/// A room, vehicle or box.
#[derive(Debug)]
struct Body {
    name: String,
    inside: Inside,
    around: Around,
    /// Its temperature at the end of the step before, °C.
    before_c: f64,
}

impl Body {
    fn air(&self) -> Air {
        match &self.inside {
            Inside::Room(room) => room.air(),
            Inside::PassiveBox(passive) => passive.air(),
        }
    }

    fn humidity_pct(&self) -> f64 {
        match &self.inside {
            Inside::Room(room) => room.humidity_pct(),
            Inside::PassiveBox(passive) => passive.humidity_pct(),
        }
    }
}

/// A world: bodies, probes, gateways, weather, and what goes wrong.
///
/// It reads no clock: the same scenario, seed and start give the same messages, whatever the steps in which it is
/// advanced. (Sines and exponentials are the platform's; another libm may differ in a last digit.)
#[derive(Debug)]
pub struct World {
    now_ms: i64,
    weather: Weather,
    halls: Vec<Room>,
    bodies: Vec<Body>,
    probes: Vec<Probe>,
    names: Vec<Arc<str>>,
    units: Vec<Option<Arc<str>>>,
    gateways: Vec<Gateway>,
    tales: Vec<Tale>,
    registry: Registry,
}

impl World {
    /// How many sensors there are.
    #[must_use]
    pub fn sensors(&self) -> usize {
        self.probes.len()
    }

    /// How many gateways there are.
    #[must_use]
    pub fn gateways(&self) -> usize {
        self.gateways.len()
    }

    /// The name of the sensor with this index; empty when there is none.
    #[must_use]
    pub fn sensor_name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", |name| name)
    }

    /// The name of the gateway with this index, which is also its MQTT client id; empty when there is none.
    #[must_use]
    pub fn gateway_name(&self, index: usize) -> &str {
        self.gateways.get(index).map_or("", |gateway| &gateway.name)
    }

    /// The logistic unit that the sensor with this index travels with.
    #[must_use]
    pub fn unit_of(&self, sensor: usize) -> Option<&str> {
        self.units.get(sensor)?.as_deref()
    }

    /// The registry document of this world: products, places, sensors, associations, lots and units.
    #[must_use]
    pub fn registry(&self) -> serde_json::Value {
        self.registry.document()
    }

    /// How far it has been stepped.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now_ms).unwrap_or_default()
    }

    /// Lives up to `until` (whole steps of 10 s) and appends what happens to `out`.
    pub fn advance_to(&mut self, until: DateTime<Utc>, out: &mut Vec<Emission>) {
        let until_ms = until.timestamp_millis();
        while self.now_ms + STEP_MS <= until_ms {
            self.step(out);
        }
    }

    /// Lets every gateway send what it still holds, network or not.
    pub fn drain(&mut self, out: &mut Vec<Emission>) {
        for gateway in &mut self.gateways {
            gateway.drain(self.now_ms, out);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a step is seconds")]
    fn step(&mut self, out: &mut Vec<Emission>) {
        let begin_ms = self.now_ms;
        let end_ms = begin_ms + STEP_MS;
        let dt_s = STEP_MS as f64 / 1000.0;
        self.now_ms = end_ms;
        self.tell_tales(end_ms, out);
        let hour = weather::hour_of_day(end_ms);
        let outdoor = self.weather.step(end_ms, dt_s);
        for hall in &mut self.halls {
            hall.step(outdoor, hour, dt_s);
        }
        for body in &mut self.bodies {
            body.before_c = body.air().celsius;
            let around = match body.around {
                Around::Outdoor => outdoor,
                Around::Hall(site) => self.halls.get(site).map_or(outdoor, Room::air),
            };
            match &mut body.inside {
                Inside::Room(room) => room.step(around, hour, dt_s),
                Inside::PassiveBox(passive) => passive.step(around, dt_s),
            }
        }
        self.measure((begin_ms, end_ms));
        for gateway in &mut self.gateways {
            gateway.step(end_ms, out);
        }
    }

    fn measure(&mut self, span_ms: (i64, i64)) {
        for (sensor, probe) in self.probes.iter_mut().enumerate() {
            let body = &self.bodies[probe.body];
            let air = (body.before_c, body.air().celsius);
            let Some((true_at_ms, measurement)) = probe.step(air, body.humidity_pct(), span_ms) else { continue };
            let seq = probe.next_seq;
            probe.next_seq += 1;
            self.gateways[probe.gateway].note(Noted {
                sensor,
                name: self.names[sensor].clone(),
                unit: self.units[sensor].clone(),
                seq,
                at_ms: true_at_ms,
                true_at_ms,
                measurement,
                refusal: None,
            });
        }
    }

    /// Begins and ends what goes wrong in the step that ends at `now_ms`.
    fn tell_tales(&mut self, now_ms: i64, out: &mut Vec<Emission>) {
        for index in 0..self.tales.len() {
            let tale = &mut self.tales[index];
            if let Some(begins) = tale.turn(now_ms) {
                let (what, victims) = (tale.what, tale.victims.clone());
                for victim in victims.iter() {
                    self.strike(what, *victim, begins, out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
