//! What happens, told as it happens: server-sent events.
//!
//! Holds and alarms are events of the ledger: each client reads them from there at its own pace, so none is lost, and
//! a client that comes back with the number of the last one goes on after it. Readings and excursions are looked at
//! once a second for all clients together, and once when a client comes, so that it misses nothing that changes after its
//! request was answered; they are not resumed. Nobody who writes ever waits for a client here.

mod excursions;
mod ledger;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::sse::Event;
use model::instant::{ValidAt, to_rfc3339};
use model::name::Name;
use model::quantity::{Humidity, Temperature};
use model::sight::Sight;
use serde_json::{Value, json};
use store::ledger::{People, Principal, Sequence};
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::access::Pass;
use crate::state::Shared;
use excursions::{Changed, Excursions};

/// How often readings and excursions are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Readings told at each look, one a sensor; those that waited longest come first.
const READINGS_AT_ONCE: usize = 1000;
/// Looks that may wait for a client before it misses one.
const LOOKS_KEPT: usize = 8;
/// Events that may wait for a client's connection.
const EVENTS_WAITING: usize = 64;
/// Silence after which something is sent all the same.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a stream lasts at most; whoever comes back after it shows again who they are.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// When a client should come back, if it does by itself.
const RETRY: Duration = Duration::from_secs(2);

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The newest reading of a sensor.
    Reading,
    /// An excursion that opened, closed, or fired.
    Excursion,
    /// A hold that was placed, got new evidence, or was decided about.
    Hold,
    /// An alarm that was raised or has ended.
    Alarm,
}

impl Topic {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Reading, Self::Excursion, Self::Hold, Self::Alarm];

    /// The stable word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Excursion => "excursion",
            Self::Hold => "hold",
            Self::Alarm => "alarm",
        }
    }

    /// The topic a stable word names.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == word)
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
struct Told {
    topic: Topic,
    data: Arc<str>,
}

impl Told {
    fn of(topic: Topic, data: &Value) -> Self {
        Self { topic, data: data.to_string().into() }
    }

    fn event(&self) -> Event {
        Event::default().event(self.topic.as_str()).data(&self.data)
    }
}

/// What one look at readings and excursions found.
struct Look {
    /// As it is told to whoever sees everything.
    told: Vec<Told>,
    /// The same readings, for those who do not.
    readings: Vec<Said>,
    /// The same changes, by unit.
    changes: Vec<Changed>,
}

/// What a sensor said.
struct Said {
    sensor: Option<Name>,
    at: ValidAt,
    unit: Option<Name>,
    data: Value,
}

impl Said {
    /// It as it is told to somebody with this `sight`, if they see it.
    fn told(&self, sight: &Sight) -> Option<Told> {
        let sensor = self.sensor.as_ref()?;
        let unit = self.unit.as_ref().filter(|unit| sight.unit(unit));
        if !sight.reading(sensor, unit, self.at) {
            return None;
        }
        let mut data = self.data.clone();
        data["unit"] = json!(unit.map(Name::as_str));
        Some(Told::of(Topic::Reading, &data))
    }
}

/// Where clients come to listen.
#[derive(Clone)]
pub(crate) struct Hub {
    looks: broadcast::Sender<Arc<Look>>,
    /// Clients that have come and wait for the look they begin with.
    come: Arc<Mutex<Vec<oneshot::Sender<()>>>>,
    called: Arc<Notify>,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Hub {
    /// With room for `max_clients`, until `stop`.
    pub(crate) fn new(max_clients: usize, stop: CancellationToken) -> Self {
        let (looks, _) = broadcast::channel(LOOKS_KEPT);
        let places = Arc::new(Semaphore::new(max_clients));
        Self { looks, come: Arc::default(), called: Arc::default(), places, stop }
    }

    /// A place for one more client, if there is one.
    pub(crate) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Tells a client of `topics` what happens from now on, and of holds and alarms what happened after `after`; as long
    /// as they are `who` they are.
    pub(crate) async fn tell(
        &self,
        shared: Shared,
        place: OwnedSemaphorePermit,
        topics: Vec<Topic>,
        after: Option<Sequence>,
        who: (Principal, Pass),
    ) -> mpsc::Receiver<Event> {
        let (to, events) = mpsc::channel(EVENTS_WAITING);
        let (looks, stop) = (self.looks.subscribe(), self.stop.clone());
        let after = after.unwrap_or(shared.given.ledger.head().seq);
        self.looked().await;
        let client = Client { shared, topics, after, looks, who, people: None, to };
        tokio::spawn(async move {
            let _place = place;
            metrics::gauge!("coldtrail_http_event_clients").increment(1.0);
            tokio::select! {
                ended = tokio::time::timeout(LIFETIME, client.serve()) => if let Ok(Err(Ended::Slow)) = ended {
                    metrics::counter!("coldtrail_http_event_clients_dropped_total").increment(1);
                },
                () = stop.cancelled() => {}
            }
            metrics::gauge!("coldtrail_http_event_clients").decrement(1.0);
        });
        events
    }

    /// Waits until a look has been taken that began after now.
    async fn looked(&self) {
        let (taken, look) = oneshot::channel();
        self.come.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
        self.called.notify_one();
        tokio::select! {
            _ = look => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Looks at readings and excursions as long as somebody listens, until the server stops.
    pub(crate) async fn watch(self, shared: Shared) {
        let newest = shared.given.newest.clone();
        let latest = || shared.given.assess.as_ref().and_then(|assess| assess.latest());
        // before everything was assessed once nothing is known: what is under way then is told when it is
        let mut excursions = Excursions::of(latest().unwrap_or_default());
        let mut seen = newest.revision();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_heard = false;
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = self.called.notified() => {}
                () = self.stop.cancelled() => return,
            }
            // they are answered when they go, which is after the look
            let _come = std::mem::take(&mut *self.come.lock().unwrap_or_else(PoisonError::into_inner));
            if !std::mem::replace(&mut is_heard, self.looks.receiver_count() > 0) {
                // whoever comes is told what changes from this look on
                (seen, excursions) = (newest.revision(), Excursions::of(latest().unwrap_or_default()));
                continue;
            }
            let (mut told, mut readings, mut changes) = (Vec::new(), Vec::new(), Vec::new());
            for (sensor, last) in newest.since(seen, READINGS_AT_ONCE) {
                seen = last.revision();
                let data = json!({
                    "sensor": &*sensor,
                    "measured_at": to_rfc3339(last.measured_at.millis()),
                    "temperature_c": last.temperature.map(Temperature::celsius),
                    "humidity_pct": last.humidity.map(Humidity::percent),
                    "unit": last.unit.as_deref(),
                });
                told.push(Told::of(Topic::Reading, &data));
                let unit = last.unit.as_deref().and_then(|unit| Name::parse(unit).ok());
                let at = ValidAt::from_millis(last.measured_at.millis());
                readings.push(Said { sensor: Name::parse(&sensor).ok(), at, unit, data });
            }
            if let Some(latest) = latest() {
                changes = excursions.changes(latest);
                let all = excursions::told(&shared.given.ledger.registry(), &changes, &Sight::everything());
                told.extend(all.iter().map(|change| Told::of(Topic::Excursion, change)));
            }
            if !told.is_empty() {
                // nobody listens any more: then nobody is told
                let _ = self.looks.send(Arc::new(Look { told, readings, changes }));
            }
        }
    }
}

/// Why a stream ended.
enum Ended {
    /// The client has gone, or there is nothing more to tell.
    Gone,
    /// The client took nothing for too long.
    Slow,
    /// The ledger does not answer.
    Ledger,
}

/// One client that listens.
struct Client {
    shared: Shared,
    topics: Vec<Topic>,
    /// The last event of the ledger that was looked at.
    after: Sequence,
    looks: broadcast::Receiver<Arc<Look>>,
    /// Who the client is, and what shows it.
    who: (Principal, Pass),
    /// Accounts and tokens when that was looked at.
    people: Option<People>,
    to: mpsc::Sender<Event>,
}

impl Client {
    async fn serve(mut self) -> Result<(), Ended> {
        let mut changes = self.shared.given.ledger.changes();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        self.send(Event::default().retry(RETRY).comment("listening")).await?;
        heartbeat.reset();
        loop {
            self.check(false).await?;
            self.catch_up().await?;
            tokio::select! {
                changed = changes.changed() => changed.map_err(|_| Ended::Gone)?,
                look = self.looks.recv() => self.look(look).await?,
                _ = heartbeat.tick() => {
                    self.check(true).await?;
                    self.send(Event::default().comment("still here")).await?;
                }
                () = self.to.closed() => return Err(Ended::Gone),
            }
        }
    }

    /// Ends the stream when the client is no longer who they were: signed out, revoked, or with other rights. Looks at it
    /// when accounts or tokens changed, and `anyway` when a session may have ended.
    async fn check(&mut self, anyway: bool) -> Result<(), Ended> {
        let people = self.shared.given.ledger.people();
        if !anyway && self.people.as_ref().is_some_and(|known| known.is_same(&people)) {
            return Ok(());
        }
        self.people = Some(people);
        let (principal, pass) = &self.who;
        match pass.is_of(principal, &self.shared).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Ended::Gone),
            Err(error) => {
                tracing::warn!(%error, "a stream of events ended: the ledger does not answer");
                Err(Ended::Ledger)
            }
        }
    }

    /// Tells what was looked at, as far as it is wanted.
    async fn look(&mut self, look: Result<Arc<Look>, broadcast::error::RecvError>) -> Result<(), Ended> {
        self.check(false).await?;
        let look = match look {
            Ok(look) => look,
            Err(broadcast::error::RecvError::Closed) => return Err(Ended::Gone),
            Err(broadcast::error::RecvError::Lagged(looks)) => {
                let data = json!({ "looks": looks, "detail": "readings and excursions were missed: ask for them" });
                return self.send(Event::default().event("missed").data(data.to_string())).await;
            }
        };
        let seen = self.who.0.sites.is_some().then(|| self.seen(&look));
        for told in seen.as_ref().unwrap_or(&look.told).iter().filter(|told| self.topics.contains(&told.topic)) {
            self.send(told.event()).await?;
        }
        Ok(())
    }

    /// What the client sees, as things are now.
    fn sight(&self) -> Sight {
        Sight::of(self.who.0.sites.as_ref(), &self.shared.given.ledger.registry(), self.shared.now())
    }

    /// What of `look` the client sees.
    fn seen(&self, look: &Look) -> Vec<Told> {
        let (sight, registry) = (self.sight(), self.shared.given.ledger.registry());
        let excursions = excursions::told(&registry, &look.changes, &sight);
        let readings = look.readings.iter().filter_map(|said| said.told(&sight));
        readings.chain(excursions.iter().map(|change| Told::of(Topic::Excursion, change))).collect()
    }

    /// Tells what the ledger has beyond what was told.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        let ledger = self.shared.given.ledger.clone();
        if !self.topics.iter().any(|topic| matches!(topic, Topic::Hold | Topic::Alarm)) {
            self.after = ledger.head().seq;
            return Ok(());
        }
        while self.after < ledger.head().seq {
            let events = ledger.audit(self.after.next(), ledger::EVENTS_AT_ONCE).await.map_err(|error| {
                tracing::warn!(%error, "a stream of events ended: the ledger does not answer");
                Ended::Ledger
            })?;
            let (holds, sight) = (ledger.holds(), self.sight());
            let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
            for event in &events {
                let told = if ledger::is_long(event) {
                    let (holds, event, sight) = (holds.clone(), event.clone(), sight.clone());
                    let work = move || ledger::told(&holds, &event, &sight).map(|(topic, data)| Told::of(topic, &data));
                    let told = tokio::task::spawn_blocking(work).await;
                    told.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()))
                } else {
                    ledger::told(&holds, event, &sight).map(|(topic, data)| Told::of(topic, &data))
                };
                if let Some(told) = told.filter(|told| self.topics.contains(&told.topic)) {
                    self.send(told.event().id(event.seq.to_string())).await?;
                }
            }
            self.after = last;
        }
        Ok(())
    }

    async fn send(&self, event: Event) -> Result<(), Ended> {
        self.to.send_timeout(event, PATIENCE).await.map_err(|error| match error {
            SendTimeoutError::Timeout(_) => Ended::Slow,
            SendTimeoutError::Closed(_) => Ended::Gone,
        })
    }
}
