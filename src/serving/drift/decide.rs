//! From a report to what is told: which columns came into trouble, which are told again, and
//! which are out of it. A pure function of the report and of what is in trouble already.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::dag::serving::DriftSpec;
use crate::types::Timestamp;
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::callback::CallbackEvent;
use crate::types::drift::{ColumnDrift, DriftFigure, DriftReport};
use crate::types::duration;
use crate::types::trouble::{Trouble, TroubleKey, TroubleKind, TroubleReport};

/// Columns that are named in a line for people.
const NAMED_MAX: usize = 3;

/// Decides on one version; `open` are its troubles of drift.
pub(super) fn drift(
    report: &DriftReport,
    open: &[&Trouble],
    spec: &DriftSpec,
    now: Timestamp,
) -> Vec<TroubleReport> {
    if report.rows < report.limits.min_rows {
        // Nobody can say: what was in trouble stays in it.
        return Vec::new();
    }
    let of = |column: &str| open.iter().find(|trouble| trouble.key.column == column).copied();
    let (mut told, mut ended) = (Vec::new(), Vec::new());
    for column in &report.columns {
        let over: Vec<&DriftFigure> = column.figures.iter().filter(|f| f.is_crossed()).collect();
        match of(&column.column) {
            None if !over.is_empty() => {
                told.push((column, trouble(report, column, &over, now, now)));
            }
            Some(known) if column.figures.iter().all(DriftFigure::is_calm) => {
                ended.push(known.key.clone());
            }
            Some(known) if !over.is_empty() && is_due(known, spec.repeat, now) => {
                told.push((column, trouble(report, column, &over, known.since, now)));
            }
            _ => {}
        }
    }
    let mut reports = Vec::new();
    if !told.is_empty() {
        // A retrain is started once, however many columns follow.
        let is_first = open.is_empty();
        reports.push(came(report, told, is_first, spec));
    }
    if !ended.is_empty() {
        let still = open.len() - ended.len();
        reports.push(went(report, &ended, still, spec));
    }
    reports
}

/// Says whether a trouble that lasts is to be told again.
pub(super) fn is_due(trouble: &Trouble, repeat: Option<Duration>, now: Timestamp) -> bool {
    let repeat = repeat.and_then(|repeat| jiff::SignedDuration::try_from(repeat).ok());
    repeat.is_some_and(|repeat| now.duration_since(trouble.told_at) >= repeat)
}

fn trouble(
    report: &DriftReport,
    column: &ColumnDrift,
    over: &[&DriftFigure],
    since: Timestamp,
    now: Timestamp,
) -> Trouble {
    let figures: Vec<String> = over.iter().map(|figure| text(figure)).collect();
    Trouble {
        key: TroubleKey {
            model: report.model.clone(),
            version: report.version,
            kind: TroubleKind::Drift,
            column: column.column.clone(),
        },
        text: format!("`{}` has drifted: {}", column.column, figures.join(", ")),
        since,
        told_at: now,
    }
}

/// Writes `psi 0.83 > 0.2`.
fn text(figure: &DriftFigure) -> String {
    let short =
        |value: f64| format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned();
    format!("{} {} > {}", figure.kind, short(figure.value), short(figure.limit))
}

fn came(
    report: &DriftReport,
    told: Vec<(&ColumnDrift, Trouble)>,
    is_first: bool,
    spec: &DriftSpec,
) -> TroubleReport {
    let columns: Vec<Value> =
        told.iter().map(|(column, trouble)| details(column, trouble)).collect();
    let lines: Vec<&str> = told.iter().map(|(_, trouble)| trouble.text.as_str()).collect();
    let window = duration::text(spec.window);
    let reason = format!(
        "{} version {}: {} ({} rows in {window})",
        report.model,
        report.version,
        some(&lines),
        report.rows
    );
    let details = json!({
        "model": report.model, "version": report.version, "rows": report.rows,
        "window": window, "columns": columns,
    });
    let asset_event = told.first().filter(|_| is_first).map(|(column, trouble)| {
        let mut extra = Map::new();
        let figure = column.worst();
        extra.insert("uri".into(), json!(uri(&report.model)));
        extra.insert("column".into(), json!(column.column));
        extra.insert("figure".into(), json!(figure.map(|figure| figure.kind)));
        extra.insert("value".into(), json!(figure.map(|figure| figure.value)));
        extra.insert("limit".into(), json!(figure.map(|figure| figure.limit)));
        if let Value::Object(details) = &details {
            extra.extend(details.clone());
        }
        let since = trouble.since.as_microsecond();
        AssetEventSpec {
            extra,
            dedupe_key: Some(format!("drift:{}:{}:{since}", report.model, report.version)),
            ..AssetEventSpec::new(uri(&report.model), AssetEventSource::Serving)
        }
    });
    TroubleReport {
        model: report.model.clone(),
        version: report.version,
        troubles: told.into_iter().map(|(_, trouble)| trouble).collect(),
        ended: Vec::new(),
        event: CallbackEvent::OnDrift,
        reason,
        details,
        asset_event,
        callbacks: spec.callbacks.of(CallbackEvent::OnDrift).to_vec(),
    }
}

/// The asset that a schedule names: `drift://iris`.
fn uri(model: &str) -> String {
    format!("drift://{model}")
}

fn details(column: &ColumnDrift, trouble: &Trouble) -> Value {
    let over = column.figures.iter().filter(|figure| figure.is_crossed());
    let figures: Vec<Value> =
        over.map(|f| json!({ "figure": f.kind, "value": f.value, "limit": f.limit })).collect();
    json!({ "column": column.column, "is_answer": column.is_answer, "figures": figures,
        "since": trouble.since })
}

fn went(
    report: &DriftReport,
    ended: &[TroubleKey],
    still: usize,
    spec: &DriftSpec,
) -> TroubleReport {
    let names: Vec<String> = ended.iter().map(|key| format!("`{}`", key.column)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rest = if still == 0 { String::new() } else { format!("; {still} still drift") };
    let (model, version) = (report.model.clone(), report.version);
    let reason = format!("{model} version {version}: {} as in training again{rest}", some(&names));
    over(ended, (model, version), reason, spec.callbacks.of(CallbackEvent::OnRecovered).to_vec())
}

/// Tells that troubles are over.
pub(super) fn over(
    ended: &[TroubleKey],
    (model, version): (String, u32),
    reason: String,
    callbacks: Vec<crate::types::callback::CallbackSpec>,
) -> TroubleReport {
    let columns: Vec<&str> = ended.iter().map(|key| key.column.as_str()).collect();
    TroubleReport {
        details: json!({ "model": model, "version": version, "columns": columns }),
        model,
        version,
        troubles: Vec::new(),
        ended: ended.to_vec(),
        event: CallbackEvent::OnRecovered,
        reason,
        asset_event: None,
        callbacks,
    }
}

/// Names the first, and says how many more there are.
fn some(texts: &[&str]) -> String {
    let named = texts.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join("; ");
    match texts.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}
