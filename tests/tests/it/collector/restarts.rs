//! Brokers that stop, die and come back (case 20), with and without what they knew of us (case 22).

use tests::mosquitto::{Mosquitto, UNLIMITED};
use tests::proxy::{Proxy, Verdict, Way};
use tests::publisher::Publisher;
use tests::wire::kind;

use store::journal::JournalOptions;

use super::audit::Audit;
use super::*;
use crate::held_disk::HeldDisk;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_the_broker_held_is_lost_over_restarts() {
    let config = format!("{UNLIMITED}persistence true\n");
    let Some(mut broker) = Mosquitto::start(&config).await.unwrap() else { return };
    let proxy = Proxy::start(broker.address()).await.unwrap();
    let audit = Audit::default();
    watch(&proxy, &audit);
    let mut taken = Taken::new();
    let collector = start_subscribed(options(proxy.address(), "coldtrail"), &taken, || broker.log()).await;
    let mut publisher = Publisher::new(broker.address(), "gw", 100);
    for round in 0..rounds(3) {
        // A clean restart in the middle of the traffic: the broker saves what it holds.
        let clean = tokio::spawn(async move {
            publisher.publish(messages(&format!("clean{round}"), 3_000), PATIENCE).await.unwrap();
            publisher
        });
        let (seen, _) = audit.counts();
        until("some of the messages", || audit.counts().0 > seen + 200).await;
        broker.stop().await.unwrap();
        broker.restart().await.unwrap();
        publisher = clean.await.unwrap();

        // A kill -9 while the broker holds messages for us: those it has saved, it still has.
        proxy.refuse(true);
        proxy.cut();
        publisher.publish(messages(&format!("held{round}"), 500), PATIENCE).await.unwrap();
        broker.save().await.unwrap();
        broker.kill_and_restart().await.unwrap();
        proxy.refuse(false);
        taken.holds_all(publisher.acknowledged()).await;
    }
    audit.check();
    assert!(collector.state().connections > rounds(3) as u64);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledgement_crosses_into_a_later_connection() {
    // Without persistence a killed broker forgets the session, and packet ids begin again at 1.
    let Some(mut broker) = Mosquitto::start(UNLIMITED).await.unwrap() else { return };
    let proxy = Proxy::start(broker.address()).await.unwrap();
    let audit = Audit::default();
    watch(&proxy, &audit);
    let disk = HeldDisk::default();
    let mut taken = Taken::with(std::sync::Arc::new(disk.clone()), JournalOptions::default());
    let collector = start_subscribed(options(proxy.address(), "coldtrail"), &taken, || broker.log()).await;
    let mut publisher = Publisher::new(broker.address(), "gw", 200);
    for round in 0..rounds(3) {
        let held = disk.hold();
        let (delivered, acknowledged) = audit.counts();
        publisher.publish(messages(&format!("pending{round}"), 100), PATIENCE).await.unwrap();
        until("100 messages delivered", || audit.counts().0 >= delivered + 100).await;
        until_state("100 acknowledgements owed", &collector, |state| state.unacknowledged >= 100).await;
        assert_eq!(audit.counts().1, acknowledged, "acknowledged before the fsync");
        let connections = collector.state().connections;
        let before = broker.log().matches("Sending SUBACK").count();
        broker.kill_and_restart().await.unwrap();
        until_state("connected again", &collector, |state| state.connected && state.connections > connections).await;
        until("subscribed again", || broker.log().matches("Sending SUBACK").count() > before).await;
        drop(held);
        publisher.publish(messages(&format!("after{round}"), 100), PATIENCE).await.unwrap();
        taken.holds_all(publisher.acknowledged()).await;
        // Only what was delivered after the restart is acknowledged, and all of that.
        until("100 acknowledgements", || audit.counts().1 >= acknowledged + 100).await;
        audit.check();
        assert_eq!(audit.counts().1, acknowledged + 100);
    }
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_before_the_acknowledgement_repeats_the_message() {
    let Some(broker) = Mosquitto::start(UNLIMITED).await.unwrap() else { return };
    let proxy = Proxy::start(broker.address()).await.unwrap();
    let audit = Audit::default();
    let books = audit.clone();
    // Every second connection loses its first acknowledgement, the others pass some.
    let mut passed = 0_u64;
    proxy.inspect(move |connection, way, packet| {
        if way == Way::ToBroker && packet.kind() == kind::PUBACK {
            passed += 1;
            if passed % 8 == connection % 8 {
                return Verdict::Cut;
            }
        }
        books.see(connection, way, packet);
        Verdict::Forward
    });
    let mut taken = Taken::new();
    let patient =
        CollectorOptions { contested_backoff: Duration::from_millis(20), ..options(proxy.address(), "coldtrail") };
    let collector = start_subscribed(patient, &taken, || broker.log()).await;
    let mut publisher = Publisher::new(broker.address(), "gw", 10);
    publisher.publish(messages("cut", 30 * rounds(3)), PATIENCE).await.unwrap();
    taken.holds_all(publisher.acknowledged()).await;
    until("cuts", || proxy.connections() > 3).await;
    audit.check();
    collector.stop().await;
}

/// Enters everything that passes `proxy` into `audit`.
fn watch(proxy: &Proxy, audit: &Audit) {
    let books = audit.clone();
    proxy.inspect(move |connection, way, packet| {
        books.see(connection, way, packet);
        Verdict::Forward
    });
}
