//! The definitions that are simulated: random ones, read once from real TOML.

use std::fmt::Write;
use std::sync::{Arc, LazyLock, OnceLock};

use super::dice::Dice;
use crate::dag::{self, Deck};

/// How many there are; a seed takes two, the second to be loaded while the first one runs.
const DECKS: usize = 48;

const RULES: [&str; 5] =
    ["all_success", "all_success", "all_done", "none_failed", "none_failed_min_one_success"];

/// Returns the n-th.
pub(super) fn deck(n: u64) -> Arc<Deck> {
    static ALL: LazyLock<Vec<OnceLock<Arc<Deck>>>> =
        LazyLock::new(|| (0..DECKS).map(|_| OnceLock::new()).collect());
    let n = usize::try_from(n).unwrap() % DECKS;
    ALL[n].get_or_init(|| Arc::new(load(&text(&mut Dice::new(n as u64))))).clone()
}

fn load(text: &str) -> Deck {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("dags.toml"), text).unwrap();
    dag::load(dir.path(), &|_| None, &Default::default()).unwrap_or_else(|d| panic!("{d}\n{text}"))
}

/// Two DAGs that are triggered, and one that an asset brings about.
fn text(dice: &mut Dice) -> String {
    let mut text = format!(
        "[deck]\nname = \"simulated\"\nmax_active_tasks = {}\n[pool.narrow]\nslots = 1\n\
         [asset.out]\nuri = \"file:out\"\n[dag.after]\nschedule = {{ assets = \"out\" }}\n",
        2 + dice.below(5)
    );
    tasks(&mut text, dice, "after", 2);
    for dag in ["one", "two"] {
        writeln!(text, "[dag.{dag}]\nmax_active_runs = {}", 1 + dice.below(2)).unwrap();
        let count = 1 + dice.below(5);
        tasks(&mut text, dice, dag, count);
    }
    text
}

fn tasks(text: &mut String, dice: &mut Dice, dag: &str, count: u64) {
    for n in 0..count {
        let operator = if dice.chance(15) { "empty" } else { "command" };
        writeln!(text, "[dag.{dag}.task.t{n}]\noperator = \"{operator}\"").unwrap();
        if operator == "command" {
            writeln!(text, "command = \"true\"").unwrap();
        }
        let upstream: Vec<String> =
            (0..n).filter(|_| dice.chance(45)).map(|n| format!("\"t{n}\"")).collect();
        if !upstream.is_empty() {
            let rule = dice.pick(&RULES).unwrap();
            writeln!(text, "depends_on = [{}]\ntrigger_rule = \"{rule}\"", upstream.join(", "))
                .unwrap();
        }
        let delay = dice.below(12_000);
        writeln!(text, "retries = {}\nretry_delay = \"{delay}ms\"", dice.below(3)).unwrap();
        if dice.chance(20) {
            writeln!(text, "pool = \"narrow\"").unwrap();
        }
        if dice.chance(15) {
            writeln!(text, "execution_timeout = \"20s\"").unwrap();
        }
        if dice.chance(25) && dag != "after" {
            writeln!(text, "outlets = [\"out\"]").unwrap();
        }
        if dice.chance(12) && operator == "command" {
            writeln!(text, "expand = {{ x = [\"a\", \"b\"] }}").unwrap();
        }
    }
}
