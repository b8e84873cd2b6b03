//! The layers of the architecture: arrows only go down, modules on one row never name each other.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with its row; a module may name only those on lower rows (and itself).
const ROWS: &[(&str, u32)] = &[
    ("types", 0),
    ("dag", 1),
    ("onnx", 1),
    ("sched", 2),
    ("ml", 2),
    ("store", 3),
    ("tracking", 4),
    ("connection", 4),
    ("web", 4),
    ("runtime", 5),
    ("client", 6),
    ("api", 6),
    ("serving", 6),
    ("tui", 1),
    ("daemon", 7),
    ("cli", 8),
];

fn row(module: &str) -> Option<u32> {
    ROWS.iter().find(|(name, _)| *name == module).map(|(_, row)| *row)
}

/// The manifest of a layer that is a crate of its own.
fn manifest(module: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module).join("Cargo.toml");
    fs::read_to_string(path).ok()
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(String, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            let module = inside.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
            (inside, module, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn arrows_only_go_down() {
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        let Some(here) = row(&module) else { continue };
        // A layer with a crate of its own: its manifest says what it may name.
        if manifest(&module).is_some() {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            for found in line.split("crate::").skip(1) {
                let named: String =
                    found.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if named == module {
                    continue;
                }
                match row(&named) {
                    Some(there) if there < here => {}
                    Some(_) => wrong.push(format!("src/{file}:{}: names `{named}`", number + 1)),
                    None => wrong.push(format!(
                        "src/{file}:{}: `crate::{named}` is no module of the table",
                        number + 1
                    )),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that go up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn manifests_name_lower_layers_only() {
    let mut crates = 0;
    for (module, here) in ROWS {
        let Some(text) = manifest(module) else { continue };
        crates += 1;
        for line in text.lines().filter_map(|line| line.strip_prefix("dagdeck-")) {
            let named = line.split([' ', '=']).next().unwrap();
            let there = row(named).unwrap_or_else(|| panic!("`{named}` has no row"));
            assert!(there < *here, "src/{module}/Cargo.toml names `{named}`");
        }
    }
    assert!(
        crates >= 5,
        "only {crates} layers with a manifest: are they looked for where they are?"
    );
}

#[test]
fn every_module_has_its_row() {
    for (file, module, _) in sources() {
        let is_root = ["lib", "main"].contains(&module.as_str());
        assert!(is_root || row(&module).is_some(), "src/{file} belongs to no row");
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (file, _, text) in sources() {
        assert!(text.starts_with("//!"), "src/{file} does not open with `//!`");
    }
}

#[test]
fn the_types_know_only_std_serde_and_jiff() {
    for (file, module, text) in sources() {
        if module != "types" {
            continue;
        }
        for line in text.lines().filter(|line| line.trim_start().starts_with("use ")) {
            let root = line.trim_start().trim_start_matches("use ").split("::").next().unwrap();
            // Variants of a type that is here.
            if root.starts_with(|c: char| c.is_uppercase()) {
                continue;
            }
            let known = ["std", "serde", "serde_json", "jiff", "crate", "super"];
            assert!(known.contains(&root), "src/{file} uses `{root}`");
        }
    }
}
