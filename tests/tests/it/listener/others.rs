//! Clients that nobody here wrote: rumqttc with a deep window, and paho in Python with every quality and version.

use std::process::Stdio;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet as Incoming;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_keeps_a_thousand_in_flight_and_every_message_is_acknowledged() {
    const COUNT: usize = 20_000;
    let door = Door::open();
    let mut options = MqttOptions::new("r", "127.0.0.1", door.address.port());
    options.set_outgoing_inflight_upper_limit(1_000);
    let (client, mut events) = AsyncClient::new(options, 1_000);
    let publishing = tokio::spawn(async move {
        for _ in 0..COUNT {
            client.publish(TOPIC, QoS::AtLeastOnce, false, vec![b'x'; 200]).await.unwrap();
        }
        client
    });
    let mut acknowledged = 0;
    while acknowledged < COUNT {
        let event = tokio::time::timeout(PATIENCE, events.poll()).await.expect("acknowledgements go on").unwrap();
        acknowledged += usize::from(matches!(event, Event::Incoming(Incoming::PubAck(_))));
    }
    drop(publishing.await.unwrap());
    assert_eq!(door.kept().await.len(), COUNT);
}

#[tokio::test(flavor = "multi_thread")]
async fn paho_publishes_with_every_quality_in_both_versions() {
    let Some(python) = tests::python() else { return };
    let door = Door::open();
    let mut python = tokio::process::Command::new(python);
    python.args(["-c", include_str!("paho.py"), &door.address.port().to_string(), TOPIC]).stdout(Stdio::piped());
    let output = tokio::time::timeout(PATIENCE, python.output()).await.expect("paho ends").expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sent: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(sent.len(), 120);
    let kept = door.payloads(120).await;
    assert_eq!(kept, sent);
}
