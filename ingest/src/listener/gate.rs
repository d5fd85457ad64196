//! Who is let in at all: limits on connections and on failed sign-ins.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a failed sign-in counts.
const FAILURES_COUNT_FOR: Duration = Duration::from_secs(60);

/// How many failures of one user the failures of a whole address are worth: many gateways share one behind NAT.
const ADDRESS_FACTOR: u32 = 10;

/// How many (address, user) pairs are counted; beyond it the old counts are forgotten.
const FAILURES_MAX: usize = 16_384;

/// What failures are counted under: an address and the hash of a user, or the address alone.
type Culprit = (IpAddr, Option<u64>);

/// The connections that are open, by address, and the sign-ins that failed lately.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connections_max: usize,
    per_address_max: usize,
    failures_max: u32,
    open: Mutex<Open>,
    /// Failures with the end of the minute they count for.
    failures: Mutex<HashMap<Culprit, (u32, Instant)>>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Gate {
    pub(super) fn new(connections_max: usize, per_address_max: usize, failures_max: u32) -> Self {
        let (open, failures, hasher) = (Mutex::default(), Mutex::default(), RandomState::new());
        Self(Arc::new(Inner { connections_max, per_address_max, failures_max, open, failures, hasher }))
    }

    /// A place for a connection from `address`, or the limit that is reached.
    pub(super) fn enter(&self, address: IpAddr) -> Result<Place, &'static str> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.0.connections_max {
            return Err("connections");
        }
        let here = open.by_address.entry(address).or_default();
        if *here >= self.0.per_address_max {
            return Err("connections_per_address");
        }
        *here += 1;
        open.total += 1;
        Ok(Place { gate: self.clone(), address })
    }

    /// Whether `user` at `address`, or all users there together, failed too often to be tried again at `now`.
    pub(super) fn is_barred(&self, address: IpAddr, user: &str, now: Instant) -> bool {
        let failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        self.keys(address, user)
            .into_iter()
            .any(|(key, limit)| failures.get(&key).is_some_and(|(count, until)| *count >= limit && *until > now))
    }

    /// Counts a sign-in that failed at `now`.
    pub(super) fn failed(&self, address: IpAddr, user: &str, now: Instant) {
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= FAILURES_MAX {
            failures.retain(|_, (_, until)| *until > now);
            if failures.len() >= FAILURES_MAX {
                failures.clear();
            }
        }
        for (key, _) in self.keys(address, user) {
            let counted = failures.entry(key).or_insert((0, now));
            if counted.1 <= now {
                *counted = (0, now + FAILURES_COUNT_FOR);
            }
            counted.0 += 1;
        }
    }

    /// What a sign-in is counted under, with the limits: the user at the address, and the address.
    fn keys(&self, address: IpAddr, user: &str) -> [(Culprit, u32); 2] {
        let limit = self.0.failures_max;
        let user = ((address, Some(self.0.hasher.hash_one(user))), limit);
        [user, ((address, None), limit.saturating_mul(ADDRESS_FACTOR))]
    }
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    gate: Gate,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.gate.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        if let Some(here) = open.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_per_address_and_come_back() {
        let gate = Gate::new(3, 2, 1);
        let [a, b] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let first = gate.enter(a).unwrap();
        let _second = gate.enter(a).unwrap();
        assert_eq!(gate.enter(a).unwrap_err(), "connections_per_address");
        let _third = gate.enter(b).unwrap();
        assert_eq!(gate.enter(b).unwrap_err(), "connections");
        drop(first);
        gate.enter(b).unwrap();
    }

    #[test]
    fn failed_sign_ins_bar_one_user_at_one_address_for_a_minute() {
        let gate = Gate::new(1, 1, 2);
        let [a, b] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let now = Instant::now();
        gate.failed(a, "gw", now);
        assert!(!gate.is_barred(a, "gw", now));
        gate.failed(a, "gw", now);
        assert!(gate.is_barred(a, "gw", now));
        assert!(!gate.is_barred(b, "gw", now) && !gate.is_barred(a, "gw2", now));
        assert!(!gate.is_barred(a, "gw", now + FAILURES_COUNT_FOR));
        for guess in 0..20 {
            gate.failed(b, &format!("guess{guess}"), now);
        }
        assert!(gate.is_barred(b, "gw", now), "an address that guesses names is barred as a whole");
    }
}
