//! One connection to a broker through rumqttc, the same for both protocol versions.
//!
//! A link is made for one connection and dropped with it. rumqttc would rather keep its event loop over
//! reconnects, but then acknowledgements waiting in its request channel and events waiting in its state could
//! cross into the next connection, where their packet ids mean other messages.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes as five;
use rumqttc::{self as old, Outgoing, QoS, Transport, v5};

use super::backoff::Ended;
use super::{CollectorOptions, Protocol};

/// Room in the request channel beside one acknowledgement for each message in flight.
const SPARE_REQUESTS: usize = 16;
/// We publish nothing; rumqttc allocates its table of outgoing messages by this.
const OUTGOING_LIMIT: u16 = 16;
/// The largest packet we send (a SUBSCRIBE), as far as rumqttc asks.
const MAX_OUTGOING_BYTES: usize = 256 * 1024;

/// The refusal of a broker that grants less than we asked for: it would forget messages we have not stored.
const UNACKNOWLEDGED: &str = "granted without acknowledgements (QoS 0)";

/// The event loop of one connection.
pub(super) enum Link {
    V5(Box<v5::EventLoop>),
    V311(Box<old::EventLoop>),
}

/// The way to ask a [`Link`] to send something.
pub(super) enum Requests {
    V5(v5::AsyncClient),
    V311(old::AsyncClient),
}

/// What one [`Link::poll`] saw.
pub(super) enum Seen {
    /// The connection stands. `keep_alive` is what holds on it: the broker may have changed it.
    Connected { session_present: bool, keep_alive: Duration },
    /// A message.
    Message(Message),
    /// Our SUBSCRIBE went out under this packet id.
    Subscribing { packet_id: u16 },
    /// The broker's answers to it, one for each filter; the text of a refusal.
    Subscribed { packet_id: u16, answers: Vec<Result<(), String>> },
    /// One acknowledgement was written to the connection.
    Acknowledged,
    /// Our DISCONNECT was written to the connection.
    Disconnected,
    /// Any other packet from the broker.
    Incoming,
    /// Any other packet to the broker.
    Sent,
}

/// A message as it stands in its packet.
pub(super) struct Message {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    pub(super) receipt: Option<Receipt>,
}

/// What acknowledges a message of QoS 1 or 2, on the connection it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    packet_id: u16,
    qos: QoS,
}

#[cfg(test)]
impl Receipt {
    pub(super) fn at_least_once(packet_id: u16) -> Self {
        Self { packet_id, qos: QoS::AtLeastOnce }
    }
}

/// Why a connection broke.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) ended: Ended,
    /// A label for metrics.
    pub(super) reason: &'static str,
    /// The library's words, for the log.
    pub(super) detail: String,
}

impl Link {
    /// A link that connects at its first poll.
    pub(super) fn new(options: &CollectorOptions) -> (Self, Requests) {
        let capacity = usize::from(options.receive_maximum) + SPARE_REQUESTS;
        match options.protocol {
            Protocol::V5 => {
                let (client, eventloop) = v5::AsyncClient::new(v5_options(options), capacity);
                (Self::V5(Box::new(eventloop)), Requests::V5(client))
            }
            Protocol::V311 => {
                let (client, mut eventloop) = old::AsyncClient::new(v311_options(options), capacity);
                eventloop.network_options.set_connection_timeout(options.connect_timeout.as_secs().max(1));
                (Self::V311(Box::new(eventloop)), Requests::V311(client))
            }
        }
    }

    /// The next thing that happens. Not to be cancelled and called again: what was read would be lost.
    pub(super) async fn poll(&mut self, options: &CollectorOptions) -> Result<Seen, Broken> {
        match self {
            Self::V5(eventloop) => match eventloop.poll().await {
                Ok(v5::Event::Incoming(v5::Incoming::ConnAck(ack))) => {
                    if eventloop.options.keep_alive().is_zero() {
                        // "No keep-alive" from the broker would make rumqttc ping without a pause, and leave a
                        // half-open connection unnoticed. Pinging on our own terms is allowed.
                        eventloop.options.set_keep_alive(options.keep_alive);
                    }
                    let keep_alive = eventloop.options.keep_alive();
                    Ok(Seen::Connected { session_present: ack.session_present, keep_alive })
                }
                Ok(event) => Ok(seen_v5(event)),
                Err(error) => Err(broken_v5(&error)),
            },
            Self::V311(eventloop) => match eventloop.poll().await {
                Ok(old::Event::Incoming(old::Incoming::ConnAck(ack))) => {
                    Ok(Seen::Connected { session_present: ack.session_present, keep_alive: options.keep_alive })
                }
                Ok(event) => Ok(seen_v311(event)),
                Err(error) => Err(broken_v311(&error)),
            },
        }
    }
}

impl Requests {
    /// Queues one acknowledgement; waits while the queue is full, so never call it in the task that polls.
    /// `false` when the connection is gone.
    pub(super) async fn acknowledge(&self, receipt: Receipt) -> bool {
        match self {
            Self::V5(client) => {
                let publish =
                    five::v5::Publish { pkid: receipt.packet_id, qos: qos_v5(receipt.qos), ..Default::default() };
                client.ack(&publish).await.is_ok()
            }
            Self::V311(client) => {
                let mut publish = old::Publish::from_bytes(String::new(), receipt.qos, Bytes::new());
                publish.pkid = receipt.packet_id;
                client.ack(&publish).await.is_ok()
            }
        }
    }

    /// Queues one SUBSCRIBE, QoS 1 for every filter; `false` when there is no room just now.
    pub(super) fn try_subscribe(&self, filters: &[String]) -> bool {
        match self {
            Self::V5(client) => {
                let wanted = filters.iter().map(|path| five::v5::Filter {
                    path: path.clone(),
                    qos: five::QoS::AtLeastOnce,
                    // A subscription that stands already does not send every retained message again.
                    retain_forward_rule: five::v5::RetainForwardRule::OnNewSubscribe,
                    ..Default::default()
                });
                client.try_subscribe_many(wanted).is_ok()
            }
            Self::V311(client) => {
                let wanted = filters.iter().map(|path| old::SubscribeFilter::new(path.clone(), QoS::AtLeastOnce));
                client.try_subscribe_many(wanted).is_ok()
            }
        }
    }

    /// Queues our DISCONNECT behind everything queued before it.
    pub(super) async fn disconnect(&self) -> bool {
        match self {
            Self::V5(client) => client.disconnect().await.is_ok(),
            Self::V311(client) => client.disconnect().await.is_ok(),
        }
    }
}

fn v5_options(options: &CollectorOptions) -> v5::MqttOptions {
    let mut mqtt = v5::MqttOptions::new(&options.client_id, &options.host, options.port);
    let expiry = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
    mqtt.set_clean_start(false)
        .set_keep_alive(options.keep_alive)
        .set_manual_acks(true)
        .set_connection_timeout(options.connect_timeout.as_secs().max(1))
        .set_outgoing_inflight_upper_limit(OUTGOING_LIMIT)
        .set_session_expiry_interval(Some(expiry))
        .set_receive_maximum(Some(options.receive_maximum))
        .set_max_packet_size(Some(options.max_packet_size));
    if let Some(credentials) = &options.credentials {
        mqtt.set_credentials(&credentials.user, &credentials.password);
    }
    if let Some(transport) = tls_transport(options) {
        mqtt.set_transport(transport);
    }
    mqtt
}

fn v311_options(options: &CollectorOptions) -> old::MqttOptions {
    let mut mqtt = old::MqttOptions::new(&options.client_id, &options.host, options.port);
    mqtt.set_clean_session(false)
        .set_keep_alive(options.keep_alive)
        .set_manual_acks(true)
        .set_inflight(OUTGOING_LIMIT)
        .set_max_packet_size(usize::try_from(options.max_packet_size).unwrap_or(usize::MAX), MAX_OUTGOING_BYTES);
    if let Some(credentials) = &options.credentials {
        mqtt.set_credentials(&credentials.user, &credentials.password);
    }
    if let Some(transport) = tls_transport(options) {
        mqtt.set_transport(transport);
    }
    mqtt
}

fn tls_transport(options: &CollectorOptions) -> Option<Transport> {
    let config = options.tls.clone()?;
    Some(Transport::tls_with_config(rumqttc::TlsConfiguration::Rustls(config)))
}

fn qos_v5(qos: QoS) -> five::QoS {
    match qos {
        QoS::AtMostOnce => five::QoS::AtMostOnce,
        QoS::AtLeastOnce => five::QoS::AtLeastOnce,
        QoS::ExactlyOnce => five::QoS::ExactlyOnce,
    }
}

fn seen_v5(event: v5::Event) -> Seen {
    match event {
        v5::Event::Incoming(v5::Incoming::Publish(publish)) => {
            let qos = match publish.qos {
                five::QoS::AtMostOnce => QoS::AtMostOnce,
                five::QoS::AtLeastOnce => QoS::AtLeastOnce,
                five::QoS::ExactlyOnce => QoS::ExactlyOnce,
            };
            Seen::Message(Message {
                topic: publish.topic,
                payload: publish.payload,
                receipt: receipt(publish.pkid, qos),
            })
        }
        v5::Event::Incoming(v5::Incoming::SubAck(ack)) => {
            let answers = ack.return_codes.iter().map(|code| match code {
                five::v5::SubscribeReasonCode::Success(five::QoS::AtMostOnce) => Err(UNACKNOWLEDGED.to_owned()),
                five::v5::SubscribeReasonCode::Success(_) => Ok(()),
                refused => Err(format!("{refused:?}")),
            });
            Seen::Subscribed { packet_id: ack.pkid, answers: answers.collect() }
        }
        v5::Event::Incoming(_) => Seen::Incoming,
        v5::Event::Outgoing(outgoing) => seen_outgoing(&outgoing),
    }
}

fn seen_v311(event: old::Event) -> Seen {
    match event {
        old::Event::Incoming(old::Incoming::Publish(publish)) => {
            let receipt = receipt(publish.pkid, publish.qos);
            Seen::Message(Message { topic: Bytes::from(publish.topic), payload: publish.payload, receipt })
        }
        old::Event::Incoming(old::Incoming::SubAck(ack)) => {
            let answers = ack.return_codes.iter().map(|code| match code {
                old::SubscribeReasonCode::Success(QoS::AtMostOnce) => Err(UNACKNOWLEDGED.to_owned()),
                old::SubscribeReasonCode::Success(_) => Ok(()),
                old::SubscribeReasonCode::Failure => Err("Failure".to_owned()),
            });
            Seen::Subscribed { packet_id: ack.pkid, answers: answers.collect() }
        }
        old::Event::Incoming(_) => Seen::Incoming,
        old::Event::Outgoing(outgoing) => seen_outgoing(&outgoing),
    }
}

fn seen_outgoing(outgoing: &Outgoing) -> Seen {
    match outgoing {
        Outgoing::PubAck(_) | Outgoing::PubRec(_) => Seen::Acknowledged,
        Outgoing::Subscribe(packet_id) => Seen::Subscribing { packet_id: *packet_id },
        Outgoing::Disconnect => Seen::Disconnected,
        _ => Seen::Sent,
    }
}

fn receipt(packet_id: u16, qos: QoS) -> Option<Receipt> {
    (qos != QoS::AtMostOnce).then_some(Receipt { packet_id, qos })
}

fn broken_v5(error: &v5::ConnectionError) -> Broken {
    use five::v5::DisconnectReasonCode;
    use v5::{ConnectionError as Error, StateError};
    let (ended, reason) = match error {
        Error::MqttState(StateError::ServerDisconnect { reason_code, .. }) => match reason_code {
            DisconnectReasonCode::SessionTakenOver => (Ended::TakenOver, "taken_over"),
            _ => (Ended::Otherwise, "broker_disconnect"),
        },
        Error::MqttState(StateError::ConnectionAborted) => (Ended::Dropped, "closed"),
        Error::MqttState(StateError::Deserialization(five::Error::PayloadSizeLimitExceeded { .. })) => {
            (Ended::Otherwise, "packet_too_large")
        }
        Error::MqttState(StateError::Deserialization(five::Error::Io(_)) | StateError::Io(_)) => (Ended::Dropped, "io"),
        Error::MqttState(StateError::AwaitPingResp) => (Ended::Otherwise, "ping_timeout"),
        Error::MqttState(_) | Error::NotConnAck(_) => (Ended::Otherwise, "protocol"),
        Error::ConnectionRefused(_) => (Ended::Otherwise, "refused"),
        Error::Timeout(_) => (Ended::Otherwise, "connect_timeout"),
        Error::Tls(_) => (Ended::Otherwise, "tls"),
        _ => (Ended::Otherwise, "unreachable"),
    };
    Broken { ended, reason, detail: error.to_string() }
}

fn broken_v311(error: &old::ConnectionError) -> Broken {
    use old::{ConnectionError as Error, StateError};
    let (ended, reason) = match error {
        Error::MqttState(StateError::ConnectionAborted) => (Ended::Dropped, "closed"),
        Error::MqttState(StateError::Deserialization(old::mqttbytes::Error::PayloadSizeLimitExceeded(_))) => {
            (Ended::Otherwise, "packet_too_large")
        }
        Error::MqttState(StateError::Deserialization(old::mqttbytes::Error::Io(_)) | StateError::Io(_)) => {
            (Ended::Dropped, "io")
        }
        Error::MqttState(StateError::AwaitPingResp) | Error::FlushTimeout => (Ended::Otherwise, "ping_timeout"),
        Error::MqttState(_) | Error::NotConnAck(_) => (Ended::Otherwise, "protocol"),
        Error::ConnectionRefused(_) => (Ended::Otherwise, "refused"),
        Error::NetworkTimeout => (Ended::Otherwise, "connect_timeout"),
        Error::Tls(_) => (Ended::Otherwise, "tls"),
        _ => (Ended::Otherwise, "unreachable"),
    };
    Broken { ended, reason, detail: error.to_string() }
}
