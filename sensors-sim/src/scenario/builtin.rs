//! The scenarios that come with the program.

/// Adding one is a file and a line here.
const BUILTIN: [(&str, &str); 12] = [
    ("demo", include_str!("../../scenarios/demo.toml")),
    ("quiet-week", include_str!("../../scenarios/quiet-week.toml")),
    ("compressor-failure", include_str!("../../scenarios/compressor-failure.toml")),
    ("door-left-open", include_str!("../../scenarios/door-left-open.toml")),
    ("freeze-in-winter", include_str!("../../scenarios/freeze-in-winter.toml")),
    ("truck-delay", include_str!("../../scenarios/truck-delay.toml")),
    ("dry-ice-box", include_str!("../../scenarios/dry-ice-box.toml")),
    ("gateway-offline", include_str!("../../scenarios/gateway-offline.toml")),
    ("clock-drift", include_str!("../../scenarios/clock-drift.toml")),
    ("noisy-network", include_str!("../../scenarios/noisy-network.toml")),
    ("garbled", include_str!("../../scenarios/garbled.toml")),
    ("failing-sensors", include_str!("../../scenarios/failing-sensors.toml")),
];

/// The text of the scenario called `name`.
pub(super) fn text(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// All names.
pub(super) fn names() -> Vec<&'static str> {
    BUILTIN.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scenario;

    #[test]
    fn every_builtin_scenario_reads_and_says_its_own_name() {
        for (name, text) in BUILTIN {
            let scenario = Scenario::parse(text).unwrap();
            assert_eq!(scenario.name, name);
            assert!(!scenario.about.is_empty() && !scenario.about.contains('\n'), "{name}");
        }
    }
}
