//! Rooms as a scenario orders them: a kind with sensible numbers, any of which can be overridden.

use serde::Deserialize;

use super::ProbeSpec;

/// What a room is for; decides every number not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoomKind {
    /// A walk-in room at 2 to 8 °C.
    ColdRoom,
    /// A cabinet at 2 to 8 °C.
    Fridge,
    /// A room at −20 °C.
    Freezer,
    /// An ambient store, heated in winter.
    Store,
    /// A loading dock: doors to the weather.
    Dock,
}

impl RoomKind {
    /// The word of the registry for such a place.
    pub(crate) fn place_kind(self) -> &'static str {
        match self {
            Self::ColdRoom | Self::Fridge => "cold_room",
            Self::Freezer => "freezer",
            Self::Store => "store",
            Self::Dock => "dock",
        }
    }

    /// What a catalogue would call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::ColdRoom => "Cold room",
            Self::Fridge => "Refrigerator",
            Self::Freezer => "Freezer",
            Self::Store => "Ambient store",
            Self::Dock => "Loading dock",
        }
    }
}

/// What is outside the walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AmbientSpec {
    /// The hall of the site.
    Hall,
    /// The weather.
    Outdoor,
}

/// The numbers of a room. Heat is written as what it does to the room: °C per hour.
#[derive(Clone, Debug)]
pub(crate) struct RoomDesign {
    /// What the thermostat aims at, °C, and the width of its band, °C.
    pub(crate) setpoint_c: f64,
    pub(crate) band_c: f64,
    /// Time constant towards what is outside with the door shut, h, and with it open, h.
    pub(crate) tau_h: f64,
    pub(crate) door_tau_h: f64,
    /// What cooling and heating do when they run, °C/h; 0 is none.
    pub(crate) cool_c_per_h: f64,
    pub(crate) heat_c_per_h: f64,
    /// Defrosting: hours between, minutes each, and what it does, °C/h.
    pub(crate) defrost_every_h: f64,
    pub(crate) defrost_min: f64,
    pub(crate) defrost_c_per_h: f64,
    /// Door openings per working hour, and seconds each on average.
    pub(crate) doors_per_h: f64,
    pub(crate) door_open_s: f64,
    /// Air changes per hour with the door shut.
    pub(crate) leaks_per_h: f64,
    pub(crate) ambient: AmbientSpec,
}

/// A room, `count` of them alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoomSpec {
    pub(crate) kind: RoomKind,
    pub(crate) id: String,
    #[serde(default = "super::one")]
    pub(crate) count: u32,
    setpoint_c: Option<f64>,
    band_c: Option<f64>,
    tau_h: Option<f64>,
    door_tau_h: Option<f64>,
    cool_c_per_h: Option<f64>,
    heat_c_per_h: Option<f64>,
    defrost_every_h: Option<f64>,
    defrost_min: Option<f64>,
    defrost_c_per_h: Option<f64>,
    doors_per_h: Option<f64>,
    door_open_s: Option<f64>,
    leaks_per_h: Option<f64>,
    ambient: Option<AmbientSpec>,
    #[serde(default)]
    pub(crate) probes: ProbeSpec,
    /// The GTIN of what is kept here, and how many units of it.
    #[serde(default)]
    pub(crate) product: Option<String>,
    #[serde(default)]
    pub(crate) units: u32,
}

impl RoomSpec {
    /// The numbers of this room: its own where given, else those of its kind.
    pub(crate) fn design(&self) -> RoomDesign {
        let kind = RoomDesign::of(self.kind);
        RoomDesign {
            setpoint_c: self.setpoint_c.unwrap_or(kind.setpoint_c),
            band_c: self.band_c.unwrap_or(kind.band_c),
            tau_h: self.tau_h.unwrap_or(kind.tau_h),
            door_tau_h: self.door_tau_h.unwrap_or(kind.door_tau_h),
            cool_c_per_h: self.cool_c_per_h.unwrap_or(kind.cool_c_per_h),
            heat_c_per_h: self.heat_c_per_h.unwrap_or(kind.heat_c_per_h),
            defrost_every_h: self.defrost_every_h.unwrap_or(kind.defrost_every_h),
            defrost_min: self.defrost_min.unwrap_or(kind.defrost_min),
            defrost_c_per_h: self.defrost_c_per_h.unwrap_or(kind.defrost_c_per_h),
            doors_per_h: self.doors_per_h.unwrap_or(kind.doors_per_h),
            door_open_s: self.door_open_s.unwrap_or(kind.door_open_s),
            leaks_per_h: self.leaks_per_h.unwrap_or(kind.leaks_per_h),
            ambient: self.ambient.unwrap_or(kind.ambient),
        }
    }
}

impl RoomDesign {
    /// Usual numbers. They are of the size found in practice, not those of one product: a walk-in room drifts
    /// about 2.5 °C an hour when its compressor stops, and cycles every half hour when it runs.
    pub(crate) fn of(kind: RoomKind) -> Self {
        let cold_room = Self {
            setpoint_c: 5.0,
            band_c: 1.2,
            tau_h: 6.0,
            door_tau_h: 1.0,
            cool_c_per_h: 9.0,
            heat_c_per_h: 3.0,
            defrost_every_h: 8.0,
            defrost_min: 12.0,
            defrost_c_per_h: 3.0,
            doors_per_h: 4.0,
            door_open_s: 40.0,
            leaks_per_h: 0.1,
            ambient: AmbientSpec::Hall,
        };
        match kind {
            RoomKind::ColdRoom => cold_room,
            RoomKind::Fridge => Self {
                band_c: 1.5,
                tau_h: 3.0,
                door_tau_h: 0.35,
                cool_c_per_h: 14.0,
                defrost_min: 8.0,
                doors_per_h: 2.0,
                door_open_s: 20.0,
                ..cold_room
            },
            RoomKind::Freezer => Self {
                setpoint_c: -20.0,
                band_c: 1.6,
                tau_h: 12.0,
                door_tau_h: 1.5,
                cool_c_per_h: 10.0,
                heat_c_per_h: 0.0,
                defrost_min: 20.0,
                defrost_c_per_h: 6.0,
                doors_per_h: 2.0,
                ..cold_room
            },
            RoomKind::Store => Self {
                setpoint_c: 20.0,
                band_c: 1.0,
                tau_h: 10.0,
                door_tau_h: 3.0,
                cool_c_per_h: 3.0,
                heat_c_per_h: 4.0,
                defrost_every_h: 0.0,
                doors_per_h: 6.0,
                door_open_s: 30.0,
                leaks_per_h: 0.5,
                ambient: AmbientSpec::Outdoor,
                ..cold_room
            },
            RoomKind::Dock => Self {
                setpoint_c: 12.0,
                band_c: 2.0,
                tau_h: 3.0,
                door_tau_h: 0.6,
                cool_c_per_h: 0.0,
                heat_c_per_h: 6.0,
                defrost_every_h: 0.0,
                doors_per_h: 3.0,
                door_open_s: 600.0,
                leaks_per_h: 2.0,
                ambient: AmbientSpec::Outdoor,
                ..cold_room
            },
        }
    }
}
