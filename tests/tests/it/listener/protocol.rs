//! Packets that are wrong, too large, or come at the wrong time.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tests::wire::{Packet, kind};
use tokio::io::AsyncWriteExt;

use super::client::{BOTH, Hello};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_connack_of_mqtt_5_states_what_is_missing() {
    let door = Door::open();
    let mut client = Client::open(door.address, Version::Five).await;
    client.send(&Hello { keep_alive_s: 0, ..Hello::default() }.packet(Version::Five)).await;
    let connack = client.next().await.unwrap();
    assert_eq!((connack.kind(), &connack.body[..2]), (kind::CONNACK, &[0, 0][..]));
    let properties = &connack.body[3..];
    let has = |wanted: &[u8]| properties.windows(wanted.len()).any(|found| found == wanted);
    assert!(has(&[0x21, 0x10, 0x00]), "receive maximum 4096");
    assert!(has(&[0x27, 0x00, 0x40, 0x00, 0x00]), "maximum packet size 4 MiB");
    assert!(has(&[0x22, 0, 16]), "topic alias maximum");
    assert!(has(&[0x25, 0]), "no retained messages");
    assert!(has(&[0x29, 0]) && has(&[0x2a, 0]), "no subscription identifiers, no shared subscriptions");
    assert!(has(&[0x13, 0x0e, 0x10]), "our keep-alive for a client that has none");
    assert!(has(b"coldtrail-"), "the client id we assigned");
    client.publish(TOPIC, 1, 1, "{}").await;
    client.expect(kind::PUBACK, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topic_aliases_stand_for_their_topics() {
    let door = Door::open();
    let mut client = door.client(Version::Five).await;
    let aliased = |topic: &str, id: u8, alias: u8| {
        let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        body.extend(topic.as_bytes());
        body.extend([0, id, 3, 0x23, 0, alias]);
        Packet { first: 0x32, body }
    };
    client.send(&aliased(TOPIC, 1, 3)).await;
    client.send(&aliased("", 2, 3)).await;
    client.expect(kind::PUBACK, 1).await;
    client.expect(kind::PUBACK, 2).await;
    client.send(&aliased("", 3, 4)).await;
    client.expect_end(0x82).await;
    let mut client = door.client(Version::Five).await;
    client.send(&aliased(TOPIC, 1, 17)).await;
    client.expect_end(0x94).await;
    assert!(door.kept().await.iter().all(|kept| kept.topic == TOPIC));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_connection_of_a_client_takes_over() {
    for version in BOTH {
        let door = Door::open();
        let mut old = door.client(version).await;
        let mut new = door.client(version).await;
        old.expect_end(0x8e).await;
        new.publish(TOPIC, 1, 1, "{}").await;
        new.expect(kind::PUBACK, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_found_and_a_pinging_one_is_not_disturbed() {
    for version in BOTH {
        let door = Door::open();
        let mut pinging = door.client(version).await;
        let hello = Hello { client_id: "silent", keep_alive_s: 1, ..Hello::default() };
        let mut silent = Client::say(door.address, version, hello).await;
        silent.expect_end(0x8d).await;
        pinging.expect_nothing_but_a_pong().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_over_the_limit_are_refused_by_their_header() {
    for version in BOTH {
        let door = Door::open();
        for announced in [&[0x32, 0xff, 0xff, 0xff, 0x7f][..], &[0x32, 0x81, 0x80, 0x80, 0x02]] {
            let mut client = door.client(version).await;
            client.stream.write_all(announced).await.unwrap();
            client.expect_end(0x95).await;
        }
        // Nobody has been let in yet: 16 KB at most.
        let mut client = Client::open(door.address, version).await;
        client.stream.write_all(&[0x10, 0x80, 0x80, 0x02]).await.unwrap();
        assert_eq!(client.next().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_forbidden_packets_end_the_connection_and_nothing_else() {
    let wrong: [(&[u8], u8); 12] = [
        (&[0x36, 5, 0, 1, b'a', 0, 1], 0x81),       // quality 3
        (&[0x32, 5, 0, 1, b'a', 0, 0], 0x81),       // packet id 0
        (&[0x30, 4, 0, 2, 0xff, 0xfe], 0x81),       // a topic that is not UTF-8
        (&[0x30, 2, 0, 9], 0x81),                   // a topic longer than the packet
        (&[0x30, 0xff, 0xff, 0xff, 0xff, 1], 0x81), // a length of five bytes
        (&[0x00, 0], 0x81),                         // packet type 0
        (&[0x10, 2, 0, 0], 0x81),                   // a CONNECT, and a broken one
        (&[0x20, 2, 0, 0], 0x82),                   // a CONNACK
        (&[0x40, 2, 0, 1], 0x82),                   // a PUBACK for nothing
        (&[0xd0, 0], 0x82),                         // a PINGRESP
        (&[0x60, 2, 0, 1], 0x81),                   // a PUBREL with the wrong flags
        (&[0x82, 2, 0, 1], 0x81),                   // a SUBSCRIBE to nothing
    ];
    for version in BOTH {
        let door = Door::open();
        for (bytes, code) in wrong {
            let mut client = door.client(version).await;
            client.stream.write_all(bytes).await.unwrap();
            if version == Version::Five {
                let end = client.next().await.unwrap();
                // MQTT 5 puts properties into some of these packets; both codes say that the client is at fault.
                assert_eq!(end.first, 0xe0);
                assert!(end.body == [code] || matches!(end.body[..], [0x81 | 0x82]), "{bytes:x?}: {end:?}");
            }
            assert_eq!(client.next().await, None, "{bytes:x?}");
        }
        let mut client = door.client(version).await;
        client.send(&Hello { client_id: "c1", ..Hello::default() }.packet(version)).await;
        client.expect_end(0x82).await;
        let mut client = door.client(version).await;
        client.publish(TOPIC, 1, 1, "{}").await;
        client.expect(kind::PUBACK, 1).await;
        assert_eq!(door.kept().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_mqtt_is_closed() {
    let door = Door::open();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01", &[0; 40]] {
        let mut client = Client::open(door.address, Version::Three).await;
        client.stream.write_all(bytes).await.unwrap();
        assert_eq!(client.next().await, None, "{bytes:x?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_version_is_told_so() {
    let door = Door::open();
    let mut client = Client::open(door.address, Version::Three).await;
    client.stream.write_all(b"\x10\x0c\0\x04MQTT\x06\x02\0\0\0\0").await.unwrap();
    assert_eq!(client.next().await, Some(Packet::new(kind::CONNACK, vec![0, 1])));
    assert_eq!(client.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_answered_and_not_granted() {
    let door = Door::open();
    let subscribe = |version| {
        let mut body = vec![0, 7];
        if version == Version::Five {
            body.push(0);
        }
        body.extend(b"\0\x15coldtrail/v1/events/#\0");
        Packet { first: 0x82, body }
    };
    let mut three = door.client(Version::Three).await;
    three.send(&subscribe(Version::Three)).await;
    assert_eq!(three.next().await, Some(Packet { first: 0x90, body: vec![0, 7, 0x80] }));
    let mut five = door.client(Version::Five).await;
    five.send(&subscribe(Version::Five)).await;
    assert_eq!(five.next().await.map(|ack| ack.body), Some(vec![0, 7, 0, 0x87]));
}

/// Connections that send packets with bytes changed at random: whatever comes of them, the listener goes on.
#[tokio::test(flavor = "multi_thread")]
async fn the_listener_survives_mutated_packets() {
    let seed = std::env::var("COLDTRAIL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let door = Door::open();
    for round in 0..500 {
        let version = BOTH[round % 2];
        let hello = Hello { client_id: "m", keep_alive_s: 60, will: Some((TOPIC, "w")), user: None };
        let mut client = Client::open(door.address, version).await;
        let mut bytes = hello.packet(version).encode();
        if rng.random_bool(0.4) {
            mutate(&mut rng, &mut bytes);
        }
        for id in 1..=10 {
            let packet = match rng.random_range(0..6) {
                0 => Packet::of_id(kind::PUBREL, id),
                1 => Packet { first: 0x82, body: vec![0, 1, 0, 0, 1, b'a', 0] },
                2 => Packet::new(kind::PINGREQ, Vec::new()),
                _ => Packet::publish(TOPIC, rng.random_range(0..3), id, b"{\"readings\":[]}", version == Version::Five),
            };
            let mut packet = packet.encode();
            if rng.random_bool(0.3) {
                mutate(&mut rng, &mut packet);
            }
            bytes.extend(packet);
        }
        // The listener may have closed in the middle: that is one of its answers.
        let _ = client.stream.write_all(&bytes).await;
        let _ = client.stream.shutdown().await;
        while client.next().await.is_some() {}
    }
    let mut client = door.client(Version::Five).await;
    client.publish(TOPIC, 1, 1, "alive").await;
    client.expect(kind::PUBACK, 1).await;
}

fn mutate(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..4) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => bytes.insert(at, rng.random()),
            _ if bytes.len() > 1 => drop(bytes.remove(at)),
            _ => {}
        }
    }
}
