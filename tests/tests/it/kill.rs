//! The server is killed at random instants while paho publishes; nothing that was acknowledged is lost or twice.
//!
//! `COLDTRAIL_ROUNDS` sets how often (6 when absent), `COLDTRAIL_SEED` repeats a run's choices.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use tests::site::{HURRIED, Site};

use crate::gateways::{self, Gateways};
use crate::rows;

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_instants_the_server_has_every_acknowledged_reading_once() {
    let Some(python) = tests::python() else { return };
    let rounds = environment("COLDTRAIL_ROUNDS").unwrap_or(6);
    let seed = environment("COLDTRAIL_SEED").unwrap_or_else(rand::random);
    eprintln!("COLDTRAIL_SEED={seed} COLDTRAIL_ROUNDS={rounds}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);

    let mut site = Site::start(HURRIED).await.unwrap();
    let gateways = Gateways::start(python, &site, seed % 1_000_000);
    for _ in 0..rounds {
        // Flushes come every 0.3 s and maintenance every second: a kill may fall anywhere in either.
        tokio::time::sleep(Duration::from_micros(random.random_range(50_000..2_500_000))).await;
        site.kill9().await.unwrap();
        site.restart().await.unwrap();
        gateways::tell_port(&site);
    }
    gateways.finish(&site).await;

    let (acknowledged, sent) = (gateways::acknowledged(&site), gateways::sent(&site));
    eprintln!("{} readings acknowledged, {} sent", acknowledged.len(), sent.len());
    assert!(!acknowledged.is_empty());
    assert_eq!(site.count("SELECT count(*) AS n FROM rejected").await.unwrap(), 0);
    let answer = rows::of_sql(&site).await;
    rows::check(&answer, &acknowledged, &sent);

    let (status, _) = site.sigterm().await.unwrap();
    assert!(status.success(), "{status}: {}", site.log_end());
    site.verify(site.data()).await.unwrap();
    assert!(rows::of_lake(python, site.data()).await == answer, "other engines read other rows in the lake");
    site.restart().await.unwrap();
    assert!(rows::of_sql(&site).await == answer, "the answer is another one after a restart");
}
