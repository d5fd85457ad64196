//! An acknowledgement means: on disk (invariant D1).

use super::client::BOTH;
use super::*;

use tests::wire::{Packet, kind};

#[tokio::test(flavor = "multi_thread")]
async fn d1_acknowledgements_wait_for_the_fsync_and_keep_their_order() {
    for version in BOTH {
        let door = Door::open();
        let mut client = door.client(version).await;
        let held = door.disk.hold();
        for id in 1..=20 {
            client.publish(TOPIC, if id % 4 == 0 { 2 } else { 1 }, id, "{}").await;
        }
        client.expect_nothing_but_a_pong().await;
        drop(held);
        for id in 1..=20 {
            client.expect(if id % 4 == 0 { kind::PUBREC } else { kind::PUBACK }, id).await;
        }
        for id in [4, 8, 12, 16, 20] {
            client.send(&Packet::of_id(kind::PUBREL, id)).await;
            client.expect(kind::PUBCOMP, id).await;
        }
        assert_eq!(door.kept().await.len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_nothing_is_acknowledged_when_the_commit_fails() {
    for version in BOTH {
        let door = Door::open();
        let mut client = door.client(version).await;
        client.publish(TOPIC, 1, 1, "before").await;
        client.expect(kind::PUBACK, 1).await;
        let held = door.disk.hold();
        for id in 2..=9 {
            client.publish(TOPIC, 1 + u8::from(id == 5), id, "lost").await;
        }
        client.expect_nothing_but_a_pong().await;
        door.disk.fail(1);
        drop(held);
        // Whatever was in the group that failed is lost; what came after it may be saved, and must not be
        // acknowledged before what was lost: so nothing is.
        client.expect_end(0x83).await;

        let mut again = door.client(version).await;
        until("the journal goes on in a new segment", async || door.journal.is_open()).await;
        again.publish(TOPIC, 1, 1, "after").await;
        again.expect(kind::PUBACK, 1).await;
        let kept = door.kept().await;
        assert_eq!(kept.first().unwrap().payload, b"before");
        assert_eq!(kept.last().unwrap().payload, b"after");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_holds_clients_back_and_loses_nothing() {
    const COUNT: u16 = 2_000;
    let small = JournalOptions { buffer_bytes: 64 << 10, message_bytes: 8 << 10, ..JournalOptions::default() };
    let door = Door::open_with(|_| {}, Arc::new(NoUsers), small);
    let client = door.client(Version::Five).await;
    let held = door.disk.hold();
    let Client { stream, version, .. } = client;
    let (mut reads, mut writes) = stream.into_split();
    let payload = "x".repeat(500);
    let writing = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        for id in 1..=COUNT {
            let packet = Packet::publish(TOPIC, 1, id, payload.as_bytes(), version == Version::Five);
            writes.write_all(&packet.encode()).await.unwrap();
        }
        writes
    });
    until("the journal is full", async || !door.journal.is_open()).await;
    // Others are still let in, and a takeover of the waiting connection would be heard.
    let _other = Client::connect(door.address, Version::Five, "other").await;
    drop(held);
    let mut answers = Vec::new();
    while answers.len() < usize::from(COUNT) * 4 {
        use tokio::io::AsyncReadExt;
        let read = tokio::time::timeout(PATIENCE, reads.read_buf(&mut answers)).await;
        assert_ne!(read.expect("acknowledgements go on").unwrap(), 0);
    }
    for id in 1..=COUNT {
        assert_eq!(Packet::take(&mut answers), Some(Packet::of_id(kind::PUBACK, id)));
    }
    drop(writing.await.unwrap());
    assert_eq!(door.kept().await.len(), usize::from(COUNT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_is_heard_while_the_journal_is_full() {
    let small = JournalOptions { buffer_bytes: 16 << 10, message_bytes: 8 << 10, ..JournalOptions::default() };
    let door = Door::open_with(|_| {}, Arc::new(NoUsers), small);
    let mut old = door.client(Version::Five).await;
    let held = door.disk.hold();
    let payload = "x".repeat(7_000);
    for id in 1..=8 {
        old.publish(TOPIC, 1, id, &payload).await;
    }
    until("the journal is full", async || !door.journal.is_open()).await;
    let _new = door.client(Version::Five).await;
    old.expect_end(0x8e).await;
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_sent_after_the_client_said_goodbye() {
    for version in BOTH {
        for says_goodbye in [true, false] {
            let door = Door::open();
            let mut client = door.client(version).await;
            let held = door.disk.hold();
            client.publish(TOPIC, 1, 1, "{}").await;
            client.expect_nothing_but_a_pong().await;
            if says_goodbye {
                client.send(&Packet { first: 0xe0, body: Vec::new() }).await;
            }
            let socket = socket_of(client.stream);
            socket.shutdown(std::net::Shutdown::Write).unwrap();
            client.stream = tokio::net::TcpStream::from_std(socket).unwrap();
            drop(held);
            client.expect(kind::PUBACK, 1).await;
            assert_eq!(client.next().await, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_sends_what_is_durable_and_says_why() {
    for version in BOTH {
        let door = Door::open();
        let mut client = door.client(version).await;
        let _silent = Client::open(door.address, version).await;
        let held = door.disk.hold();
        client.publish(TOPIC, 1, 1, "{}").await;
        client.expect_nothing_but_a_pong().await;
        door.stop.cancel();
        drop(held);
        client.expect(kind::PUBACK, 1).await;
        client.expect_end(0x8b).await;
        drop(client);
        tokio::time::timeout(PATIENCE, door.running).await.expect("the listener stops").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_redelivered_on_a_new_connection_is_journaled_again_under_its_own_promise() {
    let door = Door::open();
    for _ in 0..2 {
        let mut client = door.client(Version::Three).await;
        let mut packet = Packet::publish(TOPIC, 2, 9, b"same", false);
        client.send(&packet).await;
        client.expect(kind::PUBREC, 9).await;
        // Within the connection it is the same message.
        packet.first |= 8;
        client.send(&packet).await;
        client.expect(kind::PUBREC, 9).await;
        // Cut before PUBREL: the session is gone with the connection.
    }
    assert_eq!(door.payloads(2).await, ["same", "same"]);
}

fn socket_of(stream: tokio::net::TcpStream) -> std::net::TcpStream {
    stream.into_std().unwrap()
}
