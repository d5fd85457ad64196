//! Reports: the PDF says what the JSON says, page by page, and looks nowhere it must not. Read by poppler.

mod documents;
mod pages;
mod world;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// What poppler reads out of a PDF.
struct Document {
    _dir: tempfile::TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Document {
    fn new(bytes: Vec<u8>) -> Self {
        assert!(bytes.starts_with(b"%PDF-1.7"), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(300)]));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.pdf");
        std::fs::write(&path, &bytes).unwrap();
        Self { _dir: dir, path, bytes }
    }

    /// What `program` of poppler-utils says of it.
    fn told(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).arg(&self.path);
        if program == "pdftotext" {
            command.arg("-");
        }
        let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}; run tests/setup.sh"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{program} complains");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The text of each page, in the order it was set, without any white space.
    fn pages(&self) -> Vec<String> {
        let text = self.told("pdftotext", &["-raw"]);
        let pages = text.strip_suffix('\u{c}').unwrap_or(&text).split('\u{c}');
        pages.map(|page| page.chars().filter(|sign| !sign.is_whitespace()).collect()).collect()
    }

    /// The attached JSON.
    fn attached(&self) -> Value {
        let into = self.path.with_extension("json");
        let output = Command::new("pdfdetach").args(["-save", "1", "-o"]).args([&into, &self.path]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&std::fs::read(into).unwrap()).unwrap()
    }
}

/// `text` without white space.
fn squeezed(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_whitespace()).collect()
}
