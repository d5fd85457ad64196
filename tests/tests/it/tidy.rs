//! What can be checked of the house's rules: sizes of files, edges between crates, words, links, invariants.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    tests::folder().parent().unwrap().to_path_buf()
}

fn files(dir: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "vendor") {
                files(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

fn texts(endings: &[&str]) -> BTreeMap<String, String> {
    let mut found = Vec::new();
    files(&root(), endings, &mut found);
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    found.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn no_source_file_holds_two_ideas() {
    let long: Vec<String> = texts(&[".rs", ".js", ".css", ".html", ".py"])
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn crates_use_only_what_the_design_lets_them() {
    let never: [(&str, &[&str]); 7] = [
        (
            "model",
            &[
                "tokio",
                "arrow",
                "datafusion",
                "store",
                "ingest",
                "analytics",
                "notify",
                "api",
                "sensors-sim",
                "coldtrail",
            ],
        ),
        (
            "store",
            &["datafusion", "rumqttc", "axum", "ingest", "analytics", "notify", "api", "sensors-sim", "coldtrail"],
        ),
        ("ingest", &["datafusion", "axum", "analytics", "notify", "api", "sensors-sim", "coldtrail"]),
        ("analytics", &["rumqttc", "axum", "ingest", "notify", "api", "sensors-sim", "coldtrail"]),
        ("notify", &["datafusion", "arrow", "axum", "ingest", "analytics", "api", "sensors-sim", "coldtrail"]),
        ("api", &["rumqttc", "lettre", "notify", "sensors-sim", "coldtrail"]),
        ("sensors-sim", &["store", "ingest", "analytics", "notify", "api", "coldtrail"]),
    ];
    for (name, never) in never {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        for line in dependencies.lines() {
            let used = line.split(['.', ' ', '=']).next().unwrap();
            assert!(!never.contains(&used), "`{name}` uses `{used}`");
        }
    }
}

#[test]
fn no_module_is_named_for_nothing() {
    for name in texts(&[".rs"]).keys() {
        let stem = Path::new(name).file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !matches!(stem.as_str(), "utils" | "util" | "common" | "helpers" | "types" | "manager" | "misc"),
            "{name}"
        );
        assert_ne!(stem, "mod", "{name}: use `foo.rs` beside `foo/`");
    }
}

#[test]
fn nothing_is_left_unfinished() {
    // Put together here, so that this file does not find itself.
    let words = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ig", "nore"), concat!("FIX", "ME")];
    for (name, text) in texts(&[".rs", ".js", ".py", ".md"]) {
        for word in words {
            assert!(!text.contains(word), "{name} has `{word}`");
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for (name, text) in texts(&[".md"]) {
        let dir = root().join(&name).parent().unwrap().to_path_buf();
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#', ' ']).next().unwrap();
            let outside = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            assert!(outside || dir.join(target).exists(), "{name} links to `{target}`, which is not there");
        }
    }
}

/// The invariants of the design that exist so far are each named where they are proved.
#[test]
fn every_invariant_has_a_test_that_names_it() {
    let tests: Vec<String> = texts(&[".rs"])
        .into_iter()
        .filter(|(name, text)| {
            (name.starts_with("tests/") && !name.ends_with("tidy.rs"))
                || text.contains("#[test]")
                || name.ends_with("tests.rs")
        })
        .map(|(_, text)| text)
        .collect();
    for invariant in ["D1", "D2", "D3", "D4", "D5", "H1", "H2", "H3", "N1", "S1"] {
        let named =
            tests.iter().any(|text| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == invariant));
        assert!(named, "no test names invariant {invariant}");
    }
}
