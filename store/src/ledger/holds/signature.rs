//! Whether what people signed is still what stands there.

use model::hold::{Hold, HoldId, Holds};
use model::registry::{from_canonical, to_canonical};

use super::event::HoldEvent;
use crate::Error;
use crate::ledger::Ledger;
use crate::ledger::backend::{HoldHistory, Unreadable};
use crate::ledger::event::Event;

/// Of one signature: nothing when it holds, else what is wrong with it.
pub type Checked = Result<(), String>;

impl Ledger {
    /// Checks every signature on `hold`, in their order: against the events on disk, from which the record that each
    /// was put on is made once more, and against the record on disk. One that was valid yesterday is looked at again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn check_signatures(&self, hold: &Hold) -> Result<Vec<Checked>, Error> {
        if hold.acts.is_empty() {
            return Ok(Vec::new());
        }
        let number = i64::try_from(hold.id.get()).unwrap_or(i64::MAX);
        let history = self.0.backend.hold_history(number, i64::from(hold.id.member())).await?;
        let shown = hold.clone();
        let work = move || check(&shown, history);
        tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })
    }
}

/// Makes the hold again from its events, and compares what comes of it with its record and with what is shown.
fn check(shown: &Hold, history: HoldHistory) -> Vec<Checked> {
    let HoldHistory { record, events } = history;
    let (mut holds, mut signatures, mut broken) = (Holds::default(), Vec::new(), None);
    for (row, hash) in events {
        match replay(&mut holds, shown.id, row, &hash) {
            Ok(true) => signatures.push(Ok(())),
            Ok(false) => {}
            Err(what) => {
                broken = Some(what);
                break;
            }
        }
    }
    if let Some(what) = broken {
        signatures.resize(shown.acts.len().max(signatures.len()), Err(what));
    } else {
        let again = holds.get(shown.id);
        let what = if again.as_ref().map(|hold| to_canonical(&hold.to_json())) != record {
            Some("the record of the hold is not what its events say")
        } else if !again.is_some_and(|hold| begins_with(&hold, shown)) {
            Some("what is shown is not what is in the ledger")
        } else {
            None
        };
        if let Some(what) = what {
            signatures = vec![Err(what.to_owned()); shown.acts.len()];
        }
    }
    signatures.truncate(shown.acts.len());
    signatures
}

/// Whether `shown` is `hold`, or was until something was added a moment ago.
fn begins_with(hold: &Hold, shown: &Hold) -> bool {
    hold.acts.starts_with(&shown.acts)
        && hold.evidence.starts_with(&shown.evidence)
        && (hold.scope == shown.scope && hold.cause == shown.cause && hold.placed_at == shown.placed_at)
}

/// Does again what one event did to the hold `id`; whether it is a signature. `hash` is what the rest of the ledger
/// says the event's hash is.
fn replay(holds: &mut Holds, id: HoldId, row: Result<Event, Unreadable>, hash: &str) -> Result<bool, String> {
    let event = row.map_err(|row| format!("event {}: {}", row.seq, row.what))?;
    let wrong = |what: String| format!("event {}: {what}", event.seq);
    if event.hash != event.expected_hash() || event.hash.to_string() != hash {
        return Err(wrong("its content is not what was hashed when it was written".to_owned()));
    }
    let body = from_canonical(&event.body).map_err(|cause| wrong(cause.to_string()))?;
    let mut read = HoldEvent::read(&event, &body).map_err(wrong)?.ok_or_else(|| wrong("it is about no hold".into()))?;
    let is_signature = match &mut read {
        HoldEvent::Acted(act) => {
            act.holds.retain(|acted| acted.hold == id);
            true
        }
        _ => false,
    };
    read.apply(holds, event.recorded_at).map_err(wrong)?;
    Ok(is_signature)
}
