//! A room with a thermostat: cold room, freezer, store, dock, hall, and the body of a truck.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::psychrometrics::{Air, relative_pct, saturation_hpa};
use crate::scenario::RoomDesign;
use crate::seed;

/// What is broken in a room just now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoomFaults {
    pub(super) compressor: bool,
    pub(super) heater: bool,
    pub(super) door: bool,
    /// Everything off, standing in the sun.
    pub(super) engine: bool,
}

/// When a truck is on the road and when its doors are open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) on_the_road_h: [f64; 2],
    pub(super) stops_min: [f64; 2],
    /// Minutes by which this truck is later than the plan.
    pub(super) late_min: f64,
}

impl Round {
    fn is_at_stop(&self, hour: f64) -> bool {
        let [from_h, to_h] = self.on_the_road_h;
        let out_min = (hour - from_h) * 60.0 - self.late_min;
        let [every_min, open_min] = self.stops_min;
        out_min > every_min && hour < to_h && out_min.rem_euclid(every_min) < open_min
    }
}

/// One lump of air and contents behind walls, with a thermostat.
///
/// First-order: dT/dt = (T_around − T)(1/τ + 1/τ_door if open) + heating − cooling, solved exactly over a step
/// in which nothing switches (Incropera and DeWitt, Fundamentals of Heat and Mass Transfer, 5.3, lumped capacitance).
#[derive(Debug)]
pub(super) struct Room {
    design: RoomDesign,
    round: Option<Round>,
    pub(super) faults: RoomFaults,
    air: Air,
    cooling: bool,
    heating: bool,
    door_left_s: f64,
    defrost_left_s: f64,
    defrost_due_s: f64,
    rng: ChaCha8Rng,
}

impl Room {
    /// A room that has been running for long.
    pub(super) fn new(design: RoomDesign, round: Option<Round>, mut rng: ChaCha8Rng) -> Self {
        let celsius = design.setpoint_c + (rng.random::<f64>() - 0.5) * design.band_c * 0.8;
        let vapour_hpa = 0.6 * saturation_hpa(celsius);
        let cooling = rng.random::<bool>();
        let defrost_due_s = design.defrost_every_h * 3600.0 * rng.random::<f64>();
        Self {
            design,
            round,
            faults: RoomFaults::default(),
            air: Air { celsius, vapour_hpa },
            cooling,
            heating: false,
            door_left_s: 0.0,
            defrost_left_s: 0.0,
            defrost_due_s,
            rng,
        }
    }

    pub(super) fn air(&self) -> Air {
        self.air
    }

    pub(super) fn humidity_pct(&self) -> f64 {
        relative_pct(self.air.vapour_hpa, self.air.celsius)
    }

    /// Lives `dt_s` with `around` outside the walls.
    pub(super) fn step(&mut self, around: Air, hour: f64, dt_s: f64) {
        let dt_h = dt_s / 3600.0;
        let open = self.door_is_open(hour, dt_s);
        let defrosting = self.defrosts(dt_s);
        self.thermostat();
        let cools = self.cooling && !defrosting && !self.faults.compressor && !self.faults.engine;
        let heats = self.heating && !self.faults.heater && !self.faults.engine;
        let source_c_per_h = f64::from(u8::from(heats)) * self.design.heat_c_per_h
            - f64::from(u8::from(cools)) * self.design.cool_c_per_h
            + f64::from(u8::from(defrosting)) * self.design.defrost_c_per_h;
        // A closed metal body in the sun gets hotter than the air around it.
        let around_c = around.celsius + if self.faults.engine { 8.0 } else { 0.0 };
        let exchange_per_h = 1.0 / self.design.tau_h + if open { 1.0 / self.design.door_tau_h } else { 0.0 };
        self.air.celsius = relax(self.air.celsius, around_c + source_c_per_h / exchange_per_h, exchange_per_h * dt_h);
        self.moisture(around, open, cools, dt_h);
    }

    /// Moisture: leaks and doors bring the air of outside, the goods give off a little, a cold coil takes away.
    fn moisture(&mut self, around: Air, open: bool, cools: bool, dt_h: f64) {
        let changes_per_h = self.design.leaks_per_h + if open { 12.0 } else { 0.0 };
        let mut vapour_hpa = relax(self.air.vapour_hpa, around.vapour_hpa, changes_per_h * dt_h);
        let celsius = self.air.celsius;
        if self.design.cool_c_per_h > 0.0 {
            vapour_hpa = relax(vapour_hpa, 0.85 * saturation_hpa(celsius), 0.8 * dt_h);
        }
        let coil_hpa = saturation_hpa(celsius - 8.0);
        if cools && vapour_hpa > coil_hpa {
            vapour_hpa = relax(vapour_hpa, coil_hpa, 3.0 * dt_h);
        }
        self.air.vapour_hpa = vapour_hpa.min(saturation_hpa(celsius));
    }

    fn door_is_open(&mut self, hour: f64, dt_s: f64) -> bool {
        if let Some(round) = self.round {
            return self.faults.door || (round.is_at_stop(hour) && !self.faults.engine);
        }
        if self.door_left_s > 0.0 {
            self.door_left_s -= dt_s;
        } else {
            let busy = if (6.0..18.0).contains(&hour) { 1.0 } else { 0.05 };
            if seed::happens(&mut self.rng, self.design.doors_per_h * busy * dt_s / 3600.0) {
                // Exponential, so that long openings are rare and not impossible; never past four times the mean.
                let times = (-(1.0 - self.rng.random::<f64>()).ln()).min(4.0);
                self.door_left_s = self.design.door_open_s * times;
            }
        }
        self.faults.door || self.door_left_s > 0.0
    }

    fn defrosts(&mut self, dt_s: f64) -> bool {
        if self.design.defrost_every_h <= 0.0 {
            return false;
        }
        self.defrost_due_s -= dt_s;
        if self.defrost_due_s <= 0.0 {
            self.defrost_due_s += self.design.defrost_every_h * 3600.0;
            self.defrost_left_s = self.design.defrost_min * 60.0;
        }
        self.defrost_left_s = (self.defrost_left_s - dt_s).max(0.0);
        self.defrost_left_s > 0.0 && !self.faults.compressor
    }

    fn thermostat(&mut self) {
        let (setpoint_c, half_c) = (self.design.setpoint_c, self.design.band_c / 2.0);
        let celsius = self.air.celsius;
        if celsius > setpoint_c + half_c {
            self.cooling = true;
        } else if celsius < setpoint_c - half_c {
            self.cooling = false;
        }
        if celsius < setpoint_c - 1.5 * half_c {
            self.heating = true;
        } else if celsius > setpoint_c - 0.5 * half_c {
            self.heating = false;
        }
    }
}

/// The exact answer of a first-order element after `times` time constants.
fn relax(from: f64, towards: f64, times: f64) -> f64 {
    towards + (from - towards) * (-times).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::RoomKind;

    const HALL: Air = Air { celsius: 20.0, vapour_hpa: 10.0 };

    fn cold_room(doors_per_h: f64) -> Room {
        Room::new(RoomDesign { doors_per_h, ..RoomDesign::of(RoomKind::ColdRoom) }, None, seed::stream(1, "room"))
    }

    #[test]
    fn stays_in_its_band_for_a_week_without_faults() {
        let mut room = cold_room(4.0);
        for step in 0..7 * 8640 {
            room.step(HALL, f64::from(step % 8640) / 360.0, 10.0);
            assert!((2.0..8.0).contains(&room.air().celsius), "step {step}: {}", room.air().celsius);
            assert!((30.0..=100.0).contains(&room.humidity_pct()), "step {step}: {} %RH", room.humidity_pct());
        }
    }

    #[test]
    fn warms_towards_the_hall_with_its_time_constant_when_the_compressor_fails() {
        let mut room = cold_room(0.0);
        room.faults.compressor = true;
        let began_c = room.air().celsius;
        for _ in 0..6 * 360 {
            room.step(HALL, 12.0, 10.0);
        }
        // After one time constant (6 h) the distance has fallen to 1/e.
        let expected_c = 20.0 + (began_c - 20.0) * (-1.0_f64).exp();
        assert!((room.air().celsius - expected_c).abs() < 0.01, "{} instead of {expected_c}", room.air().celsius);
    }

    #[test]
    fn a_door_left_open_beats_the_compressor() {
        let mut room = cold_room(0.0);
        room.faults.door = true;
        for _ in 0..360 {
            room.step(HALL, 12.0, 10.0);
        }
        assert!(room.air().celsius > 8.0, "{}", room.air().celsius);
    }

    #[test]
    fn a_freezer_stays_frozen_through_its_defrosts() {
        let mut room = Room::new(RoomDesign::of(RoomKind::Freezer), None, seed::stream(2, "room"));
        for step in 0..3 * 8640 {
            room.step(HALL, f64::from(step % 8640) / 360.0, 10.0);
            assert!((-25.0..-15.0).contains(&room.air().celsius), "step {step}: {}", room.air().celsius);
        }
    }

    #[test]
    fn a_heated_store_holds_against_frost_until_the_heater_fails() {
        let frost = Air { celsius: -10.0, vapour_hpa: 2.0 };
        let mut room = Room::new(RoomDesign::of(RoomKind::Store), None, seed::stream(3, "room"));
        for step in 0..2 * 8640 {
            room.step(frost, f64::from(step % 8640) / 360.0, 10.0);
            assert!((17.0..23.0).contains(&room.air().celsius), "step {step}: {}", room.air().celsius);
        }
        room.faults.heater = true;
        for _ in 0..2 * 8640 {
            room.step(frost, 3.0, 10.0);
        }
        assert!(room.air().celsius < -5.0, "{}", room.air().celsius);
    }
}
