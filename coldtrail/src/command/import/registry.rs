//! What all files of one import declare together: one registry document, whose problems are told by file and line.

use std::collections::HashMap;

use ingest::import::Content;
use model::registry::{Problem, RegistryDocument};
use serde_json::{Map, Value};

use super::Source;
use crate::exit::Failure;

/// The declarations of all files.
pub(super) struct Declared {
    /// The document; `None` when nothing is declared or something is wrong.
    pub(super) document: Option<RegistryDocument>,
    /// What is wrong with it, with file and line.
    pub(super) problems: Vec<String>,
    /// How many rows declare nothing.
    pub(super) refused: usize,
    /// File and line of each record of a section.
    places: HashMap<&'static str, Vec<(String, u64)>>,
}

impl Declared {
    /// What `sources` declare.
    pub(super) fn of(sources: &[Source]) -> Self {
        let mut sections: HashMap<&'static str, Vec<Value>> = HashMap::new();
        let mut declared = Self { document: None, problems: Vec::new(), refused: 0, places: HashMap::new() };
        for source in sources {
            let Content::Declarations(found) = &source.file.content else { continue };
            declared.refused += found.refused.len();
            for record in &found.records {
                sections.entry(record.section).or_default().push(record.json.clone());
                declared.places.entry(record.section).or_default().push((source.path.clone(), record.line));
            }
        }
        if sections.is_empty() {
            return declared;
        }
        let sections = sections.into_iter().map(|(section, records)| (section.to_owned(), Value::Array(records)));
        match RegistryDocument::from_value(&Value::Object(sections.collect::<Map<_, _>>())) {
            Ok(document) => declared.document = Some(document),
            Err(problems) => declared.problems = problems.iter().map(|problem| declared.told(problem)).collect(),
        }
        declared
    }

    /// `problem` with the file and the line it comes from.
    fn told(&self, problem: &Problem) -> String {
        match self.place(&problem.pointer) {
            Some((file, line, field)) => format!("`{file}`, line {line}: `{field}` {}", problem.message),
            None => problem.to_string(),
        }
    }

    /// File, line and field of a pointer into the document.
    fn place<'a>(&self, pointer: &'a str) -> Option<(&str, u64, &'a str)> {
        let mut steps = pointer.strip_prefix('/')?.splitn(3, '/');
        let (section, index) = (steps.next()?, steps.next()?.parse::<usize>().ok()?);
        let (file, line) = self.places.get(section)?.get(index)?;
        Some((file, *line, steps.next().unwrap_or(section)))
    }

    /// The refusal of a ledger.
    pub(super) fn refused(&self, problems: &[Problem]) -> Failure {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {}", self.told(problem))).collect();
        Failure::Input(format!("nothing was applied:\n{}", lines.join("\n")))
    }

    /// The refusal of a server, with files and lines in front of its pointers.
    pub(super) fn located(&self, failure: Failure) -> Failure {
        let Failure::Input(text) = failure else { return failure };
        let lines: Vec<String> = text.lines().map(|line| self.line_located(line)).collect();
        Failure::Input(format!("nothing was applied: {}", lines.join("\n")))
    }

    fn line_located(&self, line: &str) -> String {
        let place = line.trim_start().split_once(": ").and_then(|(pointer, what)| Some((self.place(pointer)?, what)));
        match place {
            Some(((file, number, field), what)) => format!("  `{file}`, line {number}: `{field}` {what}"),
            None => line.to_owned(),
        }
    }
}
