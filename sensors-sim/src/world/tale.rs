//! A story of a scenario, bound to the things it happens to.

use std::sync::Arc;

use anyhow::ensure;

use super::{Inside, World};
use crate::message::Emission;
use crate::scenario::{StorySpec, What};

/// A thing that a story happens to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Victim {
    Weather,
    Body(usize),
    Gateway(usize),
    Probe(usize),
}

/// A story with its instants and its victims.
#[derive(Debug)]
pub(super) struct Tale {
    pub(super) what: What,
    pub(super) victims: Arc<[Victim]>,
    begins_ms: i64,
    ends_ms: i64,
    begun: bool,
    ended: bool,
}

impl Tale {
    /// Whether it begins (`true`) or ends (`false`) by `now_ms`; `None` when nothing changes.
    pub(super) fn turn(&mut self, now_ms: i64) -> Option<bool> {
        if !self.begun && now_ms > self.begins_ms {
            self.begun = true;
            return Some(true);
        }
        if self.begun && !self.ended && now_ms > self.ends_ms {
            self.ended = true;
            return Some(false);
        }
        None
    }
}

impl World {
    /// Finds the victims of `spec` and prepares them.
    pub(super) fn bind(&mut self, spec: &StorySpec, start_ms: i64) -> anyhow::Result<Tale> {
        let hit = |name: &str| match spec.target.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == spec.target,
        };
        let victims: Arc<[Victim]> = match spec.what {
            What::ColdSnap { .. } => [Victim::Weather].into(),
            What::CompressorFailure | What::HeaterFailure | What::DoorLeftOpen | What::EngineOff => {
                let rooms = self.bodies.iter().enumerate().filter(|(_, body)| matches!(body.inside, Inside::Room(_)));
                rooms.filter(|(_, body)| hit(&body.name)).map(|(index, _)| Victim::Body(index)).collect()
            }
            What::PacksMissing { .. } => {
                let boxes =
                    self.bodies.iter().enumerate().filter(|(_, body)| matches!(body.inside, Inside::PassiveBox(_)));
                boxes.filter(|(_, body)| hit(&body.name)).map(|(index, _)| Victim::Body(index)).collect()
            }
            What::SensorSilent | What::SensorStuck => {
                let probes = self.probes.iter().enumerate().filter(|(_, probe)| hit(&probe.name));
                probes.map(|(index, _)| Victim::Probe(index)).collect()
            }
            What::GatewayOffline
            | What::GatewayRestart
            | What::ClockOff { .. }
            | What::ClockLost
            | What::Garbled { .. } => {
                let gateways = self.gateways.iter().enumerate().filter(|(_, gateway)| hit(&gateway.name));
                gateways.map(|(index, _)| Victim::Gateway(index)).collect()
            }
        };
        ensure!(
            !victims.is_empty(),
            "the story of `{}` finds nothing there that {:?} can happen to",
            spec.target,
            spec.what
        );
        if matches!(spec.what, What::ClockOff { .. } | What::ClockLost) {
            for victim in victims.iter() {
                if let Victim::Gateway(index) = victim {
                    self.gateways[*index].expect_clock_steps();
                }
            }
        }
        let begins_ms = start_ms + spec.at.millis();
        let ends_ms = spec.lasts.map_or(i64::MAX, |lasts| begins_ms + lasts.millis());
        Ok(Tale { what: spec.what, victims, begins_ms, ends_ms, begun: false, ended: false })
    }

    /// Lets `what` begin or end for `victim`.
    pub(super) fn strike(&mut self, what: What, victim: Victim, begins: bool, out: &mut Vec<Emission>) {
        let now_ms = self.now_ms;
        match victim {
            Victim::Weather => {
                if let What::ColdSnap { by_c } = what {
                    self.weather.snap_c = if begins { by_c } else { 0.0 };
                }
            }
            Victim::Body(index) => match (&mut self.bodies[index].inside, what) {
                (Inside::Room(room), What::CompressorFailure) => room.faults.compressor = begins,
                (Inside::Room(room), What::HeaterFailure) => room.faults.heater = begins,
                (Inside::Room(room), What::DoorLeftOpen) => room.faults.door = begins,
                (Inside::Room(room), What::EngineOff) => room.faults.engine = begins,
                (Inside::PassiveBox(passive), What::PacksMissing { share }) => {
                    passive.take_packs(if begins { share } else { 1.0 });
                }
                _ => {}
            },
            Victim::Probe(index) => match what {
                What::SensorSilent => self.probes[index].silent = begins,
                What::SensorStuck => self.probes[index].stuck = begins,
                _ => {}
            },
            Victim::Gateway(index) => {
                let gateway = &mut self.gateways[index];
                match what {
                    What::GatewayOffline => gateway.set_offline(begins, out),
                    What::GatewayRestart if begins => gateway.restart(now_ms, out),
                    What::ClockOff { by } => gateway.set_clock(if begins { by.millis() } else { 0 }, None),
                    What::ClockLost => gateway.set_clock(0, begins.then_some(now_ms)),
                    What::Garbled { share } => gateway.set_garbled(if begins { share } else { 0.0 }),
                    _ => {}
                }
            }
        }
    }
}
