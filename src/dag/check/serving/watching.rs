//! `[serving.drift]`, with `[serving.drift.models.NAME]` over it, and `[serving.alert]`.

use std::time::Duration;

use indexmap::IndexMap;

use crate::check::fields::Fields;
use crate::check::{Context, callback};
use crate::file::Written;
use crate::serving::{AlertSpec, DriftSpec};
use crate::spec::Callbacks;
use crate::types::drift::DriftLimits;

/// A window is judged in parts, each of some seconds.
const WINDOW_MIN: Duration = Duration::from_secs(5);
const WINDOW_MAX: Duration = Duration::from_hours(24 * 30);

/// Reads what holds for all models, and what is said of some.
pub(super) fn drift(
    context: Context<'_>,
    server: &mut Fields<'_>,
) -> (DriftSpec, IndexMap<String, DriftSpec>) {
    let usual = DriftSpec::default();
    let Some((table, place)) = server.table("drift") else { return (usual, IndexMap::new()) };
    let mut fields = Fields::new(context.report, "`drift` of the model server", table, place);
    let models = fields.table("models");
    let spec = one(context, &mut fields, &usual);
    fields.finish();
    let mut of_models = IndexMap::new();
    for (name, entry) in models.iter().flat_map(|(models, _)| &models.0) {
        let Some(table) = entry.node.as_table() else {
            let message =
                format!("`drift.models.{name}` is {}; expected a table", entry.node.kind());
            let help = format!("write `[serving.drift.models.{name}]`");
            context.report.error(entry.node.span, "wrong-type", message, help);
            continue;
        };
        let what = format!("`drift` of model `{name}`");
        let mut fields = Fields::new(context.report, what, table, entry.key);
        of_models.insert(name.clone(), one(context, &mut fields, &spec));
        fields.finish();
    }
    (spec, of_models)
}

/// Reads one table over what holds otherwise.
fn one(context: Context<'_>, fields: &mut Fields<'_>, over: &DriftSpec) -> DriftSpec {
    let above = over.limits;
    DriftSpec {
        limits: DriftLimits {
            psi: number(context, fields, "psi", 1e6).unwrap_or(above.psi),
            ks: number(context, fields, "ks", 1.0).unwrap_or(above.ks),
            missing: number(context, fields, "missing", 1.0).unwrap_or(above.missing),
            unseen: number(context, fields, "unseen", 1.0).unwrap_or(above.unseen),
            min_rows: fields.integer("min_rows", 1..=1_000_000_000).unwrap_or(above.min_rows),
        },
        window: window(context, fields).unwrap_or(over.window),
        repeat: fields.duration("repeat").or(over.repeat),
        callbacks: callback::over(callback::of_drift(context, fields), &over.callbacks),
    }
}

/// Reads when requests are trouble.
pub(super) fn alert(context: Context<'_>, server: &mut Fields<'_>) -> AlertSpec {
    let usual = AlertSpec::default();
    let Some((table, place)) = server.table("alert") else { return usual };
    let mut fields = Fields::new(context.report, "`alert` of the model server", table, place);
    let spec = AlertSpec {
        error_rate: number(context, &mut fields, "error_rate", 1.0),
        p99_ms: number(context, &mut fields, "p99_ms", 1e9),
        window: window(context, &mut fields).unwrap_or(usual.window),
        min_requests: fields
            .integer("min_requests", 1..=1_000_000_000)
            .unwrap_or(usual.min_requests),
        repeat: fields.duration("repeat"),
        callbacks: callback::of_alert(context, &mut fields),
    };
    let says_nothing = spec.error_rate.is_none() && spec.p99_ms.is_none();
    if says_nothing && spec.callbacks != Callbacks::default() {
        fields
            .missing("error_rate", "say when it is trouble: `error_rate = 0.05` or `p99_ms = 250`");
    }
    fields.finish();
    spec
}

fn window(context: Context<'_>, fields: &mut Fields<'_>) -> Option<Duration> {
    let found = fields.duration("window")?;
    if (WINDOW_MIN..=WINDOW_MAX).contains(&found) {
        return Some(found);
    }
    let node = fields.node("window")?;
    let message = format!("`window` of {} is out of range", fields.what());
    context.report.error(node.span, "bad-value", message, "from 5s to 30d is allowed".to_owned());
    None
}

/// Reads a number above 0.
fn number(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    key: &'static str,
    most: f64,
) -> Option<f64> {
    let node = fields.node(key)?;
    let found = match node.value {
        Written::Float(number) => number,
        #[allow(clippy::cast_precision_loss, reason = "limits are small")]
        Written::Integer(number) => number as f64,
        _ => {
            fields.wrong_type(key, node, "a number");
            return None;
        }
    };
    if found > 0.0 && found <= most {
        return Some(found);
    }
    let message = format!("`{key}` of {} is {found}", fields.what());
    let help = format!("a number above 0, and up to {most}, is allowed");
    context.report.error(node.span, "bad-value", message, help);
    None
}
