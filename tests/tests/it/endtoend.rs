//! A reading from its gateway to SQL, through the real binary and every door it has.

mod commands;
mod damaged;
mod malformed;
mod readings;
mod stopping;
mod tokens;

use serde_json::Value;
use tests::site::Site;

/// 2026-09-21T14:13:20Z, in the past of every test.
const AT: i64 = 1_790_000_000_000;

/// The tables of a site as SQL tells them, ordered.
async fn everything(site: &Site) -> (Vec<Value>, Vec<Value>) {
    let readings = "SELECT sensor, measured_at, received_at, temperature_c, humidity_pct, site, gateway, unit, seq, \
                    quality FROM readings ORDER BY sensor, measured_at, temperature_c, received_at";
    let rejected = "SELECT received_at, topic, payload, reason FROM rejected ORDER BY received_at, topic, payload";
    (site.sql(readings).await.unwrap(), site.sql(rejected).await.unwrap())
}
