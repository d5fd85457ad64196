//! A file added to the page is part of the next build.

fn main() {
    println!("cargo:rerun-if-changed=web");
}
