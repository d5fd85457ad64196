//! Who may write to which topic, and what a topic may look like at all.

use model::name::Name;

use super::ended::Ended;

/// Whose topics a client may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// A gateway: only topics with its own name at the gateway level.
    Gateway(Name),
    /// Anonymous over loopback: any topic.
    Anyone,
}

/// What is to be done with a publish to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Into the journal with it.
    Take,
    /// Under another gateway's name.
    Foreign,
    /// Over the length limit.
    TooLong,
}

impl Rights {
    /// Whether `topic` is within the rights.
    ///
    /// Every topic under `coldtrail/v1/` has the gateway as its fourth level; a gateway is refused all that have
    /// another name there. What is not under `coldtrail/v1/` belongs to nobody: it is taken, and the decoder
    /// puts it among the rejected, where the operator sees what a misconfigured gateway sends.
    pub(super) fn allow(&self, topic: &str) -> bool {
        let Self::Gateway(own) = self else {
            return true;
        };
        let Some(below) = topic.strip_prefix("coldtrail/v1/") else {
            return true;
        };
        below.split('/').nth(1).is_some_and(|gateway| gateway == own.as_str())
    }
}

/// The topics of one connection: the last one with its verdict, and the aliases.
///
/// A gateway writes to one topic, so its check costs one comparison of bytes from the second message on.
#[derive(Debug)]
pub(super) struct Topics {
    rights: Rights,
    topic_max_bytes: usize,
    aliases_max: u16,
    aliases: Vec<Option<Box<str>>>,
    last: String,
}

impl Topics {
    pub(super) const fn new(rights: Rights, topic_max_bytes: usize, aliases_max: u16) -> Self {
        Self { rights, topic_max_bytes, aliases_max, aliases: Vec::new(), last: String::new() }
    }

    /// Checks the topic of a publish; after [`Verdict::Take`] it stands in [`Topics::last`].
    ///
    /// # Errors
    /// When the connection must end: not UTF-8, a NUL, a wildcard, an empty topic without an alias that is known,
    /// an alias out of range.
    pub(super) fn check(&mut self, topic: &[u8], alias: Option<u16>) -> Result<Verdict, Ended> {
        if let Some(number) = alias
            && !(1..=self.aliases_max).contains(&number)
        {
            return Err(Ended::AliasInvalid);
        }
        let slot = alias.map(|number| usize::from(number) - 1);
        if topic.is_empty() {
            let slot = slot.ok_or(Ended::Protocol)?;
            let known = self.aliases.get(slot).and_then(Option::as_deref).ok_or(Ended::Protocol)?;
            if self.last != known {
                known.clone_into(&mut self.last);
            }
            return Ok(Verdict::Take);
        }
        if self.last.as_bytes() != topic {
            let topic = checked(topic)?;
            if topic.len() > self.topic_max_bytes {
                return Ok(Verdict::TooLong);
            }
            if !self.rights.allow(topic) {
                return Ok(Verdict::Foreign);
            }
            topic.clone_into(&mut self.last);
        }
        if let Some(slot) = slot {
            if self.aliases.len() <= slot {
                self.aliases.resize(slot + 1, None);
            }
            if let Some(alias) = self.aliases.get_mut(slot)
                && alias.as_deref() != Some(self.last.as_str())
            {
                *alias = Some(self.last.as_str().into());
            }
        }
        Ok(Verdict::Take)
    }

    /// The topic last taken.
    pub(super) fn last(&self) -> &str {
        &self.last
    }
}

/// A topic name as MQTT allows it in a publish (MQTT 5, section 4.7).
///
/// # Errors
/// [`Ended::Malformed`] when it is not UTF-8 or has a NUL, [`Ended::TopicInvalid`] for a wildcard or no topic.
pub(super) fn checked(topic: &[u8]) -> Result<&str, Ended> {
    let topic = std::str::from_utf8(topic).map_err(|_| Ended::Malformed)?;
    if topic.contains('\0') {
        Err(Ended::Malformed)
    } else if topic.is_empty() || topic.contains(['+', '#']) {
        Err(Ended::TopicInvalid)
    } else {
        Ok(topic)
    }
}

/// Whether `filter` is a topic filter by MQTT 5, section 4.7.1: `#` alone in the last level, `+` alone in any.
pub(super) fn is_filter(filter: &str) -> bool {
    let levels = filter.split('/').count();
    let well_placed = |(index, level): (usize, &str)| match level {
        "#" => index + 1 == levels,
        "+" => true,
        _ => !level.contains(['+', '#']),
    };
    !filter.is_empty() && !filter.contains('\0') && filter.split('/').enumerate().all(well_placed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(name: &str) -> Rights {
        Rights::Gateway(Name::parse(name).unwrap())
    }

    #[test]
    fn a_gateway_writes_under_its_own_name_only() {
        let rights = gateway("gw1");
        for topic in ["coldtrail/v1/s/gw1/readings", "coldtrail/v1/../gw1/readings", "coldtrail/v1/s/gw1/status"] {
            assert!(rights.allow(topic), "{topic}");
        }
        for topic in
            ["coldtrail/v1/s/gw2/readings", "coldtrail/v1/s/gw1 /readings", "coldtrail/v1/gw1", "coldtrail/v1/"]
        {
            assert!(!rights.allow(topic), "{topic}");
            assert!(Rights::Anyone.allow(topic), "{topic}");
        }
        // Nobody's topics: taken, and rejected by the decoder.
        for topic in
            ["$SYS/x", "../../etc/passwd", "coldtrail/v2/s/gw2/readings", "со1dtrail/v1/s/gw2/readings", "\u{202e}"]
        {
            assert!(rights.allow(topic), "{topic}");
        }
    }

    #[test]
    fn topics_that_mqtt_forbids_end_the_connection() {
        assert_eq!(checked(b"a/b"), Ok("a/b"));
        for (topic, ended) in [
            (&b"a/+/b"[..], Ended::TopicInvalid),
            (b"a/#", Ended::TopicInvalid),
            (b"a#", Ended::TopicInvalid),
            (b"a\0b", Ended::Malformed),
            (b"a\xff", Ended::Malformed),
        ] {
            assert_eq!(checked(topic), Err(ended), "{topic:?}");
        }
    }

    #[test]
    fn aliases_stand_for_the_topic_they_were_given_with() {
        let mut topics = Topics::new(gateway("g"), 64, 2);
        let [one, two]: [&[u8]; 2] = [b"coldtrail/v1/s/g/readings", b"coldtrail/v1/t/g/readings"];
        assert_eq!(topics.check(b"", Some(1)), Err(Ended::Protocol));
        assert_eq!(topics.check(b"", None), Err(Ended::Protocol));
        assert_eq!(topics.check(one, Some(1)), Ok(Verdict::Take));
        assert_eq!(topics.check(two, Some(2)), Ok(Verdict::Take));
        assert_eq!(topics.check(b"", Some(1)), Ok(Verdict::Take));
        assert_eq!(topics.last().as_bytes(), one);
        assert_eq!(topics.check(two, Some(1)), Ok(Verdict::Take));
        assert_eq!(topics.check(b"", Some(1)), Ok(Verdict::Take));
        assert_eq!(topics.last().as_bytes(), two);
        assert_eq!(topics.check(one, Some(0)), Err(Ended::AliasInvalid));
        assert_eq!(topics.check(one, Some(3)), Err(Ended::AliasInvalid));
        // What is refused does not become the last topic, nor an alias.
        assert_eq!(topics.check(b"coldtrail/v1/s/other/readings", Some(2)), Ok(Verdict::Foreign));
        assert_eq!(topics.check(&[b'x'; 65], Some(2)), Ok(Verdict::TooLong));
        assert_eq!(topics.check(b"", Some(2)), Ok(Verdict::Take));
        assert_eq!(topics.last().as_bytes(), two);
    }

    #[test]
    fn filters_have_their_wildcards_alone_and_the_last_one_last() {
        for filter in ["#", "+", "a/#", "a/+/b", "/", "+/+/#"] {
            assert!(is_filter(filter), "{filter}");
        }
        for filter in ["", "a#", "#/a", "a/#/b", "a+", "a/b+/c", "a\0"] {
            assert!(!is_filter(filter), "{filter}");
        }
    }
}
