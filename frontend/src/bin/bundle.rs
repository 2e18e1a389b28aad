//! Builds what the browser loads: `cargo bundle`.
//!
//! Compiles `frontend` for WebAssembly, makes its JavaScript with wasm-bindgen (as a library, of
//! the very version that the crate was compiled with), bundles and minifies `style/`, copies
//! `public/`, and writes a `.br` and a `.gz` beside whatever compresses. It needs nothing that
//! cargo does not bring. What has not changed is left alone, so that running it again takes as
//! long as cargo takes to see that there is nothing to do.

use anyhow::{Context, Result, bail};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// Suffixes of files that become smaller. Fonts and pictures are compressed already.
const COMPRESSIBLE: [&str; 7] = ["js", "wasm", "css", "svg", "txt", "json", "xml"];

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let options = Options::read(&root.join("Leptos.toml"))?;
    let site = root.join(&options.site_root);
    let package = site.join(&options.site_pkg_dir);
    fs::create_dir_all(&package)?;

    let wasm = compile(root)?;
    bind(&wasm, &package, &options.output_name)?;
    let css = package.join(format!("{}.css", options.output_name));
    write_if_changed(&css, bundle_style(&root.join(&options.style_file))?.as_bytes())?;

    let mut expected = BTreeSet::from([css]);
    for suffix in ["js", "wasm"] {
        expected.insert(package.join(format!("{}.{suffix}", options.output_name)));
    }
    write_if_changed(&package.join("version"), version(&expected)?.as_bytes())?;
    let public = root.join(&options.assets_dir);
    for file in files_below(&public)? {
        let target = site.join(file.strip_prefix(&public)?);
        write_if_changed(&target, &fs::read(&file)?)?;
        expected.insert(target);
    }
    for file in expected.clone() {
        if is_compressible(&file) {
            expected.extend(compress(&file)?);
        }
    }
    expected.insert(package.join("version"));
    expected.insert(package.join("stamp"));
    for stale in files_below(&site)?.difference(&expected) {
        fs::remove_file(stale).with_context(|| format!("removing {}", stale.display()))?;
    }
    report(&package, &options.output_name)
}

/// The keys of Leptos.toml that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Options {
    output_name: String,
    site_root: PathBuf,
    site_pkg_dir: PathBuf,
    style_file: PathBuf,
    assets_dir: PathBuf,
}

impl Options {
    fn read(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct File {
            package: Package,
        }
        #[derive(Deserialize)]
        struct Package {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            leptos: Options,
        }
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let file: File = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        Ok(file.package.metadata.leptos)
    }
}

/// Runs cargo, whose own progress goes to standard error, and returns the compiled module.
fn compile(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target_dir =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--locked", "--package", "frontend", "--lib"])
        .args(["--target", "wasm32-unknown-unknown", "--profile", "wasm-release"])
        .status()
        .context("running cargo")?;
    if !status.success() {
        bail!("the browser's half did not compile; see above");
    }
    Ok(target_dir.join("wasm32-unknown-unknown/wasm-release/frontend.wasm"))
}

/// Makes `<name>.js` and `<name>.wasm` from the compiled module, unless they are made from it
/// already.
fn bind(wasm: &Path, package: &Path, name: &str) -> Result<()> {
    let input = fs::read(wasm).with_context(|| format!("reading {}", wasm.display()))?;
    let stamp = hash([&*input]);
    let (stamp_file, script) = (package.join("stamp"), package.join(format!("{name}.js")));
    let module = package.join(format!("{name}.wasm"));
    let up_to_date = script.exists()
        && module.exists()
        && fs::read_to_string(&stamp_file).is_ok_and(|text| text == stamp);
    if up_to_date {
        return Ok(());
    }
    say("making the JavaScript that loads it");
    Bindgen::new()
        .input_path(wasm)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .generate(package)
        .context("running wasm-bindgen")?;
    // Leptos asks for the name without wasm-bindgen's suffix where LEPTOS_OUTPUT_NAME is set.
    fs::rename(package.join(format!("{name}_bg.wasm")), &module)?;
    fs::write(&stamp_file, stamp)?;
    Ok(())
}

/// The style sheet with everything that it imports, minified.
fn bundle_style(entry: &Path) -> Result<String> {
    let provider = FileProvider::new();
    let mut bundler = Bundler::new(&provider, None, ParserOptions::default());
    let mut sheet = bundler
        .bundle(entry)
        .map_err(|error| anyhow::anyhow!("in {}: {error}", entry.display()))?;
    sheet
        .minify(MinifyOptions::default())
        .map_err(|error| anyhow::anyhow!("minifying {}: {error}", entry.display()))?;
    let printed = sheet
        .to_css(PrinterOptions { minify: true, ..PrinterOptions::default() })
        .map_err(|error| anyhow::anyhow!("writing the style sheet: {error}"))?;
    Ok(printed.code)
}

/// Says which bundle this is: part of the address of each of its files.
fn version(files: &BTreeSet<PathBuf>) -> Result<String> {
    let contents = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    Ok(hash(contents.iter().map(Vec::as_slice)))
}

fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    format!("{:016x}", hasher.finish())
}

/// Writes `<file>.br` and `<file>.gz` where they are missing or older than the file.
fn compress(file: &Path) -> Result<[PathBuf; 2]> {
    let (brotli, gzip) = (with_suffix(file, ".br"), with_suffix(file, ".gz"));
    let changed = fs::metadata(file)?.modified()?;
    let is_fresh = |path: &Path| {
        fs::metadata(path).and_then(|meta| meta.modified()).is_ok_and(|made| made >= changed)
    };
    if !is_fresh(&brotli) || !is_fresh(&gzip) {
        let content = fs::read(file)?;
        let mut out = Vec::new();
        // The largest window that every browser accepts, and the best of the eleven qualities.
        brotli::CompressorWriter::new(&mut out, 4096, 11, 22).write_all(&content)?;
        fs::write(&brotli, out)?;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&content)?;
        fs::write(&gzip, encoder.finish()?)?;
    }
    Ok([brotli, gzip])
}

fn is_compressible(file: &Path) -> bool {
    file.extension().and_then(|suffix| suffix.to_str()).is_some_and(|s| COMPRESSIBLE.contains(&s))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    PathBuf::from(name)
}

/// Leaves the file's time alone when its content would stay the same.
fn write_if_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|existing| existing == content) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content).with_context(|| format!("writing {}", path.display()))
}

fn files_below(directory: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in
            fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))?
        {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else {
                found.insert(entry.path());
            }
        }
    }
    Ok(found)
}

/// The sizes that count: what travels.
fn report(package: &Path, name: &str) -> Result<()> {
    let mut first_load = 0;
    for suffix in ["wasm", "js", "css"] {
        let file = package.join(format!("{name}.{suffix}"));
        let plain = fs::metadata(&file)?.len();
        let brotli = fs::metadata(with_suffix(&file, ".br"))?.len();
        let gzip = fs::metadata(with_suffix(&file, ".gz"))?.len();
        first_load += brotli;
        say(&format!(
            "{name}.{suffix:<5} {:>8} plain {:>8} gzip {:>8} brotli",
            kilobytes(plain),
            kilobytes(gzip),
            kilobytes(brotli)
        ));
    }
    say(&format!("first load {:>8} brotli", kilobytes(first_load)));
    Ok(())
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} KB", bytes / 1_000, bytes % 1_000 / 100)
}

#[expect(clippy::print_stderr, reason = "this is a tool that people watch")]
fn say(line: &str) {
    eprintln!("    bundle: {line}");
}
