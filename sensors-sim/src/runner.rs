//! The runner: advances a world, publishes what it brings forth, and counts what is acknowledged.

mod link;
mod progress;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::clock::Now;
use crate::message::Emission;
use crate::mqtt::Broker;
use crate::truth::{MessageTruth, SentTruth};
use crate::world::World;
use link::{Errand, Link};

pub use progress::{Progress, Summary};

/// Messages that wait in front of one connection; when they are full the world waits.
const QUEUE_MESSAGES: usize = 256;
/// How much simulated time is made at once when the world is behind its clock.
const CHUNK: TimeDelta = TimeDelta::seconds(60);

/// What sets the pace of the world.
#[derive(Clone)]
pub enum Pace {
    /// A simulated clock; the world is never ahead of it.
    Clock(Now),
    /// As fast as the broker acknowledges.
    Unpaced,
}

/// How to run a world.
#[derive(Clone)]
pub struct RunnerOptions {
    /// Where to publish.
    pub broker: Broker,
    /// What sets the pace.
    pub pace: Pace,
    /// The simulated instant at which to end by itself, when there is one.
    pub until: Option<DateTime<Utc>>,
    /// Directory for the files of [`crate::truth`].
    pub truth: Option<PathBuf>,
    /// Unacknowledged messages per gateway, at most; the server's receive maximum if that is lower.
    pub inflight: u16,
}

/// A world being published: one MQTT connection per gateway, whose client id is the gateway's name.
pub struct Runner {
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
    producer: Option<std::thread::JoinHandle<anyhow::Result<()>>>,
    links: JoinSet<()>,
    done: watch::Receiver<bool>,
    messages: Option<Arc<Mutex<MessageTruth>>>,
}

impl Runner {
    /// Starts to publish `world`. Must be called inside a tokio runtime.
    ///
    /// Connections are made in the background and made again when they break; a broker that cannot be reached
    /// makes the world wait.
    ///
    /// # Errors
    /// When the truth directory cannot be written or no thread can be started.
    pub fn start(world: World, options: RunnerOptions) -> anyhow::Result<Self> {
        let progress = Arc::new(Progress::of(&world));
        let stop = Arc::new(AtomicBool::new(false));
        let (done_tx, done) = watch::channel(false);
        let (truth, messages) = match &options.truth {
            Some(dir) => {
                let sent = SentTruth::create(dir, &world)?;
                (Some(sent), Some(Arc::new(Mutex::new(MessageTruth::create(dir)?))))
            }
            None => (None, None),
        };
        let mut links = JoinSet::new();
        let mut queues = Vec::new();
        for index in 0..world.gateways() {
            let (queue, errands) = mpsc::channel(QUEUE_MESSAGES);
            queues.push(queue);
            links.spawn(
                Link {
                    gateway: world.gateway_name(index).to_owned(),
                    broker: options.broker.clone(),
                    inflight: options.inflight.max(1),
                    errands,
                    progress: progress.clone(),
                    messages: messages.clone(),
                    stopping: stop.clone(),
                }
                .run(),
            );
        }
        let producer = Producer { world, options, truth, queues, progress: progress.clone(), stop: stop.clone() };
        let producer = std::thread::Builder::new()
            .name("world".to_owned())
            .spawn(move || {
                let outcome = producer.run();
                // Nobody may be listening any more.
                let _ = done_tx.send(true);
                outcome
            })
            .context("cannot start the world's thread")?;
        Ok(Self { progress, stop, producer: Some(producer), links, done, messages })
    }

    /// The counters, readable at any time.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Resolves when the world has reached `until` and everything it made has been handed to the connections.
    pub async fn finished(&mut self) {
        // An error means that the producer is gone, which is also an end.
        let _ = self.done.wait_for(|done| *done).await;
    }

    /// Stops producing, lets the gateways send what they hold, and waits up to `patience` for acknowledgements.
    ///
    /// # Errors
    /// When the truth could not be written. Messages left unacknowledged are no error: the summary says so.
    pub async fn stop(mut self, patience: Duration) -> anyhow::Result<Summary> {
        self.stop.store(true, Ordering::Relaxed);
        let settled = async { while self.links.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, settled).await.is_err() {
            // Closes the queues too, so that the producer cannot wait for ever.
            self.links.shutdown().await;
        }
        if let Some(producer) = self.producer.take() {
            let joined = tokio::task::spawn_blocking(move || producer.join()).await?;
            joined.map_err(|_| anyhow::anyhow!("the world's thread panicked"))??;
        }
        if let Some(messages) = &self.messages {
            messages.lock().map_err(|_| anyhow::anyhow!("the truth of messages was left half-written"))?.finish()?;
        }
        Ok(self.progress.summary())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Producer {
    world: World,
    options: RunnerOptions,
    truth: Option<SentTruth>,
    queues: Vec<mpsc::Sender<Errand>>,
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
}

impl Producer {
    fn run(mut self) -> anyhow::Result<()> {
        let mut out = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let chunk_end = self.world.now() + CHUNK;
            let mut target = match &self.options.pace {
                Pace::Clock(now) => now().min(chunk_end),
                Pace::Unpaced => chunk_end,
            };
            let before = self.world.now();
            if let Some(until) = self.options.until {
                if before >= until {
                    break;
                }
                target = target.min(until);
                // `until` may be within the last step.
                if until - before < TimeDelta::seconds(10) {
                    break;
                }
            }
            self.world.advance_to(target, &mut out);
            self.progress.at(self.world.now());
            if self.world.now() == before {
                pause();
                continue;
            }
            if !self.hand_out(&mut out)? {
                break;
            }
        }
        self.world.drain(&mut out);
        self.hand_out(&mut out)?;
        self.truth.map_or(Ok(()), SentTruth::finish)
    }

    /// Hands everything to the connections; `false` when they are gone.
    fn hand_out(&mut self, out: &mut Vec<Emission>) -> anyhow::Result<bool> {
        for emission in out.drain(..) {
            let (gateway, errand) = match emission {
                Emission::Message(message) => {
                    if let Some(truth) = &mut self.truth {
                        truth.note(&self.world, &message)?;
                    }
                    (message.gateway, Errand::Send(message))
                }
                Emission::LinkDown { gateway } => (gateway, Errand::Cut),
                Emission::LinkUp { gateway } => (gateway, Errand::Restore),
            };
            let Some(queue) = self.queues.get(gateway) else { continue };
            if queue.blocking_send(errand).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Waits a moment for the clock: short against a step at any speed a person would choose.
fn pause() {
    let until = Instant::now() + Duration::from_millis(5);
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}
