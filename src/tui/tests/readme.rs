//! The README's table of keys is made from the keymap: this says what it must be.

use crate::keymap::{Action, BINDINGS};
use crate::state::View;

const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- /keys -->";

/// The rows of the table: which actions' first keys, and what they do.
const ROWS: &[(&[Action], &str)] = &[
    (
        &[Action::Show(View::Dags), Action::Show(View::System)],
        "DAGs, runs, assets, experiments, models, serving, events, system",
    ),
    (
        &[Action::Palette, Action::Help],
        "everything by name; the keys of this pane, to find and run",
    ),
    (&[Action::Down, Action::Up, Action::Left, Action::Right], "move; arrows too"),
    (&[Action::Top, Action::Bottom, Action::HalfDown, Action::HalfUp], "top, bottom, half a page"),
    (&[Action::Open, Action::Back], "open; back by steps, never out"),
    (
        &[Action::PlaceBefore, Action::PlaceAfter, Action::OtherView],
        "back, forward, the view before",
    ),
    (&[Action::NextPane, Action::Zoom], "next pane, zoom it"),
    (&[Action::Filter, Action::Sort, Action::Columns], "filter or search, sort, columns"),
    (&[Action::MarkRow, Action::MarkRange, Action::MarkAll], "mark a row, a range, all"),
    (
        &[Action::Trigger, Action::Pause, Action::Clear, Action::Cancel],
        "trigger, pause, clear, cancel",
    ),
    (&[Action::Mark, Action::Note, Action::Delete], "mark, note, delete"),
    (&[Action::Undo, Action::Redo], "undo, do again"),
    (&[Action::Approvals, Action::Why], "answer what a task asks; why it runs or does not"),
    (
        &[Action::Backfill, Action::Backfills, Action::Versions],
        "begin a backfill, list them; versions",
    ),
    (&[Action::Promote, Action::Rollback], "promote, roll back"),
    (&[Action::Follow, Action::Wrap], "follow the log, wrap it"),
    (&[Action::Copy], "copy: the equivalent command, names, JSON, log lines"),
    (&[Action::ShowErrors], "the errors of dags.toml"),
    (&[Action::Mouse], "take the mouse, or leave it to the terminal"),
    (&[Action::Leave, Action::Quit], "back, then leave; leave at once. Work goes on"),
];

fn table() -> String {
    let key = |action: &Action| {
        let binding = BINDINGS.iter().find(|binding| binding.action == *action).unwrap();
        format!("`{}`", binding.keys[0])
    };
    let mut table = "| key | does |\n|---|---|\n".to_owned();
    for (actions, does) in ROWS {
        let keys: Vec<String> = actions.iter().map(key).collect();
        let between = if *actions == ROWS[0].0 { " … " } else { " " };
        table.push_str(&format!("| {} | {does} |\n", keys.join(between)));
    }
    table
}

#[test]
fn the_readme_has_the_keys_that_hold() {
    insta::assert_snapshot!("readme_keys", table());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    // Between its marks the table is this one; without them there is no table to hold.
    let Some((_, rest)) = readme.split_once(BEGIN) else { return };
    let (shown, _) = rest.split_once(END).unwrap();
    assert_eq!(shown, table(), "write this into README.md:\n{BEGIN}{}{END}", table());
}
