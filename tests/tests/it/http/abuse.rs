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
