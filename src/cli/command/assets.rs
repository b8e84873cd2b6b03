//! `assets list|lineage|trace|why|impact|events|checks|emit|partitions`.

mod draw;
mod trace;

use crate::cli::args::{AssetsCommand, LineageFormat};
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, LineageReach, Request};
use crate::types::freshness::{AssetEventView, AssetWhy, Freshness, PartitionView};
use crate::types::io::{CheckView, OnFail};
use crate::types::view::{AssetView, LineageView};

/// Carries out a command about assets.
pub async fn dispatch(
    layout: &Layout,
    command: AssetsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        AssetsCommand::List => {
            let answer = ask(layout, Request::ListAssets).await?;
            let assets = expect_answer!(answer, Answer::Assets(assets) => assets, "assets list");
            output.answer(&assets, |assets| list(assets));
        }
        AssetsCommand::Lineage { name: Some(of), columns: true, format, .. } => {
            let answer = ask(layout, Request::ListColumns { of, column: None }).await?;
            let columns = expect_answer!(answer, Answer::Columns(view) => view, "assets lineage");
            output.answer(&columns, |columns| match format {
                LineageFormat::Tree => trace::columns(columns),
                LineageFormat::Mermaid => trace::columns_mermaid(columns),
                LineageFormat::Dot => trace::columns_dot(columns),
            });
        }
        AssetsCommand::Trace { name } => {
            let answer = ask(layout, Request::TraceLineage { of: name }).await?;
            let found = expect_answer!(answer, Answer::Trace(trace) => trace, "assets trace");
            output.answer(&found, |found| trace::trace(found));
        }
        AssetsCommand::Lineage { name, up, down, format, .. } => {
            let reach = LineageReach { up, down, limit: None };
            let lineage = lineage(layout, name, reach).await?;
            output.answer(&lineage, |lineage| match format {
                LineageFormat::Tree => draw::tree(lineage),
                LineageFormat::Mermaid => draw::mermaid(lineage),
                LineageFormat::Dot => draw::dot(lineage),
            });
        }
        AssetsCommand::Why { asset } => {
            let request = Request::ExplainAsset { name: asset.as_str().into() };
            let answer = ask(layout, request).await?;
            let why = expect_answer!(answer, Answer::AssetWhy(why) => why, "assets why");
            output.answer(&why, |why| tell(why));
        }
        AssetsCommand::Impact { asset } => {
            let reach = LineageReach { up: Some(0), down: None, limit: None };
            let lineage = lineage(layout, Some(asset), reach).await?;
            output.answer(&lineage, impact);
        }
        AssetsCommand::Events { asset, limit } => {
            let request = Request::ListAssetEvents { asset: Some(asset.as_str().into()), limit };
            let answer = ask(layout, request).await?;
            let events =
                expect_answer!(answer, Answer::AssetEvents(events) => events, "assets events");
            output.answer(&events, |events| list_events(events));
        }
        AssetsCommand::Checks { asset, limit } => {
            let request = Request::ListAssetChecks { asset: asset.as_str().into(), limit };
            let answer = ask(layout, request).await?;
            let checks =
                expect_answer!(answer, Answer::AssetChecks(checks) => checks, "assets checks");
            output.answer(&checks, |checks| list_checks(checks));
        }
        AssetsCommand::Emit { asset, extra, partition_key } => {
            let (name, extra) = (asset.as_str().into(), extra.into_iter().collect());
            let request =
                Request::EmitAsset { name, uri: None, extra, partition_key, from_api: false };
            let answer = ask(layout, request).await?;
            let event = expect_answer!(answer, Answer::AssetEvent(event) => event, "assets emit");
            output.answer(&event, |event| match &event.partition_key {
                Some(key) => format!("{asset} has changed, partition {key}: taken note of"),
                None => format!("{asset} has changed: taken note of"),
            });
        }
        AssetsCommand::Partitions { asset, limit } => {
            let request = Request::ListPartitions { asset: asset.as_str().into(), limit };
            let answer = ask(layout, request).await?;
            let found =
                expect_answer!(answer, Answer::Partitions(found) => found, "assets partitions");
            output.answer(&found, |found| list_partitions(found));
        }
    }
    Ok(0)
}

async fn lineage(
    layout: &Layout,
    of: Option<String>,
    reach: LineageReach,
) -> Result<LineageView, CliError> {
    let request = Request::ShowLineage { of, reach };
    let answer = ask(layout, request).await?;
    Ok(expect_answer!(answer, Answer::Lineage(lineage) => lineage, "assets lineage"))
}

fn list(assets: &[AssetView]) -> String {
    let row = |asset: &AssetView| {
        let producers: Vec<String> =
            asset.producing_tasks.iter().map(|(dag, task)| format!("{dag}.{task}")).collect();
        let starts: Vec<String> = asset.scheduled_dags.iter().map(ToString::to_string).collect();
        vec![
            asset.name.to_string(),
            word(asset.freshness).to_owned(),
            asset.uri.clone(),
            ago(asset.last_event.as_ref().map(|event| event.timestamp)),
            asset.event_count.to_string(),
            producers.join(","),
            starts.join(","),
        ]
    };
    let header = ["ASSET", "STATE", "URI", "CHANGED", "EVENTS", "PRODUCED BY", "STARTS"];
    table(&header, assets.iter().map(row), "no assets: add [asset.NAME] to dags.toml")
}

fn list_checks(checks: &[CheckView]) -> String {
    let row = |check: &CheckView| {
        let result = &check.result;
        let came_to = match (result.passed, result.on_fail) {
            (true, _) => "ok",
            (false, OnFail::Fail) => "failed",
            (false, OnFail::Warn) => "warned",
        };
        let value = result.figures.clone().unwrap_or_else(|| result.value.to_string());
        vec![
            came_to.to_owned(),
            result.expect.clone(),
            value,
            ago(Some(check.timestamp)),
            format!("{}.{}", check.task.dag_id, check.task.task_id),
            check.task.dag_run_id.to_string(),
        ]
    };
    let header = ["RESULT", "EXPECTATION", "VALUE", "CHECKED", "BY", "RUN"];
    let empty = "no check guards it, or none has run: `table.check` before the task that makes it";
    table(&header, checks.iter().map(row), empty)
}

const fn word(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Fresh => "fresh",
        Freshness::Never => "never",
        Freshness::Stale => "stale",
    }
}

/// Tells the way from the root cause down, a step a line.
fn tell(why: &AssetWhy) -> String {
    let made_of_it = match why.downstream_assets {
        0 => String::new(),
        1 => "; one asset is made of it".to_owned(),
        n => format!("; {n} assets are made of it"),
    };
    let mut lines = vec![format!("{} is {}{made_of_it}", why.name, word(why.freshness))];
    if why.path.len() > 1 {
        lines.push(format!("root cause: {}", why.way()));
    }
    for step in &why.path {
        lines.push(format!("  {}, {}: {}", step.asset, changed(step.last), step.text));
        if let Some(remedy) = &step.remedy {
            lines.push(format!("    {remedy}"));
        }
    }
    for one in &why.callbacks {
        let (event, action) = (one.event.as_str(), one.spec.action.name());
        let said = one.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let state = one.state.as_str();
        lines.push(format!("told {}: {event}, {action} {state}{said}", ago(Some(one.created_at))));
    }
    lines.push(
        "old means: an input changed since, the run that was to make it failed, or it is older \
         than its `freshness`"
            .to_owned(),
    );
    lines.join("\n")
}

fn changed(last: Option<crate::types::Timestamp>) -> String {
    last.map_or_else(|| "never made".to_owned(), |last| format!("changed {}", ago(Some(last))))
}

fn impact(lineage: &LineageView) -> String {
    let mut nodes: Vec<_> = lineage.nodes.iter().filter(|node| node.hop > 0).collect();
    nodes.sort_by_key(|node| node.hop);
    let rows = nodes.into_iter().map(|node| {
        let state = node.freshness.map(|freshness| word(freshness).to_owned());
        let state = state.or_else(|| node.state.map(|state| state.to_string()));
        vec![
            node.hop.to_string(),
            node.kind.as_str().to_owned(),
            node.name.clone(),
            or_dash(state),
            ago(node.last),
        ]
    });
    table(&["HOPS", "KIND", "NAME", "STATE", "CHANGED"], rows, "nothing is made of it")
}

fn started(view: &AssetEventView) -> String {
    let runs = view.started_runs.iter();
    let runs: Vec<String> =
        runs.map(|run| format!("{} {} ({})", run.dag_id, run.dag_run_id, run.state)).collect();
    runs.join(", ")
}

fn list_partitions(partitions: &[PartitionView]) -> String {
    let rows = partitions.iter().map(|one| {
        let event = &one.last.event;
        vec![
            one.partition_key.clone(),
            event.kind.as_str().to_owned(),
            ago(Some(event.timestamp)),
            one.events.to_string(),
            event.source.to_string(),
            started(&one.last),
        ]
    });
    let none = "no partitions: name them in its uri (`{date}`), or in its events";
    table(&["PARTITION", "WHAT", "WHEN", "EVENTS", "BY", "STARTED"], rows, none)
}

fn list_events(events: &[AssetEventView]) -> String {
    let rows = events.iter().map(|view| {
        let event = &view.event;
        let extra: Vec<String> =
            event.extra.iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![
            ago(Some(event.timestamp)),
            event.kind.as_str().to_owned(),
            or_dash(event.partition_key.clone()),
            event.source.to_string(),
            started(view),
            extra.join(" "),
        ]
    });
    let header = ["WHEN", "WHAT", "PARTITION", "BY", "STARTED", "EXTRA"];
    table(&header, rows, "no event of it yet")
}
