//! What the registry keeps: twelve kinds of records, each with a key and one canonical form.

use std::fmt;

use serde_json::Value;

use super::canonical::to_canonical;
use super::read::Object;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What is stored and carried.
    Product,
    /// Where it is.
    Place,
    /// What measures.
    Sensor,
    /// Which sensor measures what, from when to when.
    Association,
    /// Product made together.
    Lot,
    /// A quantity of one lot, tracked together.
    Unit,
    /// A unit divided.
    Split,
    /// Units travelling as one.
    Aggregation,
    /// A unit taken to another place.
    Move,
    /// Time of a sensor that does not count.
    Exclusion,
    /// The end of a unit.
    Closure,
    /// Who is told of holds and alarms.
    Recipient,
}

impl Kind {
    /// All kinds, in the order of the outside contract.
    pub const ALL: [Self; 12] = [
        Self::Product,
        Self::Place,
        Self::Sensor,
        Self::Association,
        Self::Lot,
        Self::Unit,
        Self::Split,
        Self::Aggregation,
        Self::Move,
        Self::Exclusion,
        Self::Closure,
        Self::Recipient,
    ];

    /// The stable word for this kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Place => "place",
            Self::Sensor => "sensor",
            Self::Association => "association",
            Self::Lot => "lot",
            Self::Unit => "unit",
            Self::Split => "split",
            Self::Aggregation => "aggregation",
            Self::Move => "move",
            Self::Exclusion => "exclusion",
            Self::Closure => "closure",
            Self::Recipient => "recipient",
        }
    }

    /// The field of a registry document that lists records of this kind.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Product => "products",
            Self::Place => "places",
            Self::Sensor => "sensors",
            Self::Association => "associations",
            Self::Lot => "lots",
            Self::Unit => "units",
            Self::Split => "splits",
            Self::Aggregation => "aggregations",
            Self::Move => "moves",
            Self::Exclusion => "exclusions",
            Self::Closure => "closures",
            Self::Recipient => "recipients",
        }
    }

    /// The kind `text` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One record of the registry.
///
/// Same key with the same canonical form is the same record; same key with another one is its next version.
pub trait Record: Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// Which kind it is.
    const KIND: Kind;
    /// What it is known by.
    type Key: Clone + Ord + fmt::Debug + Send + Sync;

    /// Its key.
    fn key(&self) -> Self::Key;

    /// The key as text; its parts are joined by `/`, times in RFC 3339 with milliseconds.
    fn key_text(key: &Self::Key) -> String;

    /// Reads it, every problem noted in the object's list.
    #[doc(hidden)]
    fn read(object: Object<'_>) -> Option<Self>;

    /// It as JSON, defaults written out, absent fields left out.
    fn to_json(&self) -> Value;

    /// Its canonical form.
    fn to_canonical(&self) -> String {
        to_canonical(&self.to_json())
    }
}
