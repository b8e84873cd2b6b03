//! What one operator wants beyond the types of its keys.

use crate::check::fields::{Fields, Text, as_duration};
use crate::check::task::{Edge, Scope, task_or_group};
use crate::check::{Context, asset, object, wait};
use crate::file::{Node, Table, Written};
use crate::operator::Operator;
use crate::spec::ConnectionKind;
use crate::suggest;
use crate::template::is_template;
use crate::types::serving::Sticky;

/// Checks the arguments of an operator together, and returns the tasks that it chooses among
/// (beyond those that its table of keys tells).
pub(super) fn check(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    operator: Operator,
    fields: &mut Fields<'_>,
) -> Vec<Edge> {
    match operator {
        Operator::Command => command(context, scope, fields),
        Operator::Python => python(context, fields),
        Operator::Branch => return chosen(context, scope, task_name, fields),
        Operator::Notify => {
            let kinds = ConnectionKind::MESSAGES;
            connection(context, fields, kinds, "messages");
        }
        Operator::CsvExtract | Operator::JsonExtract | Operator::ParquetExtract => {
            places(context, fields, &["source"]);
            one_of(context, fields, "on_bad_row", &["reject", "fail"]);
        }
        Operator::SqlRun | Operator::SqlExtract => {
            connection(context, fields, ConnectionKind::DATABASES, "statements");
        }
        Operator::SqlLoad => {
            connection(context, fields, ConnectionKind::DATABASES, "tables");
            load_mode(context, fields);
        }
        Operator::TableCheck => {
            one_of(context, fields, "on_fail", &["fail", "warn"]);
        }
        Operator::Predict => {
            one_of(context, fields, "on_bad_row", &["fail", "reject"]);
        }
        objects if objects.is_object() => object::check(context, objects, fields),
        Operator::MlGate => conditions(context, fields, "require"),
        Operator::ServingMonitor => conditions(context, fields, "fail_if"),
        Operator::ServingDeploy => strategy(context, fields),
        Operator::Approval => return wait::approval(context, scope, task_name, fields),
        Operator::TriggerDagRun => wait::trigger_dag_run(context, fields),
        Operator::Http => wait::http(context, fields),
        sensor if sensor.is_sensor() => wait::sensor(context, sensor, fields),
        Operator::ObjectList
        | Operator::ObjectCopy
        | Operator::ObjectMove
        | Operator::ObjectDelete
        | Operator::ObjectDownload
        | Operator::ObjectUpload
        | Operator::SensorFile
        | Operator::SensorObject
        | Operator::SensorHttp
        | Operator::SensorSql
        | Operator::SensorTime
        | Operator::SensorTask
        | Operator::Empty
        | Operator::LatestOnly
        | Operator::ShortCircuit
        | Operator::TableTransform
        | Operator::DatasetValidate
        | Operator::MlTrain
        | Operator::ModelRegister
        | Operator::ModelPromote
        | Operator::ModelRollback
        | Operator::ServingCheck
        | Operator::ServingBundle => {}
    }
    Vec::new()
}

/// Returns a text that is no template, whose type has been checked before.
pub(super) fn literal<'a>(fields: &mut Fields<'a>, key: &'static str) -> Option<Text<'a>> {
    let node = fields.node(key)?;
    let text = node.as_text().filter(|text| !is_template(text))?;
    Some(Text { text, span: node.span })
}

fn command(context: Context<'_>, scope: Scope<'_>, fields: &mut Fields<'_>) {
    match (fields.entry("command"), fields.entry("argv")) {
        (Some(_), None) | (None, Some(_)) => {}
        (None, None) if scope.given.may_give("command") || scope.given.may_give("argv") => {}
        (None, None) => fields.missing("command", "write `command` (a shell line) or `argv`"),
        (Some(_), Some(argv)) => {
            let message = format!("{} has both `command` and `argv`", fields.what());
            let help = "`command` goes through a shell, `argv` does not: keep one".to_owned();
            context.report.error(argv.key, "conflicting-keys", message, help);
        }
    }
}

fn python(context: Context<'_>, fields: &mut Fields<'_>) {
    callable(context, fields);
    if let Some(node) = fields.node("op_args")
        && !matches!(node.value, Written::List(_))
        && !node.as_text().is_some_and(is_template)
    {
        fields.wrong_type("op_args", node, "a list");
    }
    let both = fields.entry("args").and_then(|entry| entry.node.as_table());
    if let (Some(args), Some(entry)) = (both, fields.entry("op_kwargs"))
        && let Some(more) = entry.node.as_table()
        && let Some((name, twice)) = more.0.iter().find(|(name, _)| args.0.contains_key(*name))
    {
        let message = format!("`{name}` is in `args` and in `op_kwargs` of {}", fields.what());
        let help = "`op_kwargs` is Airflow's word for `args`: keep one".to_owned();
        context.report.error(twice.key, "conflicting-keys", message, help);
    }
    if let Some(node) = fields.node("warm") {
        warm(fields, node);
    }
}

/// `true`, or what the interpreter has imported before it forks.
pub(super) fn warm(fields: &Fields<'_>, node: &Node) {
    let fits = match &node.value {
        Written::Bool(_) => true,
        Written::List(items) => items.iter().all(|item| item.as_text().is_some_and(is_module)),
        _ => false,
    };
    if !fits {
        fields.wrong_type("warm", node, "true, false or a list of modules such as `[\"numpy\"]`");
    }
}

fn is_module(text: &str) -> bool {
    let is_part = |part: &str| {
        part.chars().all(|c| c.is_alphanumeric() || c == '_')
            && part.chars().next().is_some_and(|c| !c.is_numeric())
    };
    text.split('.').all(is_part)
}

fn callable(context: Context<'_>, fields: &mut Fields<'_>) {
    let Some(at) = literal(fields, "callable") else { return };
    let help = "write `file.py:function`".to_owned();
    let Some((file, function)) = at.text.rsplit_once(':') else {
        let message = format!("`{}` names no function", at.text);
        context.report.error(at.span, "bad-callable", message, help);
        return;
    };
    let is_identifier = function.chars().all(|c| c.is_alphanumeric() || c == '_')
        && function.chars().next().is_some_and(|c| !c.is_numeric());
    if file.is_empty() || !is_identifier {
        let message = format!("`{}` is no function of a file", at.text);
        context.report.error(at.span, "bad-callable", message, help);
    } else if !context.project.join(file).is_file() {
        let message = format!("there is no file `{file}`");
        let help = "the path starts at the folder of `dags.toml`".to_owned();
        context.report.error(context.report.within(at.span, file), "no-file", message, help);
    }
}

/// Reads the literal choices of a branch; a template chooses when it is rendered.
fn chosen(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    fields: &mut Fields<'_>,
) -> Vec<Edge> {
    let Some(node) = fields.node("choose") else { return Vec::new() };
    let items: Vec<&Node> = match &node.value {
        Written::List(items) => items.iter().collect(),
        Written::Text(_) => vec![node],
        _ => {
            fields.wrong_type("choose", node, "the id of a task, a list of them or a template");
            return Vec::new();
        }
    };
    items
        .into_iter()
        .filter_map(|item| {
            let text = item.as_text().filter(|text| !is_template(text))?;
            task_or_group(context, scope, task_name, Text { text, span: item.span })
        })
        .collect()
}

pub(super) fn connection(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    allowed: &[ConnectionKind],
    what: &str,
) {
    let Some(at) = literal(fields, "connection") else { return };
    let Some(Some(kind)) = context.names.connections.get(at.text) else { return };
    if !allowed.contains(kind) {
        let message = format!("connection `{}` takes no {what}", at.text);
        let fitting = context.names.connections.iter();
        let fitting: Vec<&str> = fitting
            .filter(|(_, kind)| kind.is_some_and(|kind| allowed.contains(&kind)))
            .map(|(name, _)| name.as_str())
            .collect();
        let help = format!("connections that do: {}", suggest::list(&fitting));
        let help = (!fitting.is_empty()).then_some(help);
        context.report.error(at.span, "wrong-connection", message, help);
    }
}

fn places(context: Context<'_>, fields: &mut Fields<'_>, keys: &[&'static str]) {
    for key in keys {
        let Some(node) = fields.node(key) else { continue };
        if let Some(text) = node.as_text() {
            asset::place(context, Text { text, span: node.span });
        }
    }
}

pub(super) fn one_of<'a>(
    context: Context<'_>,
    fields: &mut Fields<'a>,
    key: &'static str,
    allowed: &[&str],
) -> Option<&'a str> {
    let at = literal(fields, key)?;
    if !allowed.contains(&at.text) {
        let message = format!("`{key}` of {} is `{}`", fields.what(), at.text);
        let help = format!("allowed: {}", suggest::list(allowed));
        context.report.error(at.span, "bad-value", message, help);
    }
    Some(at.text)
}

fn load_mode(context: Context<'_>, fields: &mut Fields<'_>) {
    let mode = one_of(context, fields, "mode", &["append", "replace", "merge"]);
    if mode == Some("merge") && fields.entry("key").is_none() {
        fields.missing("key", "`merge` needs the columns that tell rows apart: `key = [\"id\"]`");
    }
}

/// Checks a table of conditions such as `{ accuracy = ">= 0.8" }`.
fn conditions(context: Context<'_>, fields: &mut Fields<'_>, key: &'static str) {
    let what = format!("`{key}` of {}", fields.what());
    let Some(table) = fields.node(key).and_then(Node::as_table) else { return };
    each_condition(context, &what, table);
}

fn each_condition(context: Context<'_>, what: &str, table: &Table) {
    for (figure, entry) in &table.0 {
        let text = entry.node.as_text();
        if !text.is_some_and(|text| is_template(text) || is_condition(text)) {
            let message = format!("`{figure}` in {what} is no condition");
            let help = "write a comparison with a number, such as `\">= 0.8\"`".to_owned();
            context.report.error(entry.node.span, "bad-condition", message, help);
        }
    }
}

fn is_condition(text: &str) -> bool {
    let text = text.trim();
    ["<=", ">=", "==", "!=", "<", ">"]
        .iter()
        .find_map(|mark| text.strip_prefix(mark))
        .is_some_and(|number| number.trim().parse::<f64>().is_ok_and(f64::is_finite))
}

/// Checks how a version takes over: `canary` in percent, `step`, `shadow`, `sticky`,
/// `rollback_if`.
fn strategy(context: Context<'_>, fields: &mut Fields<'_>) {
    let what = format!("`strategy` of {}", fields.what());
    let Some(entry) = fields.entry("strategy") else { return };
    let Some(table) = entry.node.as_table() else { return };
    let mut inner = Fields::new(context.report, what.as_str(), table, entry.key);
    if let Some(node) = inner.node("canary")
        && !is_canary(node)
    {
        let message = format!("`canary` of {what} is no rising list of percentages");
        let help = "write `[10, 50, 100]`".to_owned();
        context.report.error(node.span, "bad-value", message, help);
    }
    for key in ["step", "shadow"] {
        if let Some(node) = inner.node(key).filter(|node| !node.as_text().is_some_and(is_template))
        {
            as_duration(context.report, &format!("`{key}` of {what}"), node);
        }
    }
    if let Some(written) = inner.text("sticky").filter(|written| !is_template(written.text))
        && let Err(message) = written.text.parse::<Sticky>()
    {
        let help = "write `header:X-User`, or `api_key`".to_owned();
        context.report.error(written.span, "bad-value", message, help);
    }
    if let Some((table, _)) = inner.table("rollback_if") {
        each_condition(context, &format!("`rollback_if` of {what}"), table);
    }
    inner.finish();
}

fn is_canary(node: &Node) -> bool {
    let Written::List(items) = &node.value else {
        return node.as_text().is_some_and(is_template);
    };
    let shares: Option<Vec<i64>> = items
        .iter()
        .map(|item| match item.value {
            Written::Integer(share) if (1..=100).contains(&share) => Some(share),
            _ => None,
        })
        .collect();
    shares.is_some_and(|shares| !shares.is_empty() && shares.is_sorted_by(|a, b| a < b))
}
