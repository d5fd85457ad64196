//! How the program ends, and that `cargo test` builds it: the tests of the whole system run it.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coldtrail")).args(arguments).output().expect("the program starts")
}

#[test]
fn wrong_usage_ends_with_2_and_names_it() {
    for arguments in [
        &["--nonsense"][..],
        &["sql", "SELECT 1"],
        &["demo", "--for", "5 parsecs"],
        &["serve", "--config", "no-such-file"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_directory_that_is_not_there_is_bad_input() {
    for command in [&["verify", "--data"][..], &["sql", "SELECT 1", "--data"]] {
        let output = run(&[command, &["no/such/directory"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("no/such/directory"), "{said}");
    }
}
