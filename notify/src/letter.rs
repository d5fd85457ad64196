//! What people read: a subject and a plain text, in their language, made of what a notice says.

mod words;

use model::registry::Recipient;
use serde_json::Value;
use store::outbox::Due;

use self::words::Words;

/// How many held things or alarms a letter lists; it says how many more there are.
const LISTED: usize = 20;

/// Subject and text of `due` for `person`.
pub(crate) fn write(due: &Due, person: &Recipient) -> (String, String) {
    let body: Value = serde_json::from_str(&due.body).unwrap_or(Value::Null);
    let words = Words::of(person.language);
    let mut letter = Letter { words, body: &body, lines: Vec::new() };
    let what = if due.kind == "hold.placed" { letter.hold() } else { letter.alarm() };
    if due.level > 1 {
        letter.lines.insert(0, words.escalated.to_owned());
        letter.lines.insert(1, String::new());
    }
    letter.line("");
    letter.line(format!("{}: {}", words.notification, due.id));
    let urgent = if due.level > 1 { format!("{} ", words.urgent) } else { String::new() };
    let subject: String = format!("[Coldtrail] {urgent}{what}").chars().take(200).collect();
    (subject, letter.lines.join("\r\n") + "\r\n")
}

struct Letter<'a> {
    words: &'static Words,
    body: &'a Value,
    lines: Vec<String>,
}

impl Letter<'_> {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn field(&mut self, label: &str, value: Option<String>) {
        if let Some(value) = value {
            self.line(format!("{label}: {value}"));
        }
    }

    fn text(&self, pointer: &str) -> Option<String> {
        self.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
    }

    fn count(&self) -> u64 {
        self.body["count"].as_u64().unwrap_or_default()
    }

    fn list(&self, field: &str) -> &[Value] {
        self.body[field].as_array().map_or(&[], Vec::as_slice)
    }

    /// The places, by the names people know.
    fn places(&self) -> Option<String> {
        let place = |place: &Value| {
            let (id, name) = (text(place, "id"), text(place, "name"));
            let named = if name.is_empty() { id.to_owned() } else { format!("{name} ({id})") };
            match text(place, "site") {
                "" => named,
                site => format!("{named}, {site}"),
            }
        };
        let places: Vec<String> = self.list("places").iter().take(LISTED).map(place).collect();
        (!places.is_empty()).then(|| places.join("; "))
    }

    /// Everything about holds; what happened in one line.
    fn hold(&mut self) -> String {
        let words = self.words;
        let cause = |cause: &Value| {
            let code = words.code(text(cause, "code"));
            match text(cause, "rule") {
                "" => code.to_owned(),
                rule => format!("{code} ({rule})"),
            }
        };
        let causes: Vec<String> = self.list("causes").iter().map(cause).collect();
        let first = self.list("held").first().map(|held| name_of(held, words)).unwrap_or_default();
        let held = if self.count() == 1 { first } else { format!("{} {}", self.count(), words.units) };
        let (places, causes) = (self.places(), causes.join(", "));
        let at = places.as_ref().map(|places| format!(" – {places}")).unwrap_or_default();
        let what = format!("{}: {held} – {causes}{at}", words.hold);
        self.line(words.held_now);
        self.line("");
        self.field(words.incident, self.text("/incident"));
        self.field(words.cause, Some(causes));
        self.field(words.reason, self.text("/reason"));
        self.field(words.place, places);
        self.field(words.since, self.text("/since"));
        self.field(words.placed_at, self.text("/placed_at"));
        self.field(words.placed_by, self.text("/author"));
        let peak = self.body.pointer("/worst/peak").and_then(Value::as_f64);
        let peak_at = self.text("/worst/peak_at").unwrap_or_default();
        self.field(words.worst, peak.map(|peak| format!("{peak} ({peak_at})")));
        self.line("");
        self.line(format!("{} ({}):", words.held, self.count()));
        for held in self.list("held").iter().take(LISTED).map(|held| described(held, words)).collect::<Vec<_>>() {
            self.line(format!("  {held}"));
        }
        self.more();
        self.line("");
        self.line(words.do_review);
        self.field(words.see, self.text("/links/page"));
        what
    }

    /// Everything about alarms; what happened in one line.
    fn alarm(&mut self) -> String {
        let words = self.words;
        let code = words.code(text(self.body, "code"));
        let rule = self.text("/rule").map(|rule| format!(" ({rule})")).unwrap_or_default();
        let about = |alarm: &Value| {
            ["unit", "sensor", "place", "channel", "account"]
                .into_iter()
                .map(|kind| text(alarm, kind))
                .find(|name| !name.is_empty())
                .unwrap_or_default()
                .to_owned()
        };
        let first = self.list("alarms").first().map(about).unwrap_or_default();
        let whom = if self.count() == 1 { first } else { self.count().to_string() };
        let places = self.places();
        let at = places.as_ref().map(|places| format!(" – {places}")).unwrap_or_default();
        let what = format!("{}: {code}{rule}: {whom}{at}", words.alarm);
        self.field(words.cause, Some(format!("{code}{rule}")));
        self.field(words.place, places);
        self.field(words.since, self.text("/since"));
        self.line("");
        self.line(format!("{} ({}):", words.alarms, self.count()));
        let alarm = |alarm: &Value| format!("  {}  {}: {}", text(alarm, "id"), about(alarm), text(alarm, "detail"));
        for line in self.list("alarms").iter().take(LISTED).map(alarm).collect::<Vec<_>>() {
            self.line(line);
        }
        self.more();
        self.line("");
        self.line(words.do_acknowledge);
        self.field(words.see, self.text("/links/page"));
        what
    }

    fn more(&mut self) {
        let listed = u64::try_from(LISTED).unwrap_or(u64::MAX);
        if let Some(more) = self.count().checked_sub(listed).filter(|more| *more > 0) {
            self.line(format!("  … {} {more}", self.words.more));
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// What is held, in as many words as a subject has room for.
fn name_of(held: &Value, words: &Words) -> String {
    match (text(held, "unit"), text(held, "lot"), text(held, "place")) {
        ("", "", place) => format!("{} {place}", words.place),
        ("", lot, _) => format!("{} {lot}", words.lot),
        (unit, _, _) => format!("{} {unit}", words.unit),
    }
}

/// What is held, with all that is known of it.
fn described(held: &Value, words: &Words) -> String {
    let mut line = name_of(held, words);
    let product = match text(held, "product") {
        "" => text(held, "gtin").to_owned(),
        name => format!("{name} ({})", text(held, "gtin")),
    };
    let quantity = held["quantity"].as_u64().map(|quantity| quantity.to_string()).unwrap_or_default();
    for (label, value) in [
        (words.product, product.as_str()),
        (words.lot, text(held, "lot")),
        (words.quantity, quantity.as_str()),
        (words.place, text(held, "place")),
    ] {
        if !value.is_empty() && !line.ends_with(value) {
            line.push_str(&format!(", {label} {value}"));
        }
    }
    line
}

#[cfg(test)]
mod tests;
