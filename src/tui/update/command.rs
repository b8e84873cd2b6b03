//! The command line that shows or does the same as the screen.

use crate::rows;
use crate::rows::tracking::{self, Fact};
use crate::state::lab::PAGE_LEN;
use crate::state::level::LoggedOf;
use crate::state::lineage::AssetPane;
use crate::state::log::WINDOWS;
use crate::state::runs::RunsQuery;
use crate::state::{Level, LogPane, Pane, Popup, Screen, State, View};
use crate::text::shell;
use crate::types::ask::Nesting;
use crate::types::serving::ServingStatus;
use crate::types::why::WhySubject;
use crate::types::{TaskInstanceKey, TrackingRunId};
use crate::update::action;
use crate::update::assets::pane_of;

/// Returns the command for the log that is shown, as it is shown.
fn logs(state: &State, key: &TaskInstanceKey) -> String {
    let mut command = format!(
        "dagdeck logs {} {} {}",
        shell(key.dag_id.as_str()),
        shell(key.dag_run_id.as_str()),
        shell(key.task_id.as_str())
    );
    if key.map_index >= 0 {
        command.push_str(&format!(" --map-index {}", key.map_index));
    }
    if let Some(tried) = state.log.as_ref().and_then(LogPane::wanted_try) {
        command.push_str(&format!(" --try {tried}"));
    }
    let options = &state.log_options;
    if let Some(least) = options.least {
        command.push_str(&format!(" --level {}", least.as_str()));
    }
    if let Some((name, Some(_))) = WINDOWS.get(options.window) {
        command.push_str(&format!(" --since {name}"));
    }
    if options.only_matches {
        command.push_str(&format!(" --grep {}", shell(&options.search.pattern())));
    }
    command
}

/// Returns the command for what is selected.
pub(crate) fn equivalent(state: &State) -> String {
    if let Some(Popup::Why { subject, .. }) = &state.popup {
        return why(subject);
    }
    if let Some(Popup::Run { key, .. }) = &state.popup {
        let (dag, run) = (shell(key.dag_id.as_str()), shell(key.dag_run_id.as_str()));
        return format!("dagdeck runs show {dag} {run}");
    }
    let level = state.level();
    if let Some(item) = rows::attention::selected(state) {
        return item.remedy.clone();
    }
    match &level.screen {
        Screen::Attention => "dagdeck attention".to_owned(),
        Screen::Root(View::Dags) => match action::dag_here(state) {
            Some(dag_id) => format!("dagdeck dags show {}", shell(dag_id.as_str())),
            None => "dagdeck dags list".to_owned(),
        },
        Screen::Dag(dag_id) => format!("dagdeck dags show {}", shell(dag_id.as_str())),
        Screen::Form(dag_id) => match state.forms.get(dag_id) {
            Some(form) => form.command(),
            None => format!("dagdeck trigger {}", shell(dag_id.as_str())),
        },
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            match rows::selected(level, &rows::runs(state, level)) {
                Some(run) => format!(
                    "dagdeck runs show {} {}",
                    shell(run.dag_id.as_str()),
                    shell(run.dag_run_id.as_str())
                ),
                None => RunsQuery::read(level).0.command(),
            }
        }
        Screen::Run(key) => {
            let run = format!("{} {}", shell(key.dag_id.as_str()), shell(key.dag_run_id.as_str()));
            match (level.pane, rows::selected_task(state)) {
                (Pane::Log, Some(task)) => logs(state, &task.key),
                (Pane::Graph, _) => {
                    let (dag, run) = (key.dag_id.as_str(), key.dag_run_id.as_str());
                    format!("dagdeck dags graph {} --run {}", shell(dag), shell(run))
                }
                _ => format!("dagdeck runs show {run}"),
            }
        }
        Screen::Log(key) => logs(state, key),
        Screen::Operations => "dagdeck operations list".to_owned(),
        Screen::Operation(id) => format!("dagdeck operations show {id}"),
        Screen::Backfill(_, id) => format!("dagdeck backfill show {id}"),
        Screen::DaemonLog => "dagdeck system log --follow".to_owned(),
        Screen::Root(View::Assets) | Screen::Asset(_) => assets(state),
        Screen::AssetWhy(name) => format!("dagdeck assets why {}", shell(name.as_str())),
        Screen::Impact(name) => format!("dagdeck assets impact {}", shell(name.as_str())),
        Screen::Chain(id) => format!("dagdeck assets trace {}", shell(id)),
        Screen::Columns(id) => format!("dagdeck assets lineage {} --columns", shell(id)),
        Screen::Root(View::Experiments) => "dagdeck experiments list".to_owned(),
        Screen::Experiment(name) => {
            let query = tracking::query(state, level, name);
            let mut command = format!("dagdeck experiments runs {}", shell(name));
            if !query.filter.is_empty() {
                command.push_str(&format!(" --filter {}", shell(&query.filter)));
            }
            if query.nesting == Nesting::Top {
                command.push_str(" --top");
            }
            for order in &query.order_by {
                command.push_str(&format!(" --order-by {}", shell(order)));
            }
            if query.offset > 0 {
                command.push_str(&format!(" --limit {PAGE_LEN} --offset {}", query.offset));
            }
            command
        }
        Screen::TrackingRun(run_id) => match fact(state, level, run_id) {
            Some(Fact::Metric(name, _)) => {
                format!("dagdeck experiments metric {run_id} {}", shell(name))
            }
            Some(Fact::Artifact(path, _)) => artifact(run_id, path),
            _ => format!("dagdeck experiments show {run_id}"),
        },
        Screen::Trials(_) | Screen::TaskTrials(_) => match rows::trials::run_id(state, level) {
            Some(run_id) => format!("dagdeck experiments trials {run_id}"),
            None => "dagdeck experiments list".to_owned(),
        },
        Screen::LoggedModels(LoggedOf::Experiment(name)) => {
            format!("dagdeck models logged {}", shell(name))
        }
        Screen::LoggedModels(LoggedOf::Run(run_id)) => {
            format!("dagdeck models logged --run {run_id}")
        }
        Screen::LoggedModel(model_id) => format!("dagdeck models logged-model show {model_id}"),
        Screen::Artifact(run_id, path) => artifact(run_id, path),
        Screen::CompareRuns(ids) => {
            let ids: Vec<&str> = ids.iter().map(TrackingRunId::as_str).collect();
            let only = if state.lab.only_differences { " --only-differences" } else { "" };
            format!("dagdeck experiments compare {}{only}", ids.join(" "))
        }
        Screen::Root(View::Models) => match rows::models::marked_pair(state) {
            Some([one, other]) if one.name == other.name => {
                compare(&one.name, one.version, other.version)
            }
            _ => "dagdeck models list".to_owned(),
        },
        Screen::Model(name) => format!("dagdeck models show {}", shell(name)),
        Screen::Compare(left, right) if left.0 == right.0 => compare(&left.0, left.1, right.1),
        Screen::Compare(left, right) => {
            format!(
                "dagdeck models show {}; dagdeck models show {}",
                shell(&left.0),
                shell(&right.0)
            )
        }
        Screen::Root(View::Serving) => {
            let example = state.cache.serving().and_then(ServingStatus::example_command);
            example.unwrap_or_else(|| "dagdeck serving status".to_owned())
        }
        Screen::Drift(model, version) => {
            format!("dagdeck serving drift {} --bins", shell(&format!("{model}/{version}")))
        }
        Screen::Versions(dag_id) => format!("dagdeck dags versions {}", shell(dag_id.as_str())),
        Screen::Diff(dag_id, from, to) => {
            format!("dagdeck dags diff {} {from} {to}", shell(dag_id.as_str()))
        }
        Screen::Backfills(dag_id) => format!("dagdeck backfill list {}", shell(dag_id.as_str())),
        Screen::Approvals => "dagdeck approvals list".to_owned(),
        Screen::Commands => {
            let order = rows::selected(level, &rows::orders(state, level));
            order.map_or("dagdeck operations list".to_owned(), |order| order.command.clone())
        }
        Screen::Root(View::System) if level.cursor(&rows::keys(state, level)) > 0 => {
            let settings = rows::settings(state, level);
            match settings.get(level.cursor(&rows::keys(state, level))) {
                Some(rows::Setting::Worker(_)) => "dagdeck executors".to_owned(),
                Some(rows::Setting::Pool(pool)) => {
                    format!("dagdeck pools get {}", shell(&pool.pool))
                }
                Some(rows::Setting::Variable(variable)) => {
                    format!("dagdeck variables get {}", shell(&variable.key))
                }
                Some(rows::Setting::Connection(connection)) => {
                    format!("dagdeck connections get {}", shell(&connection.conn_id))
                }
                None => "dagdeck status".to_owned(),
            }
        }
        Screen::Root(View::Events) => "dagdeck events".to_owned(),
        Screen::Root(View::System) => "dagdeck status".to_owned(),
        Screen::Definitions => "dagdeck check".to_owned(),
    }
}

fn compare(name: &str, from: u32, to: u32) -> String {
    format!("dagdeck models compare {} {from} {to}", shell(name))
}

fn assets(state: &State) -> String {
    let Some(asset) = rows::assets::shown(state) else { return "dagdeck assets list".to_owned() };
    let name = shell(asset.name.as_str());
    let hops = state.level().lineage.hops;
    match pane_of(state) {
        AssetPane::Tree => "dagdeck assets list".to_owned(),
        AssetPane::Lineage => format!("dagdeck assets lineage {name} --up {hops} --down {hops}"),
        AssetPane::Details => format!("dagdeck assets events {name}"),
    }
}

fn why(subject: &WhySubject) -> String {
    let mut command = format!("dagdeck why {}", shell(subject.dag_id.as_str()));
    if let Some(run) = &subject.dag_run_id {
        command.push_str(&format!(" {}", shell(run.as_str())));
    }
    if let Some(task_id) = &subject.task_id {
        let index = subject.map_index.filter(|index| *index >= 0);
        let index = index.map(|index| format!("[{index}]")).unwrap_or_default();
        command.push_str(&format!(" {}", shell(&format!("{task_id}{index}"))));
    }
    command
}

fn artifact(run_id: &TrackingRunId, path: &str) -> String {
    format!("dagdeck experiments artifact {run_id} {}", shell(path))
}

fn fact<'a>(state: &'a State, level: &Level, run_id: &TrackingRunId) -> Option<Fact<'a>> {
    let facts = tracking::facts(state.cache.tracking_run(run_id)?);
    facts.get(level.cursor(&rows::keys(state, level))).copied()
}
