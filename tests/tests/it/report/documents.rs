//! What stands in a report.

use serde_json::{Value, json};
use tests::site::TOKEN;

use super::world::{AS_OF, GTIN, PASSWORD, PRODUCT, ROOM, both, get, lasted, printed, quality, site};
use super::{Document, squeezed};

/// Every fact of `value` as it must be printed, with its path.
fn facts(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let key = path.rsplit('/').next().unwrap_or_default();
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                // columns are drawn; of what was accepted with a signature the figures stand with it, not each excursion
                if name != "chart" && !(name == "accepted" && path.contains("/acts/")) {
                    facts(&format!("{path}/{name}"), value, found);
                }
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| facts(&format!("{path}/{at}"), item, found))
        }
        Value::String(text) => {
            let time = text.ends_with('Z') && text.get(10..11) == Some("T");
            found.push((path.to_owned(), if time { printed(text) } else { text.replace('_', " ") }));
        }
        Value::Number(number) => {
            let value = number.as_f64().unwrap();
            let text = match key {
                "peak" | "degree_seconds" | "min_c" | "max_c" | "mean_c" | "min_pct" | "max_pct" | "mean_pct"
                | "value_c" | "max_window_c" => format!("{value:.3}"),
                "fraction" if path.contains("coverage") => {
                    format!("{:.2} %", (value * 10_000.0 + 1e-7).floor() / 100.0)
                }
                "fraction" | "used_fraction" | "budget_used_fraction" => {
                    // plus zero, or nothing would be minus nothing
                    format!("{:.2} %", (value * 10_000.0 - 1e-7).ceil() / 100.0 + 0.0)
                }
                "low" | "nominal" | "upper" => lasted(value),
                key if key.ends_with("_s") => lasted(value),
                _ if value.fract() == 0.0 => format!("{value:.0}"),
                _ => number.to_string(),
            };
            found.push((path.to_owned(), text));
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Excursions of a version of evidence that a report of many units lists.
const LISTED_OF_MANY: usize = 20;

/// Whether `path` is of an excursion beyond those that a report of many units lists: how many there are is told instead.
fn is_told_by_number(path: &str, json: &Value, text: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let ["", "holds", hold, "evidence", version, "excursions", at, ..] = parts[..] else { return false };
    if json["subject"]["kind"] == "unit" || at.parse::<usize>().unwrap() < LISTED_OF_MANY {
        return false;
    }
    let all = json.pointer(&format!("/holds/{hold}/evidence/{version}/excursions")).unwrap().as_array().unwrap();
    text.contains(&squeezed(&format!("{LISTED_OF_MANY} of {} excursions shown", all.len())))
}

/// Whether `path` is of what a report about a place prints in short: a unit is a row there, and so is an excursion a
/// hold rests on. The attached JSON and the unit's own report have the rest, as the page says.
fn is_told_in_short(path: &str, json: &Value, text: &str) -> bool {
    if json["subject"]["kind"] != "place"
        || !text.contains(&squeezed("Of each unit the attached JSON and its own report have more."))
    {
        return false;
    }
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "units", _, "assessment", "verdict" | "effective_expiry" | "gtin" | "lot"] => false,
        ["", "units", _, "assessment" | "raised_alarms" | "custody", ..] | ["", "lots", ..] => true,
        ["", "holds", _, "evidence", _, "excursions", _, "start_kind" | "end_kind" | "degree_seconds"] => true,
        ["", "holds", _, "evidence", _, "alarms", _, "worst_case_at"] => true,
        // its share is printed
        ["", "place", "sensors", _, "coverage", "known_s"] => true,
        _ => false,
    }
}

/// Words that only sort things and are shown otherwise.
fn is_shown_otherwise(path: &str) -> bool {
    let key = path.rsplit('/').next().unwrap_or_default();
    let rules = (path.contains("/rules/") || path.contains("/implied_rules/"))
        && matches!(key, "side" | "comparator" | "mode" | "quantity");
    rules || path == "/subject/kind"
}

fn assert_tells_everything(document: &Document, json: &Value) {
    let text = document.pages().concat();
    let mut all = Vec::new();
    facts("", json, &mut all);
    assert!(all.len() > 100, "{}", all.len());
    let is_told = |path: &str, fact: &str| {
        is_shown_otherwise(path)
            || text.contains(&squeezed(fact))
            || is_told_by_number(path, json, &text)
            || is_told_in_short(path, json, &text)
    };
    let missing: Vec<_> = all.iter().filter(|(path, fact)| !is_told(path, fact)).collect();
    assert!(missing.is_empty(), "{} of {} facts are not in the PDF: {missing:#?}", missing.len(), all.len());
}

/// The part of a report that does not depend on who asked when.
fn content(mut report: Value) -> Value {
    report.as_object_mut().unwrap().shift_remove("issued");
    report
}

#[tokio::test]
async fn a_pdf_says_what_its_json_says() {
    let site = site("").await;
    let quality = quality(&site).await;
    let manual = json!({"unit": "WARM", "reason": "odd label 标签 <i>", "quarantine_place": "CR1"});
    let (status, hold) = site.post("/v1/holds", &quality, &manual).await.unwrap();
    assert_eq!(status, 201, "{hold}");
    let release = format!("/v1/holds/{}/release", hold["id"].as_str().unwrap());
    let signed = json!({"reason": "label was right", "password": PASSWORD});
    assert_eq!(site.post(&release, &quality, &signed).await.unwrap().0, 200);

    for subject in ["unit=WARM", "unit=QUIET", &format!("lot={GTIN}/LOT42"), "place=CR2", "place=TRK7"] {
        let (document, json) = both(&site, &format!("{subject}&as_of={AS_OF}&from=2025-06-01T00:00:00Z")).await;
        let attached = document.attached();
        assert_tells_everything(&document, &attached);
        assert_eq!(content(attached), content(json), "{subject}");
    }
    let (document, json) = both(&site, &format!("unit=WARM&as_of={AS_OF}")).await;
    let (text, unit) = (document.pages().concat(), &json["units"][0]);
    for fact in [PRODUCT, ROOM, "odd label 标签 <i>", "m.lin", "label was right", "=K-7781 \"Zürich\"", "ΔH", "overdue"]
    {
        assert!(text.contains(&squeezed(fact)), "{fact}");
    }
    assert!(unit["assessment"]["excursions"].as_array().unwrap().len() > 10, "{unit}");
    let record =
        &json["holds"].as_array().unwrap().iter().find(|one| one["id"] == hold["id"]).unwrap()["acts"][0]["record"];
    assert!(text.contains(record.as_str().unwrap()), "{record}");
    // the temperatures that were measured, corrected by the certificate's offset
    assert_eq!(unit["assessment"]["temperature"]["max_c"], 9.225);
    let highest = |report: &Value| {
        let columns = report["units"][0]["chart"]["temperature_c"].as_array().unwrap().clone();
        columns.iter().filter_map(|column| column[1].as_f64()).fold(f64::MIN, f64::max)
    };
    assert_eq!(highest(&json), 9.225, "a spike is never averaged away");
}

#[tokio::test]
async fn the_digest_is_that_of_the_content() {
    let site = site("").await;
    let (_, _, _, text) = get(&site, &format!("/v1/report?unit=QUIET&as_of={AS_OF}&format=json")).await;
    // each number as the f64 it was: the usual reader may be off by the last bit
    let json = model::registry::from_canonical(std::str::from_utf8(&text).unwrap()).unwrap();
    let mut content = json.clone();
    for field in ["issued", "content_sha256"] {
        content.as_object_mut().unwrap().shift_remove(field);
    }
    let digest = store::ledger::Hash::of(model::registry::to_canonical(&content).as_bytes());
    assert_eq!(json["content_sha256"], digest.to_string());
}

#[tokio::test]
async fn the_command_makes_the_same_report() {
    let mut site = site("").await;
    let (url, data) = (site.url(), site.data().to_str().unwrap().to_owned());
    let (_, json) = both(&site, &format!("lot={GTIN}/LOT42&as_of={AS_OF}")).await;
    let lot = format!("{GTIN}/LOT42");
    let common = ["report", "--lot", &lot, "--as-of", AS_OF, "--output", "out"];
    let ask = async |site: &tests::site::Site, more: &[&str]| {
        let output = site.coldtrail(common.iter().chain(more)).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(site.dir().join("out")).unwrap()
    };
    let remote = ask(&site, &["--url", &url, "--token", TOKEN, "--json"]).await;
    assert_eq!(content(serde_json::from_slice(&remote).unwrap()), content(json.clone()));
    assert!(ask(&site, &["--url", &url, "--token", TOKEN]).await.starts_with(b"%PDF"));
    site.sigterm().await.unwrap();
    let config = site.config();
    let local = ask(&site, &["--data", &data, "--config", config.to_str().unwrap(), "--json"]).await;
    let local: Value = serde_json::from_slice(&local).unwrap();
    // holds may have been placed between: the units and the readings are the same
    assert_eq!(local["products"], json["products"]);
    let known = |report: &Value| {
        report["units"].as_array().unwrap().iter().map(|unit| unit["assessment"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(known(&local), known(&json));
    let document = Document::new(ask(&site, &["--data", &data, "--config", config.to_str().unwrap()]).await);
    assert_eq!(document.attached()["units_there_are"], 12);
    for (wrong, code) in [
        (vec!["report", "--unit", "NOBODY", "--data", &data, "--output", "x"], 2),
        (vec!["report", "--data", &data, "--output", "x"], 2),
        (vec!["report", "--lot", "1/2", "--data", &data, "--output", "x"], 2),
    ] {
        let output = site.coldtrail(&wrong).await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{wrong:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn refuses_what_is_not_there_or_makes_no_sense() {
    let site = site("").await;
    for (query, status, code) in [
        ("unit=NOBODY", 404, "not_found"),
        ("place=NOWHERE", 404, "not_found"),
        ("lot=09506000134352/NONE", 404, "not_found"),
        ("unit=QUIET&as_of=2025-05-01T00:00:00Z", 404, "not_found"),
        ("lot=LOT42", 400, "parameter"),
        ("lot=1/2", 400, "parameter"),
        ("unit=a%0d%0aX-Evil:1", 400, "name"),
        ("place=..%2f..%2fetc", 400, "name"),
        ("", 400, "parameter"),
        ("unit=QUIET&place=CR1", 400, "parameter"),
        ("unit=QUIET&format=docx", 400, "format"),
        ("unit=QUIET&from=yesterday", 400, "parameter"),
        ("unit=QUIET&from=2025-06-03T00:00:00Z&to=2025-06-02T00:00:00Z", 400, "parameter"),
        ("unit=QUIET&what=1", 400, "parameter"),
    ] {
        let (got, kind, _, body) = get(&site, &format!("/v1/report?{query}")).await;
        assert_eq!((got, kind.as_str()), (status, "application/problem+json"), "{query}");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], code, "{query}: {problem}");
    }
    // a file's name is made of safe signs only, whatever a lot may be called
    let odd = json!({"lots": [{"gtin": GTIN, "lot": "A\"/;%=x", "expires_on": "2099-01-01"}],
        "units": [{"id": "ODD", "gtin": GTIN, "lot": "A\"/;%=x", "quantity": 1, "at": "2025-06-01T00:00:00Z"}]});
    assert_eq!(site.post("/v1/registry", TOKEN, &odd).await.unwrap().0, 200);
    let (status, _, disposition, _) =
        get(&site, &format!("/v1/report?lot={GTIN}/A%22%2F%3B%25%3Dx&as_of={AS_OF}")).await;
    assert_eq!(status, 200);
    assert_eq!(disposition, "attachment; filename=\"coldtrail-lot-09506000134352-A_____x-2025-06-08.pdf\"");
}
