//! `[serving.traffic.NAME]` and `[serving.log]`.

use indexmap::IndexMap;

use crate::check::fields::{Fields, Text};
use crate::check::report::Reporter;
use crate::file::{Node, Written};
use crate::serving::{LogSpec, ShadowSpec, TrafficSpec, VersionSpec};
use crate::types::serving::Sticky;

/// Smaller files than this would be all that is kept.
const LOG_BYTES_MIN: u64 = 1 << 20;

/// Reads how the requests of each model are divided beside the percents.
pub(super) fn of_models(
    report: &Reporter,
    fields: &mut Fields<'_>,
) -> IndexMap<String, TrafficSpec> {
    let mut models = IndexMap::new();
    let Some((table, _)) = fields.table("traffic") else { return models };
    for (name, entry) in &table.0 {
        let Some(table) = entry.node.as_table() else {
            fields.wrong_type(name, &entry.node, "a table, such as `[serving.traffic.iris]`");
            continue;
        };
        let what = format!("the traffic of `{name}`");
        models.insert(name.clone(), of_model(Fields::new(report, what, table, entry.key), report));
    }
    models
}

fn of_model(mut fields: Fields<'_>, report: &Reporter) -> TrafficSpec {
    let sticky = fields.text("sticky").and_then(|written| sticky(report, written));
    let version = fields.node("shadow").and_then(|node| version(report, &fields, node));
    let percent = fields.integer("shadow_percent", 1..=100_u8);
    if version.is_none() && percent.is_some() {
        fields.missing("shadow", "it names the version that gets copies");
    }
    fields.finish();
    let percent = percent.unwrap_or(100);
    TrafficSpec { sticky, shadow: version.map(|version| ShadowSpec { version, percent }) }
}

fn sticky(report: &Reporter, written: Text<'_>) -> Option<Sticky> {
    let read = written.text.parse();
    if let Err(message) = &read {
        let help = "write `header:X-User`, or `api_key`".to_owned();
        report.error(written.span, "bad-value", String::clone(message), help);
    }
    read.ok()
}

fn version(report: &Reporter, fields: &Fields<'_>, node: &Node) -> Option<VersionSpec> {
    match &node.value {
        Written::Integer(number) => match u32::try_from(*number) {
            Ok(number) if number > 0 => Some(VersionSpec::Number(number)),
            _ => {
                let message = format!("`shadow` is {number}, which is no version");
                report.error(node.span, "bad-value", message, None);
                None
            }
        },
        Written::Text(alias) if !alias.is_empty() => Some(VersionSpec::Alias(alias.clone())),
        _ => {
            fields.wrong_type("shadow", node, "a version's number or an alias");
            None
        }
    }
}

/// Reads what is kept of predictions; nothing is, where the table is not there.
pub(super) fn log(report: &Reporter, fields: &mut Fields<'_>) -> Option<LogSpec> {
    let (table, place) = fields.table("log")?;
    let mut fields = Fields::new(report, "the prediction log", table, place);
    let usual = LogSpec::default();
    let spec = LogSpec {
        sample: fields.share("sample").unwrap_or(usual.sample),
        redact: fields.texts("redact").into_iter().map(|column| column.text.to_owned()).collect(),
        keep: fields.duration("keep").unwrap_or(usual.keep),
        max_bytes: fields.integer("max_bytes", LOG_BYTES_MIN..=1 << 40).unwrap_or(usual.max_bytes),
    };
    fields.finish();
    Some(spec)
}
