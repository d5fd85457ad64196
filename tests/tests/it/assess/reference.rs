//! Random histories, assessed by the program and by an implementation that shares nothing with it
//! (`tests/reference/README.md`).

use super::*;

/// The seed and how many histories; more of them run with `tests/reference/compare.py` by hand.
const SEED: &str = "20261125";
const COUNT: &str = "60";

#[test]
fn agrees_with_an_independent_implementation_on_random_histories() {
    let Some(python) = tests::python::python() else { return };
    let compare = tests::folder().join("reference/compare.py");
    let mut command = Command::new(python);
    command.arg(compare).arg("--program").arg(binary("coldtrail").unwrap()).args(["--seed", SEED, "--count", COUNT]);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains(&format!("{COUNT} histories of seed {SEED}, 0 differ")), "{told}");
}
