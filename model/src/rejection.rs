//! Why a message or a reading was refused.

/// The reason written beside what was refused, in the table `rejected` and in receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The payload is not JSON.
    Json,
    /// It is JSON, but not of the form its dialect asks for.
    Shape,
    /// A name is not 1 to 64 of `A-Z a-z 0-9 . _ -`.
    Name,
    /// The topic is not one a gateway may publish readings to.
    Topic,
    /// A time is neither RFC 3339 nor whole milliseconds since the epoch.
    Time,
    /// The device's clock is not believable: before 2000, or over 300 s ahead of the arrival.
    Clock,
    /// A value is outside what a probe can measure.
    Range,
    /// The gateway has used up its allowance of sensor names.
    Quota,
    /// The decoder itself failed.
    Decoder,
}

impl Reason {
    /// All reasons, in the order of the outside contract.
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Shape,
        Self::Name,
        Self::Topic,
        Self::Time,
        Self::Clock,
        Self::Range,
        Self::Quota,
        Self::Decoder,
    ];

    /// The stable word for this reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Shape => "shape",
            Self::Name => "name",
            Self::Topic => "topic",
            Self::Time => "time",
            Self::Clock => "clock",
            Self::Range => "range",
            Self::Quota => "quota",
            Self::Decoder => "decoder",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
