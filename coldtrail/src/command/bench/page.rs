//! How long the server takes for what the page asks: a year on a chart, and ten thousand units in lists.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sensors_sim::Span;

use super::server::Server;
use super::{load, publish, world};
use crate::exit::Failure;

/// Minutes in a year.
const YEAR: u64 = 365 * 24 * 60;
/// Buckets of a chart as wide as a large screen.
const POINTS: u64 = 1500;
/// How often each question is asked after the first time.
const AGAIN: usize = 20;
/// Units in the lists, and sensors they are under.
const UNITS: usize = 10_000;
const SENSORS: usize = 1_000;

/// A year of one unit a reading a minute, whole and zoomed; then lists of many units.
pub(crate) async fn run() -> Result<(), Failure> {
    println!("\nms from question to whole answer over loopback");
    println!("{:<52}{:>14}{:>14}{:>14}", "", "first", "median", "slowest");
    let server = Server::start("")?;
    let start = Utc::now() - TimeDelta::days(365);
    let hot = world::rule("hot", world::HOT_C, world::HOT_DELAY_S);
    server.post("/v1/registry", &world::registry(1, 1, &world::text(start), std::slice::from_ref(&hot))).await?;
    let mut options = load(server.mqtt, 50, Duration::from_secs(3600));
    (options.sensors, options.gateways, options.start) = (1, 1, start);
    options.interval = Span::from_millis(60_000);
    options.max_messages = Some(YEAR / 50);
    publish(options).await?;
    let readings = server.number("SELECT count(*) FROM readings").await?;
    // what is asked first is asked of a server that has read none of its files
    let server = server.again()?;
    let unit = world::unit(0);
    let part = |days: i64, back: i64| {
        let to = Utc::now() - TimeDelta::days(back);
        let millis = |at: DateTime<Utc>| at.timestamp_millis();
        format!(
            "/v1/units/{unit}/readings?max_points={POINTS}&from={}&to={}",
            millis(to - TimeDelta::days(days)),
            millis(to)
        )
    };
    let whole = format!("/v1/units/{unit}/readings?max_points={POINTS}");
    tell(&server, &format!("a year of a unit, {readings:.0} readings"), &whole).await?;
    tell(&server, "30 days of it", &part(30, 100)).await?;
    tell(&server, "a day of it", &part(1, 200)).await?;
    tell(&server, "a year of its sensor", &format!("/v1/sensors/S000000/readings?max_points={POINTS}")).await?;
    server.stop()?;

    let server = Server::start("")?;
    let since = world::text(Utc::now() - TimeDelta::hours(1));
    server.post("/v1/registry", &world::registry(SENSORS, UNITS, &since, &[hot])).await?;
    let mut options = load(server.mqtt, 50, Duration::from_secs(3600));
    (options.sensors, options.start) = (SENSORS, Utc::now() - TimeDelta::minutes(10));
    options.interval = Span::from_millis(60_000);
    options.max_messages = Some(SENSORS as u64 * 10 / 50);
    publish(options).await?;
    let counted = "SELECT count(*) FROM readings";
    server.number(counted).await?;
    while server.get("/v1/units?verdict=pass&limit=1").await.is_err() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("{UNITS} units under {SENSORS} sensors");
    for (what, path) in [
        ("100 units", "/v1/units"),
        ("1,000 units", "/v1/units?limit=1000"),
        ("units in a place", "/v1/units?place=P000999"),
        ("units by verdict", "/v1/units?verdict=hold"),
        ("lots, what to take first", "/v1/lots?order=effective_expiry"),
        ("places at a glance, 1,000", "/v1/sites?limit=1000"),
        ("a scan of a product", "/v1/scan?code=09506000134352"),
    ] {
        tell(&server, what, path).await?;
    }
    server.stop()?;
    Ok(())
}

async fn tell(server: &Server, what: &str, path: &str) -> Result<(), Failure> {
    let mut spent = Vec::new();
    for _ in 0..=AGAIN {
        let began = Instant::now();
        server.get(path).await?;
        spent.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let first = spent.remove(0);
    spent.sort_by(f64::total_cmp);
    let slowest = spent.last().copied().unwrap_or_default();
    println!("{what:<52}{first:>14.1}{:>14.1}{slowest:>14.1}", spent[spent.len() / 2]);
    Ok(())
}
