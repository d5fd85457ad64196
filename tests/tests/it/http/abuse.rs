//! Requests that are wrong, large, slow or hostile (fault 45).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Sends `bytes` on a connection of its own and reads until the server ends it.
async fn raw(edge: &Edge, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(edge.base.trim_start_matches("http://")).await.unwrap();
    // the server may end the connection before everything is sent
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn wrong_requests_are_problems() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Admin).await;
    assert_eq!(edge.get("/v1/nothing", &token).await.problem(), (404, "not_found".into()));
    assert_eq!(edge.get("/../../etc/passwd", &token).await.problem(), (404, "not_found".into()));
    assert_eq!(edge.get("/v1/sql", &token).await.problem(), (405, "method_not_allowed".into()));
    assert_eq!(edge.send("PUT", "/v1/places", Some(&token), None).await.problem(), (405, "method_not_allowed".into()));
    let post = || edge.client.post(format!("{}/v1/sql", edge.base)).bearer_auth(&token);
    assert_eq!(got(post().body("{}")).await.problem(), (415, "media_type".into()));
    for body in ["", "{", "[]", "{}", r#"{"sql":1}"#, r#"{"sql":"SELECT 1","x":1}"#, "\u{feff}{}", "nan"] {
        let request = post().header("content-type", "application/json").body(body);
        assert_eq!(got(request).await.problem(), (400, "json".into()), "{body}");
    }
    let nested = "[".repeat(100_000);
    assert_eq!(got(post().header("content-type", "application/json").body(nested)).await.problem().0, 400);
}

#[tokio::test]
async fn large_bodies_are_refused_packed_or_not() {
    let options = ApiOptions { max_body_bytes: 100_000, ..ApiOptions::default() };
    let edge = Edge::with(options, Limits::default()).await;
    let token = edge.token(Role::Admin).await;
    let post = || {
        let request = edge.client.post(format!("{}/v1/readings", edge.base)).bearer_auth(&token);
        request.header("content-type", "application/json")
    };
    assert_eq!(got(post().body(vec![b' '; 200_000])).await.problem(), (413, "too_large".into()));

    // stored deflate blocks would do, but a bomb should be small: one run of spaces, packed by hand is long, so take
    // what a browser would send
    let bomb = gzip(&vec![b' '; 5_000_000]);
    assert!(bomb.len() < 100_000);
    assert_eq!(got(post().header("content-encoding", "gzip").body(bomb)).await.problem(), (413, "too_large".into()));
    let fine = gzip(br#"{"site":"s","gateway":"g","readings":[]}"#);
    assert_eq!(got(post().header("content-encoding", "gzip").body(fine)).await.status, 200);
    assert_eq!(got(post().header("content-encoding", "gzip").body("not packed")).await.problem().0, 400);
    assert_eq!(got(post().header("content-encoding", "br").body("x")).await.problem().0, 415);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn endless_heads_and_slow_clients_are_cut_off() {
    let options = ApiOptions {
        head_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(200),
        ..ApiOptions::default()
    };
    let edge = Edge::with(options, Limits::default()).await;
    let token = edge.token(Role::Viewer).await;
    // the server must end each of these by itself, or the test hangs
    raw(&edge, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    raw(&edge, b"").await;
    let mut many = b"GET /healthz HTTP/1.1\r\nHost: x\r\n".to_vec();
    for n in 0..100_000 {
        many.extend_from_slice(format!("X-{n}: 1\r\n").as_bytes());
    }
    let answer = raw(&edge, &many).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let unfinished = format!(
        "POST /v1/sql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    let answer = raw(&edge, unfinished.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(edge.send("GET", "/healthz", None, None).await.status, 200);
}

/// Sends `head` and then `drop`s, one by one, until the server ends the connection; what it said.
async fn dripping(address: String, head: String, drop: &'static [u8]) -> String {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let drops = tokio::spawn(async move {
        let mut whole = to.write_all(head.as_bytes()).await;
        while whole.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            whole = to.write_all(drop).await;
        }
    });
    let mut answer = Vec::new();
    let _ = from.read_to_end(&mut answer).await;
    drops.await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn clients_that_send_a_byte_now_and_then_keep_nobody_out() {
    let options = ApiOptions {
        head_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
        max_connections: 20,
        ..ApiOptions::default()
    };
    let edge = Edge::with(options, Limits::default()).await;
    let token = edge.token(Role::Viewer).await;
    let address = edge.base.trim_start_matches("http://").to_owned();
    let head = "GET /healthz HTTP/1.1\r\nHost: x\r\n".to_owned();
    let slow = (0..100).map(|_| tokio::spawn(dripping(address.clone(), head.clone(), b"X-Slow: 1\r\n")));
    let slow: Vec<_> = slow.collect();
    // five times as many as there are places: it is answered once those before it are cut off
    assert_eq!(edge.send("GET", "/healthz", None, None).await.status, 200);
    for one in slow {
        let answer = one.await.unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let begun = format!(
        "POST /v1/sql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    );
    let answer = dripping(address, begun, b" ").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// An answer of 10 MB.
fn large() -> Value {
    let cell = "x".repeat(1_000);
    let crossed = "readings a, readings b, readings c, readings d";
    json!({"sql": format!("SELECT '{cell}' AS cell FROM {crossed} LIMIT 10000"), "format": "csv"})
}

/// A connection on which [`large`] was asked for, and its first byte taken.
async fn asked_for_much(edge: &Edge, token: &str) -> TcpStream {
    let body = large().to_string();
    let request = format!(
        "POST /v1/sql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(edge.base.trim_start_matches("http://")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    stream
}

#[tokio::test]
async fn clients_that_take_nothing_of_an_answer_are_cut_off() {
    let options =
        ApiOptions { stall_timeout: Duration::from_millis(500), max_sending_bytes: 12 << 20, ..ApiOptions::default() };
    let edge = Edge::with(options, Limits::default()).await;
    let token = edge.token(Role::Viewer).await;
    let stalled = asked_for_much(&edge, &token).await;
    let full = edge.post("/v1/sql", &token, &large()).await;
    assert_eq!(full.problem(), (503, "sql_limit".into()), "there is room for one answer on its way");
    // it holds its room no longer than it may, and still has the connection then
    while edge.post("/v1/sql", &token, &large()).await.status == 503 {}
    drop(stalled);
}

#[tokio::test]
async fn clients_that_take_an_answer_in_small_pieces_are_cut_off() {
    let options = ApiOptions { send_timeout: Duration::from_millis(500), ..ApiOptions::default() };
    let edge = Edge::with(options, Limits::default()).await;
    let token = edge.token(Role::Viewer).await;
    let mut slow = asked_for_much(&edge, &token).await;
    let (mut taken, mut piece) = (0, vec![0; 1 << 16]);
    while let Ok(count @ 1..) = slow.read(&mut piece).await {
        taken += count;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(taken < 10_000 * 1_001, "an answer that took too long came whole");
}

#[tokio::test]
async fn a_query_ends_when_its_client_vanishes() {
    let limits = Limits { max_concurrent: 1, max_wait: Duration::from_secs(20), ..Limits::default() };
    let edge = Edge::with(ApiOptions::default(), limits).await;
    let token = edge.token(Role::Viewer).await;
    let crossed = (b'a'..=b'l').map(|name| format!("readings {}", char::from(name))).collect::<Vec<_>>().join(", ");
    let body = json!({"sql": format!("SELECT sum(a.temperature_c + b.temperature_c) FROM {crossed}")}).to_string();
    let request = format!(
        "POST /v1/sql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(edge.base.trim_start_matches("http://")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    drop(stream);
    // the only turn is free again long before the query's own time is up
    assert_eq!(edge.ask(&token, "SELECT 1").await.status, 200);
}

#[tokio::test]
async fn stops_when_told_and_finishes_what_it_began() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Viewer).await;
    assert_eq!(edge.ask(&token, "SELECT 1").await.status, 200);
    let (base, client) = (edge.base.clone(), edge.client.clone());
    edge.stop().await;
    assert!(client.get(format!("{base}/healthz")).send().await.is_err());
}

#[tokio::test]
async fn responses_are_not_taken_for_pages() {
    let edge = Edge::start().await;
    let response = edge.client.get(format!("{}/healthz", edge.base)).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert!(header("content-security-policy").contains("default-src 'none'"));
}
