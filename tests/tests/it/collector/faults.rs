//! Other packet ids, refused filters, a rival with our client id, silence, and a journal that is full or fails.

use std::sync::Arc;

use ingest::collector::Protocol;
use store::journal::{JournalOptions, Position};
use tests::mosquitto::{Mosquitto, UNLIMITED};
use tests::proxy::Proxy;
use tests::publisher::Publisher;
use tests::wire::{Packet, kind};

use super::broker::Broker;
use super::*;
use crate::held_disk::HeldDisk;

/// Case 23: MQTT says that a redelivery keeps its packet id and sets DUP; not every broker does.
#[tokio::test(flavor = "multi_thread")]
async fn takes_a_redelivery_under_other_ids_without_the_dup_flag() {
    let broker = Broker::new().await;
    let mut taken = Taken::new();
    let collector = start(options(broker.address(), "coldtrail"), &taken);
    let mut first = broker.serve(false).await.unwrap();
    first.subscribed(&[1]).await.unwrap();
    for id in 1..=3_u16 {
        let payload = format!("message {id}");
        first.send(&Packet::publish(TOPIC, 1, id, payload.as_bytes(), true)).await.unwrap();
    }
    assert_eq!(first.read().await.unwrap(), Packet::of_id(kind::PUBACK, 1));
    drop(first);
    let mut second = broker.serve(true).await.unwrap();
    // 2 and 3 again, under 1 and 2, and a new message 4 under 3.
    for id in 1..=3_u16 {
        let payload = format!("message {}", id + 1);
        second.send(&Packet::publish(TOPIC, 1, id, payload.as_bytes(), true)).await.unwrap();
    }
    for id in 1..=3_u16 {
        assert_eq!(second.read().await.unwrap(), Packet::of_id(kind::PUBACK, id));
    }
    let ledger: Vec<_> = (1..=4).map(|nth| (TOPIC.to_owned(), format!("message {nth}").into_bytes())).collect();
    taken.holds_all(&ledger).await;
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_a_refused_filter_and_asks_again_at_the_next_connection() {
    let broker = Broker::new().await;
    let taken = Taken::new();
    let mut two = options(broker.address(), "coldtrail");
    two.filters.push("plant/#".to_owned());
    let collector = start(two, &taken);
    let mut first = broker.serve(false).await.unwrap();
    first.subscribed(&[1, 0x87]).await.unwrap();
    until_state("one refused", &collector, |state| state.refused_filters == 1).await;
    drop(first);
    // The session is there and so is the granted filter; a session that is gone asks for both.
    let mut second = broker.serve(false).await.unwrap();
    let again = second.subscribed(&[1, 1]).await.unwrap();
    assert!(again.body.windows(7).any(|window| window == b"plant/#"));
    until_state("none refused", &collector, |state| state.refused_filters == 0).await;
    drop(second);
    let mut third = broker.serve(true).await.unwrap();
    third.send(&Packet::publish(TOPIC, 1, 9, b"{}", true)).await.unwrap();
    assert_eq!(third.read().await.unwrap().kind(), kind::PUBACK, "nothing to subscribe in a session that stands");
    collector.stop().await;
}

/// Case 24.
#[tokio::test(flavor = "multi_thread")]
async fn finds_a_rival_with_its_client_id() {
    let Some(broker) = Mosquitto::start(UNLIMITED).await.unwrap() else { return };
    let (mut one, mut other) = (Taken::new(), Taken::new());
    let calm = CollectorOptions { contested_backoff: Duration::from_secs(4), ..options(broker.address(), "twin") };
    let first = start_subscribed(calm.clone(), &one, || broker.log()).await;
    let second = start(calm, &other);
    until("a contest is found", || first.state().contested || second.state().contested).await;
    // The loser is told at its third loss, and then leaves the other alone for a while.
    let connections = first.state().connections + second.state().connections;
    assert!(connections <= 12, "{connections} connections before the contest was found");
    let mut publisher = Publisher::new(broker.address(), "gw", 10);
    publisher.publish(messages("contested", 300), PATIENCE).await.unwrap();
    until("everything is in one journal or the other", || {
        let (one, other) = (one.rows(), other.rows());
        publisher.acknowledged().iter().all(|row| one.contains(row) || other.contains(row))
    })
    .await;
    first.stop().await;
    second.stop().await;
}

/// Case 28, with the shortest keep-alive each version can have here.
async fn notices_silence(protocol: Protocol, keep_alive: Duration) {
    let Some(broker) = Mosquitto::start(UNLIMITED).await.unwrap() else { return };
    let proxy = Proxy::start(broker.address()).await.unwrap();
    let mut taken = Taken::new();
    let options = CollectorOptions { protocol, keep_alive, ..options(proxy.address(), "coldtrail") };
    let collector = start_subscribed(options, &taken, || broker.log()).await;
    let mut publisher = Publisher::new(broker.address(), "gw", 10);
    publisher.publish(messages("before", 50), PATIENCE).await.unwrap();
    taken.holds_all(publisher.acknowledged()).await;
    proxy.freeze();
    publisher.publish(messages("behind", 50), PATIENCE).await.unwrap();
    assert_eq!(collector.state().connections, 1);
    // Nobody tells the collector: only its own watch, at 1.5 keep-alives, leads it to a second connection. The
    // library would see a missing ping answer at two.
    taken.holds_all(publisher.acknowledged()).await;
    let state = collector.state();
    assert_eq!((state.connections, state.last_disconnect), (2, Some("silent")));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_a_half_open_connection_with_mqtt_3_1_1() {
    notices_silence(Protocol::V311, Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_a_half_open_connection_with_mqtt_5() {
    notices_silence(Protocol::V5, Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_messages_with_the_broker_while_the_journal_is_full() {
    let Some(broker) = Mosquitto::start(UNLIMITED).await.unwrap() else { return };
    let small = JournalOptions {
        segment_bytes: 64 << 10,
        max_bytes: 256 << 10,
        buffer_bytes: 32 << 10,
        message_bytes: 16 << 10,
        ..JournalOptions::default()
    };
    let mut taken = Taken::with(Arc::new(HeldDisk::default()), small);
    let collector = start_subscribed(options(broker.address(), "coldtrail"), &taken, || broker.log()).await;
    let mut publisher = Publisher::new(broker.address(), "gw", 100);
    let mut large = messages("large", 400);
    for message in &mut large {
        message.payload.resize(4_000, b'.');
    }
    publisher.publish(large, PATIENCE).await.unwrap();
    until("the journal is full", || !taken.journal().is_open()).await;
    // Pruning what is read makes room, time and again, until everything came through.
    until("all 400 came through", || {
        let last = taken.refresh();
        taken.journal().prune(last).unwrap();
        taken.rows().len() == 400
    })
    .await;
    taken.holds_all(publisher.acknowledged()).await;
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_fsync_is_not_acknowledged_and_the_broker_delivers_again() {
    let Some(broker) = Mosquitto::start(UNLIMITED).await.unwrap() else { return };
    let disk = HeldDisk::default();
    let mut taken = Taken::with(Arc::new(disk.clone()), JournalOptions::default());
    let collector = start_subscribed(options(broker.address(), "coldtrail"), &taken, || broker.log()).await;
    let mut publisher = Publisher::new(broker.address(), "gw", 100);
    for round in 0..rounds(3) {
        let held = disk.hold();
        publisher.publish(messages(&format!("failing{round}"), 100), PATIENCE).await.unwrap();
        until_state("100 owed", &collector, |state| state.unacknowledged >= 100).await;
        disk.fail(1);
        drop(held);
        taken.holds_all(publisher.acknowledged()).await;
        until_state("everything acknowledged", &collector, |state| state.connected && state.unacknowledged == 0).await;
    }
    assert!(collector.state().connections > 1, "the connection stayed after a lost message");
    assert!(taken.refresh() > Position::ZERO && taken.dir().exists());
    collector.stop().await;
}
