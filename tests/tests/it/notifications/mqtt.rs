//! A real mosquitto that is told, also after it was away.

use std::time::Duration;

use notify::{MqttOptions, NotifyOptions};
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions as Connection, QoS};
use serde_json::Value;
use store::ledger::NewHold;
use tests::mosquitto::Mosquitto;

use super::Desk;
use crate::holds::name;

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_subscribers_of_a_broker_also_after_it_was_away() {
    let Some(mut broker) = Mosquitto::start("").await.unwrap() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mqtt = MqttOptions {
        host: "127.0.0.1".to_owned(),
        port: broker.address().port(),
        client_id: "coldtrail-events".to_owned(),
        topic_prefix: "coldtrail/v1/events".to_owned(),
        credentials: None,
        tls: None,
        kinds: Vec::new(),
        timeout: Duration::from_secs(5),
    };
    broker.stop().await.unwrap();
    let options = NotifyOptions { mqtt: Some(mqtt), ..NotifyOptions::default() };
    let desk = Desk::start(directory.path(), 2, options).await;
    let hold = async |unit: &str| {
        let scope = model::hold::Scope::Unit(name(unit));
        let wanted = NewHold { scope, reason: "odd label".into(), quarantine_place: None };
        desk.ledger.place_hold(wanted, &name("l.ogi")).await.unwrap().unwrap().incident.to_string()
    };
    let first = hold("U1").await;
    desk.until("the first attempt has failed", async |notifier| {
        notifier.outbox().backlog().await.unwrap().first().is_some_and(|waiting| waiting.failed > 0)
    })
    .await;
    broker.restart().await.unwrap();

    let mut connection = Connection::new("watcher", "127.0.0.1", broker.address().port());
    connection.set_keep_alive(Duration::from_secs(60));
    let (client, mut events) = AsyncClient::new(connection, 10);
    client.subscribe("coldtrail/v1/events/#", QoS::AtLeastOnce).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 2 {
        match tokio::time::timeout(Duration::from_secs(60), events.poll()).await.unwrap().unwrap() {
            // a clock that goes on lets the next attempt come
            Event::Incoming(Incoming::SubAck(_)) => {
                desk.clock(60);
                hold("U2").await;
            }
            Event::Incoming(Incoming::Publish(publish)) => {
                let event: Value = serde_json::from_slice(&publish.payload).unwrap();
                assert_eq!(
                    (publish.topic.as_str(), publish.qos),
                    ("coldtrail/v1/events/hold.placed", QoS::AtLeastOnce)
                );
                assert_eq!(event["specversion"], "1.0");
                told.push(event["subject"].as_str().unwrap().to_owned());
            }
            _ => {}
        }
    }
    assert!(told.contains(&first), "{told:?}");
}
