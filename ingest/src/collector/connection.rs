//! One connection, from CONNECT to its end: receiving, acknowledging, and watching that both go on.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use store::journal::{Delivery, Refused, Source};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::CollectorOptions;
use super::backoff::Ended;
use super::link::{Broken, Link, Message, Requests, Seen};
use super::owed::{AcksEnded, Owed};
use super::status::Status;
use super::subscriptions::Subscriptions;
use crate::clock::Clock;
use crate::sink::Sink;

/// How often the watchdog looks while there is nothing to time.
const WATCH_IDLE: Duration = Duration::from_millis(250);

/// Everything a connection works with. Dropped with it, and with it every acknowledgement it owed.
pub(super) struct Connection<'a> {
    options: &'a CollectorOptions,
    sink: &'a Sink,
    clock: &'a Clock,
    status: &'a Status,
    owed: Owed,
    pulse: Pulse,
    /// Messages are no longer taken: what is in flight is settled and the connection closed.
    stopping: AtomicBool,
    /// Our DISCONNECT is sent.
    goodbye: AtomicBool,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// We were asked to stop, and everything taken is acknowledged.
    Stopped,
    /// We were asked to stop, and the grace ran out before everything was acknowledged.
    StoppedLate,
    /// The library says it broke.
    Broken(Broken),
    /// It brought nothing for longer than a living connection can.
    Silent,
    /// The journal can't make durable what it took, or takes nothing for as long as a connection can wait.
    JournalStalled,
    /// The journal is closed: there is nothing left to collect for.
    JournalClosed,
    /// The broker had more messages in flight than we keep account of.
    TooManyInFlight,
}

impl End {
    /// The end as the next attempt has to know it.
    pub(super) fn ended(&self) -> Ended {
        match self {
            Self::Broken(broken) => broken.ended,
            _ => Ended::Otherwise,
        }
    }

    /// The end as a label of a metric.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::StoppedLate => "stopped_late",
            Self::Broken(broken) => broken.reason,
            Self::Silent => "silent",
            Self::JournalStalled => "journal_stalled",
            Self::JournalClosed => "journal_closed",
            Self::TooManyInFlight => "too_many_in_flight",
        }
    }
}

impl<'a> Connection<'a> {
    pub(super) fn new(options: &'a CollectorOptions, sink: &'a Sink, clock: &'a Clock, status: &'a Status) -> Self {
        Self {
            options,
            sink,
            clock,
            status,
            owed: Owed::new(),
            pulse: Pulse::new(),
            stopping: AtomicBool::new(false),
            goodbye: AtomicBool::new(false),
        }
    }

    /// When this connection stood, if it ever did.
    pub(super) fn stood_at(&self) -> Option<Instant> {
        self.pulse.stood_at()
    }

    /// Connects, and takes messages until the connection ends.
    pub(super) async fn run(&self, subscriptions: &mut Subscriptions, stop: &CancellationToken) -> End {
        let (link, requests) = Link::new(self.options);
        // All three live until the connection ends; none is cancelled and called again.
        let mut receive = pin!(self.receive(link, &requests, subscriptions));
        let mut acknowledge = pin!(self.owed.acknowledge(self.sink, &requests));
        let mut silence = pin!(self.pulse.silence());
        let mut grace = pin!(time::sleep(Duration::MAX));
        loop {
            let stopping = self.stopping.load(Ordering::Relaxed);
            tokio::select! {
                end = &mut receive => return end,
                ended = &mut acknowledge => return match ended {
                    AcksEnded::Lost => End::JournalStalled,
                    AcksEnded::Closed => End::JournalClosed,
                    AcksEnded::Disconnected => End::Silent,
                },
                () = &mut silence => return End::Silent,
                () = stop.cancelled(), if !stopping => {
                    if self.pulse.stood_at().is_none() {
                        return End::Stopped;
                    }
                    self.stopping.store(true, Ordering::Relaxed);
                    self.owed.close();
                    grace.as_mut().reset(Instant::now() + self.options.stop_grace);
                }
                () = &mut grace, if stopping => return self.end_of_grace(),
            }
        }
    }

    fn end_of_grace(&self) -> End {
        if self.goodbye.load(Ordering::Relaxed) { End::Stopped } else { End::StoppedLate }
    }

    async fn receive(&self, mut link: Link, requests: &Requests, subscriptions: &mut Subscriptions) -> End {
        loop {
            let seen = match link.poll(self.options).await {
                Ok(seen) => seen,
                Err(_) if self.goodbye.load(Ordering::Relaxed) => return End::Stopped,
                Err(broken) => return End::Broken(broken),
            };
            match seen {
                Seen::Message(message) => {
                    self.pulse.heard();
                    if let Err(end) = self.take(&message).await {
                        return end;
                    }
                }
                Seen::Acknowledged => self.status.acknowledged(),
                Seen::Connected { session_present, keep_alive } => {
                    self.connected(session_present, keep_alive, subscriptions)
                }
                Seen::Subscribing { packet_id } => subscriptions.sent(packet_id),
                Seen::Subscribed { packet_id, answers } => {
                    self.pulse.heard();
                    self.answered(packet_id, &answers, subscriptions);
                }
                Seen::Incoming => self.pulse.heard(),
                Seen::Sent => {}
                // Now the broker closes. Closing first could reset the connection while it is still sending to us,
                // and it would never read our last acknowledgements.
                Seen::Disconnected => self.goodbye.store(true, Ordering::Relaxed),
            }
            if !subscriptions.is_complete() {
                let now = Instant::now();
                let due = subscriptions.due(now);
                // A full request channel empties by polling: the next packet asks again.
                if !due.is_empty() && requests.try_subscribe(&due) {
                    subscriptions.queued(now);
                }
            }
        }
    }

    fn connected(&self, session_present: bool, keep_alive: Duration, subscriptions: &mut Subscriptions) {
        let broker = &self.options.name;
        let earlier = self.status.snapshot().connections > 0;
        self.pulse.start(self.options.silence_limit(keep_alive));
        self.status.connected();
        if earlier && !session_present {
            // What the broker held for us is gone. Readings that carry `seq` show what is missing.
            warn!(%broker, "the broker has lost our session: messages published while we were away may be missing");
            self.status.session_lost();
        }
        info!(%broker, session_present, keep_alive_s = keep_alive.as_secs(), "connected to the broker");
        subscriptions.connected(session_present);
    }

    fn answered(&self, packet_id: u16, answers: &[Result<(), String>], subscriptions: &mut Subscriptions) {
        let refusals = subscriptions.answered(packet_id, answers, Instant::now());
        for refusal in &refusals {
            error!(
                broker = %self.options.name, filter = refusal.filter, reason = refusal.reason,
                "the broker refuses a subscription; asking again later: check the rights of our user there"
            );
        }
        self.status.refused(refusals.len(), subscriptions.refused());
    }

    /// Hands one message to the journal, waiting while that is full. Not polling meanwhile leaves the following
    /// messages with the broker.
    async fn take(&self, message: &Message) -> Result<(), End> {
        if self.stopping.load(Ordering::Relaxed) {
            return Ok(()); // not taken, not acknowledged: the broker keeps it
        }
        let topic = String::from_utf8_lossy(&message.topic);
        let received_at = self.clock.now();
        let delivery = Delivery {
            received_at,
            source: Source::Collector,
            client: self.options.name.as_str(),
            topic: &topic,
            payload: &message.payload,
        };
        loop {
            match self.sink.append(&delivery) {
                Ok(ticket) => {
                    self.status.took(message.payload.len(), received_at, message.receipt.is_some());
                    let counted = message.receipt.is_none_or(|receipt| self.owed.push(ticket, receipt));
                    return if counted { Ok(()) } else { Err(End::TooManyInFlight) };
                }
                Err(Refused::Full) => self.wait_for_room().await?,
                Err(Refused::Stalled) => return Err(End::JournalStalled),
                Err(Refused::Closed) => return Err(End::JournalClosed),
                Err(Refused::TooLarge) => {
                    error!(
                        broker = %self.options.name, topic = %topic, bytes = message.payload.len(),
                        "a message is larger than the journal takes; it stays unacknowledged at the broker: \
                         lower `max_packet_size` or raise the journal's limit"
                    );
                    self.status.too_large();
                    return Ok(());
                }
            }
        }
    }

    /// Waits for room in the journal, at most one keep-alive: after that the broker would drop us anyway.
    async fn wait_for_room(&self) -> Result<(), End> {
        debug!(broker = %self.options.name, "the journal is full: leaving messages with the broker");
        self.pulse.pause();
        let room = time::timeout(self.options.keep_alive, self.sink.room()).await;
        self.pulse.heard();
        room.map_err(|_elapsed| End::JournalStalled)
    }
}

/// When the broker was last heard, to find a connection whose other end is gone without a word.
struct Pulse {
    state: Mutex<PulseState>,
}

#[derive(Clone, Copy)]
struct PulseState {
    stood_at: Option<Instant>,
    /// `None` while connecting or waiting for the journal: then silence means nothing.
    heard_at: Option<Instant>,
    limit: Duration,
}

impl Pulse {
    fn new() -> Self {
        Self { state: Mutex::new(PulseState { stood_at: None, heard_at: None, limit: Duration::MAX }) }
    }

    fn start(&self, limit: Duration) {
        let now = Instant::now();
        self.change(|state| *state = PulseState { stood_at: Some(now), heard_at: Some(now), limit });
    }

    fn heard(&self) {
        let now = Instant::now();
        self.change(|state| state.heard_at = Some(now));
    }

    fn pause(&self) {
        self.change(|state| state.heard_at = None);
    }

    fn stood_at(&self) -> Option<Instant> {
        self.change(|state| state.stood_at)
    }

    /// Resolves when the connection has been silent for its limit.
    async fn silence(&self) {
        loop {
            let deadline = self.change(|state| Some(state.heard_at? + state.limit));
            match deadline {
                Some(deadline) if deadline <= Instant::now() => return,
                Some(deadline) => time::sleep_until(deadline).await,
                None => time::sleep(WATCH_IDLE).await,
            }
        }
    }

    fn change<T>(&self, with: impl FnOnce(&mut PulseState) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
