//! Which filters the broker has granted in this session, and when to ask again for the others.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// First wait before a refused filter is asked for again; doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(300);

/// The filters of one broker. Lives over connections, as the broker's session does.
pub(super) struct Subscriptions {
    filters: Vec<Filter>,
    /// Filters of SUBSCRIBEs queued and not yet seen going out, oldest first, then by packet id.
    unsent: Vec<Vec<usize>>,
    asked: HashMap<u16, Vec<usize>>,
}

struct Filter {
    text: String,
    state: State,
    refusals: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Wanted { at: Option<Instant> },
    Asked,
    Granted,
}

/// A filter the broker refused, with its reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) filter: String,
    pub(super) reason: String,
}

impl Subscriptions {
    /// Nothing is granted yet: the first connection asks for every filter even when the broker still has the
    /// session, because the configuration may have gained filters since.
    pub(super) fn new(filters: &[String]) -> Self {
        let wanted = |text: &String| Filter { text: text.clone(), state: State::Wanted { at: None }, refusals: 0 };
        Self { filters: filters.iter().map(wanted).collect(), unsent: Vec::new(), asked: HashMap::new() }
    }

    /// A connection stands. Without its session the broker knows no filter any more.
    pub(super) fn connected(&mut self, session_present: bool) {
        self.unsent.clear();
        self.asked.clear();
        for filter in &mut self.filters {
            if !session_present || filter.state == State::Asked {
                filter.state = State::Wanted { at: None };
            }
        }
    }

    /// The filters to ask for at `now`.
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        self.due_at(now).into_iter().filter_map(|at| Some(self.filters.get(at)?.text.clone())).collect()
    }

    /// Whether [`due`](Self::due) might give something, cheap enough to ask for every packet.
    pub(super) fn is_complete(&self) -> bool {
        self.filters.iter().all(|filter| matches!(filter.state, State::Granted | State::Asked))
    }

    /// The filters due at `now` were queued in one SUBSCRIBE.
    pub(super) fn queued(&mut self, now: Instant) {
        let due = self.due_at(now);
        self.mark(&due, State::Asked);
        self.unsent.push(due);
    }

    /// The oldest queued SUBSCRIBE went out under `packet_id`.
    pub(super) fn sent(&mut self, packet_id: u16) {
        if !self.unsent.is_empty() {
            let filters = self.unsent.remove(0);
            self.asked.insert(packet_id, filters);
        }
    }

    /// The broker's answers to the SUBSCRIBE of `packet_id`, in its order. An answer that is missing is a refusal.
    pub(super) fn answered(&mut self, packet_id: u16, answers: &[Result<(), String>], now: Instant) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for (nth, at) in self.asked.remove(&packet_id).unwrap_or_default().into_iter().enumerate() {
            let Some(filter) = self.filters.get_mut(at) else { continue };
            match answers.get(nth) {
                Some(Ok(())) => {
                    filter.state = State::Granted;
                    filter.refusals = 0;
                }
                refused => {
                    let wait = RETRY_FIRST.saturating_mul(2_u32.saturating_pow(filter.refusals)).min(RETRY_MAX);
                    filter.state = State::Wanted { at: Some(now + wait) };
                    filter.refusals = filter.refusals.saturating_add(1);
                    let reason = refused.and_then(|answer| answer.clone().err());
                    let reason = reason.unwrap_or_else(|| "no answer for it".to_owned());
                    refusals.push(Refusal { filter: filter.text.clone(), reason });
                }
            }
        }
        refusals
    }

    /// How many filters the broker has refused and not granted since.
    pub(super) fn refused(&self) -> usize {
        self.filters.iter().filter(|filter| filter.refusals > 0 && filter.state != State::Granted).count()
    }

    fn due_at(&self, now: Instant) -> Vec<usize> {
        let is_due = |filter: &Filter| matches!(filter.state, State::Wanted { at } if at.is_none_or(|at| at <= now));
        self.filters.iter().enumerate().filter(|(_, filter)| is_due(filter)).map(|(at, _)| at).collect()
    }

    fn mark(&mut self, which: &[usize], state: State) {
        for &at in which {
            if let Some(filter) = self.filters.get_mut(at) {
                filter.state = state;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(filters: &[&str]) -> Vec<String> {
        filters.iter().map(|&filter| filter.to_owned()).collect()
    }

    fn asked(subscriptions: &mut Subscriptions, packet_id: u16, now: Instant) {
        subscriptions.queued(now);
        subscriptions.sent(packet_id);
    }

    #[test]
    fn asks_again_when_the_session_is_gone() {
        let now = Instant::now();
        let mut subscriptions = Subscriptions::new(&texts(&["a/#", "b/#"]));
        subscriptions.connected(true);
        assert_eq!(subscriptions.due(now), texts(&["a/#", "b/#"]), "the first connection asks in any case");
        asked(&mut subscriptions, 1, now);
        assert!(subscriptions.is_complete() && subscriptions.due(now).is_empty());
        assert!(subscriptions.answered(1, &[Ok(()), Ok(())], now).is_empty());
        subscriptions.connected(true);
        assert!(subscriptions.is_complete());
        subscriptions.connected(false);
        assert_eq!(subscriptions.due(now).len(), 2);
    }

    #[test]
    fn asks_again_for_what_was_not_answered_before_the_connection_broke() {
        let now = Instant::now();
        let mut subscriptions = Subscriptions::new(&texts(&["a/#"]));
        subscriptions.connected(false);
        asked(&mut subscriptions, 1, now);
        subscriptions.connected(true);
        assert_eq!(subscriptions.due(now), texts(&["a/#"]));
    }

    #[test]
    fn retries_a_refused_filter_later_and_later() {
        let mut now = Instant::now();
        let mut subscriptions = Subscriptions::new(&texts(&["a/#", "b/#"]));
        subscriptions.connected(false);
        asked(&mut subscriptions, 1, now);
        let refusals = subscriptions.answered(1, &[Ok(()), Err("NotAuthorized".to_owned())], now);
        assert_eq!(refusals, [Refusal { filter: "b/#".to_owned(), reason: "NotAuthorized".to_owned() }]);
        assert_eq!(subscriptions.refused(), 1);
        for wait in [5, 10, 20] {
            assert!(subscriptions.due(now + Duration::from_secs(wait - 1)).is_empty());
            now += Duration::from_secs(wait);
            assert_eq!(subscriptions.due(now), texts(&["b/#"]));
            asked(&mut subscriptions, 2, now);
            assert_eq!(subscriptions.answered(2, &[], now).len(), 1, "no answer is a refusal");
        }
        now += Duration::from_secs(40);
        asked(&mut subscriptions, 3, now);
        assert!(subscriptions.answered(3, &[Ok(())], now).is_empty());
        assert_eq!(subscriptions.refused(), 0);
    }
}
