//! Who is let in, and what it may write.

use std::path::Path;
use std::process::Command;

use ingest::credentials::{PasswordFile, hash_password};
use ingest::listener::DoorOptions;
use ingest::tls::{ClientTls, ServerTls};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet as Incoming, PubAckReason};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tests::wire::{Packet, kind};

use super::client::{BOTH, Hello};
use super::*;

const FOREIGN: &str = "coldtrail/v1/WH1/gw2/readings";

fn users(dir: &Path) -> Arc<PasswordFile> {
    let path = dir.join("passwords");
    let line =
        |name: &str, password: &str| format!("{name}:{}\n", hash_password(password.as_bytes(), &[7; 16]).unwrap());
    std::fs::write(&path, format!("# gateways\n\n{}{}", line("gw1", "secret"), line("gw2", "other"))).unwrap();
    Arc::new(PasswordFile::load(&path).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_signs_in_and_writes_under_its_own_name_only() {
    let dir = TempDir::new().unwrap();
    let door = Door::open_with(|_| {}, users(dir.path()), JournalOptions::default());
    for version in BOTH {
        let hello = |password| Hello { client_id: "c1", user: Some(("gw1", password)), ..Hello::default() };
        let (bad, not_allowed) = if version == Version::Five { (0x86, 0x87) } else { (4, 5) };
        let (_, code) = Client::ask(door.address, version, hello("other")).await;
        assert_eq!(code, Some(bad));
        let unknown = Hello { client_id: "c1", user: Some(("gw9", "secret")), ..Hello::default() };
        assert_eq!(Client::ask(door.address, version, unknown).await.1, Some(bad));
        let will = Hello { will: Some((FOREIGN, "w")), ..hello("secret") };
        assert_eq!(Client::ask(door.address, version, will).await.1, Some(not_allowed));

        let mut client = Client::say(door.address, version, hello("secret")).await;
        client.publish(TOPIC, 1, 1, "own").await;
        client.expect(kind::PUBACK, 1).await;
        client.publish(FOREIGN, 1, 2, "foreign").await;
        if version == Version::Five {
            assert_eq!(client.next().await, Some(Packet { first: 0x40, body: vec![0, 2, 0x87] }));
            client.publish(FOREIGN, 2, 3, "foreign").await;
            assert_eq!(client.next().await, Some(Packet { first: 0x50, body: vec![0, 3, 0x87] }));
            client.publish(TOPIC, 1, 4, "own").await;
            client.expect(kind::PUBACK, 4).await;
        } else {
            client.expect_end(0).await;
        }
    }
    let kept = door.kept().await;
    assert!(kept.iter().all(|kept| kept.topic == TOPIC && kept.client == "gw1"), "{kept:?}");
    assert_eq!(kept.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_with_one_client_id_do_not_throw_each_other_out() {
    let dir = TempDir::new().unwrap();
    let door = Door::open_with(|_| {}, users(dir.path()), JournalOptions::default());
    let hello = |user| Hello { client_id: "same", user: Some(user), ..Hello::default() };
    let mut one = Client::say(door.address, Version::Five, hello(("gw1", "secret"))).await;
    let _two = Client::say(door.address, Version::Five, hello(("gw2", "other"))).await;
    one.expect_nothing_but_a_pong().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_passwords_is_stopped() {
    let dir = TempDir::new().unwrap();
    let change = |options: &mut ListenerOptions| options.limits.failed_sign_ins_max = 2;
    let door = Door::open_with(change, users(dir.path()), JournalOptions::default());
    let hello = |password| Hello { client_id: "c", user: Some(("gw1", password)), ..Hello::default() };
    for code in [0x86, 0x86, 0x8a] {
        assert_eq!(Client::ask(door.address, Version::Five, hello("guess")).await.1, Some(code));
    }
    assert_eq!(Client::ask(door.address, Version::Five, hello("secret")).await.1, Some(0x8a));
    let other = Hello { client_id: "c", user: Some(("gw2", "other")), ..Hello::default() };
    Client::say(door.address, Version::Five, other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_clients_need_loopback_on_both_ends_and_permission() {
    let not_allowed = |options: &mut ListenerOptions| options.allow_anonymous = false;
    let everywhere = |options: &mut ListenerOptions| options.doors[0].address = SocketAddr::from(([0, 0, 0, 0], 0));
    for change in [&not_allowed as &dyn Fn(&mut ListenerOptions), &everywhere] {
        let door = Door::open_with(change, Arc::new(NoUsers), JournalOptions::default());
        let address = SocketAddr::from(([127, 0, 0, 1], door.address.port()));
        let hello = Hello { client_id: "c", ..Hello::default() };
        assert_eq!(Client::ask(address, Version::Five, hello).await.1, Some(0x87));
        assert_eq!(Client::ask(address, Version::Three, hello).await.1, Some(5));
    }
    let door = Door::open();
    let user = Hello { client_id: "c", user: Some(("gw1", "x")), ..Hello::default() };
    assert_eq!(Client::ask(door.address, Version::Five, user).await.1, Some(0x86), "a user name is always checked");
}

#[test]
fn a_password_file_says_which_line_is_wrong() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("passwords");
    for (text, line) in [("gw1", 1), ("# fine\n\ngw1:plain", 3), ("a b:$argon2id$x", 1)] {
        std::fs::write(&path, text).unwrap();
        let error = PasswordFile::load(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}")), "{error}");
    }
}

/// An authority, a server certificate for 127.0.0.1 and client certificates, made with the `openssl` program.
fn certificates(dir: &Path) {
    let openssl = |args: &str| {
        let ran = Command::new("openssl").current_dir(dir).args(args.split(' ')).output().expect("openssl runs");
        assert!(ran.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"));
    std::fs::write(dir.join("server.ext"), "subjectAltName=IP:127.0.0.1").unwrap();
    std::fs::write(dir.join("gw1.ext"), "extendedKeyUsage=clientAuth").unwrap();
    for name in ["server", "gw1"] {
        openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /O=ACME/CN={name}"));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -extfile {name}.ext"
        ));
    }
}

async fn acknowledgement(events: &mut EventLoop) -> Option<PubAckReason> {
    let polling = async {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Incoming::PubAck(ack))) => return Some(ack.reason),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    };
    tokio::time::timeout(PATIENCE, polling).await.expect("an answer in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_names_the_gateway() {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = TempDir::new().unwrap();
    certificates(dir.path());
    let file = |name: &str| dir.path().join(name);
    let server = ServerTls {
        certificate: file("server.pem"),
        key: file("server.key"),
        client_authority: Some(file("ca.pem")),
        client_required: true,
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let tls = Some(server.load().unwrap());
    let change = |options: &mut ListenerOptions| options.doors = vec![DoorOptions { address, tls }];
    let door = Door::open_with(change, Arc::new(NoUsers), JournalOptions::default());

    let connect = |identity| {
        let config = ClientTls { authority: file("ca.pem"), identity }.load().unwrap();
        let mut options = MqttOptions::new("c1", "127.0.0.1", door.address.port());
        let config = rumqttc::TlsConfiguration::Rustls(config);
        options.set_transport(rumqttc::Transport::tls_with_config(config));
        AsyncClient::new(options, 10)
    };
    let (client, mut events) = connect(Some((file("gw1.pem"), file("gw1.key"))));
    for (topic, reason) in [(TOPIC, PubAckReason::Success), (FOREIGN, PubAckReason::NotAuthorized)] {
        client.publish(topic, QoS::AtLeastOnce, false, "{}").await.unwrap();
        let acknowledged = acknowledgement(&mut events).await;
        // rumqttc takes a refusal for the end of the connection, and says nothing else about it.
        assert!(acknowledged == Some(reason) || (acknowledged.is_none() && topic == FOREIGN), "{acknowledged:?}");
    }
    let (client, mut events) = connect(None);
    client.publish(TOPIC, QoS::AtLeastOnce, false, "{}").await.unwrap();
    assert_eq!(acknowledgement(&mut events).await, None, "no certificate, no connection");

    let kept = door.kept().await;
    assert_eq!(kept, [Kept { client: "gw1".into(), topic: TOPIC.into(), payload: b"{}".to_vec() }]);
}

#[test]
fn tls_files_that_do_not_fit_are_named() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = TempDir::new().unwrap();
    certificates(dir.path());
    let file = |name: &str| dir.path().join(name);
    for (certificate, key, named) in [
        ("none.pem", "server.key", "none.pem"),
        ("server.pem", "server.csr", "server.csr"),
        ("server.pem", "gw1.key", "server.pem"),
    ] {
        let tls = ServerTls {
            certificate: file(certificate),
            key: file(key),
            client_authority: None,
            client_required: false,
        };
        let error = tls.load().unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
