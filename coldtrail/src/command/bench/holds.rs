//! From a reading to its hold, durable and visible over HTTP, while other readings arrive.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use sensors_sim::Span;
use serde_json::{Value, json};

use super::server::Server;
use super::{load, publish, world};
use crate::exit::Failure;

const UNITS: usize = 10_000;
const SENSORS: usize = 1_000;
/// Readings a second beside.
const BESIDE: u64 = 10_000;
/// Warm readings of the one sensor that all units are under: each makes another rule fire.
const RULES: usize = 20;
/// Warm readings when units are under many sensors: each is of another sensor.
const WARM: usize = 200;
/// How long a hold may take before it counts as never placed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Units spread over many sensors, then all under one; each beside the floor: the same request without a hold, from
/// being sent until it is durable and acknowledged.
pub(crate) async fn run() -> Result<(), Failure> {
    println!("\nwarm reading sent until its hold is seen over HTTP, ms, {UNITS} units, {BESIDE} readings/s beside");
    println!("{:<52}{:>10}{:>10}{:>10}", "", "p50", "p99", "most");
    let spread = scene(SENSORS, vec![world::rule("hot", 8.0, 0.0)]);
    measure("units under 1,000 sensors", spread, WARM, |number| Warm {
        sensor: number,
        unit: number,
        rule: "hot".to_owned(),
        celsius: 9.0,
    })
    .await?;
    let rules = (0..RULES).map(|number| world::rule(&rule(number), limit_c(number), 0.0)).collect();
    measure("all units under one sensor", scene(1, rules), RULES, |number| Warm {
        sensor: 0,
        unit: UNITS - 1,
        rule: rule(number),
        celsius: limit_c(number) + 0.25,
    })
    .await?;
    let rules = (0..RULES).map(|number| world::rule(&rule(number), limit_c(number), 0.0)).collect();
    let mut came = scene(1, rules);
    let begin = Utc::now() - TimeDelta::minutes(10);
    for (number, unit) in came["units"].as_array_mut().into_iter().flatten().enumerate() {
        unit["at"] = json!(world::text(begin + TimeDelta::milliseconds(50) * i32::try_from(number).unwrap_or(0)));
    }
    measure("all units under one sensor, come one by one", came, RULES, |number| Warm {
        sensor: 0,
        // All over the list, the last one and the first one too.
        unit: (UNITS - 1) * (RULES - 1 - number) / (RULES - 1),
        rule: rule(number),
        celsius: limit_c(number) + 0.25,
    })
    .await
}

/// One warm reading, and where its hold is looked for.
struct Warm {
    sensor: usize,
    unit: usize,
    rule: String,
    celsius: f64,
}

fn scene(sensors: usize, rules: Vec<Value>) -> Value {
    let mut document = world::registry(sensors, UNITS, &world::text(Utc::now() - TimeDelta::minutes(10)), &rules);
    let product = &mut document["products"][0];
    product["storage"] = json!({ "temperature_c": [null, null] });
    product["budget"] = Value::Null;
    product["mkt"] = Value::Null;
    document
}

fn rule(number: usize) -> String {
    format!("warmer-{number:02}")
}

fn limit_c(number: usize) -> f64 {
    8.0 + number as f64 * 0.5
}

async fn measure(name: &str, registry: Value, times: usize, warm: impl Fn(usize) -> Warm) -> Result<(), Failure> {
    let server = Server::start("")?;
    server.post("/v1/registry", &registry).await?;
    let mut options = load(server.mqtt, 50, Duration::from_secs(3600));
    options.sensors = SENSORS;
    options.messages_per_s = BESIDE / 50;
    options.interval = Span::from_millis(1000 * SENSORS as i64 / i64::try_from(BESIDE).unwrap_or(1));
    options.start = Utc::now() - TimeDelta::seconds(60);
    let beside = tokio::spawn(publish(options));
    // The server has caught up with the registry when the last unit has a verdict.
    let known = format!("/v1/units/{}", world::unit(UNITS - 1));
    until(|| async { Ok(server.get(&known).await?["verdict"].is_string()) }).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;

    let (mut floor, mut seen) = (Vec::with_capacity(times), Vec::with_capacity(times));
    for number in 0..times {
        floor.push(sent(&server, &format!("FLOOR{number:04}"), 5.0).await?);
        let Warm { sensor, unit, rule, celsius } = warm(number);
        let holds = format!("/v1/holds?unit={}&limit=1000", world::unit(unit));
        let began = Instant::now();
        sent(&server, &format!("S{sensor:06}"), celsius).await?;
        until(|| async {
            let holds = server.get(&holds).await?;
            Ok(holds["items"].as_array().into_iter().flatten().any(|hold| hold["cause"]["rule"] == rule.as_str()))
        })
        .await?;
        seen.push(began.elapsed());
    }
    beside.abort();
    for (name, of) in [(name, &mut seen), ("  floor: sent until acknowledged", &mut floor)] {
        of.sort_unstable();
        let at = |part: f64| of[((of.len() - 1) as f64 * part).round() as usize].as_secs_f64() * 1000.0;
        println!("{name:<52}{:>10.1}{:>10.1}{:>10.1}", at(0.5), at(0.99), at(1.0));
    }
    server.stop()?;
    Ok(())
}

/// Sends one reading measured now; how long until it was durable and acknowledged.
async fn sent(server: &Server, sensor: &str, celsius: f64) -> Result<Duration, Failure> {
    let at = Utc::now().timestamp_millis();
    let reading = json!({ "sensor": sensor, "at": at, "temperature_c": celsius });
    let body = json!({ "site": "BENCH", "gateway": "BENCH", "readings": [reading] });
    let began = Instant::now();
    server.post("/v1/readings", &body).await?;
    Ok(began.elapsed())
}

/// Asks again and again until the answer is yes.
async fn until<F: Future<Output = Result<bool, Failure>>>(ask: impl Fn() -> F) -> Result<(), Failure> {
    let began = Instant::now();
    while !ask().await? {
        if began.elapsed() > PATIENCE {
            return Err(Failure::Failed(anyhow::anyhow!("nothing happened for {} s", PATIENCE.as_secs())));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
