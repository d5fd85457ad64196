//! Building a world from a scenario.

use std::collections::HashSet;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use model::name::Name;
use rand::Rng;

use super::gateway::Gateway;
use super::passive_box::PassiveBox;
use super::room::{Room, Round};
use super::weather::Weather;
use super::{Around, Body, Inside, World};
use crate::probe::Probe;
use crate::registry::Registry;
use crate::scenario::{
    AmbientSpec, BoxSpec, GatewaySpec, ProbeSpec, RoomDesign, RoomKind, Scenario, SiteSpec, VehicleSpec,
};
use crate::seed;

/// The site in the topics of what is not in a building.
const ON_THE_ROAD: &str = "ROAD";

impl World {
    /// The world of `scenario` at `start`, in which everything random comes from `seed`.
    ///
    /// # Errors
    /// When the scenario contradicts itself: a name twice or not a name, an unknown product, a story about nothing.
    pub fn new(scenario: &Scenario, seed: u64, start: DateTime<Utc>) -> anyhow::Result<Self> {
        let start_ms = start.timestamp_millis();
        let mut world = Self {
            now_ms: start_ms,
            weather: Weather::new(&scenario.weather, start_ms, seed::stream(seed, "weather")),
            halls: Vec::new(),
            bodies: Vec::new(),
            probes: Vec::new(),
            names: Vec::new(),
            units: Vec::new(),
            gateways: Vec::new(),
            tales: Vec::new(),
            registry: Registry::new(start),
        };
        let mut builder = Builder { world: &mut world, seed, start_ms };
        for site in &scenario.sites {
            for number in 1..=site.count {
                builder.site(site, &numbered(&site.id, site.count, number))?;
            }
        }
        for vehicle in &scenario.vehicles {
            for number in 1..=vehicle.count {
                builder.vehicle(vehicle, &numbered(&vehicle.id, vehicle.count, number))?;
            }
        }
        for spec in &scenario.boxes {
            builder.boxes(spec)?;
        }
        world.check_names()?;
        world.names = world.probes.iter().map(|probe| probe.name.as_str().into()).collect();
        world.units = world.probes.iter().map(|probe| probe.unit.as_deref().map(Into::into)).collect();
        for story in &scenario.stories {
            let tale = world.bind(story, start_ms)?;
            world.tales.push(tale);
        }
        Ok(world)
    }

    fn check_names(&self) -> anyhow::Result<()> {
        let kinds: [Vec<&str>; 3] = [
            self.bodies.iter().map(|body| body.name.as_str()).collect(),
            self.probes.iter().map(|probe| probe.name.as_str()).collect(),
            self.gateways.iter().map(|gateway| gateway.name.as_str()).collect(),
        ];
        for names in kinds {
            let mut seen = HashSet::new();
            for name in names {
                Name::parse(name)?;
                ensure!(seen.insert(name), "`{name}` is there twice: give one of them another id");
            }
        }
        Ok(())
    }
}

struct Builder<'a> {
    world: &'a mut World,
    seed: u64,
    start_ms: i64,
}

impl Builder<'_> {
    fn site(&mut self, spec: &SiteSpec, id: &str) -> anyhow::Result<()> {
        self.world.registry.place(id, spec.name.as_deref().unwrap_or(id), "site", None, Some(&spec.timezone));
        let hall = RoomDesign { band_c: 1.0, doors_per_h: 0.0, ..RoomDesign::of(RoomKind::Store) };
        let site = self.world.halls.len();
        self.world.halls.push(Room::new(hall, None, seed::stream(self.seed, &format!("hall {id}"))));
        let first_gateway = self.world.gateways.len();
        let gateways = spec.gateways.max(1);
        for number in 1..=gateways {
            self.gateway(id, &numbered(&format!("{id}-GW"), gateways, number), &spec.gateway);
        }
        let mut rooms = 0;
        for room in &spec.rooms {
            for number in 1..=room.count {
                let room_id = numbered(&format!("{id}-{}", room.id), room.count, number);
                let label = room.kind.label();
                let name = if room.count == 1 { label.to_owned() } else { format!("{label} {number}") };
                self.world.registry.place(&room_id, &name, room.kind.place_kind(), Some(id), Some(&spec.timezone));
                let design = room.design();
                let around = match design.ambient {
                    AmbientSpec::Hall => Around::Hall(site),
                    AmbientSpec::Outdoor => Around::Outdoor,
                };
                let inside = Room::new(design, None, seed::stream(self.seed, &format!("room {room_id}")));
                let body = self.body(&room_id, Inside::Room(Box::new(inside)), around);
                self.probes(&room_id, (body, first_gateway + rooms % gateways as usize), &room.probes, None);
                rooms += 1;
                self.stock(&room_id, room.product.as_deref(), room.units)?;
            }
        }
        Ok(())
    }

    fn vehicle(&mut self, spec: &VehicleSpec, id: &str) -> anyhow::Result<()> {
        self.world.registry.place(id, &format!("Truck {id}"), "vehicle", None, None);
        let mut rng = seed::stream(self.seed, &format!("vehicle {id}"));
        let late_min = rng.random::<f64>() * 40.0;
        let round = Round { on_the_road_h: spec.on_the_road_h, stops_min: spec.stops_min, late_min };
        let design = RoomDesign {
            setpoint_c: spec.setpoint_c,
            band_c: 1.6,
            tau_h: 2.5,
            door_tau_h: 0.8,
            cool_c_per_h: 18.0,
            heat_c_per_h: 12.0,
            defrost_every_h: 6.0,
            defrost_min: 6.0,
            defrost_c_per_h: 6.0,
            leaks_per_h: 0.4,
            ambient: AmbientSpec::Outdoor,
            ..RoomDesign::of(RoomKind::ColdRoom)
        };
        let inside = Inside::Room(Box::new(Room::new(design, Some(round), rng)));
        let body = self.body(id, inside, Around::Outdoor);
        let gateway = self.gateway(ON_THE_ROAD, &format!("{id}-GW"), &spec.gateway);
        self.probes(id, (body, gateway), &spec.probes, None);
        self.stock(id, spec.product.as_deref(), spec.units)
    }

    fn boxes(&mut self, spec: &BoxSpec) -> anyhow::Result<()> {
        let per_gateway = spec.per_gateway.max(1);
        let hubs = spec.count.div_ceil(per_gateway);
        let mut gateway = 0;
        for number in 1..=spec.count {
            if (number - 1) % per_gateway == 0 {
                let hub = (number - 1) / per_gateway + 1;
                gateway = self.gateway(ON_THE_ROAD, &numbered(&format!("{}-HUB", spec.id), hubs, hub), &spec.gateway);
            }
            let id = numbered(&spec.id, spec.count, number);
            self.world.registry.place(&id, &format!("Box {id}"), "container", None, None);
            let mut rng = seed::stream(self.seed, &format!("box {id}"));
            let repack_in_h = spec.repacked_every_h * (0.5 + 0.5 * rng.random::<f64>());
            let inside = Inside::PassiveBox(Box::new(PassiveBox::new(spec, repack_in_h)));
            let body = self.body(&id, inside, Around::Outdoor);
            let unit = match &spec.product {
                Some(gtin) => Some(self.world.registry.unit(gtin, &id, 24).with_context(|| format!("box `{id}`"))?),
                None => None,
            };
            self.probes(&id, (body, gateway), &spec.probes, unit.as_deref());
        }
        Ok(())
    }

    fn gateway(&mut self, site: &str, name: &str, spec: &GatewaySpec) -> usize {
        let index = self.world.gateways.len();
        let rng = seed::stream(self.seed, &format!("gateway {name}"));
        self.world.gateways.push(Gateway::new((index, site, name.to_owned()), spec, self.start_ms, rng));
        index
    }

    fn body(&mut self, name: &str, inside: Inside, around: Around) -> usize {
        let mut body = Body { name: name.to_owned(), inside, around, before_c: 0.0 };
        body.before_c = body.air().celsius;
        self.world.bodies.push(body);
        self.world.bodies.len() - 1
    }

    fn probes(&mut self, place: &str, (body, gateway): (usize, usize), spec: &ProbeSpec, unit: Option<&str>) {
        for number in 0..spec.count {
            let name = match u8::try_from(number) {
                Ok(letter @ 0..26) => format!("{place}-{}", char::from(b'A' + letter)),
                _ => format!("{place}-{}", number + 1),
            };
            self.world.registry.sensor(&name, place, spec);
            let rng = seed::stream(self.seed, &format!("probe {name}"));
            let air_c = self.world.bodies[body].air().celsius;
            let mut probe = Probe::new((name, body, gateway), spec, air_c, self.start_ms, rng);
            probe.unit = unit.map(str::to_owned);
            self.world.probes.push(probe);
        }
    }

    fn stock(&mut self, place: &str, product: Option<&str>, units: u32) -> anyhow::Result<()> {
        if let Some(gtin) = product {
            for number in 0..units.max(1) {
                let quantity = 120 * (1 + number % 4);
                self.world.registry.unit(gtin, place, quantity).with_context(|| format!("stock of `{place}`"))?;
            }
        }
        Ok(())
    }
}

/// `id` where there is only one, otherwise `id` with a number of at least two digits.
fn numbered(id: &str, count: u32, number: u32) -> String {
    if count <= 1 { id.to_owned() } else { format!("{id}{number:02}") }
}
