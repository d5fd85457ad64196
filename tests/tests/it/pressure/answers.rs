//! An answer of a gigabyte to a client that hardly takes any of it, and then is gone (fault 39).

use std::time::Instant;

use tests::memory;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// An answer has 256 MiB at most and is whole before any of it is sent; here it may have a GiB.
const CONFIG: &str = "[sql]\nmax_rows = 2000000\nmax_result_bytes = 1073741824\ntimeout_s = 60.0\n";

/// Bytes of a cell, and rows: a little less than the GiB that may be on its way to clients at once.
const CELL: usize = 1_000;
const ROWS: usize = 1_000_000;

/// How long whatever a client has asked for may go on without it.
const CANCELLED_IN: Duration = Duration::from_secs(5);

async fn asked(site: &Site, sql: &str) -> TcpStream {
    let mut stream = TcpStream::connect(site.url().trim_start_matches("http://")).await.unwrap();
    stream.write_all(question(sql, "csv").as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_a_gigabyte_costs_its_bytes_once_and_holds_up_nobody() {
    let site = Site::start(CONFIG).await.unwrap();
    site.publisher("crowd").publish(vec![message("crowd", 0, 1_000)], PATIENCE).await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM readings").await.unwrap(), 1_000);
    let before = memory::resident_bytes(site.pid().unwrap()).unwrap();

    let cell = "x".repeat(CELL);
    let sql = format!("SELECT '{cell}' AS cell FROM readings a CROSS JOIN readings b LIMIT {ROWS}");
    let mut stream = asked(&site, &sql).await;
    let mut byte = [0];
    stream.read_exact(&mut byte).await.unwrap();
    let size = (ROWS * (CELL + 1) + "cell\n".len()) as f64;
    assert_eq!(metric(&site, "coldtrail_http_sending_bytes").await, size, "the answer is not on its way");

    // a byte a second
    let (mut least, mut most) = (u64::MAX, 0);
    for second in 0..10 {
        let round = tokio::time::sleep(Duration::from_secs(1));
        site.publisher("steady").publish(vec![message("steady", second * 10, 10)], PATIENCE).await.unwrap();
        assert_eq!(
            site.count("SELECT count(*) FROM readings WHERE sensor = 'steady'").await.unwrap() as i64,
            (second + 1) * 10
        );
        let now = memory::resident_bytes(site.pid().unwrap()).unwrap();
        (least, most) = (least.min(now), most.max(now));
        stream.read_exact(&mut byte).await.unwrap();
        round.await;
    }
    println!(
        "before {} MiB, while it is read {} to {} MiB, at most {} MiB",
        before / MIB,
        least / MIB,
        most / MIB,
        memory::peak_bytes(site.pid().unwrap()).unwrap() / MIB
    );
    assert!(most - least < 64 * MIB, "memory grows while a client reads slowly: {} to {} MiB", least / MIB, most / MIB);
    let allowed = before + 1024 * MIB + 384 * MIB;
    assert!(
        memory::peak_bytes(site.pid().unwrap()).unwrap() < allowed,
        "the answer takes more than its bytes and some room"
    );

    drop(stream);
    let begun = Instant::now();
    until(&site, "coldtrail_http_sending_bytes", 0.0).await;
    while memory::resident_bytes(site.pid().unwrap()).unwrap() > before + 256 * MIB {
        assert!(begun.elapsed() < CANCELLED_IN, "what a client that is gone asked for stays in memory");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() < CANCELLED_IN, "the answer of a client that is gone is kept for {:?}", begun.elapsed());
    assert_eq!(faults(&site).await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_ends_with_the_client_that_asked_it() {
    let site = Site::start(CONFIG).await.unwrap();
    site.publisher("crowd").publish(vec![message("crowd", 0, 1_000)], PATIENCE).await.unwrap();
    let crossed = (b'a'..=b'l').map(|name| format!("readings {}", char::from(name))).collect::<Vec<_>>().join(", ");
    let stream = asked(&site, &format!("SELECT sum(a.temperature_c + b.temperature_c) FROM {crossed}")).await;
    until(&site, "coldtrail_sql_queries_running", 1.0).await;
    let begun = Instant::now();
    drop(stream);
    until(&site, "coldtrail_sql_queries_running", 0.0).await;
    assert!(begun.elapsed() < CANCELLED_IN, "the question goes on for {:?}", begun.elapsed());
}
