//! Instants in UTC, in whole milliseconds. When a thing was measured and when it was received are two types.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Defines one kind of instant: a newtype over milliseconds since the epoch with the same small surface.
macro_rules! instant {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The instant `millis` milliseconds after 1970-01-01T00:00:00Z.
            #[must_use]
            pub const fn from_millis(millis: i64) -> Self {
                Self(millis)
            }

            /// Milliseconds since 1970-01-01T00:00:00Z.
            #[must_use]
            pub const fn millis(self) -> i64 {
                self.0
            }
        }

        impl From<DateTime<Utc>> for $name {
            fn from(at: DateTime<Utc>) -> Self {
                Self(at.timestamp_millis())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&to_rfc3339(self.0))
            }
        }
    };
}

instant! {
    /// When a sensor measured, by the device's own clock. Half of a reading's identity.
    MeasuredAt
}

instant! {
    /// When a message reached us, by our clock, written into the journal with it.
    ReceivedAt
}

instant! {
    /// When something declared holds true in the world: a move happened, an association began, a lot was split.
    ValidAt
}

instant! {
    /// When the ledger wrote something down, by our clock. What was known when is decided by it.
    RecordedAt
}

impl MeasuredAt {
    /// The earliest admitted instant, 2000-01-01T00:00:00Z: before it a device's clock was never set.
    pub const MIN: Self = Self(946_684_800_000);

    /// How far a device's clock may run ahead of the journaled arrival: 300 s.
    pub const MAX_AHEAD: TimeDelta = TimeDelta::seconds(300);

    /// Whether a device clock that says `self` is believable for a message received at `received_at`.
    #[must_use]
    pub fn is_plausible(self, received_at: ReceivedAt) -> bool {
        self >= Self::MIN && self.0 <= received_at.0.saturating_add(Self::MAX_AHEAD.num_milliseconds())
    }

    /// The UTC day this instant falls on, as days since 1970-01-01; the lake is partitioned by it.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }
}

/// `millis` since the epoch as RFC 3339 in UTC with milliseconds, the form every time leaves us in.
///
/// Instants beyond the calendar (year 262142) are clamped to its ends.
#[must_use]
pub fn to_rfc3339(millis: i64) -> String {
    let ends = if millis < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_millis(millis).unwrap_or(ends).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Milliseconds since the epoch from RFC 3339 with any offset, or from a whole number of milliseconds.
///
/// Digits below the millisecond are dropped (towards the past). `None` when `text` is neither form.
#[must_use]
pub fn parse_millis(text: &str) -> Option<i64> {
    if let Ok(millis) = text.parse::<i64>() {
        return Some(millis);
    }
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_writes_one() {
        assert_eq!(parse_millis("2026-11-22T10:00:00Z"), Some(1_795_341_600_000));
        assert_eq!(parse_millis("2026-11-22T11:00:00.000+01:00"), Some(1_795_341_600_000));
        assert_eq!(parse_millis("1795341600000"), Some(1_795_341_600_000));
        assert_eq!(parse_millis("2026-11-22 at ten"), None);
        assert_eq!(to_rfc3339(1_795_341_600_000), "2026-11-22T10:00:00.000Z");
    }

    #[test]
    fn believes_clocks_within_300_seconds_of_arrival() {
        let received_at = ReceivedAt::from_millis(1_795_341_600_000);
        let ahead = |millis| MeasuredAt::from_millis(received_at.millis() + millis).is_plausible(received_at);
        assert!(ahead(300_000));
        assert!(!ahead(300_001));
        assert!(ahead(-30 * 86_400_000));
        assert!(!MeasuredAt::from_millis(946_684_799_999).is_plausible(received_at));
    }

    #[test]
    fn counts_days_before_the_epoch_downwards() {
        assert_eq!(MeasuredAt::from_millis(-1).day(), -1);
        assert_eq!(MeasuredAt::from_millis(86_400_000).day(), 1);
    }
}
