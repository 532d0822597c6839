//! A migration added or changed means the binary must embed it anew.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
