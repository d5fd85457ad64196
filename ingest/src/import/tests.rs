//! Whole files of each form, and what becomes of them.

use super::*;

const NOW: ReceivedAt = ReceivedAt::from_millis(1_795_341_600_000);

/// A recording of `text`, with options set by `set`.
fn recording(text: &str, set: impl FnOnce(&mut Options)) -> Result<Recording, Unreadable> {
    let mut options = Options::default();
    set(&mut options);
    match read(text.as_bytes(), &options, NOW)?.content {
        Content::Recording(recording) => Ok(*recording),
        Content::Declarations(_) => Err(Unreadable::at(0, "declarations")),
    }
}

fn columns(specs: &[&str]) -> Vec<Column> {
    specs.iter().map(|spec| Column::parse(spec).unwrap()).collect()
}

fn instants(recording: &Recording) -> Vec<String> {
    recording.taken.iter().map(|taken| taken.measured_at.to_string()).collect()
}

#[test]
fn every_row_of_our_own_form_is_accounted_for() {
    let text = "sensor,measured_at,temperature_c,humidity_pct\n\
                A,2026-01-01T00:00:00Z,4.31,55\n\
                A,1767225660000,4.4,\n\
                A,2026-01-01T00:00:00Z,4.31,55\n\
                A,2026-01-01T00:00:00Z,9,55\n\
                A,2026-01-01T00:02:00Z,,\n\
                A,yesterday,4,\n\
                A b,2026-01-01T00:03:00Z,4,\n\
                A,2027-01-01T00:00:00Z,4,\n\
                A,1999-01-01T00:00:00Z,4,\n\
                A,2026-01-01T00:04:00Z,-300,\n\
                A,2026-01-01T00:04:00Z,warm,\n\
                A,2026-01-01T00:04:00Z\n";
    let found = recording(text, |_| {}).unwrap();
    assert_eq!((found.rows, found.taken.len(), found.repeated, found.conflicts, found.empty), (12, 3, 1, 1, 1));
    let refused: Vec<(u64, &str)> = found.refused.iter().map(|row| (row.line, row.reason.as_str())).collect();
    let expected = [(7, "time"), (8, "name"), (9, "clock"), (10, "clock"), (11, "range"), (12, "shape"), (13, "shape")];
    assert_eq!(refused, expected);
    assert_eq!(found.refused[0].row, "A,yesterday,4,");
}

#[test]
fn a_table_of_others_is_read_by_what_the_caller_says_of_it() {
    let text = "Logger 7 export\nSerial;123\n\nDatum;Uhrzeit;Temperatur °C;Feuchte %\n\
                31.10.2025;10:00:00;4,3;55,1\n31.10.2025;10:10:00;--.-;\n01.11.2025;10:20:00;-0,5 °C;54\n";
    let found = recording(text, |options| {
        options.columns = columns(&["date=Datum", "time=Uhrzeit", "temperature=Temperatur °C", "humidity=Feuchte %"]);
        options.sensor = Name::parse("KR2").ok();
        options.zone = Zone::parse("Europe/Berlin").ok();
    })
    .unwrap();
    assert_eq!((found.rows, found.empty, found.refused.len()), (3, 1, 0));
    assert_eq!(instants(&found), ["2025-10-31T09:00:00.000Z", "2025-11-01T09:20:00.000Z"]);
    assert_eq!(found.taken[1].temperature.unwrap().millidegrees(), -500);
    assert_eq!(found.taken[0].line, 5);
}

#[test]
fn a_damaged_row_of_a_logger_hides_nothing_behind_it() {
    let text = "Device: made up\nConf:\n Serial: A\n Zone: 0.00\n Temp unit: C\nData:\n\tyyyy-MM-dd hh:mm\tT\n\
                \t2025-01-01 00:00\t4.0\n#?%\n\t2025-01-01 00:10\t4.1\nCert:\n Vers: 1.0\n";
    let found = recording(text, |_| {}).unwrap();
    assert_eq!((found.rows, found.taken.len(), found.refused.len()), (3, 2, 1));
    assert_eq!((found.refused[0].line, found.refused[0].reason.as_str()), (9, "shape"));
}

#[test]
fn a_table_whose_lines_end_as_on_old_machines_is_read() {
    let text = "sensor,measured_at,temperature_c\rA,2026-01-01T00:00:00Z,4.31\rA,2026-01-01T00:01:00Z,4.4\r";
    let found = recording(text, |_| {}).unwrap();
    assert_eq!((found.rows, found.taken.len()), (2, 2));
}

#[test]
fn several_sensors_may_stand_side_by_side_in_fahrenheit() {
    let text = "Time,Ch 1,Ch 2\n2025-07-04 00:00:00,32,212\n2025-07-04 01:00:00,50,x\n";
    let found = recording(text, |options| {
        options.columns = columns(&["measured_at=Time", "temperature@A=Ch 1", "temperature@B=Ch 2"]);
        options.degrees = Some(Degrees::Fahrenheit);
        options.zone = Zone::parse("UTC").ok();
    })
    .unwrap();
    let told: Vec<_> =
        found.taken.iter().map(|taken| (taken.sensor.as_str(), taken.temperature.unwrap().celsius())).collect();
    assert_eq!(told, [("A", 0.0), ("B", 100.0), ("A", 10.0)]);
    assert_eq!((found.refused[0].line, found.refused[0].part), (3, 1));
}

#[test]
fn what_a_file_does_not_say_is_asked_for_and_never_guessed() {
    let text = "Time,Value\n04/05/2025 10:00,4.3\n";
    let all = |options: &mut Options| {
        options.columns = columns(&["measured_at=Time", "temperature=Value"]);
        options.sensor = Name::parse("A").ok();
        options.zone = Zone::parse("UTC").ok();
        options.degrees = Some(Degrees::Celsius);
        options.dates = Some(DateOrder::DayFirst);
    };
    assert_eq!(instants(&recording(text, all).unwrap()), ["2025-05-04T10:00:00.000Z"]);
    type Forget = (fn(&mut Options), &'static str);
    let forgotten: [Forget; 5] = [
        (|options| options.columns.clear(), "--column"),
        (|options| options.sensor = None, "--sensor"),
        (|options| options.zone = None, "--zone"),
        (|options| options.degrees = None, "--degrees"),
        (|options| options.dates = None, "--dates"),
    ];
    for (forget, named) in forgotten {
        let refused = recording(text, |options| {
            all(options);
            forget(options);
        });
        let what = refused.unwrap_err().what;
        assert!(what.contains(named), "{what}");
    }
}

#[test]
fn the_hour_that_is_there_twice_is_named_or_told_apart_by_order() {
    let rows: String = ["01:45", "02:15", "02:45", "02:15", "02:45", "03:15"]
        .iter()
        .map(|time| format!("A,2025-10-26 {time},4\n"))
        .collect();
    let text = format!("sensor,measured_at,temperature_c\n{rows}");
    let with = |repeated| {
        recording(&text, |options| {
            options.zone = Zone::parse("Europe/Berlin").ok();
            options.repeated_hour = repeated;
        })
        .unwrap()
    };
    let refused = with(RepeatedHour::Refuse);
    assert_eq!((refused.taken.len(), refused.refused.len()), (2, 4));
    assert!(refused.refused[0].what.contains("--repeated-hour"));
    let by_order = with(RepeatedHour::ByOrder);
    assert_eq!(by_order.sensors[0].interval_ms, Some(1_800_000));
    assert_eq!((by_order.taken.len(), by_order.sensors[0].gaps.count), (6, 0));
    let first = with(RepeatedHour::First);
    assert_eq!((first.taken.len(), first.repeated), (4, 2));
    let spring = "sensor,measured_at,temperature_c\nA,2025-03-30 02:30,4\n";
    let spring = recording(spring, |options| options.zone = Zone::parse("Europe/Berlin").ok()).unwrap();
    assert!(spring.refused[0].what.contains("does not exist"));
}

#[test]
fn gaps_jumps_and_odd_clocks_are_named() {
    let text = "sensor,measured_at,temperature_c\n\
                A,2025-01-01T00:00:00Z,4\nA,2025-01-01T00:10:00Z,4.1\nA,2025-01-01T00:20:00Z,85\n\
                A,2025-01-01T00:30:00Z,4\nA,2025-01-01T01:03:00Z,4\nA,2025-01-01T00:53:00Z,4\n";
    let found = recording(text, |_| {}).unwrap();
    let quality = &found.sensors[0];
    assert_eq!(quality.interval_ms, Some(600_000));
    assert_eq!((quality.gaps.count, quality.gaps.first[0].missing), (1, 1));
    assert_eq!((quality.jumps.count, quality.jumps.first[0].line), (2, 4));
    assert_eq!(quality.implausible.first[0].line, 4);
    let clock: Vec<u64> = quality.clock.first.iter().map(|oddity| oddity.line).collect();
    assert_eq!(clock, [7, 7], "back by 600 s, and the rhythm shifted by 3 min after the gap");
}

#[test]
fn the_door_is_told_of_what_was_refused_where_it_is_wrong() {
    let text = "sensor,measured_at,temperature_c\nA,2025-01-01T00:00:00Z,4\nA,never,4\nA b,2025-01-01T00:00:00Z,4\n\
                A,2025-01-01T00:00:00Z,-300\nA,2025-01-01T00:00:00Z,x\nA,1990-01-01T00:00:00Z,4\n";
    let found = recording(text, |_| {}).unwrap();
    let (site, gateway) = (Name::parse("S").unwrap(), Name::parse("G").unwrap());
    let sent = messages(&found, (&site, &gateway), ("f.csv", "00ff"), |_| true);
    assert_eq!((sent.len(), sent[0].readings, sent[0].refused), (1, 1, 5));
    let decoded = crate::decode::decode(&crate::decode::Native, &sent[0].body).unwrap();
    let told: Vec<bool> = decoded.iter().map(Result::is_ok).collect();
    // Name, range and clock are for the admission to judge.
    assert_eq!(told, [true, false, true, true, false, true]);
    let body: serde_json::Value = serde_json::from_slice(&sent[0].body).unwrap();
    let payload = body["readings"][1].to_string();
    assert!(payload.contains(&is_of_file("00ff")), "{payload}");
    assert_eq!(refusal_line(&payload), Some((3, 0)));
    assert!(messages(&found, (&site, &gateway), ("f.csv", "00ff"), |_| false)[0].refused == 0);
}

#[test]
fn lots_units_moves_and_shipments_become_records() {
    let text = "SSCC;gtin;lot;MHD;quantity;at;place\n\
                106141411234567897;09506000134352;L1;31.12.2027;480;01.06.2025 08:00;CR2\n\
                106141411234567903;09506000134352;L1;31.12.2027;many;01.06.2025 08:00;CR2\n";
    let mut options = Options { columns: columns(&["expires_on=MHD", "unit=SSCC"]), ..Options::default() };
    options.zone = Zone::parse("Europe/Berlin").ok();
    let Content::Declarations(found) = read(text.as_bytes(), &options, NOW).unwrap().content else {
        panic!("no records")
    };
    assert_eq!(found.records.len(), 2);
    assert_eq!(found.records[0].json["expires_on"], "2027-12-31");
    assert_eq!(found.records[1].json["at"], "2025-06-01T06:00:00.000Z");
    assert_eq!(found.refused.len(), 1);
    let shipped = "unit,vehicle,shipped_at,to,delivered_at\nU1,TRK7,2025-01-01T08:00:00Z,H1,2025-01-01T12:00:00Z\n";
    let Content::Declarations(found) = read(shipped.as_bytes(), &Options::default(), NOW).unwrap().content else {
        panic!("no records")
    };
    let moves: Vec<_> = found.records.iter().map(|record| (record.section, record.json["to"].as_str())).collect();
    assert_eq!(moves, [("moves", Some("TRK7")), ("moves", Some("H1"))]);
}

#[test]
fn nothing_that_is_sent_in_stops_the_reader() {
    for bytes in [
        &b""[..],
        b"\0",
        b"\xff\xfe",
        b"sensor,measured_at,temperature_c",
        b"Device:\nData:",
        b"Device: x\nData:\n\ta\tb\n",
        b"sensor,measured_at,temperature_c\n\"",
        b"a,b\r\n1,2",
        b"Device:\nConf:\n Serial: A\nData:\n\tyyyy-MM-dd hh:mm\tT\n\t\t\n",
    ] {
        drop(read(bytes, &Options::default(), NOW));
    }
}
