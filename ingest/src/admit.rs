//! Whether a candidate reading is believable, and what becomes of it.

mod quota;

use model::instant::{MeasuredAt, ReceivedAt};
use model::name::Name;
use model::quantity::{Humidity, Temperature};
use model::reading::Reading;
use model::rejection::Reason;
use store::journal::Journaled;
use store::names::NameId;
use store::tail::{Admission, Origin, Tail};

use crate::decode::{self, Candidate, Dialects};
use quota::Quota;

/// Decodes journaled messages and takes their readings into the tail.
pub struct Admitter {
    dialects: Dialects,
    quota: Quota,
}

/// What became of one message. `accepted + duplicate + rejected.len()` is what it held (invariant D4); a message
/// refused whole counts as one rejection, without an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Readings taken in.
    pub accepted: u64,
    /// Readings known already.
    pub duplicate: u64,
    /// Refusals, by place in the message.
    pub rejected: Vec<(Option<usize>, Reason)>,
}

impl Admitter {
    /// An admission that lets each gateway speak for at most `names_per_gateway` sensors.
    #[must_use]
    pub fn new(dialects: Dialects, names_per_gateway: usize) -> Self {
        Self { dialects, quota: Quota::new(names_per_gateway) }
    }

    /// Takes one message into `tail`, whatever it holds.
    ///
    /// `observe` is told every reading that was taken in, and the number of its sensor.
    pub fn admit(
        &mut self,
        message: &Journaled<'_>,
        tail: &mut Tail,
        observe: &mut dyn FnMut(NameId, &Reading<'_>),
    ) -> Outcome {
        let delivery = &message.delivery;
        let (received_at, position) = (delivery.received_at, message.position);
        let mut outcome = Outcome::default();
        let Some((decoder, origin)) = self.dialects.of_topic(delivery.topic) else {
            tail.reject(received_at, delivery.topic, delivery.payload, Reason::Topic, position);
            outcome.rejected.push((None, Reason::Topic));
            return outcome;
        };
        let candidates = match decode::decode(decoder, delivery.payload) {
            Ok(candidates) => candidates,
            Err(reason) => {
                tail.reject(received_at, delivery.topic, delivery.payload, reason, position);
                outcome.rejected.push((None, reason));
                return outcome;
            }
        };
        let origin = Origin { site: tail.intern(origin.site), gateway: tail.intern(origin.gateway) };
        for (index, candidate) in candidates.iter().enumerate() {
            let reading = candidate.as_ref().map_err(|reason| *reason).and_then(|candidate| {
                let reading = believe(candidate, received_at)?;
                Ok((reading, self.quota.sensor(tail.names(), reading.sensor, origin.gateway)?))
            });
            match reading {
                Ok((reading, sensor)) => match tail.admit(&reading, sensor, origin, received_at, position) {
                    Admission::Duplicate => outcome.duplicate += 1,
                    Admission::New | Admission::Conflict | Admission::Late => {
                        outcome.accepted += 1;
                        observe(sensor, &reading);
                    }
                },
                Err(reason) => {
                    let part = decoder.part(delivery.payload, index);
                    tail.reject(received_at, delivery.topic, part, reason, position);
                    outcome.rejected.push((Some(index), reason));
                }
            }
        }
        tail.advance(position);
        outcome
    }
}

/// The candidate as a reading, if it is plausible.
fn believe<'c>(candidate: &'c Candidate<'_>, received_at: ReceivedAt) -> Result<Reading<'c>, Reason> {
    let unit = candidate.unit.as_deref();
    if !Name::is_valid(&candidate.sensor) || !unit.is_none_or(Name::is_valid) {
        return Err(Reason::Name);
    }
    let measured_at = MeasuredAt::from_millis(candidate.at);
    if !measured_at.is_plausible(received_at) {
        return Err(Reason::Clock);
    }
    let within = |value: Option<f64>| value.map(|celsius| Temperature::from_celsius(celsius).ok_or(Reason::Range));
    let temperature = within(candidate.temperature_c).transpose()?;
    let within = |value: Option<f64>| value.map(|percent| Humidity::from_percent(percent).ok_or(Reason::Range));
    let humidity = within(candidate.humidity_pct).transpose()?;
    Ok(Reading {
        sensor: &candidate.sensor,
        measured_at,
        temperature,
        humidity,
        unit,
        seq: candidate.seq,
        battery_v: candidate.battery_v,
        rssi_dbm: candidate.rssi_dbm,
    })
}
