//! To whom a notice goes: the channels and people of a level.

use std::collections::BTreeSet;

use model::registry::{Recipient, Registry};
use store::outbox::Address;

use crate::options::NotifyOptions;

/// The channel of mail.
pub(crate) const EMAIL: &str = "email";

/// The channel of the broker.
pub(crate) const MQTT: &str = "mqtt";

/// The channel of a webhook.
pub(crate) fn webhook(name: &str) -> String {
    format!("webhook.{name}")
}

/// Whether `kinds` have `kind`: itself, the word before its dot, or none at all.
fn has(kinds: &[String], kind: &str) -> bool {
    let family = kind.split('.').next().unwrap_or(kind);
    kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind || wanted == family)
}

/// People who are told at `level`, by id.
pub(crate) fn people(registry: &Registry, level: u32) -> impl Iterator<Item = &Recipient> {
    let told = move |recipient: &&Recipient| recipient.active && recipient.level == level;
    registry.recipients.iter().map(|recorded| recorded.record.as_ref()).filter(told)
}

/// Where a notice of `kind` goes at `level`. People are told what they have to acknowledge, and nothing else.
pub(crate) fn of(
    options: &NotifyOptions,
    registry: &Registry,
    (kind, wants_answer): (&str, bool),
    level: u32,
) -> Vec<Address> {
    let mut found = Vec::new();
    let mut channel = |channel: String| found.push(Address { channel, recipient: String::new() });
    for hook in &options.webhooks {
        // What tells people has to be told again for the people of each level.
        let turn = hook.level == level && (level == 1 || wants_answer);
        if has(&hook.kinds, kind) && turn {
            channel(webhook(&hook.name));
        }
    }
    if level == 1 && options.mqtt.as_ref().is_some_and(|mqtt| has(&mqtt.kinds, kind)) {
        channel(MQTT.to_owned());
    }
    if wants_answer {
        let mail = options.email.is_some();
        for person in people(registry, level) {
            let address = |channel: String| Address { channel, recipient: person.id.to_string() };
            if mail && person.email.is_some() {
                found.push(address(EMAIL.to_owned()));
            }
            if person.phone.is_some() {
                let tellers = options.webhooks.iter().filter(|hook| hook.tells_people && has(&hook.kinds, kind));
                found.extend(tellers.map(|hook| address(webhook(&hook.name))));
            }
        }
    }
    // a program that sends messages to people is told them, one by one, and nothing besides
    let teller =
        |channel: &str| options.webhooks.iter().any(|hook| hook.tells_people && webhook(&hook.name) == channel);
    found.retain(|address| !(address.recipient.is_empty() && teller(&address.channel)));
    found
}

/// The last level anybody is told at.
pub(crate) fn last_level(options: &NotifyOptions, registry: &Registry) -> u32 {
    let people = registry.recipients.iter().filter(|recipient| recipient.active).map(|recipient| recipient.level);
    people.chain(options.webhooks.iter().map(|hook| hook.level)).max().unwrap_or(1)
}

/// How many different people are told at once, by the addresses they are reached under.
#[must_use]
pub fn reached(options: &NotifyOptions, registry: &Registry) -> usize {
    let phones = options.webhooks.iter().any(|hook| hook.tells_people);
    let reach = |person: &Recipient| {
        let mail = person.email.as_ref().filter(|_| options.email.is_some()).map(|email| email.to_lowercase());
        mail.or_else(|| person.phone.as_ref().filter(|_| phones).map(ToString::to_string))
    };
    people(registry, 1).filter_map(reach).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_meant_alone_or_by_their_family() {
        let kinds = ["hold.placed".to_owned(), "alarm".to_owned()];
        assert!(has(&kinds, "hold.placed") && has(&kinds, "alarm.raised") && has(&[], "hold.released"));
        assert!(!has(&kinds, "hold.released") && !has(&kinds, "alarms.raised"));
    }
}
