//! Tables of lots, units, moves and shipments.

use super::*;

const REGISTRY: &str = r#"{"products":[{"gtin":"09506000134352","name":"Insulin pen 3 ml","storage":{"temperature_c":[2.0,8.0]}}],
 "places":[{"id":"CR2","kind":"cold_room"},{"id":"TRK7","kind":"vehicle"},{"id":"H1","kind":"hospital"}]}"#;

const LOTS: &str = "gtin;lot;manufactured_on;expires_on\n09506000134352;LOT42;01.05.2026;30.04.2028\n";
const UNITS: &str = "sscc,gtin,lot,quantity,place,at\n\
                     106141411234567897,09506000134352,LOT42,480,CR2,2026-06-01T08:00:00Z\n\
                     106141411234567903,09506000134352,LOT42,240,CR2,2026-06-01T08:00:00Z\n";
const SHIPMENTS: &str = "unit,vehicle,shipped_at,to,delivered_at\n\
                         106141411234567897,TRK7,2026-07-01 08:00,H1,2026-07-01 12:00\n";

fn desk() -> Desk {
    let desk = Desk::new();
    let (registry, data) = (desk.file("registry.json", REGISTRY), desk.data());
    let output = desk.run(&["apply", &registry, "--data", data.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    desk
}

#[test]
fn lots_units_and_shipments_of_several_files_are_one_document() {
    let desk = desk();
    let files = [desk.file("shipments.csv", SHIPMENTS), desk.file("units.csv", UNITS), desk.file("lots.csv", LOTS)];
    let arguments = [files[0].as_str(), &files[1], &files[2], "--zone", "Europe/Berlin"];
    let (code, account, complaint) = desk.import(&arguments);
    assert_eq!((code, &account["registry"]["created"]), (0, &json!(5)), "{complaint}");
    let (code, account, _) = desk.import(&arguments);
    assert_eq!((code, &account["registry"]["created"], &account["registry"]["unchanged"]), (0, &json!(0), &json!(5)));
    let lots = desk.sql("SELECT expires_on FROM lots");
    assert_eq!(lots[0]["expires_on"], "2028-04-30");
    let custody = desk.sql("SELECT place, from_at FROM custody WHERE unit = '106141411234567897' ORDER BY from_at");
    let told: Vec<(&str, &str)> =
        custody.iter().map(|row| (row["place"].as_str().unwrap(), row["from_at"].as_str().unwrap())).collect();
    let expected =
        [("CR2", "2026-06-01T08:00:00.000Z"), ("TRK7", "2026-07-01T06:00:00.000Z"), ("H1", "2026-07-01T10:00:00.000Z")];
    assert_eq!(told, expected);
    desk.verify();
}

#[test]
fn a_wrong_key_is_named_by_file_and_line_and_nothing_is_applied() {
    let desk = desk();
    let wrong = [
        ("check digit", UNITS.replace("106141411234567903", "106141411234567901"), "line 3", "`id`"),
        ("unknown lot", UNITS.replace("LOT42,240", "LOT43,240"), "line 3", "lot"),
        ("no number", UNITS.replace("240", "some"), "line 3", "`quantity`"),
    ];
    for (name, units, line, named) in wrong {
        let files = [desk.file("lots.csv", LOTS), desk.file("units.csv", &units), desk.file("readings.csv", own(3))];
        let data = desk.data();
        let arguments = ["import", &files[0], &files[1], &files[2], "--data", data.to_str().unwrap()];
        let output = desk.run(&arguments);
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains(line) && told.contains(named), "{name}: {told}");
        assert!(desk.sql("SELECT * FROM units").is_empty() && desk.readings().is_empty(), "{name}");
    }
}
