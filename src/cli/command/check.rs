//! `check`: the errors of `dags.toml`, all at once, without a daemon; with `--slurm` also what the
//! cluster says to the tasks that go to it.

use std::sync::Arc;

use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::dag::{self, Deck};
use crate::runtime::Layout;
use crate::runtime::executor::Launcher;
use crate::runtime::executor::slurm::trial::{Trial, trials};
use crate::store::settings;
use crate::types::view::DiagnosticView;

/// Checks the definitions: 0 where they are right, 2 where they are not, 1 where Slurm would not
/// run a task.
pub async fn check(layout: &Layout, slurm: bool, output: &mut Output) -> Result<u8, CliError> {
    let lookup = env::lookup();
    // What operators have set at run time may be named as well.
    let settings = settings::peek(&layout.database());
    match dag::load(layout.project(), &|name| lookup(name), &settings) {
        Ok(deck) => right(layout, deck, slurm, output).await,
        Err(diagnostics) => {
            let errors: Vec<DiagnosticView> = diagnostics.0.iter().map(Into::into).collect();
            let body = serde_json::json!({ "ok": false, "errors": errors });
            output.answer(&body, |_| {
                let count = errors.len();
                let s = if count == 1 { "" } else { "s" };
                format!("{diagnostics}\n{count} error{s}")
            });
            Ok(2)
        }
    }
}

/// Says that they are right, with what is odd about them, and what Slurm thinks.
async fn right(
    layout: &Layout,
    deck: Deck,
    slurm: bool,
    output: &mut Output,
) -> Result<u8, CliError> {
    let warnings: Vec<DiagnosticView> = deck.warnings.iter().map(Into::into).collect();
    let drawn: String = deck.warnings.iter().map(|w| format!("{}\n", w.drawing)).collect();
    let dags = deck.dags.len();
    let mut body = serde_json::json!({
        "ok": true, "dags": dags, "errors": [], "warnings": warnings,
    });
    let mut text = format!("{drawn}dags.toml is right: {dags} DAGs");
    let mut code = 0;
    if slurm {
        let launcher = Launcher {
            executable: env::executable().map_err(|e| CliError::io("find this program", &e))?,
            project: layout.project().to_owned(),
            environment: env::inherited(),
        };
        let asked = trials(Arc::new(deck), launcher).await;
        let refused = |trial: &Trial| trial.problem.is_some();
        code = u8::from(asked.as_ref().map_or(true, |all| all.iter().any(refused)));
        text += &match &asked {
            Ok(trials) if trials.is_empty() => "\nno task goes to Slurm".to_owned(),
            Ok(trials) => trials.iter().map(line).collect(),
            Err(why) => format!("\nSlurm cannot be asked: {why}"),
        };
        body["slurm"] = match asked {
            Ok(trials) => serde_json::json!(trials),
            Err(why) => serde_json::json!({ "error": why }),
        };
    }
    output.answer(&body, |_| text);
    Ok(code)
}

fn line(trial: &Trial) -> String {
    let asks = match trial.arguments.is_empty() {
        true => "nothing special".to_owned(),
        false => trial.arguments.join(" "),
    };
    let tasks = trial.tasks.join(", ");
    match &trial.problem {
        Some(why) => format!("\nSlurm would not run {tasks} ({asks}): {why}"),
        None => format!("\nSlurm would run {tasks} ({asks})"),
    }
}
