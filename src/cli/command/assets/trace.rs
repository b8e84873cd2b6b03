//! Draws columns with where they come from, and the chain from a file to an answer.

use std::collections::BTreeMap;

use crate::cli::command::graph::{dot_quoted, mermaid_label};
use crate::cli::output::ago;
use crate::types::view::{ColumnStep, ColumnsView, TraceStep, TraceView};

/// Draws each column with what it comes from below it.
pub(super) fn columns(view: &ColumnsView) -> String {
    let mut lines = vec![format!("{} {}", view.kind.as_str(), view.name)];
    if view.columns.is_empty() {
        lines.push(
            "  nothing was told of its columns yet: a run of what writes it tells".to_owned(),
        );
    }
    for column in &view.columns {
        let kind = if column.column_type.is_empty() {
            String::new()
        } else {
            format!(" {}", column.column_type)
        };
        let unknown = if column.origins.is_empty() { "  (nobody told where from)" } else { "" };
        lines.push(format!("  {}{kind}{unknown}", column.name));
        lines.extend(column.origins.iter().map(|step| {
            let indent = "  ".repeat(1 + step.depth as usize);
            let how = if step.computed { "computed from" } else { "from" };
            format!("{indent}{how} {}.{}  ({})", step.dataset, step.column, step.by)
        }));
    }
    lines.join("\n")
}

/// A column of a data set, as a node of a drawing.
type Place<'a> = (&'a str, &'a str);

/// Returns the columns with the edges between them: from, to, whether something is made of it.
fn edges(view: &ColumnsView) -> Vec<(Place<'_>, Place<'_>, bool)> {
    let mut found = Vec::new();
    for column in &view.columns {
        let mut way: Vec<Place<'_>> = vec![(&view.name, &column.name)];
        for step in &column.origins {
            way.truncate(step.depth as usize);
            let here = (step.dataset.as_str(), step.column.as_str());
            if let Some(to) = way.last() {
                let edge = (here, *to, step.computed);
                if !found.contains(&edge) {
                    found.push(edge);
                }
            }
            way.push(here);
        }
    }
    found
}

fn numbered(view: &ColumnsView) -> BTreeMap<Place<'_>, String> {
    let own = view.columns.iter().map(|column| (view.name.as_str(), column.name.as_str()));
    let steps = view.columns.iter().flat_map(|column| &column.origins);
    let all = own.chain(steps.map(|step: &ColumnStep| (&*step.dataset, &*step.column)));
    let mut names = BTreeMap::new();
    for place in all {
        let next = format!("n{}", names.len());
        names.entry(place).or_insert(next);
    }
    names
}

/// Draws columns as Mermaid reads it: dotted is what is computed.
pub(super) fn columns_mermaid(view: &ColumnsView) -> String {
    let names = numbered(view);
    let mut lines = vec!["flowchart LR".to_owned()];
    for ((dataset, column), name) in &names {
        lines.push(format!("    {name}[\"{}\"]", mermaid_label(&format!("{dataset}.{column}"))));
    }
    for (from, to, computed) in edges(view) {
        let arrow = if computed { "-.->" } else { "-->" };
        lines.push(format!("    {} {arrow} {}", names[&from], names[&to]));
    }
    lines.join("\n")
}

/// Draws columns as Graphviz reads it.
pub(super) fn columns_dot(view: &ColumnsView) -> String {
    let names = numbered(view);
    let mut lines = vec!["digraph columns {".to_owned(), "    rankdir=LR;".to_owned()];
    for ((dataset, column), name) in &names {
        let label = dot_quoted(&format!("{dataset}.{column}"));
        lines.push(format!("    {name} [shape=box, label={label}];"));
    }
    for (from, to, computed) in edges(view) {
        let style = if computed { " [style=dotted]" } else { "" };
        lines.push(format!("    {} -> {}{style};", names[&from], names[&to]));
    }
    lines.push("}".to_owned());
    lines.join("\n")
}

/// Draws the chain: what it was made of, itself, what was made of it.
pub(super) fn trace(view: &TraceView) -> String {
    let mut lines = vec!["made of".to_owned()];
    lines.extend(steps(&view.upstream, "nothing that is known"));
    lines.push(String::new());
    lines.push(format!("{} {}", view.kind.as_str(), view.name));
    lines.push(String::new());
    lines.push("became".to_owned());
    lines.extend(steps(&view.downstream, "nothing that is known"));
    if view.is_cut {
        lines.push(String::new());
        lines.push("there is more: trace one of the steps".to_owned());
    }
    lines.join("\n")
}

fn steps(steps: &[TraceStep], none: &str) -> Vec<String> {
    if steps.is_empty() {
        return vec![format!("  {none}")];
    }
    let line = |step: &TraceStep| {
        let indent = "  ".repeat(step.depth as usize);
        let mut words: Vec<String> = Vec::new();
        if !step.text.is_empty() {
            words.push(step.text.clone());
        }
        words.extend(step.when.map(|when| ago(Some(when))));
        let words =
            if words.is_empty() { String::new() } else { format!("  ({})", words.join(", ")) };
        let kind = match step.kind {
            crate::types::view::TraceKind::Data => String::new(),
            kind => format!("{} ", kind.as_str()),
        };
        format!("{indent}{kind}{}{words}", step.name)
    };
    steps.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::view::{ColumnTrace, LineageKind, TraceKind};

    fn view() -> ColumnsView {
        let step = |depth, dataset: &str, column: &str, computed| ColumnStep {
            depth,
            dataset: dataset.into(),
            namespace: "n".into(),
            name: dataset.into(),
            column: column.into(),
            computed,
            by: "etl.load".into(),
        };
        let column = |name: &str, origins| ColumnTrace {
            name: name.into(),
            column_type: "REAL".into(),
            origins,
        };
        ColumnsView {
            id: "table:t".into(),
            kind: LineageKind::Table,
            name: "t".into(),
            columns: vec![
                column("yearly", vec![step(1, "s", "pay", true), step(2, "f.csv", "pay", false)]),
                column("pay", vec![step(1, "s", "pay", false), step(2, "f.csv", "pay", false)]),
                column("made", vec![]),
            ],
        }
    }

    #[test]
    fn columns_are_drawn_with_where_they_come_from() {
        assert_eq!(
            columns(&view()),
            "table t\n  yearly REAL\n    computed from s.pay  (etl.load)\n      \
             from f.csv.pay  (etl.load)\n  pay REAL\n    from s.pay  (etl.load)\n      \
             from f.csv.pay  (etl.load)\n  made REAL  (nobody told where from)"
        );
        let mermaid = columns_mermaid(&view());
        assert_eq!(mermaid.matches("-.->").count(), 1, "{mermaid}");
        assert_eq!(mermaid.matches(" --> ").count(), 2, "an edge is drawn once: {mermaid}");
        let dot = columns_dot(&view());
        assert!(dot.contains("[shape=box, label=\"f.csv.pay\"]") && dot.contains("style=dotted"));
        let none = ColumnsView { columns: vec![], ..view() };
        assert!(columns(&none).contains("nothing was told of its columns yet"));
    }

    #[test]
    fn the_chain_is_drawn_both_ways() {
        let step = |depth, kind, name: &str, text: &str| TraceStep {
            depth,
            kind,
            name: name.into(),
            text: text.into(),
            when: None,
            node: None,
            run: None,
        };
        let view = TraceView {
            id: "version:iris/1".into(),
            kind: LineageKind::Version,
            name: "iris v1".into(),
            upstream: vec![
                step(1, TraceKind::Dataset, "iris", "150 rows"),
                step(2, TraceKind::Data, "file data/iris.csv", ""),
            ],
            downstream: vec![],
            is_cut: true,
        };
        assert_eq!(
            trace(&view),
            "made of\n  data set iris  (150 rows)\n    file data/iris.csv\n\nversion iris v1\n\n\
             became\n  nothing that is known\n\nthere is more: trace one of the steps"
        );
    }
}
