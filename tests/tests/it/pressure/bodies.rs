//! Requests far larger than any may be (fault 45): refused while they are sent, by a server that keeps none of it.

use flate2::Compression;
use flate2::write::GzEncoder;
use tests::memory;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const GIGABYTE: usize = 1_000_000_000;

/// Whatever a client still gets rid of before it hears that it may stop: what a body may be, and what lies in buffers.
const SENT_AT_MOST: usize = 64 << 20;

const PIECE: usize = 64 << 10;

/// Sends `head` and then spaces, as much as a gigabyte, until it is answered or cut off; the answer and how much was sent.
async fn streamed(site: &Site, head: String, is_chunked: bool) -> (String, usize) {
    let stream = TcpStream::connect(site.url().trim_start_matches("http://")).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let sending = tokio::spawn(async move {
        let spaces = vec![b' '; PIECE];
        let mut sent = 0;
        if to.write_all(head.as_bytes()).await.is_err() {
            return sent;
        }
        while sent < GIGABYTE {
            if is_chunked && to.write_all(format!("{PIECE:x}\r\n").as_bytes()).await.is_err() {
                return sent;
            }
            if to.write_all(&spaces).await.is_err() || (is_chunked && to.write_all(b"\r\n").await.is_err()) {
                return sent;
            }
            sent += PIECE;
        }
        sent
    });
    let mut answer = Vec::new();
    // a server that refuses ends the connection, with or without the client having read why
    let _ = tokio::time::timeout(PATIENCE, from.read_to_end(&mut answer)).await.expect("the connection is not ended");
    let sent = tokio::time::timeout(PATIENCE, sending).await.expect("the client may go on sending").unwrap();
    (String::from_utf8_lossy(&answer).into_owned(), sent)
}

/// Spaces, a gigabyte of them, packed.
fn bomb() -> Vec<u8> {
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let spaces = vec![b' '; 1_000_000];
    for _ in 0..GIGABYTE / spaces.len() {
        encoder.write_all(&spaces).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_is_refused_however_it_comes() {
    let site = Site::start("").await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM readings").await.unwrap(), 0);
    let before = memory::peak_bytes(site.pid().unwrap()).unwrap();
    let paths = ["/v1/readings", "/v1/sql", "/v1/registry", "/v1/session", "/v1/oidc/sign-in"];
    for path in paths {
        for (of_body, is_chunked) in
            [(format!("Content-Length: {GIGABYTE}"), false), ("Transfer-Encoding: chunked".into(), true)]
        {
            let (answer, sent) = streamed(&site, head(path, &of_body), is_chunked).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{path}, {of_body}: {answer}");
            assert!(sent < SENT_AT_MOST, "{path}, {of_body}: {sent} bytes were taken");
        }
    }
    let (client, bomb) = (reqwest::Client::new(), bomb());
    assert!(bomb.len() < 16 << 20, "{} bytes are no bomb", bomb.len());
    for path in paths {
        let request = client.post(format!("{}{path}", site.url())).bearer_auth(TOKEN).body(bomb.clone());
        let request = request.header("content-type", "application/json").header("content-encoding", "gzip");
        let answer = request.send().await.map(|answer| answer.status().as_u16());
        assert!(answer.as_ref().map_or(true, |status| *status == 413), "{path}: {answer:?}");
    }
    let mut many = head("/v1/sql", "Content-Length: 2").trim_end().to_owned();
    for n in 0..100_000 {
        many += &format!("\r\nX-{n}: 1");
    }
    let (answer, _) = streamed(&site, many + "\r\n\r\n{}", false).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");

    let taken = memory::peak_bytes(site.pid().unwrap()).unwrap() - before;
    println!("{} MiB before, {} MiB more at most", before / MIB, taken / MIB);
    assert!(taken < 128 * MIB, "{} MiB were taken by what was refused", taken / MIB);
    assert_eq!(faults(&site).await, 0.0);
    assert_eq!(site.count("SELECT count(*) FROM readings").await.unwrap(), 0);
}
