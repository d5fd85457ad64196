use std::collections::HashSet;

use chrono::TimeDelta;

use super::*;
use crate::message::Message;
use crate::scenario::Scenario;

fn start() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-22T06:00:00Z").unwrap().to_utc()
}

fn messages(scenario: &str, seed: u64, hours: i64) -> Vec<Message> {
    let mut world = World::new(&Scenario::load(scenario).unwrap(), seed, start()).unwrap();
    let mut out = Vec::new();
    world.advance_to(start() + TimeDelta::hours(hours), &mut out);
    world.drain(&mut out);
    out.into_iter()
        .filter_map(|emission| if let Emission::Message(message) = emission { Some(message) } else { None })
        .collect()
}

/// Temperatures that sensors of this name sensed, with hours since the start.
fn sensed(scenario: &str, name: &str, hours: i64) -> Vec<(f64, f64)> {
    let world = World::new(&Scenario::load(scenario).unwrap(), 7, start()).unwrap();
    let mut curve: Vec<(f64, f64)> = messages(scenario, 7, hours)
        .iter()
        .flat_map(|message| message.readings.to_vec())
        .filter(|reading| world.sensor_name(reading.sensor) == name)
        .map(|reading| {
            let passed_s = (reading.true_at - start()).as_seconds_f64();
            (passed_s / 3600.0, reading.measurement.temperature.value())
        })
        .collect();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    curve
}

fn highest(curve: &[(f64, f64)], from_h: f64, to_h: f64) -> f64 {
    curve.iter().filter(|(h, _)| (from_h..to_h).contains(h)).map(|(_, c)| *c).fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn every_builtin_scenario_makes_a_day() {
    for name in Scenario::builtin_names() {
        let made = messages(name, 1, 24);
        assert!(made.iter().map(Message::readable).sum::<u64>() > 500, "{name}");
    }
}

#[test]
fn the_demo_has_200_sensors_and_trouble_within_the_first_hours() {
    let world = World::new(&Scenario::load("demo").unwrap(), 7, start()).unwrap();
    assert!(world.sensors() >= 200, "{}", world.sensors());
    assert!(highest(&sensed("demo", "PH03-FR01-A", 2), 0.0, 1.0) > 8.0);
    assert!(highest(&sensed("demo", "WH1-CR02-A", 4), 0.0, 4.0) > 8.0);
    assert!(highest(&sensed("demo", "WH1-CR01-A", 4), 0.0, 4.0) < 8.0);
}

#[test]
fn readings_come_out_once_however_they_travel() {
    let loud: u64 = messages("gateway-offline", 3, 24)
        .iter()
        .filter(|message| message.copy_of.is_none())
        .map(Message::readable)
        .sum();
    let scenario = include_str!("../../scenarios/gateway-offline.toml");
    let quiet = Scenario::parse(&scenario.replace("gateway_offline", "sensor_stuck")).unwrap();
    let mut world = World::new(&quiet, 3, start()).unwrap();
    let mut out = Vec::new();
    world.advance_to(start() + TimeDelta::hours(24), &mut out);
    world.drain(&mut out);
    let undisturbed: u64 =
        out.iter()
            .map(|emission| {
                if let Emission::Message(m) = emission { if m.copy_of.is_some() { 0 } else { m.readable() } } else { 0 }
            })
            .sum();
    assert_eq!(loud, undisturbed);
}

#[test]
fn a_gateway_without_network_sends_nothing_and_everything_afterwards() {
    let made = messages("gateway-offline", 5, 24);
    let hour = |message: &Message| (message.published_at - start()).as_seconds_f64() / 3600.0;
    assert!(made.iter().all(|message| !(1.01..6.99).contains(&hour(message))));
    let late = made.iter().filter(|message| (7.0..7.5).contains(&hour(message)));
    let oldest_h =
        late.flat_map(|message| message.readings.iter()).map(|r| (r.true_at - start()).as_seconds_f64() / 3600.0);
    assert!(oldest_h.fold(f64::INFINITY, f64::min) < 1.1);
}

#[test]
fn copies_repeat_their_original_byte_by_byte() {
    let made = messages("noisy-network", 9, 12);
    let copies: Vec<&Message> = made.iter().filter(|message| message.copy_of.is_some()).collect();
    assert!(copies.len() > 50, "{}", copies.len());
    for copy in copies {
        let original = made.iter().find(|m| m.gateway == copy.gateway && m.seq == copy.origin()).unwrap();
        assert_eq!(original.payload, copy.payload);
    }
    let first_gateway: Vec<u64> =
        made.iter().filter(|m| m.gateway == 0 && m.copy_of.is_none()).map(|m| m.seq).collect();
    assert!(!first_gateway.is_sorted(), "nothing is out of order");
}

#[test]
fn wrong_clocks_are_refused_where_they_cannot_be_believed() {
    let made = messages("clock-drift", 2, 12);
    let world = World::new(&Scenario::load("clock-drift").unwrap(), 2, start()).unwrap();
    let refused: HashSet<&str> = made
        .iter()
        .flat_map(|message| message.readings.iter())
        .filter(|reading| reading.refusal.is_some())
        .map(|reading| world.sensor_name(reading.sensor))
        .collect();
    assert_eq!(refused, HashSet::from(["D-FR-A", "D-FR-B", "E-FR-A", "E-FR-B"]));
}

#[test]
fn damage_is_marked_with_what_must_become_of_it() {
    let made = messages("garbled", 4, 48);
    let mut whole = 0;
    let mut single = 0;
    for message in &made {
        let json = serde_json::from_slice::<serde_json::Value>(&message.payload);
        let readable = json.as_ref().is_ok_and(|json| json["readings"].is_array());
        assert_eq!(readable, message.refusal.is_none());
        whole += u64::from(message.refusal.is_some());
        single += message.refused_readings();
    }
    assert!(whole > 10 && single > 10, "{whole} {single}");
}

#[test]
fn stories_show_in_what_is_sensed() {
    // The room drifts towards the hall (about 20 °C) with 6 h, and comes back within three hours.
    let failed = sensed("compressor-failure", "WH1-CR01-A", 24);
    assert!(highest(&failed, 0.0, 2.0) < 8.0);
    assert!((13.0..20.0).contains(&highest(&failed, 11.0, 12.0)), "{}", highest(&failed, 11.0, 12.0));
    assert!(highest(&failed, 16.0, 24.0) < 8.0);
    assert!(highest(&sensed("compressor-failure", "WH1-CR02-A", 24), 0.0, 24.0) < 8.0);
    // Dry ice lasts for days; a third of it does not.
    let enough = sensed("dry-ice-box", "ICE01-A", 96);
    let short = sensed("dry-ice-box", "ICE02-A", 96);
    assert!(highest(&enough, 0.0, 90.0) < -60.0, "{}", highest(&enough, 0.0, 90.0));
    assert!(highest(&short, 0.0, 24.0) < -60.0 && highest(&short, 48.0, 96.0) > -40.0);
    // A truck in the August sun.
    assert!(highest(&sensed("truck-delay", "TRK02-A", 12), 3.0, 10.0) > 15.0);
}

#[test]
fn the_steps_it_is_advanced_in_change_nothing() {
    let scenario = Scenario::load("demo").unwrap();
    let mut whole = World::new(&scenario, 11, start()).unwrap();
    let mut parts = World::new(&scenario, 11, start()).unwrap();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let end = start() + TimeDelta::minutes(30);
    whole.advance_to(end, &mut a);
    for second in (0..=1800).step_by(7) {
        parts.advance_to(start() + TimeDelta::seconds(second), &mut b);
    }
    parts.advance_to(end, &mut b);
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn a_story_about_nothing_is_refused() {
    let text = include_str!("../../scenarios/truck-delay.toml").replace("TRK02", "TRK99");
    let error = World::new(&Scenario::parse(&text).unwrap(), 1, start()).unwrap_err();
    assert!(error.to_string().contains("`TRK99`"), "{error}");
}
