//! What arrives when nothing breaks: every QoS, both protocol versions, retained messages, stop and start.

use ingest::collector::Protocol;
use tests::mosquitto::{Mosquitto, UNLIMITED};
use tests::publisher::{Outgoing, Publisher};

use super::*;

/// One message of each QoS and some odd ones.
fn odd_messages() -> Vec<Outgoing> {
    let mut all = Vec::new();
    for qos in [0, 1, 2] {
        for (nth, payload) in
            [b"{}".to_vec(), Vec::new(), vec![0, 0xff, 0xfe], vec![b'x'; 100_000]].into_iter().enumerate()
        {
            all.push(Outgoing {
                topic: format!("coldtrail/v1/WH1/gw{qos}{nth}/readings"),
                qos,
                retain: false,
                payload,
            });
        }
    }
    all
}

async fn takes_everything(protocol: Protocol) {
    let Some(broker) = Mosquitto::start(UNLIMITED).await.unwrap() else { return };
    let mut taken = Taken::new();
    let mut publisher = Publisher::new(broker.address(), "gw", 20);
    let retained = Outgoing { retain: true, ..messages("retained", 1).remove(0) };
    publisher.publish(vec![retained], PATIENCE).await.unwrap();
    let options = CollectorOptions { protocol, ..options(broker.address(), "coldtrail") };
    let collector = start_subscribed(options.clone(), &taken, || broker.log()).await;
    publisher.publish(odd_messages(), PATIENCE).await.unwrap();
    publisher.publish(messages("many", 2_000), PATIENCE).await.unwrap();
    taken.holds_all(publisher.acknowledged()).await;
    until_state("everything acknowledged", &collector, |state| state.unacknowledged == 0).await;
    let state = collector.state();
    assert!(state.connected && state.last_message.is_some() && state.refused_filters == 0, "{state:?}");

    // Stopped, the broker keeps what comes; started again, nothing acknowledged comes a second time.
    let before = taken.refresh();
    collector.stop().await;
    publisher.publish(messages("meanwhile", 100), PATIENCE).await.unwrap();
    let collector = start(options, &taken);
    taken.holds_all(publisher.acknowledged()).await;
    let extra = taken.refresh().get() - before.get();
    // MQTT 3.1.1 can't say that a retained message is wanted for a new subscription only.
    let retained_again = u64::from(protocol == Protocol::V311);
    assert!(extra <= 100 + retained_again, "{extra} messages for 100");
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_every_message_with_mqtt_5() {
    takes_everything(Protocol::V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_every_message_with_mqtt_3_1_1() {
    takes_everything(Protocol::V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_option_stops_the_start() {
    let taken = Taken::new();
    let wrong =
        CollectorOptions { keep_alive: Duration::from_secs(1), ..options(([127, 0, 0, 1], 1).into(), "coldtrail") };
    let refused = Collector::start(wrong, Sink::Journal(taken.journal()), Clock::system());
    assert!(refused.is_err());
}
