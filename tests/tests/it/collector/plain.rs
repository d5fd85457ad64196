//! What arrives when nothing breaks: every QoS, both protocol versions, retained messages, stop and start.

use ingest::collector::{Credentials, Protocol};
use ingest::tls::ClientTls;
use tests::mosquitto::{Mosquitto, UNLIMITED};
use tests::publisher::{Outgoing, Publisher};

use super::broker::Broker;
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

#[tokio::test(flavor = "multi_thread")]
async fn says_who_it_is_and_asks_for_its_session() {
    let broker = Broker::new().await;
    let taken = Taken::new();
    let credentials = Credentials { user: "plant-user".to_owned(), password: "plant-secret".to_owned() };
    assert!(!format!("{credentials:?}").contains("secret"), "a password is never logged");
    let known = CollectorOptions { credentials: Some(credentials), ..options(broker.address(), "coldtrail") };
    let collector = start(known, &taken);
    let connect = broker.serve(false).await.unwrap().connect.body;
    for text in ["coldtrail", "plant-user", "plant-secret"] {
        assert!(connect.windows(text.len()).any(|window| window == text.as_bytes()), "no {text} in {connect:?}");
    }
    // After the protocol's name and level: user and password, and no clean start.
    assert_eq!(connect.get(7), Some(&0b1100_0000));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trusts_only_the_authority_it_was_given() {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (dir, stranger) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tests::certificates::write(dir.path()).unwrap();
    tests::certificates::write(stranger.path()).unwrap();
    let at = |name: &str| dir.path().join(name);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "{UNLIMITED}listener {port} 127.0.0.1\nallow_anonymous true\nrequire_certificate true\n\
         cafile {}\ncertfile {}\nkeyfile {}\n",
        at("ca.pem").display(),
        at("server.pem").display(),
        at("server.key").display()
    );
    let Some(broker) = Mosquitto::start(&config).await.unwrap() else { return };
    let identity = Some((at("client.pem"), at("client.key")));
    let known = ClientTls { authority: at("ca.pem"), identity: identity.clone() };
    let unknown = ClientTls { authority: stranger.path().join("ca.pem"), identity };
    let secure = |tls: &ClientTls, client_id| CollectorOptions {
        tls: Some(tls.load().unwrap()),
        ..options(([127, 0, 0, 1], port).into(), client_id)
    };
    let mut taken = Taken::new();
    let suspicious = start(secure(&unknown, "suspicious"), &taken);
    let collector = start_subscribed(secure(&known, "coldtrail"), &taken, || broker.log()).await;
    let mut publisher = Publisher::new(broker.address(), "gw", 20);
    publisher.publish(messages("secret", 100), PATIENCE).await.unwrap();
    taken.holds_all(publisher.acknowledged()).await;
    assert_eq!(suspicious.state().connections, 0, "connected to a broker whose authority it does not know");
    suspicious.stop().await;
    collector.stop().await;
}
