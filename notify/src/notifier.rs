//! The notifier: follows the ledger, fills the outbox, tells the next level, and notices what is not delivered.

use std::path::Path;
use std::sync::Arc;

use model::hold::{AlarmCode, Holds, IncidentId, Subject};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use store::ledger::{Event, Findings, Ledger, NewAlarm, Snapshot};
use store::outbox::{Address, Notice, Outbox, Unanswered};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::channel::{Channel, Email, Mqtt, Webhook};
use crate::courier::{Courier, later};
use crate::error::Error;
use crate::options::NotifyOptions;
use crate::{audience, news};

/// Events read at once.
const PAGE: u32 = 1000;

/// Events of which notices are made in one transaction, unless one of the ledger's is longer.
const EVENTS_AT_ONCE: usize = 5000;

/// What the notifier works with.
pub struct Parts {
    /// What is told.
    pub ledger: Ledger,
    /// The directory of the ledger: the outbox lies there.
    pub directory: std::path::PathBuf,
    /// By which channels, and when again.
    pub options: NotifyOptions,
}

/// A running notifier.
pub struct Notifier {
    outbox: Outbox,
    channels: Vec<String>,
    running: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Notifier {
    /// Opens the outbox and tells what is and will be in the ledger, until [`Notifier::stop`].
    ///
    /// # Errors
    /// When an option is wrong, or the outbox cannot be opened.
    pub async fn start(parts: Parts) -> Result<Self, Error> {
        let Parts { ledger, directory, options } = parts;
        let channels = channels(&options)?;
        let outbox = Outbox::open(Path::new(&directory), ledger.head().seq).await?;
        let (options, stop, filled) = (Arc::new(options), CancellationToken::new(), Arc::new(Notify::new()));
        let names: Vec<String> = channels.iter().map(|(name, _)| name.clone()).collect();
        let desk = Desk {
            ledger: ledger.clone(),
            outbox: outbox.clone(),
            options: options.clone(),
            channels: names.clone(),
            news: filled.clone(),
        };
        let mut running = vec![tokio::spawn(desk.run(stop.clone()))];
        for (name, channel) in channels {
            let courier = Courier {
                name,
                channel,
                ledger: ledger.clone(),
                outbox: outbox.clone(),
                options: options.clone(),
                news: filled.clone(),
            };
            running.push(tokio::spawn(courier.run(stop.clone())));
        }
        Ok(Self { outbox, channels: names, running, stop })
    }

    /// The outbox.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The channels that are configured.
    #[must_use]
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// Ends it. What was not delivered is delivered after the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.running {
            if let Err(join) = task.await {
                tracing::error!(%join, "a part of the notifier ended badly");
            }
        }
        self.outbox.close().await;
    }
}

/// A channel with its name.
type Named = (String, Box<dyn Channel>);

/// The channels of `options`.
fn channels(options: &NotifyOptions) -> Result<Vec<Named>, Error> {
    let mut found: Vec<Named> = Vec::new();
    for hook in &options.webhooks {
        let name = audience::webhook(&hook.name);
        let wrong = |option, problem| Error::Option { channel: name.clone(), option, problem };
        Name::parse(&name).map_err(|cause| wrong("name", cause.to_string()))?;
        if found.iter().any(|(known, _)| *known == name) {
            return Err(wrong("name", "stands twice: give each webhook a name of its own".to_owned()));
        }
        found.push((name.clone(), Box::new(Webhook::new(hook, &options.source)?)));
    }
    if let Some(mqtt) = &options.mqtt {
        found.push((audience::MQTT.to_owned(), Box::new(Mqtt::new(mqtt, &options.source))));
    }
    if let Some(email) = &options.email {
        found.push((audience::EMAIL.to_owned(), Box::new(Email::new(email)?)));
    }
    Ok(found)
}

/// What fills the outbox.
struct Desk {
    ledger: Ledger,
    outbox: Outbox,
    options: Arc<NotifyOptions>,
    /// The channels that are configured.
    channels: Vec<String>,
    news: Arc<Notify>,
}

impl Desk {
    async fn run(self, stop: CancellationToken) {
        let mut changes = self.ledger.changes();
        let mut tick = tokio::time::interval(self.options.tick);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut few = false;
        loop {
            // What happened is told at once. What waits for somebody is gone through as often as the clock says, however
            // much happens: it may be many.
            let ticked = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = tick.tick() => true,
                changed = changes.changed() => if changed.is_err() { return } else { false },
            };
            let snapshot = changes.borrow_and_update().clone();
            let done = match self.follow(&snapshot).await {
                Ok(()) if ticked => self.look(&snapshot, &mut few).await,
                done => done,
            };
            if let Err(error) = done {
                tracing::error!(%error, "what is to be told cannot be written down; it will be tried again");
            }
        }
    }

    /// Looks after what was told before.
    async fn look(&self, snapshot: &Snapshot, few: &mut bool) -> Result<(), store::Error> {
        let now = self.ledger.now();
        self.escalate(snapshot, now).await?;
        self.notice_backlog(&snapshot.holds, now).await?;
        self.count_people(snapshot, few);
        Ok(())
    }

    /// Makes notices of every event up to `snapshot`.
    async fn follow(&self, snapshot: &Snapshot) -> Result<(), store::Error> {
        let mut cursor = self.outbox.cursor().await?;
        if cursor > snapshot.head.seq {
            tracing::warn!(outbox = %cursor, ledger = %snapshot.head.seq, "the ledger is older than its outbox, from a \
                backup perhaps; what it records from now on is told");
            self.outbox.rewind(snapshot.head.seq).await?;
            cursor = snapshot.head.seq;
        }
        let mut events: Vec<Event> = Vec::new();
        while cursor < snapshot.head.seq {
            let from = events.last().map_or(cursor, |last| last.seq).next();
            let mut page = self.ledger.audit(from, PAGE).await?;
            page.retain(|event| event.seq <= snapshot.head.seq);
            events.append(&mut page);
            let Some(last) = events.last() else { break };
            // A transaction is told as a whole: its events share the instant they were recorded at.
            let whole = match events.iter().rposition(|event| event.recorded_at != last.recorded_at) {
                _ if last.seq == snapshot.head.seq => events.len(),
                Some(before) if events.len() >= EVENTS_AT_ONCE => before + 1,
                _ => continue,
            };
            let rest = events.split_off(whole);
            let last = events.last().map_or(cursor, |last| last.seq);
            let (told, link_base) = (snapshot.clone(), self.options.link_base.clone());
            let made = tokio::task::spawn_blocking(move || news::of(&events, &told, link_base.as_deref()));
            let made = made.await.map_err(|source| store::Error::LedgerTask { source })?;
            let notices: Vec<(Notice, Vec<Address>)> = made
                .into_iter()
                .map(|notice| {
                    let kind = (notice.kind.as_str(), notice.wants_answer);
                    let addresses = audience::of(&self.options, &snapshot.registry, kind, 1);
                    (notice, addresses)
                })
                .collect();
            cursor = last;
            self.outbox.add(&notices, cursor).await?;
            for (notice, addresses) in &notices {
                metrics::counter!("coldtrail_notifications_total", "kind" => notice.kind.clone()).increment(1);
                if notice.wants_answer && addresses.is_empty() {
                    tracing::warn!(
                        notification = notice.id,
                        kind = notice.kind,
                        subject = notice.subject,
                        "nobody is told of this: configure a channel, and recipients"
                    );
                }
            }
            events = rest;
            self.news.notify_waiters();
        }
        Ok(())
    }

    /// Tells the next level what nobody has acknowledged in time.
    async fn escalate(&self, snapshot: &Snapshot, now: RecordedAt) -> Result<(), store::Error> {
        let unanswered = self.outbox.unanswered().await?;
        let last = audience::last_level(&self.options, &snapshot.registry);
        let mut open = 0_u32;
        for waiting in unanswered {
            if is_answered(&waiting, &snapshot.holds) {
                self.outbox.answered(&waiting.id).await?;
                continue;
            }
            open += 1;
            let due = later(waiting.created_at, self.options.escalate_after.saturating_mul(waiting.level));
            if waiting.level >= last || now < due {
                continue;
            }
            let level = waiting.level + 1;
            let addresses = audience::of(&self.options, &snapshot.registry, (&waiting.kind, true), level);
            tracing::warn!(
                notification = waiting.id,
                level,
                told = addresses.len(),
                "nobody has acknowledged a notification in time: the next level is told"
            );
            self.outbox.escalate(&waiting, level, &addresses, now).await?;
            metrics::counter!("coldtrail_notification_escalations_total").increment(1);
            self.news.notify_waiters();
        }
        metrics::gauge!("coldtrail_notifications_unacknowledged").set(open);
        Ok(())
    }

    /// Raises an alarm for each channel that does not deliver, and ends it when it has. Deliveries of such an alarm do
    /// not count, so that it never raises itself.
    async fn notice_backlog(&self, holds: &Holds, now: RecordedAt) -> Result<(), store::Error> {
        let backlog = self.outbox.backlog().await?;
        let mut findings = Findings::default();
        let late = |since: RecordedAt| later(since, self.options.undelivered_after) <= now;
        for waiting in &backlog {
            let seconds = now.millis().saturating_sub(waiting.oldest.millis()) as f64 / 1000.0;
            metrics::gauge!("coldtrail_notifications_pending", "channel" => waiting.channel.clone())
                .set(waiting.pending as f64);
            metrics::gauge!("coldtrail_notification_oldest_pending_seconds", "channel" => waiting.channel.clone())
                .set(seconds);
            let Ok(channel) = Name::parse(&waiting.channel) else { continue };
            let subject = Subject::Channel(channel);
            if late(waiting.oldest) && holds.lasting(&subject).is_none() {
                tracing::error!(channel = waiting.channel, pending = waiting.pending, since = %waiting.oldest,
                    "a channel does not deliver notifications");
                findings.alarms.push(NewAlarm {
                    code: AlarmCode::NotificationUndelivered,
                    subject,
                    rule: None,
                    at: ValidAt::from_millis(waiting.oldest.millis()),
                    detail: format!("{} notifications wait, since {}", waiting.pending, waiting.oldest).into(),
                });
            }
        }
        for channel in self.channels.iter().filter(|name| !backlog.iter().any(|waiting| waiting.channel == **name)) {
            metrics::gauge!("coldtrail_notifications_pending", "channel" => channel.clone()).set(0.0);
            metrics::gauge!("coldtrail_notification_oldest_pending_seconds", "channel" => channel.clone()).set(0.0);
        }
        let open = holds.single_alarms().filter(|alarm| alarm.code == AlarmCode::NotificationUndelivered);
        for alarm in open.filter(|alarm| alarm.cleared_at.is_none()) {
            let (_, channel) = alarm.subject.parts();
            let waiting = backlog.iter().find(|waiting| waiting.channel == channel.as_str());
            if waiting.is_none_or(|waiting| !late(waiting.oldest)) {
                findings.heard.push((alarm.subject.clone(), ValidAt::from_millis(now.millis())));
            }
        }
        if !findings.alarms.is_empty() || !findings.heard.is_empty() {
            self.ledger.record_findings(findings).await?;
        }
        Ok(())
    }

    /// Says when too few people are told at once.
    fn count_people(&self, snapshot: &Snapshot, few: &mut bool) {
        let reached = audience::reached(&self.options, &snapshot.registry);
        metrics::gauge!("coldtrail_notification_recipients").set(u32::try_from(reached).unwrap_or(u32::MAX));
        let minimum = self.options.minimum_recipients;
        if reached < minimum && !*few {
            tracing::warn!(
                reached,
                minimum,
                "fewer people than required are told of alarms at once: add recipients of \
                level 1 that a configured channel reaches"
            );
        }
        *few = reached < minimum;
    }
}

/// Whether somebody has taken note: one of the alarms was acknowledged, one of the holds taken up or decided; or there
/// is nothing left to take note of, because all of the alarms are over.
fn is_answered(waiting: &Unanswered, holds: &Holds) -> bool {
    if waiting.alarms.iter().any(|id| holds.is_acknowledged(*id)) {
        return true;
    }
    match waiting.incident.as_deref().and_then(|incident| Name::parse(incident).ok()) {
        Some(incident) => holds.is_acted_on(&IncidentId::new(incident)),
        None => waiting.alarms.iter().all(|id| {
            holds.alarm(*id).map_or_else(
                // those that were raised together tell of what happened, and that is never over
                || holds.joint_alarm(id.get()).is_none(),
                |alarm| alarm.cleared_at.is_some(),
            )
        }),
    }
}
