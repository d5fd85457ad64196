//! What each kind of publish means (faults 29 to 31).

use super::client::{BOTH, Hello};
use super::*;

use tests::wire::{Packet, kind};

#[tokio::test(flavor = "multi_thread")]
async fn every_quality_and_a_retained_and_an_empty_message_are_journaled_once_in_order() {
    for version in BOTH {
        let door = Door::open();
        let mut client = door.client(version).await;
        client.publish(TOPIC, 0, 0, "zero").await;
        client.publish(TOPIC, 1, 1, "one").await;
        client.publish(TOPIC, 2, 2, "two").await;
        let mut retained = Packet::publish(TOPIC, 1, 3, b"retained", version == Version::Five);
        retained.first |= 1;
        client.send(&retained).await;
        client.publish(TOPIC, 1, 4, "").await;
        client.expect(kind::PUBACK, 1).await;
        client.expect(kind::PUBREC, 2).await;
        client.expect(kind::PUBACK, 3).await;
        client.expect(kind::PUBACK, 4).await;
        client.send(&Packet::of_id(kind::PUBREL, 2)).await;
        client.expect(kind::PUBCOMP, 2).await;
        client.goodbye().await;
        assert_eq!(door.payloads(5).await, ["zero", "one", "two", "retained", ""]);
        assert!(door.kept().await.iter().all(|kept| kept.topic == TOPIC && kept.client == "c1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_is_journaled_when_the_client_goes_without_a_word_and_only_then() {
    for version in BOTH {
        let door = Door::open();
        let hello = Hello { client_id: "c1", keep_alive_s: 60, will: Some((TOPIC, "will")), ..Hello::default() };
        // Says goodbye: no will.
        Client::say(door.address, version, hello).await.goodbye().await;
        // Vanishes: one will.
        drop(Client::say(door.address, version, hello).await);
        assert_eq!(door.payloads(1).await, ["will"]);
        // Taken over: another one, of the old connection.
        let mut old = Client::say(door.address, version, hello).await;
        let new = door.client(version).await;
        old.expect_end(0x8e).await;
        assert_eq!(door.payloads(2).await, ["will", "will"]);
        new.goodbye().await;
        if version == Version::Five {
            let mut client = Client::say(door.address, version, hello).await;
            client.send(&Packet { first: 0xe0, body: vec![4] }).await;
            assert_eq!(client.next().await, None);
            assert_eq!(door.payloads(3).await.len(), 3);
        }
        // Our own stop is not the client's going.
        let mut last = Client::say(door.address, version, hello).await;
        let before = door.kept().await.len();
        door.stop.cancel();
        last.expect_end(0x8b).await;
        assert_eq!(door.kept().await.len(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_nobodys_are_taken_for_the_decoder_to_reject() {
    let topics = [
        "../../etc/passwd",
        "$SYS/x",
        "lot=1/x=2",
        "%2e%2e/%2e%2e",
        "coldtrail/v1/../gw1/readings",
        "соldtrail/v1/WH1/gw1/readings",
        "coldtrail/v1/WH1/gw1/\u{202e}readings",
        "/",
        " ",
    ];
    for version in BOTH {
        let door = Door::open();
        let mut client = door.client(version).await;
        for (id, topic) in (1..).zip(topics) {
            client.publish(topic, 1, id, "{}").await;
            client.expect(kind::PUBACK, id).await;
        }
        let kept: Vec<String> = door.kept().await.into_iter().map(|kept| kept.topic).collect();
        assert_eq!(kept, topics);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_mqtt_forbids_and_topics_too_long_are_refused_and_not_journaled() {
    for version in BOTH {
        let door = Door::open();
        for (topic, code) in [("a/+/b", 0x90), ("a/#", 0x90), ("#", 0x90), ("a\0b", 0x81)] {
            let mut client = door.client(version).await;
            client.publish(topic, 1, 1, "{}").await;
            client.expect_end(code).await;
        }
        let mut client = door.client(version).await;
        client.publish(&"x".repeat(65_535), 1, 1, "{}").await;
        if version == Version::Five {
            assert_eq!(client.next().await, Some(Packet { first: 0x40, body: vec![0, 1, 0x90] }));
            client.publish(TOPIC, 1, 2, "{}").await;
            client.expect(kind::PUBACK, 2).await;
        } else {
            client.expect_end(0).await;
        }
        assert!(door.kept().await.iter().all(|kept| kept.topic == TOPIC));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_are_kept_to_the_byte_whatever_they_hold() {
    let door = Door::open();
    let mut client = door.client(Version::Five).await;
    let big = vec![b'['; 2_000_000];
    let payloads: [&[u8]; 6] = [b"\0", b"\xff\xfe{\0}\0", b"{\"readings\":[", b"\xef\xbb\xbf{}", b"NaN", &big];
    for (id, payload) in (1..).zip(payloads) {
        client.send(&Packet::publish(TOPIC, 1, id, payload, true)).await;
        client.expect(kind::PUBACK, id).await;
    }
    let kept = door.kept().await;
    assert!(kept.iter().map(|kept| &kept.payload[..]).eq(payloads));
}
