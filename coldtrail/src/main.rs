//! coldtrail
fn main() {}
