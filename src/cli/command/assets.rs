//! `assets list|lineage|emit`.

use std::collections::BTreeSet;

use crate::cli::args::AssetsCommand;
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::view::{AssetView, LineageNode, LineageView};

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
        AssetsCommand::Lineage { asset } => {
            let request = Request::ShowLineage { asset: asset.map(Into::into) };
            let answer = ask(layout, request).await?;
            let lineage =
                expect_answer!(answer, Answer::Lineage(lineage) => lineage, "assets lineage");
            output.answer(&lineage, tree);
        }
        AssetsCommand::Emit { asset, extra } => {
            let extra = extra.into_iter().collect();
            let request = Request::EmitAsset { name: asset.as_str().into(), extra };
            ask(layout, request).await?;
            let body = serde_json::json!({ "asset": asset });
            output.answer(&body, |_| format!("{asset} has changed: taken note of"));
        }
    }
    Ok(0)
}

fn list(assets: &[AssetView]) -> String {
    let row = |asset: &AssetView| {
        let producers: Vec<String> =
            asset.producing_tasks.iter().map(|(dag, task)| format!("{dag}.{task}")).collect();
        let starts: Vec<String> = asset.scheduled_dags.iter().map(ToString::to_string).collect();
        vec![
            asset.name.to_string(),
            asset.uri.clone(),
            ago(asset.last_event.as_ref().map(|event| event.timestamp)),
            asset.event_count.to_string(),
            producers.join(","),
            starts.join(","),
        ]
    };
    let header = ["ASSET", "URI", "CHANGED", "EVENTS", "PRODUCED BY", "STARTS"];
    table(&header, assets.iter().map(row), "no assets: add [asset.NAME] to dags.toml")
}

/// Draws the lineage as a tree, from what nothing comes before.
fn tree(lineage: &LineageView) -> String {
    if lineage.nodes.is_empty() {
        return "no lineage: name inlets and outlets in dags.toml".to_owned();
    }
    let mut lines = Vec::new();
    let mut drawn = BTreeSet::new();
    let is_root = |node: &&LineageNode| !lineage.edges.iter().any(|(_, to)| *to == node.id);
    for root in lineage.nodes.iter().filter(is_root) {
        branch(lineage, root, 0, &mut drawn, &mut lines);
    }
    // What only stands in a circle has no root: begin anywhere.
    for node in &lineage.nodes {
        if !drawn.contains(&node.id) {
            branch(lineage, node, 0, &mut drawn, &mut lines);
        }
    }
    lines.join("\n")
}

fn branch(
    lineage: &LineageView,
    node: &LineageNode,
    depth: usize,
    drawn: &mut BTreeSet<String>,
    lines: &mut Vec<String>,
) {
    let kind = format!("{:?}", node.kind).to_lowercase();
    let seen = !drawn.insert(node.id.clone());
    let again = if seen { "  (see above)" } else { "" };
    lines.push(format!("{}{} {}{again}", "  ".repeat(depth), kind, node.name));
    if seen {
        return;
    }
    for (_, to) in lineage.edges.iter().filter(|(from, _)| *from == node.id) {
        if let Some(next) = lineage.nodes.iter().find(|next| next.id == *to) {
            branch(lineage, next, depth + 1, drawn, lines);
        }
    }
}
