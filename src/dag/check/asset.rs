//! Assets, data sets and their URIs.

use std::time::Duration;

use indexmap::IndexMap;

use crate::check::fields::{Fields, Text};
use crate::check::names::{Declared, check_id};
use crate::check::{Context, callback};
use crate::file::Written;
use crate::partition;
use crate::spec::{
    ASSET_GROUP, AssetAliasSpec, AssetSpec, AssetUri, ColumnKind, ConnectionKind, DatasetSpec,
    LearningTask, SplitSpec, TableSpec, WatchSpec,
};
use crate::suggest;
use crate::types::AssetName;

/// How often what is watched is listed, unless the file says otherwise.
const WATCH_EVERY: Duration = Duration::from_secs(60);

const URI_HELP: &str = "write `file:PATH`, `CONNECTION:PATH` or `models:/NAME@ALIAS`";

/// Checks an `[asset.*]`.
pub(super) fn asset(context: Context<'_>, declared: Declared<'_>) -> Option<AssetSpec> {
    let mut fields = open(context, "asset", declared)?;
    let written = fields.needed_text("uri", URI_HELP);
    let uri = written.and_then(|at| uri(context, at));
    let watch = watch(context, &mut fields, uri.as_ref());
    let freshness = fields.duration("freshness");
    if freshness == Some(Duration::ZERO)
        && let Some(node) = fields.node("freshness")
    {
        let message = "`freshness` is no time at all".to_owned();
        let help = "write how old it may get, such as `24h`".to_owned();
        context.report.error(node.span, "bad-duration", message, help);
    }
    let callbacks = callback::of_asset(context, freshness.is_some(), &mut fields);
    let group = group(context, &mut fields);
    fields.finish();
    let name = AssetName::from(declared.name);
    Some(AssetSpec { name, uri: uri?, watch, group, freshness, callbacks })
}

/// Checks an `[asset_alias.*]`. As in Airflow its name is none of an asset: outlets and schedules
/// name both in the same way.
pub(super) fn alias(context: Context<'_>, declared: Declared<'_>) -> Option<AssetAliasSpec> {
    let mut fields = open(context, "asset_alias", declared)?;
    if context.names.assets.contains_key(declared.name) {
        let message = format!("`{}` is the name of an asset and of an alias", declared.name);
        context.report.error(declared.key, "duplicate-id", message, None);
    }
    let group = group(context, &mut fields);
    fields.finish();
    Some(AssetAliasSpec { name: AssetName::from(declared.name), group })
}

fn group(context: Context<'_>, fields: &mut Fields<'_>) -> String {
    let Some(at) = fields.text("group") else { return ASSET_GROUP.to_owned() };
    check_id(context.report, "group", at.text, at.span);
    at.text.to_owned()
}

/// Checks a `[dataset.*]`.
pub(super) fn dataset(context: Context<'_>, declared: Declared<'_>) -> Option<DatasetSpec> {
    let mut fields = open(context, "dataset", declared)?;
    let written = fields.needed_text("uri", "such as `uri = \"file:data/iris.csv\"`");
    if let Some(at) = written.filter(|at| partition::is_partitioned(at.text)) {
        let message = format!("`{}` names partitions: a data set is one table", at.text);
        context.report.error(at.span, "bad-uri", message, "write `file:PATH`".to_owned());
    }
    let uri = written.and_then(|at| dataset_uri(context, at));
    let tasks = "`classification` or `regression`";
    let task = fields.needed_text("task", tasks);
    let task = task.and_then(|at| match at.text {
        "classification" => Some(LearningTask::Classification),
        "regression" => Some(LearningTask::Regression),
        other => {
            let message = format!("`{other}` is no task of {}", fields.what());
            context.report.error(at.span, "bad-value", message, format!("write {tasks}"));
            None
        }
    });
    let target = fields.needed_text("target", "the column that is to be predicted");
    let ignore = fields.texts("ignore");
    if let Some(at) = ignore.iter().find(|at| target.is_some_and(|t| t.text == at.text)) {
        let message = format!("`{}` is the target: it cannot be left out", at.text);
        context.report.error(at.span, "bad-value", message, None);
    }
    let types = column_types(context, &mut fields, target.map(|at| at.text));
    let split = split(context, &mut fields, target.map(|at| at.text));
    fields.finish();
    let table = TableSpec {
        task: task?,
        target: target?.text.to_owned(),
        ignore: ignore.iter().map(|at| at.text.to_owned()).collect(),
        types,
        split,
    };
    Some(DatasetSpec { name: declared.name.to_owned(), uri: uri?, table })
}

/// Reads where a table lies: in a file, a bucket or a database.
fn dataset_uri(context: Context<'_>, at: Text<'_>) -> Option<AssetUri> {
    let refuse = |reason: &str| {
        let message = format!("`{}` is no table: {reason}", at.text);
        let help = "write `file:PATH`, or `CONNECTION:PATH` of a bucket or a database".to_owned();
        context.report.error(at.span, "bad-uri", message, help);
        None
    };
    match uri(context, at)? {
        AssetUri::Connection { path, .. } if path.contains('*') || path.ends_with('/') => {
            refuse("it names more than one")
        }
        AssetUri::Connection { connection, path } => {
            let kind = context.names.connections.get(connection.as_str()).copied().flatten();
            let holds = kind.is_none_or(|kind| {
                matches!(
                    kind,
                    ConnectionKind::Sqlite
                        | ConnectionKind::Postgres
                        | ConnectionKind::Folder
                        | ConnectionKind::Bucket
                )
            });
            if !holds {
                return refuse("nothing lies at this connection");
            }
            Some(AssetUri::Connection { connection, path })
        }
        AssetUri::Model { .. } | AssetUri::Other(_) => refuse("a data set is one table"),
        file @ AssetUri::File(_) => Some(file),
    }
}

/// Reads `types = { COLUMN = "category" }`.
fn column_types(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    target: Option<&str>,
) -> IndexMap<String, ColumnKind> {
    let mut types = IndexMap::new();
    let Some((table, _)) = fields.table("types") else { return types };
    let words = ColumnKind::ALL.map(|(word, _)| word);
    for (name, entry) in &table.0 {
        let (name, node) = (name.as_str(), &entry.node);
        if target == Some(name) {
            let message = format!("`{name}` is the target: `task` says what it is");
            context.report.error(entry.key, "bad-value", message, None);
            continue;
        }
        let Written::Text(word) = &node.value else {
            fields.wrong_type(&format!("types.{name}"), node, "a text");
            continue;
        };
        match ColumnKind::ALL.iter().find(|(known, _)| known == word) {
            Some((_, kind)) => drop(types.insert(name.to_owned(), *kind)),
            None => {
                let message = format!("`{word}` is no type of a column");
                let help = suggest::hint(word, "types", words);
                context.report.error(node.span, "bad-value", message, help);
            }
        }
    }
    types
}

/// Reads `split = { by = "time", column = "sold_at" }`.
fn split(context: Context<'_>, fields: &mut Fields<'_>, target: Option<&str>) -> SplitSpec {
    let Some((table, span)) = fields.table("split") else { return SplitSpec::default() };
    let what = format!("`split` of {}", fields.what());
    let mut own = Fields::new(context.report, what, table, span);
    let by = own.needed_text("by", "`stratified`, `time` or `group`");
    let column = match by.map(|at| at.text) {
        Some("time" | "group") => own.needed_text("column", "whose values order or group the rows"),
        None => own.text("column"),
        Some(_) => None,
    };
    own.finish();
    if let Some(at) = column.filter(|at| target == Some(at.text)) {
        let message = format!("`{}` is the target: rows cannot be held out by it", at.text);
        context.report.error(at.span, "bad-value", message, None);
    }
    let named = column.map(|at| at.text.to_owned());
    match (by, named) {
        (None, _) => SplitSpec::default(),
        (Some(at), named) => match (at.text, named) {
            ("time", Some(column)) => SplitSpec::Time { column },
            ("group", Some(column)) => SplitSpec::Group { column },
            ("stratified" | "time" | "group", _) => SplitSpec::Stratified,
            (other, _) => {
                let message = format!("`{other}` is no way to hold out rows");
                let help = "write `stratified`, `time` or `group`".to_owned();
                context.report.error(at.span, "bad-value", message, help);
                SplitSpec::default()
            }
        },
    }
}

fn open<'a>(context: Context<'a>, kind: &str, declared: Declared<'a>) -> Option<Fields<'a>> {
    let what = format!("{kind} `{}`", declared.name);
    match declared.node.as_table() {
        Some(table) => Some(Fields::new(context.report, what, table, declared.key)),
        None => {
            let message = format!("{what} is {}; expected a table", declared.node.kind());
            let help = format!("write `[{kind}.{}]` and `uri = …`", declared.name);
            context.report.error(declared.node.span, "wrong-type", message, help);
            None
        }
    }
}

/// Reads `watch = true` or `watch = { every = "5m" }`.
fn watch(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    uri: Option<&AssetUri>,
) -> Option<WatchSpec> {
    let entry = fields.entry("watch")?;
    let plain = WatchSpec { every: WATCH_EVERY, hash: false };
    let spec = match &entry.node.value {
        Written::Bool(true) => plain,
        Written::Bool(false) => return None,
        Written::Table(table) => {
            let what = format!("`watch` of {}", fields.what());
            let mut fields = Fields::new(context.report, what, table, entry.key);
            let every = fields.duration("every");
            if every == Some(Duration::ZERO) {
                let message = "`every` is no time at all".to_owned();
                context.report.error(entry.node.span, "bad-duration", message, None);
            }
            let hash = fields.flag("hash").unwrap_or(false);
            fields.finish();
            WatchSpec { every: every.unwrap_or(WATCH_EVERY), hash }
        }
        Written::Text(_)
        | Written::Integer(_)
        | Written::Float(_)
        | Written::Datetime(_)
        | Written::List(_) => {
            fields.wrong_type("watch", &entry.node, "true, or `{ every = \"5m\" }`");
            return None;
        }
    };
    let can_be_watched = match uri? {
        AssetUri::File(_) => true,
        AssetUri::Connection { connection, .. } => {
            let kind = context.names.connections.get(connection).copied().flatten();
            let is_lake = |kind| matches!(kind, ConnectionKind::Folder | ConnectionKind::Bucket);
            kind.is_none_or(|kind| is_lake(kind) || kind.is_queue())
        }
        AssetUri::Model { .. } | AssetUri::Other(_) => false,
    };
    if !can_be_watched {
        let help = "a task that writes it names it among its `outlets`; a model's alias needs \
                    no watching"
            .to_owned();
        let message = format!("{} is no file, lies in no lake, and is no message", fields.what());
        context.report.error(entry.key, "bad-watch", message, help);
    }
    let is_elsewhere = |kind: ConnectionKind| kind == ConnectionKind::Bucket || kind.is_queue();
    if let Some(AssetUri::Connection { connection, .. }) = uri
        && context.names.connections.get(connection).copied().flatten().is_some_and(is_elsewhere)
        && spec.hash
    {
        let message = format!("`hash` in `watch` of {} is of files on this machine", fields.what());
        let help = "an object's ETag is in each event".to_owned();
        context.report.error(entry.node.span, "bad-watch", message, help);
    }
    Some(spec)
}

/// Parses the URI of an asset.
pub(super) fn uri(context: Context<'_>, at: Text<'_>) -> Option<AssetUri> {
    let refuse = |reason: &str| {
        let message = format!("`{}` is no URI of an asset: {reason}", at.text);
        context.report.error(at.span, "bad-uri", message, URI_HELP.to_owned());
        None
    };
    let Some((scheme, path)) = at.text.split_once(':') else {
        return refuse("it has no scheme");
    };
    if let Err(problem) = partition::names(at.text) {
        return refuse(&problem);
    }
    match scheme {
        "file" => file_uri(context, at),
        "models" => match path.strip_prefix('/').and_then(|path| path.split_once('@')) {
            Some((name, alias)) if !name.is_empty() && !alias.is_empty() => {
                check_id(context.report, "model", name, at.span);
                check_id(context.report, "alias", alias, at.span);
                Some(AssetUri::Model { name: name.to_owned(), alias: alias.to_owned() })
            }
            _ => refuse("a model is named with its alias"),
        },
        _ if path.starts_with("//") => Some(AssetUri::Other(at.text.to_owned())),
        _ if path.is_empty() => refuse("nothing stands after the colon"),
        _ => {
            let span = context.report.within(at.span, scheme);
            context.names.connection(context.report, Text { text: scheme, span })?;
            let (connection, path) = (scheme.to_owned(), path.to_owned());
            Some(AssetUri::Connection { connection, path })
        }
    }
}

fn file_uri(context: Context<'_>, at: Text<'_>) -> Option<AssetUri> {
    let path = at.text.strip_prefix("file:").map(|path| path.trim_start_matches("//"));
    let folder = path.and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder);
    let reason = match path {
        None => "it does not begin with `file:`",
        Some("") => "it names no file",
        Some(_) if folder.contains('*') => "`*` may only stand in the last part of the path",
        Some(path) => return Some(AssetUri::File(path.to_owned())),
    };
    let message = format!("`{}` is no file: {reason}", at.text);
    context.report.error(at.span, "bad-uri", message, "write `file:PATH`".to_owned());
    None
}

/// Reports a literal place that cannot be: what `source = "lake:…"` names must be declared.
pub(super) fn place(context: Context<'_>, at: Text<'_>) {
    // The scheme stands before any template, or cannot be known yet.
    let Some((scheme, _)) = at.text.split_once(':').filter(|(scheme, _)| !scheme.contains('{'))
    else {
        if !at.text.contains("{{") {
            let connections = context.names.connections.keys().map(String::as_str);
            let connections: Vec<&str> = connections.collect();
            let help = format!(
                "write `file:PATH` or `CONNECTION:PATH`; connections: {}",
                suggest::list(&connections)
            );
            let message = format!("`{}` does not say where it lies", at.text);
            context.report.error(at.span, "bad-uri", message, help);
        }
        return;
    };
    if scheme != "file" {
        let span = context.report.within(at.span, scheme);
        context.names.connection(context.report, Text { text: scheme, span });
    }
}
