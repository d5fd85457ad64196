//! One gateway's share of the sensors, and the messages they make.

use chrono::{DateTime, Utc};

use super::LoadOptions;

/// Steps of the random walk, hundredths of a degree: mostly still, as a buffered probe in a good room.
const STEPS_E2: [i32; 16] = [-3, -2, -1, -1, -1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3];
/// The walk is turned back towards this band, hundredths of a degree.
const BAND_E2: std::ops::RangeInclusive<i32> = 300..=700;
const HEAD: &[u8] = b"{\"readings\":[";
const TEMPERATURE: &[u8] = b",\"temperature_c\":";

/// Sensors that take turns: each measures once per interval.
#[derive(Debug)]
pub(super) struct Fleet {
    /// `{"sensor":"S000123","at":` of all sensors, each `prefix_len` long.
    prefixes: Vec<u8>,
    prefix_len: usize,
    values_e2: Vec<i32>,
    turn: usize,
    round_ms: i64,
    round_digits: [u8; 13],
    interval_ms: i64,
    jitter_ms: u64,
    not_after_ms: i64,
    random: u64,
}

impl Fleet {
    /// The sensors of gateway `index`.
    pub(super) fn share(options: &LoadOptions, index: usize) -> Self {
        let from = options.sensors * index / options.gateways;
        let to = options.sensors * (index + 1) / options.gateways;
        let width = options.sensors.to_string().len().max(6);
        let prefixes: Vec<u8> =
            (from..to).flat_map(|sensor| format!("{{\"sensor\":\"S{sensor:0width$}\",\"at\":").into_bytes()).collect();
        let round_ms = options.start.timestamp_millis();
        let mut fleet = Self {
            prefix_len: prefixes.len() / (to - from),
            prefixes,
            values_e2: Vec::with_capacity(to - from),
            turn: 0,
            round_ms,
            round_digits: [b'0'; 13],
            interval_ms: options.interval.millis().max(1),
            jitter_ms: u64::try_from(options.jitter.millis()).unwrap_or(0),
            not_after_ms: options.not_after.timestamp_millis(),
            random: (options.seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1,
        };
        put_digits(&mut fleet.round_digits, round_ms);
        for _ in from..to {
            let start = fleet.next_random() % 200;
            fleet.values_e2.push(400 + i32::try_from(start).unwrap_or(0));
        }
        fleet
    }

    /// Appends the JSON of the next `readings` readings; `false` when their stamps would be too late.
    pub(super) fn write(&mut self, readings: usize, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(HEAD);
        for index in 0..readings {
            if index > 0 {
                out.push(b',');
            }
            if !self.write_one(out) {
                return false;
            }
        }
        out.extend_from_slice(b"]}");
        true
    }

    fn write_one(&mut self, out: &mut Vec<u8>) -> bool {
        if self.turn == self.values_e2.len() {
            self.turn = 0;
            self.round_ms += self.interval_ms;
            put_digits(&mut self.round_digits, self.round_ms);
            if self.round_ms > self.not_after_ms {
                return false;
            }
        }
        let turn = self.turn;
        self.turn += 1;
        let random = self.next_random();
        out.extend_from_slice(&self.prefixes[turn * self.prefix_len..(turn + 1) * self.prefix_len]);
        if self.jitter_ms == 0 {
            out.extend_from_slice(&self.round_digits);
        } else {
            let mut digits = [b'0'; 13];
            put_digits(&mut digits, self.round_ms + i64::try_from((random >> 16) % self.jitter_ms).unwrap_or(0));
            out.extend_from_slice(&digits);
        }
        out.extend_from_slice(TEMPERATURE);
        let value = &mut self.values_e2[turn];
        *value += STEPS_E2[(random & 15) as usize];
        *value += i32::from(*value < *BAND_E2.start()) - i32::from(*value > *BAND_E2.end());
        put_hundredths(*value, out);
        out.push(b'}');
        true
    }

    /// xorshift64* (Vigna 2016): a few instructions, and good enough for noise.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    /// The stamp of the round that is being written, jitter aside.
    pub(super) fn round(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.round_ms).unwrap_or_default()
    }
}

/// Writes a stamp of this century: 13 digits.
fn put_digits(out: &mut [u8; 13], mut millis: i64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (millis % 10) as u8;
        millis /= 10;
    }
}

/// Writes hundredths with two places: `431` is `4.31`.
fn put_hundredths(value: i32, out: &mut Vec<u8>) {
    let magnitude = value.unsigned_abs();
    if value < 0 {
        out.push(b'-');
    }
    let digit = |divisor: u32| b'0' + (magnitude / divisor % 10) as u8;
    if magnitude >= 10_000 {
        out.push(digit(10_000));
    }
    if magnitude >= 1_000 {
        out.push(digit(1_000));
    }
    out.extend_from_slice(&[digit(100), b'.', digit(10), digit(1)]);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::TimeDelta;

    use super::*;
    use crate::{Broker, Span};

    fn options(jitter_ms: i64) -> LoadOptions {
        let start = DateTime::from_timestamp_millis(1_795_341_600_000).unwrap();
        LoadOptions {
            broker: Broker::at("nowhere:1"),
            sensors: 10,
            gateways: 3,
            readings_per_message: 4,
            messages_per_s: 0,
            inflight: 1,
            lasts: std::time::Duration::ZERO,
            max_messages: None,
            start,
            not_after: start + TimeDelta::minutes(5),
            interval: Span::from_millis(60_000),
            jitter: Span::from_millis(jitter_ms),
            seed: 1,
        }
    }

    #[test]
    fn writes_json_of_distinct_readings_until_the_last_stamp() {
        for jitter_ms in [0, 5_000] {
            let options = options(jitter_ms);
            let mut seen = HashSet::new();
            for gateway in 0..3 {
                let mut fleet = Fleet::share(&options, gateway);
                let mut out = Vec::new();
                while fleet.write(1, &mut out) {
                    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
                    let reading = &json["readings"][0];
                    let celsius = reading["temperature_c"].as_f64().unwrap();
                    assert!((2.0..8.0).contains(&celsius), "{celsius}");
                    let identity = (reading["sensor"].as_str().unwrap().to_owned(), reading["at"].as_i64().unwrap());
                    assert!(seen.insert(identity));
                    out.clear();
                }
            }
            // Ten sensors, six rounds: minutes 0 to 5.
            assert_eq!(seen.len(), 60);
        }
    }

    #[test]
    fn writes_hundredths() {
        let text = |value| {
            let mut out = Vec::new();
            put_hundredths(value, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(["4.31", "-0.05", "12.00", "100.10"], [text(431), text(-5), text(1200), text(10_010)][..]);
    }
}
