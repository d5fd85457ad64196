//! The data-quality report as JSON.

use ingest::import::{Content, Declarations, Device, Gap, Listed, Recording, Refused, SensorQuality};
use model::instant::MeasuredAt;
use serde_json::{Map, Value, json};

use super::registry::Declared;
use super::{Applied, Source};

/// How many refused rows are listed; all are counted.
pub(super) const REFUSED_LISTED: usize = 1000;

/// The account of all files, and what was applied of them.
pub(super) fn of(sources: &[Source], declared: &Declared, applied: Option<Applied>) -> Value {
    let files: Vec<Value> = sources.iter().map(file).collect();
    let mut json = json!({ "files": files, "problems": declared.problems, "applied": applied.is_some() });
    if let Some(applied) = applied {
        json["new"] = json!(applied.new);
        json["accepted"] = json!(applied.accepted);
        json["duplicate"] = json!(applied.duplicate);
        json["rejected"] = json!(applied.rejected);
        if let Some([created, updated, unchanged]) = applied.registry {
            json["registry"] = json!({ "created": created, "updated": updated, "unchanged": unchanged });
        }
    }
    json
}

fn file(source: &Source) -> Value {
    let file = &source.file;
    let mut json = json!({
        "file": source.path, "sha256": file.sha256, "bytes": file.bytes, "encoding": file.encoding,
        "form": file.form.as_str(), "gateway": source.gateway.as_str(), "assumed": file.assumed,
    });
    let more = match &file.content {
        Content::Recording(recording) => recorded(recording),
        Content::Declarations(declarations) => declares(declarations),
    };
    if let Some(object) = json.as_object_mut() {
        object.extend(more);
    }
    json
}

fn recorded(recording: &Recording) -> Map<String, Value> {
    let refused: Vec<Value> = recording.refused.iter().take(REFUSED_LISTED).map(refused).collect();
    let json = json!({
        "zone": recording.zone.map(|zone| zone.to_string()),
        "rows": recording.rows, "readings": recording.taken.len(), "conflicts": recording.conflicts,
        "repeated": recording.repeated, "empty": recording.empty,
        "refused": { "count": recording.refused.len(), "first": refused },
        "sensors": recording.sensors.iter().map(sensor).collect::<Vec<_>>(),
        "device": recording.device.as_ref().map(device),
    });
    object(json)
}

fn declares(found: &Declarations) -> Map<String, Value> {
    let refused = found.refused.iter().take(REFUSED_LISTED);
    let refused: Vec<Value> = refused.map(|(line, what)| json!({ "line": line, "what": what })).collect();
    let count = |section: &str| found.records.iter().filter(|record| record.section == section).count();
    object(json!({
        "rows": found.rows, "lots": count("lots"), "units": count("units"), "moves": count("moves"),
        "repeated": found.repeated, "refused": { "count": found.refused.len(), "first": refused },
    }))
}

fn object(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn refused(row: &Refused) -> Value {
    json!({ "line": row.line, "reason": row.reason.as_str(), "what": row.what, "row": row.row })
}

fn sensor(quality: &SensorQuality) -> Value {
    let at = |at: &MeasuredAt| at.to_string();
    let gap = |gap: &Gap| json!({ "from": at(&gap.from), "to": at(&gap.to), "missing": gap.missing });
    json!({
        "sensor": quality.sensor.as_str(), "readings": quality.readings,
        "from": at(&quality.from), "to": at(&quality.to),
        "interval_s": quality.interval_ms.map(|interval| interval as f64 / 1000.0),
        "temperature": quality.temperature.map(|(min, max)| json!({ "min_c": min.celsius(), "max_c": max.celsius() })),
        "humidity": quality.humidity.map(|(min, max)| json!({ "min_pct": min.percent(), "max_pct": max.percent() })),
        "gaps": listed(&quality.gaps, gap),
        "jumps": listed(&quality.jumps, |jump| json!({
            "line": jump.line, "at": at(&jump.at), "from_c": jump.from.celsius(), "to_c": jump.to.celsius(),
        })),
        "implausible": listed(&quality.implausible, |odd| json!({ "line": odd.line, "at": at(&odd.at), "what": odd.what })),
        "clock": listed(&quality.clock, |odd| json!({ "line": odd.line, "at": at(&odd.at), "what": odd.what })),
    })
}

fn listed<T>(findings: &Listed<T>, view: impl Fn(&T) -> Value) -> Value {
    json!({ "count": findings.count, "first": findings.first.iter().map(view).collect::<Vec<_>>() })
}

/// What the device says; temperatures as the file states them, in °C.
fn device(device: &Device) -> Value {
    let alarms = device.alarms.iter().map(|alarm| {
        json!({
            "number": alarm.number, "side": if alarm.high { "high" } else { "low" },
            "mode": if alarm.cumulative { "cumulative" } else { "single" },
            "limit_c": alarm.limit_c, "delay_s": alarm.delay_min * 60.0,
            "fired": alarm.fired.iter().map(MeasuredAt::to_string).collect::<Vec<_>>(),
        })
    });
    let days = device.days.iter().map(|day| {
        let alarms = day.alarms.iter().map(|alarm| {
            json!({
                "number": alarm.number, "out_s": alarm.minutes * 60.0,
                "fired": alarm.fired.map(|at| at.to_string()),
            })
        });
        json!({
            "date": day.date.to_string(), "min_c": day.min_c, "max_c": day.max_c, "mean_c": day.mean_c,
            "alarms": alarms.collect::<Vec<_>>(),
        })
    });
    json!({
        "model": device.model, "serial": device.serial, "interval_s": device.interval_s,
        "mkt_c": device.mkt_c, "mkt_energy_kj_per_mol": device.mkt_energy_kj_per_mol, "mean_c": device.mean_c,
        "min_c": device.min_c, "max_c": device.max_c,
        "alarms": alarms.collect::<Vec<_>>(), "days": days.collect::<Vec<_>>(),
    })
}
