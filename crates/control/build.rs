//! The catalog is embedded by a macro that cargo cannot see through: this makes a new or removed
//! catalog file rebuild the crate.

fn main() {
    println!("cargo::rerun-if-changed=../../catalog");
}
