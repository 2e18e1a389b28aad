//! Writes the seeds to `fuzz/corpus/<target>/`, where cargo-fuzz looks for them.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = fuzz.parent().unwrap_or(fuzz);
    for seed in entrepot_fuzz::seeds::all(root) {
        let folder = fuzz.join("corpus").join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&seed.name), &seed.bytes)?;
    }
    Ok(())
}
