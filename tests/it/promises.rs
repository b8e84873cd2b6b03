//! `docs/reliability.md`: every test that it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Names of tests stand in the page as `some_name_of_a_test`: words of small letters.
fn named(page: &str) -> BTreeSet<&str> {
    let code = page.split('`').skip(1).step_by(2);
    let is_name = |text: &&str| {
        text.matches('_').count() >= 3
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    code.filter(is_name).collect()
}

fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (at, line) in lines.iter().enumerate() {
                let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                let name = name.and_then(|rest| rest.split('(').next());
                let marks = &lines[at.saturating_sub(6)..at];
                let is_test =
                    marks.iter().any(|mark| mark.contains("test]") || mark.contains("test("));
                let is_in_macro = lines[..at].iter().any(|line| line.starts_with("proptest!"));
                if let Some(name) = name.filter(|_| is_test || is_in_macro) {
                    found.insert(name.to_owned());
                }
            }
        }
    }
}

#[test]
fn every_test_that_the_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let names = named(&page);
    assert!(names.len() > 15, "the page names only {}", names.len());
    let mut tests = BTreeSet::new();
    tests_below(&root.join("src"), &mut tests);
    tests_below(&root.join("tests"), &mut tests);
    let missing: Vec<&&str> = names.iter().filter(|name| !tests.contains(**name)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:?}");
}
