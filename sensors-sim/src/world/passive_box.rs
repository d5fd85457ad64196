//! A passive box: packs that melt hold the temperature, then nothing does.

use crate::psychrometrics::{Air, relative_pct, saturation_hpa};
use crate::scenario::BoxSpec;

/// Share of the difference between outside and the packs that the air inside takes: it lies nearer the packs.
const SPREAD: f64 = 0.08;
/// How fast the air inside follows what surrounds it, h.
const AIR_TAU_H: f64 = 0.5;

/// A box with packs of a phase-change material.
///
/// While part of the packs is solid and part is liquid they stay at the melting point and take or give
/// heat as UA (T_around − T_melt) against m·L; when all has melted (or frozen) packs and contents follow the
/// outside with τ = C/UA (Incropera and DeWitt, 5.3; latent heat balance).
#[derive(Debug)]
pub(super) struct PassiveBox {
    spec: BoxSpec,
    /// Share of the packs that is there at all, 0 to 1.
    pub(super) packed_share: f64,
    solid_share: f64,
    core_c: f64,
    air_c: f64,
    vapour_hpa: f64,
    repack_due_s: f64,
}

impl PassiveBox {
    /// A box packed `age_h` hours ago, as if no time had passed since.
    pub(super) fn new(spec: &BoxSpec, repack_in_h: f64) -> Self {
        let core_c = spec.melts_at_c;
        Self {
            packed_share: 1.0,
            solid_share: spec.solid_share,
            core_c,
            air_c: core_c + 0.5,
            vapour_hpa: 0.5 * saturation_hpa(core_c),
            repack_due_s: repack_in_h * 3600.0,
            spec: spec.clone(),
        }
    }

    pub(super) fn air(&self) -> Air {
        Air { celsius: self.air_c, vapour_hpa: self.vapour_hpa }
    }

    pub(super) fn humidity_pct(&self) -> f64 {
        relative_pct(self.vapour_hpa, self.air_c)
    }

    /// Leaves only `share` of the packs inside.
    pub(super) fn take_packs(&mut self, share: f64) {
        self.packed_share = share;
    }

    /// Lives `dt_s` with air of `around` outside.
    pub(super) fn step(&mut self, around: Air, dt_s: f64) {
        self.repack_due_s -= dt_s;
        if self.repack_due_s <= 0.0 {
            self.repack_due_s += self.spec.repacked_every_h * 3600.0;
            self.solid_share = self.spec.solid_share;
            self.core_c = self.spec.melts_at_c;
        }
        let melts_at_c = self.spec.melts_at_c;
        let latent_kj = self.spec.packs_kg * self.packed_share * self.spec.latent_kj_per_kg;
        let into_kj = self.spec.walls_w_per_k * (around.celsius - self.core_c) * dt_s / 1000.0;
        let warming = around.celsius > melts_at_c;
        let between_phases = if warming { self.solid_share > 0.0 } else { self.solid_share < 1.0 };
        // Coming back to the melting point from beyond it, the core stops there again.
        let at_melting_point = (self.core_c - melts_at_c).abs() < 1e-9;
        if latent_kj > 0.0 && between_phases && at_melting_point {
            self.solid_share = (self.solid_share - into_kj / latent_kj).clamp(0.0, 1.0);
        } else {
            let before_c = self.core_c;
            let tau_s = self.spec.contents_kj_per_k * 1000.0 / self.spec.walls_w_per_k;
            self.core_c = around.celsius + (self.core_c - around.celsius) * (-dt_s / tau_s).exp();
            let crossed = (before_c - melts_at_c) * (self.core_c - melts_at_c) < 0.0;
            if crossed && latent_kj > 0.0 && between_phases {
                self.core_c = melts_at_c;
            }
        }
        let target_c = self.core_c + SPREAD * (around.celsius - self.core_c);
        self.air_c = target_c + (self.air_c - target_c) * (-dt_s / 3600.0 / AIR_TAU_H).exp();
        let humid_hpa = 0.6 * saturation_hpa(self.air_c);
        self.vapour_hpa = humid_hpa + (self.vapour_hpa - humid_hpa) * (-dt_s / 7200.0).exp();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTSIDE: Air = Air { celsius: 25.0, vapour_hpa: 12.0 };

    fn ice_box() -> PassiveBox {
        let spec = "id = 'B'\npacks_kg = 5.0\nmelts_at_c = 0.0\nlatent_kj_per_kg = 334.0\nwalls_w_per_k = 1.0\nsolid_share = 1.0\nrepacked_every_h = 1000.0";
        PassiveBox::new(&toml::from_str(spec).unwrap(), 1000.0)
    }

    /// Hours until the air inside is above 5 °C.
    fn holds_h(mut passive: PassiveBox) -> f64 {
        (1..100_000)
            .find(|_| {
                passive.step(OUTSIDE, 10.0);
                passive.air().celsius > 5.0
            })
            .map_or(f64::INFINITY, |steps| f64::from(steps) / 360.0)
    }

    #[test]
    fn keeps_a_plateau_while_the_packs_melt_and_then_warms() {
        // 5 kg · 334 kJ/kg against 1 W/K · 25 K is 18.6 h; then some hours to warm the contents.
        let mut passive = ice_box();
        for _ in 0..17 * 360 {
            passive.step(OUTSIDE, 10.0);
        }
        assert!((passive.air().celsius - 2.0).abs() < 0.1, "{}", passive.air().celsius);
        let holds = holds_h(ice_box());
        assert!((18.6..24.0).contains(&holds), "{holds} h");
    }

    #[test]
    fn missing_packs_shorten_it_in_proportion() {
        let mut passive = ice_box();
        passive.take_packs(0.25);
        let holds = holds_h(passive);
        assert!((4.6..9.0).contains(&holds), "{holds} h");
    }

    #[test]
    fn frost_freezes_the_packs_first_and_the_contents_afterwards() {
        let mut passive = ice_box();
        passive.solid_share = 0.5;
        let frost = Air { celsius: -15.0, vapour_hpa: 1.0 };
        for _ in 0..10 * 360 {
            passive.step(frost, 10.0);
        }
        assert!(passive.core_c > -0.01, "{}", passive.core_c);
        for _ in 0..60 * 360 {
            passive.step(frost, 10.0);
        }
        assert!(passive.air().celsius < -5.0, "{}", passive.air().celsius);
    }
}
