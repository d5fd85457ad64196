// What can be asked about: the tables and functions of docs/sql.md.

/** Tables with their columns; a test holds them against the server's. */
export const TABLES = {
  readings: "sensor measured_at received_at temperature_c humidity_pct site gateway unit seq quality battery_v rssi_dbm",
  unit_readings: "unit gtin lot place sensor measured_at received_at temperature_c humidity_pct site gateway named_unit seq quality battery_v rssi_dbm",
  custody: "unit place from_at to_at",
  excursions: "unit gtin lot rule start_at end_at start_kind end_kind duration_s time_out_s peak peak_at degree_seconds as_of start end",
  assessments: "unit gtin lot as_of verdict reasons window_from window_to known_s unknown_s partial_s coverage_fraction min_c max_c mean_c min_pct max_pct mean_pct mkt_c mkt_max_window_c mkt_max_window_to elapsed_s equivalent_low_s equivalent_nominal_s equivalent_upper_s extra_s budget_used_fraction frozen labelled_expiry effective_expiry effective_expiry_nominal watermark readings conflicts product_version readings_digest document",
  holds: "id unit gtin lot place cause rule state disposition incident placed_at author reason evidence_versions watermark product_version decided_at decided_by document",
  alarms: "id code unit sensor place rule at raised_at cleared_at detail",
  units: "id gtin lot quantity place at",
  lots: "gtin lot manufactured_on expires_on",
  products: "gtin name storage_low_c storage_high_c storage_low_pct storage_high_pct kinetics_model max_gap_s max_unmonitored_s guard_band min_remaining_days_at_dispatch document",
  places: "id name kind parent gln timezone",
  sensors: "id accuracy_c interval_s source calibration_due calibrations",
  associations: "sensor place unit from_at to_at",
  moves: "unit place at",
  rejected: "received_at topic payload reason",
  audit: "seq at actor kind body previous_hash hash",
};

/** Functions beyond those of SQL. */
export const FUNCTIONS = [
  "mkt(temperature_c, measured_at)",
  "equivalent_age(temperature_c, measured_at, ea_kj_per_mol, reference_c)",
  "time_above(value, measured_at, limit)",
  "time_below(value, measured_at, limit)",
  "time_weighted_mean(value, measured_at)",
  "assess_at(TIMESTAMP '2026-11-22T10:00:00Z')",
  "date_bin(INTERVAL '1 hour', measured_at)",
];

/** Questions to start from; the word of each is `ask.example.NAME`. `{now}` and `{day}` are the server's present and a day before. */
export const EXAMPLES = {
  out: `SELECT unit, rule, start_at, round(duration_s / 60) AS minutes, peak
FROM excursions WHERE end_at IS NULL OR duration_s > 600
ORDER BY end_at IS NULL DESC, duration_s DESC`,
  fefo: `SELECT a.effective_expiry, a.unit, a.lot, c.place, u.quantity, round(a.extra_s / 3600, 1) AS extra_hours
FROM assessments a JOIN custody c ON c.unit = a.unit AND c.to_at IS NULL
LEFT JOIN units u ON u.id = a.unit
WHERE a.verdict = 'pass' ORDER BY a.effective_expiry, a.unit LIMIT 100`,
  hours: `SELECT date_bin(INTERVAL '1 hour', measured_at) AS hour,
       min(temperature_c) AS low, max(temperature_c) AS high,
       time_weighted_mean(temperature_c, measured_at) AS mean
FROM unit_readings
WHERE unit = (SELECT unit FROM excursions ORDER BY degree_seconds DESC LIMIT 1)
GROUP BY hour ORDER BY hour`,
  mkt: `SELECT unit, sensor, mkt(temperature_c, measured_at) AS mkt_c,
       time_above(temperature_c, measured_at, 8.0) AS warm_s, count(*) AS readings
FROM unit_readings WHERE lot = 'LOT41'
GROUP BY unit, sensor ORDER BY warm_s DESC LIMIT 50`,
  past: `SELECT unit, verdict, coverage_fraction, min_c, max_c, mkt_c, effective_expiry
FROM assess_at(TIMESTAMP '{day}') WHERE lot = 'LOT41' ORDER BY max_c DESC LIMIT 50`,
  custody: `SELECT c.unit, c.place, p.kind, c.from_at, c.to_at
FROM custody c LEFT JOIN places p ON p.id = c.place
WHERE c.unit IN (SELECT unit FROM moves) ORDER BY c.unit, c.from_at LIMIT 200`,
  places: `SELECT a.place, count(DISTINCT r.sensor) AS sensors, count(*) AS readings,
       min(r.temperature_c) AS coldest, max(r.temperature_c) AS warmest
FROM readings r JOIN associations a ON a.sensor = r.sensor
WHERE r.measured_at >= '{day}' GROUP BY a.place ORDER BY warmest DESC LIMIT 100`,
  silent: `SELECT sensor, at, cleared_at, detail FROM alarms
WHERE code = 'sensor_silent' ORDER BY at DESC LIMIT 100`,
  refused: `SELECT reason, topic, count(*) AS messages, max(received_at) AS latest
FROM rejected GROUP BY reason, topic ORDER BY messages DESC`,
};
