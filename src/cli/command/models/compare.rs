//! Two versions of a model side by side.

use std::collections::BTreeSet;

use crate::cli::error::CliError;
use crate::cli::output::{or_dash, table};
use crate::types::Fault;
use crate::types::metric::is_gain;
use crate::types::view::{ModelDetailView, ModelVersionView};

/// Returns the two versions; refuses what there is not.
pub(super) fn pick(
    model: &ModelDetailView,
    from: u32,
    to: u32,
) -> Result<[ModelVersionView; 2], CliError> {
    let find = |version: u32| {
        let found = model.versions.iter().find(|found| found.version == version).cloned();
        found.ok_or_else(|| {
            let name = &model.model.name;
            Fault::not_found(format!("model `{name}` has no version {version}"))
                .hint(format!("`dagdeck models show {name}` shows what there is"))
        })
    };
    Ok([find(from)?, find(to)?])
}

/// Draws what the two have, in one table.
pub(super) fn draw(versions: &[ModelVersionView; 2], only_different: bool) -> String {
    let [from, to] = versions;
    let mut rows = Vec::new();
    for key in keys(&from.metrics, &to.metrics) {
        let (before, after) = (value(&from.metrics, key), value(&to.metrics, key));
        let change = match (before, after) {
            (Some(before), Some(after)) => {
                let verdict = match is_gain(key, *before, *after) {
                    Some(true) => " better",
                    Some(false) => " worse",
                    None => "",
                };
                format!("{:+.4}{verdict}", after - before)
            }
            _ => "-".to_owned(),
        };
        let number = |value: Option<&f64>| or_dash(value.map(|value| format!("{value:.4}")));
        rows.push((before != after, vec![key.clone(), number(before), number(after), change]));
    }
    let mut texts = |key: &str, before: Option<String>, after: Option<String>| {
        let differs = before != after;
        let verdict = if differs { "differs" } else { "" }.to_owned();
        rows.push((differs, vec![key.to_owned(), or_dash(before), or_dash(after), verdict]));
    };
    for key in keys(&from.params, &to.params) {
        texts(key, value(&from.params, key).cloned(), value(&to.params, key).cloned());
    }
    for tag in ["dagdeck.dataset", "dagdeck.dataset_digest"] {
        let name = tag.trim_start_matches("dagdeck.");
        texts(name, value(&from.tags, tag).cloned(), value(&to.tags, tag).cloned());
    }
    texts("made by", code(from), code(to));
    let bytes = |version: &ModelVersionView| version.size_bytes.map(|bytes| format!("{bytes} B"));
    texts("size", bytes(from), bytes(to));
    let rows = rows.into_iter().filter(|(differs, _)| *differs || !only_different);
    let names = [format!("V{}", from.version), format!("V{}", to.version)];
    table(&["", &names[0], &names[1], "CHANGE"], rows.map(|(_, row)| row), "nothing differs")
}

/// Says which version of which DAG made it.
fn code(version: &ModelVersionView) -> Option<String> {
    let origin = version.origin.as_ref()?;
    Some(match origin.dag_version_number {
        Some(number) => format!("{} v{number}", origin.run.dag_id),
        None => origin.run.dag_id.to_string(),
    })
}

fn keys<'a, V>(one: &'a [(String, V)], other: &'a [(String, V)]) -> BTreeSet<&'a String> {
    one.iter().chain(other).map(|(key, _)| key).collect()
}

fn value<'a, V>(list: &'a [(String, V)], key: &str) -> Option<&'a V> {
    list.iter().find(|(found, _)| found == key).map(|(_, value)| value)
}
