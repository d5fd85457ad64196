//! A gateway: stamps what its sensors say, batches it, and keeps it while there is no network.

mod damage;
mod payload;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use model::instant::{MeasuredAt, ReceivedAt};
use model::rejection::Reason;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::message::{Emission, Message, SentReading};
use crate::probe::{Decimal, Measurement};
use crate::scenario::GatewaySpec;
use crate::seed;

/// Messages a gateway sends from its store in one step when the network is back.
const CATCH_UP_PER_STEP: usize = 20;
/// Messages a gateway sends again after a restart.
const KEPT_FOR_RESTART: usize = 3;

/// A reading as the gateway noted it.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) sensor: usize,
    pub(super) name: Arc<str>,
    pub(super) unit: Option<Arc<str>>,
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) true_at_ms: i64,
    pub(super) measurement: Measurement,
    pub(super) refusal: Option<Reason>,
}

/// A message that has not left yet.
#[derive(Debug)]
struct Draft {
    seq: u64,
    payload: Bytes,
    readings: Vec<Noted>,
    refusal: Option<Reason>,
}

/// What makes a reading the same reading: sensor, stamp, values.
type Identity = (usize, i64, Decimal, Option<Decimal>);

/// A gateway with its habits and its present troubles.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) name: String,
    index: usize,
    topic: Arc<str>,
    spec: GatewaySpec,
    start_ms: i64,
    waiting: Vec<Noted>,
    waiting_since_ms: i64,
    backlog: VecDeque<Draft>,
    held: Vec<(u8, Draft)>,
    recent: VecDeque<Message>,
    next_seq: u64,
    offline: bool,
    garbled_share: f64,
    clock_off_ms: i64,
    clock_lost_ms: Option<i64>,
    /// What it has sent; kept only where the clock may go back, for only there can a stamp come twice.
    seen: Option<HashSet<Identity>>,
    rng: ChaCha8Rng,
}

impl Gateway {
    pub(super) fn new(
        (index, site, name): (usize, &str, String),
        spec: &GatewaySpec,
        start_ms: i64,
        rng: ChaCha8Rng,
    ) -> Self {
        let topic = format!("coldtrail/v1/{site}/{name}/readings").into();
        Self {
            name,
            index,
            topic,
            spec: spec.clone(),
            start_ms,
            waiting: Vec::new(),
            waiting_since_ms: start_ms,
            backlog: VecDeque::new(),
            held: Vec::new(),
            recent: VecDeque::new(),
            next_seq: 1,
            offline: false,
            garbled_share: 0.0,
            clock_off_ms: 0,
            clock_lost_ms: None,
            seen: (spec.clock_gains_s_per_day < 0.0).then(HashSet::new),
            rng,
        }
    }

    /// Prepares for a clock that may go back.
    pub(super) fn expect_clock_steps(&mut self) {
        self.seen.get_or_insert_default();
    }

    pub(super) fn set_clock(&mut self, off_ms: i64, lost_at_ms: Option<i64>) {
        self.clock_off_ms = off_ms;
        self.clock_lost_ms = lost_at_ms;
    }

    pub(super) fn set_garbled(&mut self, share: f64) {
        self.garbled_share = share;
    }

    pub(super) fn set_offline(&mut self, offline: bool, out: &mut Vec<Emission>) {
        self.offline = offline;
        let gateway = self.index;
        out.push(if offline { Emission::LinkDown { gateway } } else { Emission::LinkUp { gateway } });
    }

    /// Restarts: sends its last messages once more.
    pub(super) fn restart(&mut self, now_ms: i64, out: &mut Vec<Emission>) {
        if self.offline {
            return;
        }
        for message in std::mem::take(&mut self.recent) {
            self.send_copy(&message, now_ms, out);
        }
    }

    /// The stamp this gateway's clock gives to the true instant `true_ms`.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "drift is seconds over days")]
    fn stamp_ms(&self, true_ms: i64) -> i64 {
        if let Some(lost_ms) = self.clock_lost_ms {
            return true_ms - lost_ms;
        }
        let days = (true_ms - self.start_ms) as f64 / 86_400_000.0;
        let ahead_s = self.spec.clock_ahead_s + self.spec.clock_gains_s_per_day * days;
        true_ms + (ahead_s * 1000.0).round() as i64 + self.clock_off_ms
    }

    /// Takes down what a sensor said at the true instant `true_at_ms`.
    pub(super) fn note(&mut self, mut noted: Noted) {
        noted.at_ms = self.stamp_ms(noted.true_at_ms);
        if self.waiting.is_empty() {
            self.waiting_since_ms = noted.true_at_ms;
        }
        self.waiting.push(noted);
    }

    /// Sends what is due at `now_ms`.
    #[expect(clippy::cast_precision_loss, reason = "a wait is seconds")]
    pub(super) fn step(&mut self, now_ms: i64, out: &mut Vec<Emission>) {
        let batch = self.spec.batch.max(1);
        let waited_s = (now_ms - self.waiting_since_ms) as f64 / 1000.0;
        while self.waiting.len() >= batch || (!self.waiting.is_empty() && waited_s >= self.spec.flush_s) {
            let rest = self.waiting.split_off(batch.min(self.waiting.len()));
            let readings = std::mem::replace(&mut self.waiting, rest);
            let draft = self.draft(readings);
            self.backlog.push_back(draft);
        }
        if self.offline {
            return;
        }
        for _ in 0..CATCH_UP_PER_STEP {
            let Some(draft) = self.backlog.pop_front() else { break };
            self.pass_on(draft, now_ms, out);
        }
    }

    /// Sends everything it still has, network or not.
    pub(super) fn drain(&mut self, now_ms: i64, out: &mut Vec<Emission>) {
        if self.offline {
            self.set_offline(false, out);
        }
        if !self.waiting.is_empty() {
            let readings = std::mem::take(&mut self.waiting);
            let draft = self.draft(readings);
            self.backlog.push_back(draft);
        }
        while let Some(draft) = self.backlog.pop_front() {
            self.pass_on(draft, now_ms, out);
        }
        for (_, draft) in std::mem::take(&mut self.held) {
            self.send(draft, now_ms, out);
        }
    }

    fn draft(&mut self, mut readings: Vec<Noted>) -> Draft {
        let seq = self.take_seq();
        let (payload, refusal) = if seed::happens(&mut self.rng, self.garbled_share) {
            damage::damaged(&mut readings, &self.spec, &mut self.rng)
        } else {
            (payload::json(&readings, &self.spec), None)
        };
        Draft { seq, payload: payload.into(), readings, refusal }
    }

    fn take_seq(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }

    /// Sends `draft` now, or holds it back behind later ones.
    fn pass_on(&mut self, draft: Draft, now_ms: i64, out: &mut Vec<Emission>) {
        if seed::happens(&mut self.rng, self.spec.reorders) {
            let behind = self.rng.random_range(1..=5);
            self.held.push((behind, draft));
            return;
        }
        self.send(draft, now_ms, out);
        for (behind, _) in &mut self.held {
            *behind = behind.saturating_sub(1);
        }
        while let Some(due) = self.held.iter().position(|(behind, _)| *behind == 0) {
            let (_, draft) = self.held.remove(due);
            self.send(draft, now_ms, out);
        }
    }

    fn send(&mut self, draft: Draft, now_ms: i64, out: &mut Vec<Emission>) {
        let readings = draft.readings.iter().map(|noted| self.settle(noted, now_ms, draft.refusal.is_some())).collect();
        let message = Message {
            gateway: self.index,
            seq: draft.seq,
            copy_of: None,
            published_at: DateTime::from_timestamp_millis(now_ms).unwrap_or_default(),
            topic: self.topic.clone(),
            payload: draft.payload,
            readings,
            refusal: draft.refusal,
        };
        out.push(Emission::Message(message.clone()));
        // What must be refused is never repeated, so that refusals can be counted exactly.
        if message.refusal.is_some() || message.refused_readings() > 0 {
            return;
        }
        self.recent.push_back(message.clone());
        if self.recent.len() > KEPT_FOR_RESTART {
            self.recent.pop_front();
        }
        if seed::happens(&mut self.rng, self.spec.duplicates) {
            self.send_copy(&message, now_ms, out);
        }
    }

    fn send_copy(&mut self, message: &Message, now_ms: i64, out: &mut Vec<Emission>) {
        out.push(Emission::Message(Message {
            seq: self.take_seq(),
            copy_of: Some(message.origin()),
            published_at: DateTime::from_timestamp_millis(now_ms).unwrap_or_default(),
            ..message.clone()
        }));
    }

    /// Decides what must become of a reading that leaves at `now_ms`.
    fn settle(&mut self, noted: &Noted, now_ms: i64, in_refused_message: bool) -> SentReading {
        let measured_at = MeasuredAt::from_millis(noted.at_ms);
        let believable = measured_at.is_plausible(ReceivedAt::from_millis(now_ms));
        let refusal = noted.refusal.or((!believable).then_some(Reason::Clock));
        let mut fresh = true;
        if refusal.is_none()
            && !in_refused_message
            && let Some(seen) = &mut self.seen
        {
            fresh = seen.insert((noted.sensor, noted.at_ms, noted.measurement.temperature, noted.measurement.humidity));
        }
        let true_at = DateTime::from_timestamp_millis(noted.true_at_ms).unwrap_or_default();
        SentReading { sensor: noted.sensor, measured_at, true_at, refusal, fresh, measurement: noted.measurement }
    }
}
