use model::name::Name;
use store::journal::Position;
use tokio::sync::Semaphore;

use super::*;
use crate::clock::Clock;
use crate::credentials::NoUsers;
use crate::listener::Limits;
use crate::listener::clients::Clients;
use crate::listener::gate::Gate;
use crate::listener::meters::Meters;
use crate::sink::Sink;

const NOW: ReceivedAt = ReceivedAt::from_millis(1_795_341_600_000);

/// A session over the null path: what it answers needs no disk.
fn session(version: Version, rights: Rights) -> Session {
    let shared = Shared {
        sink: Sink::Null,
        credentials: Arc::new(NoUsers),
        clock: Clock::system(),
        limits: Limits { in_flight_max: 2, topic_max_bytes: 64, ..Limits::default() },
        allow_anonymous: true,
        meters: Meters::new(),
        gate: Gate::new(1, 1, 1),
        clients: Clients::default(),
        handshakes: Semaphore::new(1),
    };
    Session::new(version, "c".into(), Arc::new(shared), rights)
}

fn gateway() -> Rights {
    Rights::Gateway(Name::parse("g").unwrap())
}

/// Feeds `packets` and returns what is answered, or why the connection ends.
fn answers(session: &mut Session, packets: &[&[u8]]) -> Result<Vec<u8>, Ended> {
    let (mut input, mut out) = (BytesMut::from(&packets.concat()[..]), BytesMut::new());
    while session.take(&mut input, &mut out, NOW)? == Taken::Enough {
        let before = out.len();
        session.settle(&everything(), &mut out)?;
        assert_ne!(out.len(), before, "the session is stuck");
    }
    session.settle(&everything(), &mut out)?;
    Ok(out.to_vec())
}

fn everything() -> Durable {
    Durable { position: Position::new(u64::MAX), epoch: 0, rose_at: Position::ZERO }
}

fn publish(version: Version, qos: u8, id: u8, topic: &str) -> Vec<u8> {
    let mut body = vec![0, u8::try_from(topic.len()).unwrap()];
    body.extend_from_slice(topic.as_bytes());
    if qos > 0 {
        body.extend_from_slice(&[0, id]);
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend_from_slice(b"{}");
    let mut packet = vec![0x30 | qos << 1, u8::try_from(body.len()).unwrap()];
    packet.extend(body);
    packet
}

const OWN: &str = "coldtrail/v1/s/g/readings";
const FOREIGN: &str = "coldtrail/v1/s/h/readings";

#[test]
fn each_quality_has_its_answers_in_both_versions() {
    for version in [Version::V3, Version::V5] {
        let mut session = session(version, gateway());
        let packets = [publish(version, 0, 0, OWN), publish(version, 1, 7, OWN), publish(version, 2, 8, OWN)];
        let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
        assert_eq!(answers(&mut session, &packets), Ok(vec![0x40, 2, 0, 7, 0x50, 2, 0, 8]));
        // Sent again: received again, released once.
        assert_eq!(answers(&mut session, &packets[2..]), Ok(vec![0x50, 2, 0, 8]));
        let release: &[u8] = &[0x62, 2, 0, 8];
        assert_eq!(answers(&mut session, &[release]), Ok(vec![0x70, 2, 0, 8]));
        let unknown = if version == Version::V5 { vec![0x70, 3, 0, 8, 0x92] } else { vec![0x70, 2, 0, 8] };
        assert_eq!(answers(&mut session, &[release]), Ok(unknown));
    }
}

#[test]
fn a_release_must_not_overtake_the_disk() {
    let mut session = session(Version::V5, gateway());
    let after = Some(Ticket { position: Position::new(9), epoch: 0 });
    let id = NonZeroU16::new(8).unwrap();
    session.unreleased.insert(id, after);
    session.owed.push(Owed { after, id, kind: Kind::Pubrec, refused: 0 });
    let mut out = BytesMut::new();
    let nothing = Durable { position: Position::ZERO, epoch: 0, rose_at: Position::ZERO };
    session.settle(&nothing, &mut out).unwrap();
    let mut input = BytesMut::from(&[0x62, 2, 0, 8][..]);
    assert_eq!(session.take(&mut input, &mut out, NOW), Err(Ended::Protocol));
    assert!(out.is_empty());
}

#[test]
fn a_release_is_answered_before_older_publishes_are_durable() {
    let mut session = session(Version::V5, gateway());
    let (first, second) = (NonZeroU16::new(1).unwrap(), NonZeroU16::new(2).unwrap());
    session.unreleased.insert(first, None);
    let after = Some(Ticket { position: Position::new(9), epoch: 0 });
    session.owed.push(Owed { after, id: second, kind: Kind::Pubrec, refused: 0 });
    let (mut input, mut out) = (BytesMut::from(&[0x62, 2, 0, 1][..]), BytesMut::new());
    assert_eq!(session.take(&mut input, &mut out, NOW), Ok(Taken::All));
    assert_eq!(&out[..], [0x70, 2, 0, 1]);
}

#[test]
fn a_foreign_topic_is_refused_in_order_or_by_closing() {
    let v5 = Version::V5;
    let packets = [
        publish(v5, 1, 1, OWN),
        publish(v5, 1, 2, FOREIGN),
        publish(v5, 2, 3, FOREIGN),
        publish(v5, 0, 0, FOREIGN),
        publish(v5, 1, 4, &"x".repeat(65)),
    ];
    let mut five = session(v5, gateway());
    let mut answered = Vec::new();
    for packet in &packets {
        answered.extend(answers(&mut five, &[packet]).unwrap());
    }
    let expected =
        [&[0x40, 2, 0, 1][..], &[0x40, 3, 0, 2, 0x87], &[0x50, 3, 0, 3, 0x87], &[0x40, 3, 0, 4, 0x90]].concat();
    assert_eq!(answered, expected);
    for (qos, topic, ended) in [(0, FOREIGN, Ended::NotAuthorized), (1, FOREIGN, Ended::NotAuthorized)] {
        let packet = publish(Version::V3, qos, 1, topic);
        assert_eq!(answers(&mut session(Version::V3, gateway()), &[&packet]), Err(ended));
    }
    let long = publish(Version::V3, 1, 1, &"x".repeat(65));
    assert_eq!(answers(&mut session(Version::V3, gateway()), &[&long]), Err(Ended::TopicInvalid));
}

#[test]
fn more_in_flight_than_agreed_ends_the_connection_of_mqtt_5_only() {
    let many = |version, qos| (1..=4).map(|id| publish(version, qos, id, OWN)).collect::<Vec<_>>().concat();
    for qos in [1, 2] {
        let (mut input, mut out) = (BytesMut::from(&many(Version::V5, qos)[..]), BytesMut::new());
        let taken = session(Version::V5, gateway()).take(&mut input, &mut out, NOW);
        assert_eq!(taken, Err(Ended::OverReceiveMaximum));
    }
    let answered = answers(&mut session(Version::V3, gateway()), &[&many(Version::V3, 1)]).unwrap();
    assert_eq!(answered.len(), 4 * 4);
}

#[test]
fn nothing_is_granted_to_subscribers() {
    let mut three = session(Version::V3, gateway());
    let subscribe = [0x82, 10, 0, 5, 0, 1, b'#', 0, 0, 1, b'a', 1];
    assert_eq!(answers(&mut three, &[&subscribe]), Ok(vec![0x90, 4, 0, 5, 0x80, 0x80]));
    let unsubscribe = [0xa2, 5, 0, 6, 0, 1, b'a'];
    assert_eq!(answers(&mut three, &[&unsubscribe]), Ok(vec![0xb0, 2, 0, 6]));

    let mut five = session(Version::V5, gateway());
    let mut subscribe = vec![0x82, 24, 0, 5, 0, 0, 1, b'#', 0, 0, 2, b'#', b'a', 0, 0, 10];
    subscribe.extend_from_slice(b"$share/a/b\0");
    subscribe[1] = u8::try_from(subscribe.len() - 2).unwrap();
    assert_eq!(answers(&mut five, &[&subscribe]), Ok(vec![0x90, 6, 0, 5, 0, 0x87, 0x8f, 0x9e]));
    let unsubscribe = [0xa2, 6, 0, 6, 0, 0, 1, b'a'];
    assert_eq!(answers(&mut five, &[&unsubscribe]), Ok(vec![0xb0, 4, 0, 6, 0, 0x11]));
}

#[test]
fn pings_are_answered_and_goodbyes_understood() {
    for version in [Version::V3, Version::V5] {
        let mut session = session(version, gateway());
        assert_eq!(answers(&mut session, &[&[0xc0, 0], &[0xc0, 0]]), Ok(vec![0xd0, 0, 0xd0, 0]));
        assert_eq!(answers(&mut session, &[&[0xe0, 0]]), Err(Ended::Goodbye));
    }
    assert_eq!(answers(&mut session(Version::V5, gateway()), &[&[0xe0, 1, 4]]), Err(Ended::GoodbyeWithWill));
}

#[test]
fn packets_that_must_not_come_end_the_connection() {
    let connect = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c";
    let puback: &[u8] = &[0x40, 2, 0, 1];
    for packet in
        [&connect[..], &[0x20, 2, 0, 0], puback, &[0x50, 2, 0, 1], &[0x70, 2, 0, 1], &[0xd0, 0], &[0x90, 3, 0, 1, 0]]
    {
        let ended = answers(&mut session(Version::V3, gateway()), &[packet]).unwrap_err();
        assert_eq!(ended, Ended::Protocol, "{packet:x?}");
    }
    assert_eq!(answers(&mut session(Version::V5, gateway()), &[puback]), Err(Ended::Protocol));
    assert_eq!(answers(&mut session(Version::V5, gateway()), &[&[0xf0, 0]]), Err(Ended::Protocol));
    for packet in
        [&[0xf0, 0][..], &[0x00, 0], &[0x60, 2, 0, 1], &[0x36, 5, 0, 1, b'a', 0, 1], &[0x32, 5, 0, 1, b'a', 0, 0]]
    {
        let ended = answers(&mut session(Version::V3, gateway()), &[packet]).unwrap_err();
        assert_eq!(ended, Ended::Malformed, "{packet:x?}");
    }
}
