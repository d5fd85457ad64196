//! The registry document: what people declare, read into types with every problem named.

use serde_json::Value;

use super::association::{Association, Exclusion};
use super::entity::{Kind, Record};
use super::json::parse_json;
use super::place::{Place, Sensor};
use super::product::Product;
use super::read::{Object, Problem, Problems};
use super::recipient::Recipient;
use super::unit::{Aggregation, Closure, Lot, Move, Split, Unit};

/// A document whose every value is of the right form. Whether it fits what is registered already is decided when
/// it is applied. Records stand in the order of the text, so that an index is a JSON pointer; the order means
/// nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistryDocument {
    /// Products.
    pub products: Vec<Product>,
    /// Places.
    pub places: Vec<Place>,
    /// Sensors.
    pub sensors: Vec<Sensor>,
    /// Associations.
    pub associations: Vec<Association>,
    /// Lots.
    pub lots: Vec<Lot>,
    /// Units.
    pub units: Vec<Unit>,
    /// Splits.
    pub splits: Vec<Split>,
    /// Aggregations.
    pub aggregations: Vec<Aggregation>,
    /// Moves.
    pub moves: Vec<Move>,
    /// Exclusions.
    pub exclusions: Vec<Exclusion>,
    /// Closures.
    pub closures: Vec<Closure>,
    /// Recipients.
    pub recipients: Vec<Recipient>,
}

impl RegistryDocument {
    /// The document `text` spells, a byte order mark in front of it or not.
    ///
    /// # Errors
    /// Every problem found (at most 1000), each with its JSON pointer: text that is not JSON, a field that stands
    /// twice, an unknown field, a value that is missing, of the wrong form or out of range.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<Problem>> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self::from_value(&parse_json(text)?)
    }

    /// The document `value` holds. Prefer [`RegistryDocument::parse`]: a value no longer knows that a field stood
    /// twice in its text.
    ///
    /// # Errors
    /// As [`RegistryDocument::parse`].
    pub fn from_value(value: &Value) -> Result<Self, Vec<Problem>> {
        let problems = Problems::default();
        let document = Object::open(value, String::new(), &problems).and_then(Self::read);
        match (document, problems.into_vec()) {
            (Some(document), problems) if problems.is_empty() => Ok(document),
            (_, problems) => Err(problems),
        }
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        fn section<T: Record>(object: &mut Object<'_>) -> Option<Vec<T>> {
            object.objects(T::KIND.section(), T::read)
        }
        let products = section(&mut object);
        let places = section(&mut object);
        let sensors = section(&mut object);
        let associations = section(&mut object);
        let lots = section(&mut object);
        let units = section(&mut object);
        let splits = section(&mut object);
        let aggregations = section(&mut object);
        let moves = section(&mut object);
        let exclusions = section(&mut object);
        let closures = section(&mut object);
        let recipients = section(&mut object);
        object.finish();
        Some(Self {
            products: products?,
            places: places?,
            sensors: sensors?,
            associations: associations?,
            lots: lots?,
            units: units?,
            splits: splits?,
            aggregations: aggregations?,
            moves: moves?,
            exclusions: exclusions?,
            closures: closures?,
            recipients: recipients?,
        })
    }

    /// The document as JSON, each record in canonical content.
    #[must_use]
    pub fn to_json(&self) -> Value {
        fn list<T: Record>(records: &[T]) -> Value {
            Value::Array(records.iter().map(T::to_json).collect())
        }
        let mut json = serde_json::Map::new();
        let sections = [
            (Kind::Product, list(&self.products)),
            (Kind::Place, list(&self.places)),
            (Kind::Sensor, list(&self.sensors)),
            (Kind::Association, list(&self.associations)),
            (Kind::Lot, list(&self.lots)),
            (Kind::Unit, list(&self.units)),
            (Kind::Split, list(&self.splits)),
            (Kind::Aggregation, list(&self.aggregations)),
            (Kind::Move, list(&self.moves)),
            (Kind::Exclusion, list(&self.exclusions)),
            (Kind::Closure, list(&self.closures)),
            (Kind::Recipient, list(&self.recipients)),
        ];
        for (kind, records) in sections {
            json.insert(kind.section().to_owned(), records);
        }
        Value::Object(json)
    }
}
