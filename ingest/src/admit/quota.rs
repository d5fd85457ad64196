//! How many sensor names each gateway has used, so that a gateway gone mad cannot fill the memory with names.

use hashbrown::{HashMap, HashSet};
use model::rejection::Reason;
use store::names::{ByName, NameId, Names};

/// The sensors that each gateway has spoken for. Nearly every sensor has one gateway all its life, and costs the
/// number of that one.
pub(super) struct Quota {
    names_per_gateway: usize,
    /// How many sensors each gateway has spoken for.
    used: HashMap<NameId, usize>,
    /// Per sensor, the gateway that spoke for it first.
    first: ByName<Option<NameId>>,
    /// Sensors with further gateways that spoke for them.
    further: HashSet<(NameId, NameId)>,
}

impl Quota {
    pub(super) fn new(names_per_gateway: usize) -> Self {
        Self { names_per_gateway, used: HashMap::new(), first: ByName::new(None), further: HashSet::new() }
    }

    /// The number of the sensor `name`, if `gateway` has spoken for it before or may speak for one more.
    pub(super) fn sensor(&mut self, names: &Names, name: &str, gateway: NameId) -> Result<NameId, Reason> {
        let known = names.known(name);
        if let Some(sensor) = known
            && (self.first.get(sensor) == Some(gateway) || self.further.contains(&(sensor, gateway)))
        {
            return Ok(sensor);
        }
        let used = self.used.entry(gateway).or_default();
        if *used >= self.names_per_gateway {
            return Err(Reason::Quota);
        }
        *used += 1;
        let sensor = known.unwrap_or_else(|| names.intern(name));
        if self.first.get(sensor).is_some() {
            self.further.insert((sensor, gateway));
        } else {
            self.first.set(sensor, Some(gateway));
        }
        Ok(sensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_sensor_once_for_each_gateway() {
        let names = Names::default();
        let gateways = ["GW1", "GW2", "GW3"].map(|name| names.intern(name));
        let mut quota = Quota::new(2);
        let mut asks = |name: &str, gateway: usize| quota.sensor(&names, name, gateways[gateway]).map(|_| ());
        for _ in 0..3 {
            for gateway in 0..2 {
                assert_eq!(asks("A", gateway), Ok(()));
                assert_eq!(asks("B", gateway), Ok(()));
                assert_eq!(asks("C", gateway), Err(Reason::Quota));
            }
        }
        assert_eq!(names.known("C"), None, "a refused name is not kept");
        assert_eq!(asks("C", 2), Ok(()));
        assert_eq!(asks("GW1", 2), Ok(()), "a sensor may have the name of a gateway");
        assert_eq!(asks("A", 2), Err(Reason::Quota));
    }
}
