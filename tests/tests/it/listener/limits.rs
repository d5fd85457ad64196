//! Limits on connections, time and memory (faults 25 and 28).

use tests::wire::{Packet, kind};
use tokio::io::AsyncWriteExt;

use super::client::Hello;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_per_address_and_the_places_come_back() {
    let change = |options: &mut ListenerOptions| options.limits.connections_per_address_max = 2;
    let door = Door::open_with(change, Arc::new(NoUsers), JournalOptions::default());
    let first = Client::connect(door.address, Version::Five, "a").await;
    let _second = Client::connect(door.address, Version::Five, "b").await;
    let third = Hello { client_id: "c", ..Hello::default() };
    let mut refused = Client::open(door.address, Version::Five).await;
    assert_eq!(refused.next().await, None);
    first.goodbye().await;
    until("a place is free again", async || Client::try_connect(door.address, third).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_no_connect_in_time_is_closed() {
    let change = |options: &mut ListenerOptions| options.limits.connect_within = Duration::from_millis(50);
    let door = Door::open_with(change, Arc::new(NoUsers), JournalOptions::default());
    let mut silent = Client::open(door.address, Version::Five).await;
    assert_eq!(silent.next().await, None);
    let mut slow = Client::open(door.address, Version::Five).await;
    slow.stream.write_all(&[0x10, 60, 0, 4, b'M']).await.unwrap();
    assert_eq!(slow.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_given_up() {
    let change = |options: &mut ListenerOptions| options.limits.write_within = Duration::from_millis(50);
    let door = Door::open_with(change, Arc::new(NoUsers), JournalOptions::default());
    let client = door.client(Version::Five).await;
    let pings = Packet::new(kind::PINGREQ, Vec::new()).encode().repeat(32 * 1024);
    let mut stream = client.stream;
    // Writes pongs' worth of pings without ever reading, until the listener has had enough.
    let flood = async { while stream.write_all(&pings).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flood).await.expect("the listener closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_in_flight_than_agreed_is_an_error_of_mqtt_5_and_patience_of_mqtt_3() {
    let change = |options: &mut ListenerOptions| options.limits.in_flight_max = 4;
    let door = Door::open_with(change, Arc::new(NoUsers), JournalOptions::default());
    let held = door.disk.hold();
    let mut five = Client::connect(door.address, Version::Five, "five").await;
    let mut three = Client::connect(door.address, Version::Three, "three").await;
    for id in 1..=10 {
        three.publish(TOPIC, 1, id, "{}").await;
    }
    for id in 1..=5 {
        five.publish(TOPIC, 1, id, "{}").await;
    }
    five.expect_end(0x93).await;
    drop(held);
    for id in 1..=10 {
        three.expect(kind::PUBACK, id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_gateways_come_back_at_once() {
    let door = Door::open();
    let mut gateways = tokio::task::JoinSet::new();
    for number in 0..1_000 {
        let address = door.address;
        gateways.spawn(async move {
            let mut client = Client::connect(address, Version::Five, &format!("gw{number}")).await;
            for id in 1..=20 {
                client.publish(TOPIC, 1, id, "{\"readings\":[]}").await;
            }
            for id in 1..=20 {
                client.expect(kind::PUBACK, id).await;
            }
        });
    }
    while let Some(done) = gateways.join_next().await {
        done.unwrap();
    }
    assert_eq!(door.kept().await.len(), 20_000);
}
