//! A broker: one PUBLISH with QoS 1 for each event, on a connection of its own.

use std::time::Duration;

use async_trait::async_trait;
use model::registry::Recipient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use rumqttc::v5::{AsyncClient, Event, EventLoop, Incoming, MqttOptions as Connection};
use rumqttc::{Outgoing, Transport};
use store::outbox::Due;

use super::{Channel, Refused, cloud_event};
use crate::error::chain;
use crate::options::MqttOptions;

/// How long a connection may be idle: longer than any lives.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Requests that wait for the connection: a PUBLISH and a DISCONNECT.
const REQUESTS: usize = 4;

/// A broker that is told. Events are rare and a connection is cheap, so that none is kept: a broker that went away
/// meanwhile is noticed by the delivery that it concerns.
pub(crate) struct Mqtt {
    source: String,
    options: MqttOptions,
}

impl Mqtt {
    /// The broker of `options`.
    pub(crate) fn new(options: &MqttOptions, source: &str) -> Self {
        Self { source: source.to_owned(), options: options.clone() }
    }

    fn connection(&self) -> Connection {
        let options = &self.options;
        let mut connection = Connection::new(&options.client_id, &options.host, options.port);
        connection
            .set_clean_start(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_connection_timeout(options.timeout.as_secs().max(1));
        if let Some((user, password)) = &options.credentials {
            connection.set_credentials(user, password);
        }
        if let Some(tls) = &options.tls {
            connection.set_transport(Transport::tls_with_config(rumqttc::TlsConfiguration::Rustls(tls.clone())));
        }
        connection
    }
}

#[async_trait]
impl Channel for Mqtt {
    async fn deliver(&self, due: &Due, person: Option<&Recipient>) -> Result<(), Refused> {
        let topic = format!("{}/{}", self.options.topic_prefix, due.kind);
        let (client, mut connection) = AsyncClient::new(self.connection(), REQUESTS);
        let event = cloud_event(&self.source, due, person);
        client.publish(topic, QoS::AtLeastOnce, false, event).await.map_err(|error| Refused::channel(chain(&error)))?;
        let acknowledged = tokio::time::timeout(self.options.timeout, acknowledged(&mut connection)).await;
        let acknowledged = acknowledged.unwrap_or_else(|_| Err(Refused::channel("the broker does not answer in time")));
        if acknowledged.is_ok() && client.disconnect().await.is_ok() {
            // It has what it was told: how the connection ends makes no difference any more.
            let _ = tokio::time::timeout(Duration::from_secs(1), disconnected(&mut connection)).await;
        }
        acknowledged
    }
}

/// Waits until the broker has acknowledged the one message.
async fn acknowledged(connection: &mut EventLoop) -> Result<(), Refused> {
    loop {
        match connection.poll().await {
            Ok(Event::Incoming(Incoming::PubAck(ack))) => {
                return match ack.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                    reason => Err(Refused::delivery(format!("the broker refused it: {reason:?}"))),
                };
            }
            Ok(Event::Incoming(Incoming::Disconnect(disconnect))) => {
                return Err(Refused::channel(format!("the broker disconnected: {:?}", disconnect.reason_code)));
            }
            Ok(_) => {}
            Err(error) => return Err(Refused::channel(chain(&error))),
        }
    }
}

async fn disconnected(connection: &mut EventLoop) {
    while let Ok(event) = connection.poll().await {
        if matches!(event, Event::Outgoing(Outgoing::Disconnect)) {
            return;
        }
    }
}
