use bytes::{Bytes, BytesMut};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rmqtt_codec::types::{Publish as CodecPublish, QoS};
use rmqtt_codec::v5::PublishProperties;
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder, Encoder};

use super::*;
use crate::listener::frame;

fn packet(rng: &mut StdRng, with_properties: bool) -> BytesMut {
    let qos = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][rng.random_range(0..3)];
    let properties = with_properties.then(|| PublishProperties {
        topic_alias: rng.random_bool(0.5).then(|| NonZeroU16::new(rng.random_range(1..=u16::MAX)).unwrap()),
        correlation_data: rng.random_bool(0.2).then(|| Bytes::from_static(b"\0\xff")),
        content_type: rng.random_bool(0.2).then(|| "text".into()),
        response_topic: rng.random_bool(0.2).then(|| "a/b".into()),
        is_utf8_payload: rng.random_bool(0.2),
        message_expiry_interval: None,
        user_properties: vec![("k".into(), "v".into()); rng.random_range(0..3)],
        subscription_ids: Vec::new(),
    });
    let payload: Vec<u8> = (0..rng.random_range(0..300)).map(|_| rng.random()).collect();
    let publish = CodecPublish {
        dup: rng.random(),
        retain: rng.random(),
        qos,
        topic: "coldtrail/v1/s/g/readings".into(),
        packet_id: (qos != QoS::AtMostOnce).then(|| NonZeroU16::new(rng.random_range(1..=u16::MAX)).unwrap()),
        payload: payload.into(),
        properties,
    };
    let mut bytes = BytesMut::new();
    if with_properties {
        v5::Codec::new(0, 0).encode(v5::Packet::Publish(Box::new(publish)), &mut bytes).unwrap();
    } else {
        v3::Codec::new(0).encode(v3::Packet::Publish(Box::new(publish)), &mut bytes).unwrap();
    }
    bytes
}

fn by_codec(bytes: &[u8], with_properties: bool) -> Option<CodecPublish> {
    let mut bytes = BytesMut::from(bytes);
    if with_properties {
        match v5::Codec::new(0, 0).decode(&mut bytes).ok()?? {
            (v5::Packet::Publish(publish), _) => Some(*publish),
            _ => None,
        }
    } else {
        match v3::Codec::new(0).decode(&mut bytes).ok()?? {
            (v3::Packet::Publish(publish), _) => Some(*publish),
            _ => None,
        }
    }
}

/// Whole and mutated packets: what we read, the codec reads alike; what the codec refuses, we refuse.
#[test]
fn reads_what_the_codec_reads() {
    let seed = 20_261_122;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..20_000 {
        let with_properties = rng.random();
        let mut bytes = packet(&mut rng, with_properties);
        if round % 2 == 1 {
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
        }
        let Ok(Some(whole)) = frame::first(&bytes, usize::MAX) else {
            continue;
        };
        if !whole.is_publish() {
            continue;
        }
        let ours = Publish::parse(whole.first_byte & 15, &bytes[whole.body..whole.end], with_properties);
        let theirs = by_codec(&bytes[..whole.end], with_properties);
        match (ours, theirs) {
            (Ok(ours), Some(theirs)) => {
                assert_eq!(ours.topic, theirs.topic.as_bytes(), "round {round}");
                assert_eq!(ours.id, theirs.packet_id, "round {round}");
                assert_eq!(ours.payload, &theirs.payload[..], "round {round}");
                let alias = theirs.properties.and_then(|properties| properties.topic_alias);
                assert_eq!(ours.alias.and_then(NonZeroU16::new), alias, "round {round}");
            }
            // The topic is checked for UTF-8 and emptiness, and the alias for zero, after the parse.
            (Ok(ours), None) => assert!(
                std::str::from_utf8(ours.topic).is_err() || ours.topic.is_empty() || ours.alias == Some(0),
                "round {round}: {ours:?}"
            ),
            (Err(_), Some(theirs)) => {
                let ids = theirs.properties.is_some_and(|properties| !properties.subscription_ids.is_empty());
                assert!(ids, "round {round}: refused what the codec reads");
            }
            (Err(_), None) => assert_eq!(round % 2, 1, "round {round}: refused a whole packet"),
        }
    }
}
