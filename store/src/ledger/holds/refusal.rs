//! Why something cannot be done about holds and alarms.

use model::hold::{AlarmId, HoldId, HoldState};
use model::name::Name;

/// Why a person cannot do what they want about holds. Nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefusal {
    /// There is no such hold.
    #[error("there is no hold `{0}`")]
    Unknown(HoldId),
    /// There is no such unit, lot or place.
    #[error("there is no {what}: register it first")]
    NothingThere {
        /// What was named.
        what: String,
    },
    /// It is held by hand already.
    #[error("it is held by hand already, by hold `{0}`")]
    Held(HoldId),
    /// The hold has ended, or is where it was to go.
    #[error("hold `{hold}` is {}: it cannot become {}", state.as_str(), wanted.as_str())]
    State {
        /// The hold.
        hold: HoldId,
        /// Where it stands.
        state: HoldState,
        /// Where it was to go.
        wanted: HoldState,
    },
    /// What has expired cannot be released.
    #[error("hold `{0}` cannot be released: what has expired stays so; reject it")]
    Expired(HoldId),
    /// There is no such alarm.
    #[error("there is no alarm `{0}`")]
    UnknownAlarm(AlarmId),
    /// Somebody has acknowledged the alarm.
    #[error("alarm `{alarm}` was acknowledged already, by `{by}`")]
    Acknowledged {
        /// The alarm.
        alarm: AlarmId,
        /// Who did.
        by: Name,
    },
    /// There is nothing to accept or to act on.
    #[error("there is nothing to decide: {what}")]
    Nothing {
        /// What was looked for.
        what: &'static str,
    },
}
