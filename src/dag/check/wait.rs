//! What sensors, approvals, `trigger_dag_run` and `http` want beyond the types of their keys.

use crate::check::fields::{Fields, Text};
use crate::check::names::unknown;
use crate::check::operator::{connection, literal, one_of};
use crate::check::task::{Edge, Scope, task_or_group};
use crate::check::{Context, asset};
use crate::file::{Node, Written};
use crate::operator::Operator;
use crate::spec::ConnectionKind;
use crate::template::{self, is_template};
use crate::types::approval::{APPROVE, REJECT};
use crate::types::{DagRunState, TaskInstanceState, duration};
use crate::{params, suggest};

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Checks a sensor: what it looks at, and how it waits.
pub(super) fn sensor(context: Context<'_>, operator: Operator, fields: &mut Fields<'_>) {
    match operator {
        Operator::SensorFile => file(context, fields),
        Operator::SensorObject => object(context, fields),
        Operator::SensorHttp => http(context, fields),
        Operator::SensorSql => {
            connection(context, fields, &[ConnectionKind::Sqlite], "questions");
            if let Some(at) = literal(fields, "expect") {
                expression(context, at, &["value", "row"]);
            }
        }
        Operator::SensorTime => time(context, fields),
        Operator::SensorTask => other_dag(context, fields),
        _ => {}
    }
    let is_set = |fields: &mut Fields<'_>, key| {
        fields.node(key).is_some_and(|node| matches!(node.value, Written::Bool(true)))
    };
    if is_set(fields, "soft_fail") && is_set(fields, "never_fail") {
        conflict(context, fields, "soft_fail", "never_fail", "`never_fail` skips in every case");
    }
    if fields.entry("max_wait").is_some() && !is_set(fields, "exponential_backoff") {
        let message = format!("`max_wait` of {} bounds nothing", fields.what());
        let help = "it bounds the doubled interval: set `exponential_backoff = true`".to_owned();
        if let Some(entry) = fields.entry("max_wait") {
            context.report.error(entry.key, "conflicting-keys", message, help);
        }
    }
    let is_nothing = |node: &Node| match &node.value {
        Written::Integer(secs) => *secs == 0,
        Written::Float(secs) => *secs == 0.0,
        Written::Text(text) => duration::parse(text).is_some_and(|found| found.is_zero()),
        _ => false,
    };
    if let Some(node) = fields.node("poke_interval").filter(|node| is_nothing(node)) {
        let message = format!("`poke_interval` of {} is no time at all", fields.what());
        context.report.error(node.span, "bad-duration", message, None);
    }
}

fn file(context: Context<'_>, fields: &mut Fields<'_>) {
    let Some(at) = literal(fields, "path") else { return };
    let path = at.text.strip_prefix("file:").unwrap_or(at.text);
    let scheme = at.text.split_once(':').map_or("", |(scheme, _)| scheme);
    let problem = if path.trim().is_empty() {
        "it names no file"
    } else if context.names.connections.contains_key(scheme) {
        "it is an object of a connection: `sensor.object` waits for those"
    } else if path.split('/').any(|part| part == "..") {
        "it climbs out of its folder"
    } else {
        return;
    };
    let message = format!("`{}` is no path: {problem}", at.text);
    let help = "write `data/x.csv`, `/srv/in/*.csv` or `file:data/x.csv`".to_owned();
    context.report.error(at.span, "bad-uri", message, help);
}

fn object(context: Context<'_>, fields: &mut Fields<'_>) {
    let Some(at) = literal(fields, "uri") else { return };
    asset::place(context, at);
    let scheme = at.text.split_once(':').map_or("", |(scheme, _)| scheme);
    if let Some(Some(kind)) = context.names.connections.get(scheme)
        && !kind.is_lake()
    {
        let message = format!("connection `{scheme}` holds no objects");
        let span = context.report.within(at.span, scheme);
        context.report.error(span, "wrong-connection", message, None);
    }
}

/// Checks a request: where it goes, and what the answer must be.
pub(super) fn http(context: Context<'_>, fields: &mut Fields<'_>) {
    match (fields.entry("url").is_some(), fields.entry("connection").is_some()) {
        (false, false) => fields.missing("url", "write `url`, or `connection` and `path`"),
        (true, true) => conflict(context, fields, "url", "connection", "keep one of them"),
        (true, false) if fields.entry("path").is_some() => {
            conflict(context, fields, "url", "path", "`path` goes with `connection`");
        }
        (true, false) => {
            let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
            if let Some(at) = literal(fields, "url").filter(|at| !is_url(at.text)) {
                let message = format!("`{}` is no URL that can be asked", at.text);
                let help = "write `http://HOST[:PORT]/…` or `https://…`".to_owned();
                context.report.error(at.span, "bad-value", message, help);
            }
        }
        (false, true) => connection(context, fields, &[ConnectionKind::Webhook], "requests"),
    }
    one_of(context, fields, "method", METHODS);
    let Some(node) = fields.node("expect") else { return };
    let is_status = |node: &Node| matches!(node.value, Written::Integer(100..=599));
    match &node.value {
        Written::Integer(_) if is_status(node) => {}
        Written::List(items) if !items.is_empty() && items.iter().all(is_status) => {}
        Written::Text(text) if !is_template(text) && text.trim().parse::<u16>().is_err() => {
            expression(context, Text { text, span: node.span }, &["response"]);
        }
        Written::Text(_) => {}
        _ => {
            let message = format!("`expect` of {} is no status", fields.what());
            let help =
                "write `200`, `[200, 204]`, or `\"response.body.state == 'done'\"`".to_owned();
            context.report.error(node.span, "bad-value", message, help);
        }
    }
}

/// Checks what may stand in `{{ … }}`.
fn expression(context: Context<'_>, at: Text<'_>, names: &[&str]) {
    match template::names_in_expression(at.text) {
        Ok(found) => {
            for name in found.iter().filter(|name| !names.contains(&name.as_str())) {
                let span = context.report.within(at.span, name);
                let help = suggest::hint(name, "names", names.iter().copied());
                let message = format!("the expression has no name `{name}`");
                context.report.error(span, "unknown-name", message, help);
            }
        }
        Err(error) => {
            let message = format!("the expression is broken: {}", error.reason);
            let help = "write what may stand in `{{ … }}`, such as `value > 10`".to_owned();
            context.report.error(at.span, "bad-template", message, help);
        }
    }
}

fn time(context: Context<'_>, fields: &mut Fields<'_>) {
    let keys = ["at", "until", "delta"];
    let given: Vec<&'static str> =
        keys.into_iter().filter(|key| fields.entry(key).is_some()).collect();
    match given[..] {
        [] => fields.missing("at", "write `at`, `until` or `delta`"),
        [first, second, ..] => conflict(context, fields, first, second, "keep one of them"),
        [_] => {}
    }
    if let Some(at) = literal(fields, "at").filter(|at| duration::time_of_day(at.text).is_none()) {
        let message = format!("`{}` is no time of the day", at.text);
        let help = "write `14:30` or `14:30:15`".to_owned();
        context.report.error(at.span, "bad-date", message, help);
    }
    if let Some(node) = fields.node("until") {
        let fits = match &node.value {
            Written::Text(text) => {
                is_template(text)
                    || text.parse::<jiff::Timestamp>().is_ok()
                    || text.parse::<jiff::civil::DateTime>().is_ok()
            }
            Written::Datetime(_) => true,
            _ => false,
        };
        if !fits {
            let message = format!("`until` of {} is no instant", fields.what());
            let help = "write `2026-01-01T14:30:00Z`, or a template that gives one".to_owned();
            context.report.error(node.span, "bad-date", message, help);
        }
    }
}

fn other_dag(context: Context<'_>, fields: &mut Fields<'_>) {
    let dag = literal(fields, "dag_id").and_then(|at| {
        let tasks = context.names.dag(context.report, at)?;
        Some((at.text, tasks))
    });
    for (one, other) in
        [("task_id", "task_ids"), ("task_id", "task_group_id"), ("task_ids", "task_group_id")]
    {
        if fields.entry(one).is_some() && fields.entry(other).is_some() {
            conflict(context, fields, one, other, "keep one of them");
        }
    }
    if let (Some((name, _)), Some(at)) = (dag, literal(fields, "task_group_id"))
        && let Some(known) = context.names.groups.get(name)
        && !known.contains(at.text)
    {
        unknown(context.report, at, "group", "unknown-task", known.iter().map(String::as_str));
    }
    let mut tasks: Vec<Text<'_>> = literal(fields, "task_id").into_iter().collect();
    tasks.extend(literals(fields, "task_ids"));
    let has_tasks =
        ["task_id", "task_ids", "task_group_id"].iter().any(|key| fields.entry(key).is_some());
    if let Some((_, known)) = dag {
        for at in tasks.iter().filter(|at| !known.contains(at.text)) {
            let names = known.iter().map(String::as_str);
            unknown(context.report, *at, "task", "unknown-task", names);
        }
    }
    for (one, other) in [
        ("dag_run_id", "logical_date"),
        ("dag_run_id", "execution_delta"),
        ("logical_date", "execution_delta"),
    ] {
        if fields.entry(one).is_some() && fields.entry(other).is_some() {
            conflict(context, fields, one, other, "either says which run is meant");
        }
    }
    let keys = ["allowed_states", "failed_states", "skipped_states"];
    states(context, fields, &keys, has_tasks);
}

/// Checks a task that brings a run about.
pub(super) fn trigger_dag_run(context: Context<'_>, fields: &mut Fields<'_>) {
    if let Some(at) = literal(fields, "dag_id") {
        context.names.dag(context.report, at);
    }
    let is_set = |fields: &mut Fields<'_>, key| {
        fields.node(key).is_some_and(|node| matches!(node.value, Written::Bool(true)))
    };
    if is_set(fields, "reset_dag_run") && is_set(fields, "skip_when_already_exists") {
        let help = "a run that exists is either cleared or passed over";
        conflict(context, fields, "reset_dag_run", "skip_when_already_exists", help);
    }
    if let Some(node) =
        fields.node("wait").filter(|node| matches!(node.value, Written::Bool(false)))
        && (fields.entry("allowed_states").is_some() || fields.entry("failed_states").is_some())
    {
        let message = format!("{} does not wait, so no state is looked at", fields.what());
        context.report.error(node.span, "conflicting-keys", message, None);
    }
    states(context, fields, &["allowed_states", "failed_states"], false);
}

/// Checks lists of states: each is one, and none is in two lists.
fn states(context: Context<'_>, fields: &mut Fields<'_>, keys: &[&'static str], of_tasks: bool) {
    let known: Vec<&str> = if of_tasks {
        TaskInstanceState::ALL.iter().map(|state| state.as_str()).collect()
    } else {
        DagRunState::ALL.iter().map(|state| state.as_str()).collect()
    };
    let kind = if of_tasks { "task instance" } else { "run" };
    let mut seen: Vec<(&str, &'static str)> = Vec::new();
    for key in keys {
        for at in literals(fields, key) {
            if !known.contains(&at.text) {
                let help = suggest::hint(at.text, "states", known.iter().copied());
                let message = format!("`{}` is no state of a {kind}", at.text);
                context.report.error(at.span, "bad-value", message, help);
            } else if let Some((_, other)) = seen.iter().find(|(s, of)| *s == at.text && of != key)
            {
                let message = format!("`{}` is in `{key}` and in `{other}`", at.text);
                context.report.error(at.span, "bad-value", message, None);
            }
            seen.push((at.text, key));
        }
    }
}

/// Checks a question, and returns the tasks that its answers lead to.
pub(super) fn approval(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    fields: &mut Fields<'_>,
) -> Vec<Edge> {
    let choices = choices(context, fields);
    let known: Vec<&str> = match &choices {
        Some(choices) => choices.clone(),
        None => vec![APPROVE, REJECT],
    };
    let has_templates = known.iter().any(|choice| is_template(choice));
    let check_choice = |at: Text<'_>| {
        if !has_templates && !is_template(at.text) && !known.contains(&at.text) {
            let help = suggest::hint(at.text, "choices", known.iter().copied());
            let message = format!("`{}` is no choice", at.text);
            context.report.error(at.span, "bad-value", message, help);
        }
    };
    let defaults = match fields.node("default") {
        Some(Node { value: Written::List(_), .. }) => literals(fields, "default"),
        Some(node) => match node.as_text() {
            Some(text) => vec![Text { text, span: node.span }],
            None => {
                fields.wrong_type("default", node, "a choice or a list of them");
                Vec::new()
            }
        },
        None => Vec::new(),
    };
    defaults.iter().for_each(|at| check_choice(*at));
    let is_multiple =
        fields.node("multiple").is_some_and(|n| !matches!(n.value, Written::Bool(false)));
    if let [_, second, ..] = defaults[..]
        && !is_multiple
    {
        let message = format!("{} takes one choice, and its default has more", fields.what());
        let help = "set `multiple = true`".to_owned();
        context.report.error(second.span, "bad-value", message, help);
    }
    if fields.entry("default").is_some() && fields.entry("timeout").is_none() {
        let message = format!("the default of {} is never taken", fields.what());
        let help = "it is taken when the time is up: give a `timeout`".to_owned();
        let entry = fields.entry("default").map_or(fields.place(), |entry| entry.key);
        context.report.error(entry, "missing-key", message, help);
    }
    // Only the plain question knows a rejection.
    for key in ["fail_on_reject", "ignore_downstream_trigger_rules"] {
        for other in ["choices", "then"] {
            if fields.entry(key).is_some() && fields.entry(other).is_some() {
                conflict(context, fields, key, other, "it speaks of a plain approve or reject");
            }
        }
    }
    form(context, fields);
    then(context, scope, task_name, fields, &check_choice)
}

/// Returns the choices as written; `None` where there are none.
fn choices<'a>(context: Context<'_>, fields: &mut Fields<'a>) -> Option<Vec<&'a str>> {
    let node = fields.node("choices")?;
    let choices = literals(fields, "choices");
    if matches!(&node.value, Written::List(items) if items.is_empty()) {
        let message = format!("{} has nothing to choose", fields.what());
        context.report.error(node.span, "bad-value", message, None);
    }
    for (at, choice) in choices.iter().enumerate() {
        if choices[..at].iter().any(|other| other.text == choice.text) {
            let message = format!("`{}` is a choice twice", choice.text);
            context.report.error(choice.span, "bad-value", message, None);
        }
    }
    // A template may give any.
    node.as_text().is_none().then(|| choices.iter().map(|at| at.text).collect())
}

/// Checks the fields of a form, each a JSON Schema as a param has one.
fn form(context: Context<'_>, fields: &mut Fields<'_>) {
    let Some(table) = fields.node("form").and_then(Node::as_table) else { return };
    for (name, entry) in &table.0 {
        let what = format!("field `{name}` of the form of {}", fields.what());
        let Some(schema) = entry.node.as_table() else {
            let message = format!("{what} is {}; expected a table", entry.node.kind());
            let help = "write `{ type = \"string\" }`".to_owned();
            context.report.error(entry.node.span, "wrong-type", message, help);
            continue;
        };
        let schema = schema.to_json();
        if let Err(reason) = params::check_schema(&schema) {
            let message = format!("{what} is no JSON Schema: {reason}");
            context.report.error(entry.key, "bad-param-schema", message, None);
        } else if let Some(default) = schema.get("default")
            && let Err(reasons) = params::check(&schema, default)
        {
            for reason in reasons {
                let message = format!("the default of {what} does not fit its schema: {reason}");
                context.report.error(entry.key, "bad-default", message, None);
            }
        }
    }
}

fn then(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    fields: &mut Fields<'_>,
    check_choice: &dyn Fn(Text<'_>),
) -> Vec<Edge> {
    let Some(table) = fields.node("then").and_then(Node::as_table) else { return Vec::new() };
    let mut edges = Vec::new();
    for (choice, entry) in &table.0 {
        check_choice(Text { text: choice, span: entry.key });
        let items: Vec<&Node> = match &entry.node.value {
            Written::List(items) => items.iter().collect(),
            _ => vec![&entry.node],
        };
        for item in items {
            match item.as_text() {
                Some(text) if is_template(text) => {
                    let message =
                        format!("where `{choice}` of {} leads is a template", fields.what());
                    let help = "the graph must be known before the run: write the id of a task";
                    context.report.error(item.span, "bad-value", message, help.to_owned());
                }
                Some(text) => {
                    let at = Text { text, span: item.span };
                    edges.extend(task_or_group(context, scope, task_name, at));
                }
                None => fields.wrong_type(choice, item, "the id of a task or a list of them"),
            }
        }
    }
    edges
}

/// Returns the texts of a list that are no templates; its type has been checked before.
fn literals<'a>(fields: &mut Fields<'a>, key: &'static str) -> Vec<Text<'a>> {
    let Some(Node { value: Written::List(items), .. }) = fields.node(key) else {
        return Vec::new();
    };
    let text = |item: &'a Node| {
        let text = item.as_text().filter(|text| !is_template(text))?;
        Some(Text { text, span: item.span })
    };
    items.iter().filter_map(text).collect()
}

fn conflict(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    one: &'static str,
    other: &'static str,
    help: &str,
) {
    let Some(entry) = fields.entry(other) else { return };
    let message = format!("{} has both `{one}` and `{other}`", fields.what());
    context.report.error(entry.key, "conflicting-keys", message, help.to_owned());
}
