//! Neither how often files are imported nor in which order changes what is stored; a broken row stops all of it.

use proptest::prelude::*;

use super::*;

/// Sensor, minute, thousandths of a degree.
type Row = (u8, i64, i32);

fn text(rows: &[Row]) -> String {
    let row = |(sensor, minute, millidegrees): &Row| {
        let at = model::instant::to_rfc3339(1_767_225_600_000 + minute * 60_000);
        format!("S{sensor},{at},{}\n", f64::from(*millidegrees) / 1000.0)
    };
    let head = "sensor,measured_at,temperature_c\n".to_owned();
    std::iter::once(head).chain(rows.iter().map(row)).collect()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Few sensors, instants and values, so that rows repeat and contradict each other.
    prop::collection::vec((0..2_u8, 0..6_i64, 4000..4003_i32), 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn twice_is_once_and_either_order_is_the_same(first in rows(), second in rows()) {
        let (one, other) = (Desk::new(), Desk::new());
        let files = |desk: &Desk| (desk.file("first.csv", text(&first)), desk.file("second.csv", text(&second)));
        let (a, b) = files(&one);
        for file in [&a, &b] {
            prop_assert_eq!(one.import(&[file]).0, 0);
        }
        let stored = one.readings();
        prop_assert_eq!(one.import(&[&a, &b]).0, 0);
        prop_assert_eq!(&one.readings(), &stored);
        let (a, b) = files(&other);
        prop_assert_eq!(other.import(&[&b, &a]).0, 0);
        prop_assert_eq!(&other.readings(), &stored);
    }

    #[test]
    fn a_broken_row_anywhere_stops_all_of_it(sound in rows(), place in any::<prop::sample::Index>(), kind in 0..5_usize) {
        let broken = ["S0,soon,4", "S 0,2026-01-01T00:00:00Z,4", "S0,2026-01-01T00:00:00Z,-300", "S0,2026-01-01T00:00:00Z", "S0,0,4"][kind];
        let desk = Desk::new();
        let mut lines: Vec<String> = text(&sound).lines().map(str::to_owned).collect();
        let line = 1 + place.index(lines.len());
        lines.insert(line, broken.to_owned());
        let whole = desk.file("whole.csv", text(&sound));
        let file = desk.file("broken.csv", lines.join("\n"));
        let (code, account, _) = desk.import(&[&whole, &file]);
        prop_assert_eq!(code, 2);
        prop_assert_eq!(&account["files"][1]["refused"]["first"][0]["line"], &json!(line + 1));
        prop_assert!(!desk.data().exists(), "nothing of either file was applied");
    }
}
