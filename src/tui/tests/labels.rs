//! Texts name keys as the keymap in force has them: none is left as the deck comes.

use std::path::{Path, PathBuf};

use regex::Regex;

use crate::DeckOptions;
use crate::state::{Screen, View};
use crate::tests::{Driver, nothing};
use crate::types::ask::{Answer, Request};
use crate::types::run::DagRunKey;
use crate::types::{AssetName, DagId, Fault};

/// Other keys for what texts speak of most; some have none at all.
const KEYS: &str = r#"
[keys.everywhere]
down = "f13"
up = "f14"
half-down = "f15"
half-up = "f16"
back = "f17"
copy = "f18"
approvals = "f19"
freeze = "f20"
event-rail = "f21"
refetch = "f22"
show-errors = "f23"
mouse = "none"
show-dags = "alt-a"
show-models = "alt-b"
show-events = "alt-c"
open = "f1"
open-run = "f2"
trigger = "f3"
pause = "f4"
attention = "f5"
attention-box = "f6"
edit = "none"
emit = "f7"
materialise = "f8"
impact = "f9"
next-pane = "f10"
promote = "f11"
rollback = "f12"
backfill = "f24"
compare = "alt-d"
only-different = "alt-e"
baseline = "alt-f"
task-details = "alt-g"
dag-page = "alt-h"
versions = "alt-i"
backfills = "alt-j"
undo = "none"
clear = "none"
mark = "alt-k"
note = "alt-l"
delete = "none"
mark-row = "alt-m"
follow = "alt-n"
try-it = "alt-o"
prune = "alt-p"
open-log = "alt-q"
test = "alt-r"
failed-log = "alt-s"
older-run = "alt-t"
newer-run = "alt-u"
recentre = "alt-v"
fewer-hops = "alt-w"
older-try = "alt-x"
newer-try = "alt-y"
right = "alt-z"
more-hops = "none"
"#;

/// What a text would say of a key that the deck comes with.
const STALE: &str = r"(?x)
    \b(esc\ (clears|back|goes|shows\ (those|all)|closes?|gives)
    |enter\ (opens?|goes|the\ |its|on)
    |tab\ (goes|back|turns)|tab:
    |ctrl-[dlt]\ 
    |[1-8]\ (goes\ to|opens|promotes|then)
    |[a-zA-Z]\ (triggers?|unpauses|definition|versions|backfills|begins|opens|says|goes\ to
        |copies|closes|all\b|shows|promotes?|rolls|clears|marks|notes|deletes|takes|events
        |compare|refocus|in\ full|follows|tests|on\ the\ whole|y\ copies|scroll|then)
    |g\ [rex]\b)
    |\([aAfDbM]\)|\(g\ e\)|↵|[=.()]\ (compare|puts|refocus|hops|shows)";

fn everywhere() -> Vec<(View, Option<Screen>)> {
    let dag = || DagId::from("mlops_pipeline");
    let asset = || AssetName::new("csv_data_asset");
    let run = DagRunKey { dag_id: dag(), dag_run_id: "manual__2026-03-02T09:14:03+00:00".into() };
    let mut places: Vec<(View, Option<Screen>)> =
        View::ALL.into_iter().map(|view| (view, None)).collect();
    let screens = [
        Screen::Dag(dag()),
        Screen::DagRuns(dag()),
        Screen::Versions(dag()),
        Screen::Backfills(dag()),
        Screen::Attention,
        Screen::Approvals,
        Screen::Operations,
        Screen::Commands,
        Screen::Definitions,
        Screen::Run(run),
        Screen::Asset(asset()),
        Screen::AssetWhy(asset()),
        Screen::Impact(asset()),
        Screen::Chain("version:iris/3".to_owned()),
        Screen::Columns("asset:employee_data_asset".to_owned()),
        Screen::Experiment("iris".to_owned()),
        Screen::Model("iris".to_owned()),
        Screen::Compare(("iris".to_owned(), 3), ("iris".to_owned(), 4)),
        Screen::DaemonLog,
    ];
    places.extend(screens.into_iter().map(|screen| (View::Dags, Some(screen))));
    places
}

fn rebound(
    width: u16,
    height: u16,
    script: fn(&Request) -> Option<Result<Answer, Fault>>,
) -> Driver {
    let keymap = Some(("keys.toml".to_owned(), KEYS.to_owned()));
    let driver =
        Driver::with(DeckOptions { keymap, ..DeckOptions::default() }, width, height, script);
    assert_eq!(driver.state.keymap.problems, []);
    driver
}

#[test]
fn no_view_names_a_key_that_was_given_another_meaning() {
    let (stale, ours) = (Regex::new(STALE).unwrap(), Regex::new("alt-[a-z]|f18 y ").unwrap());
    let full: fn(&Request) -> _ = |_| None;
    for (is_empty, script) in [(true, nothing as fn(&Request) -> _), (false, full)] {
        for (width, height) in [(80, 24), (120, 40), (200, 60)] {
            for (view, screen) in everywhere() {
                let mut driver = rebound(width, height, script);
                driver.state.switch(view);
                if let Some(screen) = screen.clone() {
                    driver.state.push(screen);
                }
                driver.send(crate::message::Message::Tick);
                for filter in ["", "zzzz"] {
                    driver.state.level_mut().filter = filter.to_owned();
                    driver.send(crate::message::Message::Tick);
                    let text = driver.text();
                    for line in text.lines() {
                        let line = ours.replace_all(line, "");
                        let found = stale.find(&line).map(|found| found.as_str());
                        assert_eq!(
                            found, None,
                            "{view:?} {screen:?} {width}x{height}, empty: {is_empty}, in:\n{line}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn dialogs_and_texts_over_the_screen_name_the_keys_that_hold() {
    let (stale, ours) = (Regex::new(STALE).unwrap(), Regex::new("alt-[a-z]|f18 y ").unwrap());
    for (keys, over) in [
        ("", "<f18>"),
        ("", "w"),
        ("2<f1>", "<alt-g>"),
        ("<alt-b>", "<f11>"),
        ("8G", "<enter>"),
        ("", "<f4>"),
        ("", "<f21>"),
        ("", ":keys<enter>"),
    ] {
        let mut driver = rebound(100, 40, |_| None);
        driver.keys(keys);
        driver.keys(over);
        assert!(driver.state.popup.is_some(), "`{keys}` `{over}`: {}", driver.text());
        let text = driver.text();
        // Words of the table of all keys are no texts about keys.
        let lines = text.lines().filter(|line| !line.contains(" default "));
        for line in lines {
            let line = ours.replace_all(line, "").replace("esc close", "");
            assert_eq!(stale.find(&line).map(|found| found.as_str()), None, "`{over}`: {line}");
        }
    }
}

#[test]
fn what_has_no_key_is_named_by_its_command_and_the_palette_has_it() {
    let mut driver = rebound(200, 60, nothing);
    driver.keys("go");
    assert!(driver.text().contains(":clear clears, alt-k marks"), "{}", driver.text());
    let mut driver = rebound(80, 24, |_| None);
    driver.keys("2j:clear<enter>");
    assert!(driver.is_asking(), "{}", driver.text());
}

/// Texts of what lies over the screen or takes typed text: its keys are fixed, since letters are
/// typed there. And words that only look like keys.
const FIXED: &[&str] = &[
    "press enter to go back to the deck",
    "ctrl-s takes it  esc leaves it as it was",
    "/ last  enter keep  esc clear",
    "enter keep  esc clear",
    "14:03, 2026-03-02T14:03, 10m  enter go",
    "enter save  esc leave it",
    "enter run  esc leave it",
    "that is valid where you are; esc closes it.",
    "your draft of {at}Z: ctrl-d discards it",
    "ctrl-c again leaves the deck",
    "esc stops",
    "esc hides this",
    "esc leaves the tour",
    "y yes  n no",
    "letter or enter  esc close",
    "enter run  tab complete  ↑ before  esc close",
    "type to find  enter run  :keys all  esc close",
    "tab field  ← → change  ctrl-s do it  esc close  ctrl-y copy command",
];

/// Files whose keys are those of a form or of a key's own name.
const EXEMPT: &[&str] =
    &["tests", "tests.rs", "sample", "sample.rs", "bench.rs", "keymap", "theme"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "snapshots" && !EXEMPT.contains(&name.as_str()) {
            sources(&path, found);
        } else if name.ends_with(".rs") && !EXEMPT.contains(&name.as_str()) {
            found.push(path);
        }
    }
}

#[test]
fn no_source_has_a_key_in_a_fixed_text() {
    let text = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let named = Regex::new(
        r"(?x)\b(esc|enter|tab|shift-tab|ctrl-[a-z]|alt-[0-9a-z]|pageup|pagedown)\b.*\ 
        |\ .*\b(esc|enter|ctrl-[a-z]|alt-[0-9a-z])\b|↵
        |(^|[:;,(·]\ |\ \ |\bor\ |\band\ |\bthen\ )([a-zA-Z]|g\ [a-z])\ (
            \w+s\b|all\b|back\b|scroll|in\ full|trigger|definition|compare|close|again|the\b)
        |\(([a-zB-HJ-Z]|g\ [a-z])\)",
    )
    .unwrap();
    // Placeholders stand for words.
    let hole = Regex::new(r"\{[^}]*\}").unwrap();
    let article = Regex::new(r"(^|[^a-z])[aI] ").unwrap();
    let mut files = Vec::new();
    sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut files);
    assert!(files.len() > 100);
    let mut found = Vec::new();
    for path in files {
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = source.lines().enumerate().filter(|(_, line)| {
            let line = line.trim_start();
            // A literal alone is the name of a key that is matched.
            !line.starts_with("//") && !line.contains("Some(\"") && !line.contains("(\"esc\"")
        });
        for (at, line) in lines {
            for text in text.captures_iter(line) {
                let written = &text[1];
                let words = hole.replace_all(written, "WORD");
                let words = article.replace_all(&words, "$1");
                let is_fixed = FIXED.iter().any(|fixed| written.contains(fixed));
                if words.contains(' ') && named.is_match(&words) && !is_fixed {
                    found.push(format!("{}:{}: {written}", path.display(), at + 1));
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "take the key from the keymap (`with_keys!`), or name the text in FIXED:\n{}",
        found.join("\n")
    );
}
