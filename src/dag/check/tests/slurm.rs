//! `executor`, `slurm` and `[slurm]`: what is inherited, what is refused, what is warned of.

use super::*;
use crate::slurm::SlurmOptions;

const TASK: &str = "[dag.d.task.t]\noperator = \"command\"\ncommand = \"x\"\n";

fn options(text: &str) -> Option<SlurmOptions> {
    let deck = load_more(text).unwrap();
    deck.dags["d"].tasks["t"].slurm.as_deref().cloned()
}

/// The warnings of a text, as (code, line after the ground, column).
fn warned(text: &str) -> Vec<(&'static str, usize, usize)> {
    let ground = GROUND.lines().count();
    let deck = load_more(text).unwrap();
    deck.warnings.iter().map(|w| (w.code, w.line - ground, w.column)).collect()
}

#[track_caller]
fn refused(lines: &str, code: &'static str, line: usize, column: usize) {
    let text = format!("{TASK}executor = \"slurm\"\n{lines}\n");
    assert_eq!(places(&text), [(code, line, column)], "{:#?}", load_more(&text));
}

#[test]
fn each_option_comes_from_the_nearest_that_says_it() {
    assert_eq!(options(TASK), None);
    let text = format!(
        "[slurm]\npartition = \"main\"\nmem = \"1G\"\n\
         [deck.default_args]\nslurm = {{ mem = \"2G\", time = \"1h\" }}\n\
         [dag.d.default_args]\nexecutor = \"slurm\"\nslurm = {{ time = \"2:00:00\" }}\n\
         {TASK}slurm = {{ cpus_per_task = 4, gpus = 1 }}\n"
    );
    let arguments = options(&text).unwrap().arguments();
    let expected = ["--partition=main", "--cpus-per-task=4", "--mem=2G", "--gpus=1", "--time=120"];
    assert_eq!(arguments, expected);
    assert_eq!(options(&format!("{text}executor = \"local\"\n")), None);
}

#[test]
fn what_decides_in_the_daemon_stays_there_unless_it_is_told_to_go() {
    let inherits =
        "[deck.default_args]\nexecutor = \"slurm\"\n[dag.d.task.t]\noperator = \"empty\"\n";
    assert_eq!(options(inherits), None);
    let told = "[dag.d.task.t]\noperator = \"empty\"\nexecutor = \"slurm\"\n";
    assert_eq!(places(told), [("bad-executor", 3, 12)]);
}

#[test]
fn mistakes_are_shown_at_their_place() {
    assert_eq!(places(&format!("{TASK}executor = \"slrm\"\n")), [("bad-executor", 4, 12)]);
    refused("slurm = { partition = \"a b\" }", "bad-value", 5, 23);
    refused("slurm = { memory = \"1G\" }", "unknown-key", 5, 11);
    refused("slurm = { mem = \"1 GB\" }", "bad-value", 5, 17);
    refused("slurm = { gpus = \"two\" }", "bad-value", 5, 18);
    refused("slurm = { gpus = true }", "wrong-type", 5, 18);
    refused("slurm = { nodes = 0 }", "bad-value", 5, 19);
    refused("slurm = { time = 30 }", "bad-duration", 5, 18);
    refused("slurm = { time = \"soon\" }", "bad-duration", 5, 18);
    refused("slurm = { extra_args = [\"job.sh\"] }", "bad-value", 5, 25);
    refused("slurm = { extra_args = [\"--comment=x\"] }", "bad-value", 5, 25);
    refused("slurm = { extra_args = [\"-dsingleton\"] }", "bad-value", 5, 25);
    refused("slurm = { extra_args = [\"-pmain\"] }", "bad-value", 5, 25);
    assert_eq!(places("[slurm]\nconf = \"slurm.conf\"\n"), [("bad-value", 2, 8)]);
    assert_eq!(places("[slurm]\nbinn = \"/opt\"\n"), [("unknown-key", 2, 1)]);
}

#[test]
fn what_slurm_rounds_or_ends_too_early_is_warned_of() {
    let with = |lines: &str| format!("{TASK}executor = \"slurm\"\n{lines}\n");
    assert_eq!(warned(&with("slurm = { time = \"5s\" }")), [("slurm-rounds", 5, 18)]);
    assert_eq!(warned(&with("slurm = { time = \"2m\" }")), []);
    assert_eq!(warned(&with("slurm = { mem = \"5000K\" }")), [("slurm-rounds", 5, 17)]);
    let early = with("execution_timeout = \"1h\"\nslurm = { time = \"10m\" }");
    assert_eq!(warned(&early), [("slurm-time", 6, 18)]);
    let drawn = &load_more(&early).unwrap().warnings[0].drawing;
    assert!(drawn.starts_with("warning[slurm-time]: Slurm ends the task after 10m"), "{drawn}");
}
