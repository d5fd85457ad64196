//! The JSON a gateway sends: the native payload of the outside contract.

use std::io::Write as _;

use model::instant::to_rfc3339;

use super::Noted;
use crate::scenario::{GatewaySpec, TimeForm};

/// `{"readings":[…]}` of all `readings`.
pub(super) fn json(readings: &[Noted], spec: &GatewaySpec) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + readings.len() * 110);
    out.extend_from_slice(b"{\"readings\":[");
    for (index, noted) in readings.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        reading(noted, spec, &mut out);
    }
    out.extend_from_slice(b"]}");
    out
}

/// One reading. Writing to a `Vec` takes everything, so its results are not looked at.
pub(super) fn reading(noted: &Noted, spec: &GatewaySpec, out: &mut Vec<u8>) {
    let _ = write!(out, "{{\"sensor\":\"{}\",\"at\":", noted.name);
    let _ = match spec.times {
        TimeForm::Rfc3339 => write!(out, "\"{}\"", to_rfc3339(noted.at_ms)),
        TimeForm::Millis => write!(out, "{}", noted.at_ms),
    };
    out.extend_from_slice(b",\"temperature_c\":");
    noted.measurement.temperature.write(out);
    if let Some(humidity) = noted.measurement.humidity {
        out.extend_from_slice(b",\"humidity_pct\":");
        humidity.write(out);
    }
    if let Some(unit) = &noted.unit {
        let _ = write!(out, ",\"unit\":\"{unit}\"");
    }
    let _ = write!(out, ",\"seq\":{}", noted.seq);
    if spec.extras {
        // A lithium cell that loses a tenth of a volt a year at one reading a minute, and a radio that never moves.
        let battery_mv = 3600 - (noted.seq / 5256).min(900);
        let rssi_dbm = -60 - noted.seq % 7;
        let _ = write!(out, ",\"battery_v\":{}.{:03},\"rssi_dbm\":{rssi_dbm}", battery_mv / 1000, battery_mv % 1000);
    }
    out.push(b'}');
}
