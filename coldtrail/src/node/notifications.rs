//! Who is told of holds and alarms on a node.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ingest::tls::ClientTls;
use notify::{EmailOptions, Identity, MqttOptions, Notifier, NotifyOptions, Parts, SmtpTls, WebhookOptions};
use store::ledger::Ledger;

use super::Layout;
use crate::config::{self, Config};
use crate::exit::Failure;

/// The fewest people an administrator may ask for (medical devices; drugs want three).
const FEWEST_RECIPIENTS: usize = 2;

/// How long one delivery may take when the configuration does not say.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Starts telling what is and will be in `ledger`, and what the API is to know of it.
pub(super) async fn start(
    data: &Path,
    ledger: &Ledger,
    config: &Config,
) -> Result<(Notifier, api::Notifications), Failure> {
    let options = options(&config.notifications)?;
    let directory = Layout::of(data).ledger();
    let parts = Parts { ledger: ledger.clone(), directory, options: options.clone() };
    let notifier = Notifier::start(parts).await.map_err(|error| match error {
        notify::Error::Store(error) => Failure::from(error),
        other => Failure::Input(format!("configuration: {}", Failure::from(other))),
    })?;
    let told = api::Notifications {
        outbox: notifier.outbox().clone(),
        channels: notifier.channels().to_vec(),
        minimum: options.minimum_recipients,
        escalate_after: options.escalate_after,
        reached: Arc::new(move |registry| notify::reached(&options, registry)),
    };
    Ok((notifier, told))
}

fn options(given: &config::Notifications) -> Result<NotifyOptions, Failure> {
    let defaults = NotifyOptions::default();
    let wrong = |what: String| Failure::Input(format!("configuration: `notifications`: {what}"));
    let minimum_recipients = given.minimum_recipients.unwrap_or(defaults.minimum_recipients);
    if minimum_recipients < FEWEST_RECIPIENTS {
        return Err(wrong(format!("`minimum_recipients` is {minimum_recipients}, give at least {FEWEST_RECIPIENTS}")));
    }
    let email = given.email.as_ref().map(email).transpose().map_err(wrong)?;
    Ok(NotifyOptions {
        source: given.source.clone().unwrap_or(defaults.source),
        link_base: given.link_base.clone(),
        webhooks: given.webhook.iter().map(webhook).collect::<Result<_, _>>().map_err(wrong)?,
        mqtt: given.mqtt.as_ref().map(broker).transpose()?,
        email,
        minimum_recipients,
        escalate_after: seconds(given.escalate_after_s, defaults.escalate_after).map_err(wrong)?,
        undelivered_after: seconds(given.undelivered_after_s, defaults.undelivered_after).map_err(wrong)?,
        retry_min: seconds(given.retry_min_s, defaults.retry_min).map_err(wrong)?,
        retry_max: seconds(given.retry_max_s, defaults.retry_max).map_err(wrong)?,
        tick: defaults.tick,
    })
}

fn seconds(given: Option<f64>, default: Duration) -> Result<Duration, String> {
    let Some(seconds) = given else { return Ok(default) };
    let fits = Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero());
    fits.ok_or_else(|| format!("{seconds} is no number of seconds above zero"))
}

fn webhook(given: &config::notifications::Webhook) -> Result<WebhookOptions, String> {
    Ok(WebhookOptions {
        name: given.name.clone(),
        url: given.url.clone(),
        secrets: std::iter::once(given.secret.clone()).chain(given.old_secret.clone()).collect(),
        kinds: given.kinds.clone(),
        level: given.level.unwrap_or(1).max(1),
        tells_people: given.tells_people,
        allow_http: given.allow_http,
        authority: given.authority.clone(),
        timeout: seconds(given.timeout_s, TIMEOUT)?,
    })
}

fn broker(given: &config::notifications::Broker) -> Result<MqttOptions, Failure> {
    let tls = match &given.authority {
        Some(authority) => Some(ClientTls { authority: authority.clone(), identity: given.identity.clone() }.load()?),
        None => None,
    };
    let default_port = if tls.is_some() { 8883 } else { 1883 };
    let user = given.user.clone();
    let timeout = seconds(given.timeout_s, TIMEOUT);
    Ok(MqttOptions {
        host: given.host.clone(),
        port: given.port.unwrap_or(default_port),
        client_id: given.client_id.clone().unwrap_or_else(|| "coldtrail-events".to_owned()),
        topic_prefix: given.topic_prefix.clone().unwrap_or_else(|| "coldtrail/v1/events".to_owned()),
        credentials: user.map(|user| (user, given.password.clone().unwrap_or_default())),
        tls,
        kinds: given.kinds.clone(),
        timeout: timeout.map_err(|what| Failure::Input(format!("configuration: `notifications.mqtt`: {what}")))?,
    })
}

fn email(given: &config::notifications::Email) -> Result<EmailOptions, String> {
    let tls = match given.tls.as_deref() {
        None | Some("implicit") => SmtpTls::Implicit,
        Some("starttls") => SmtpTls::StartTls,
        Some("none") => SmtpTls::Plain,
        Some(other) => return Err(format!("`email.tls` is `{other}`, give `implicit`, `starttls` or `none`")),
    };
    let identity =
        |user: &String| Identity { user: user.clone(), password: given.password.clone().unwrap_or_default() };
    Ok(EmailOptions {
        host: given.host.clone(),
        port: given.port,
        tls,
        credentials: given.user.as_ref().map(identity),
        from: given.from.clone(),
        authority: given.authority.clone(),
        timeout: seconds(given.timeout_s, TIMEOUT)?,
    })
}
