//! sensors-sim
fn main() {}
