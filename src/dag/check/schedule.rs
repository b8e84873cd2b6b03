//! When a DAG runs: `schedule` and `timezone`.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::check::Context;
use crate::check::fields::{Fields, Text};
use crate::file::{Entry, Node, Span, Table, Written};
use crate::partition;
use crate::schedule::{AssetExpression, AssetRef, AssetRule, Cron, CronError, Schedule, Timetable};
use crate::suggest;
use crate::types::asset::AssetEventKind;
use crate::types::duration;

const SCHEDULE_HELP: &str = "write `schedule = \"@daily\"`, `\"0 2 * * *\"`, `\"30m\"`, \
                             `[\"0 6 * * *\", \"0 18 * * 5\"]`, `{ assets = \"a & b\" }` or \
                             `{ cron = \"0 2 * * *\", assets = \"a\" }`; leave it out for runs \
                             by hand";

/// Presets that are no cron expressions.
const ONCE: &str = "@once";
const CONTINUOUS: &str = "@continuous";

/// What a schedule inherits: the zone that it is meant in, and whether its runs cover the time
/// between two firings (Airflow's settings of the same names).
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning<'a> {
    pub(super) timezone: &'a TimeZone,
    pub(super) create_cron_data_intervals: bool,
    pub(super) create_delta_data_intervals: bool,
}

/// Reads a `timezone`; an unknown one gives UTC.
pub(super) fn timezone(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    default: &TimeZone,
) -> TimeZone {
    let Some(at) = fields.text("timezone") else { return default.clone() };
    TimeZone::get(at.text).unwrap_or_else(|_| {
        let names: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let help = suggest::closest(at.text, names.iter().map(String::as_str)).map_or_else(
            || "use a name of the IANA database, such as `Europe/Berlin`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        let message = format!("there is no time zone `{}`", at.text);
        context.report.error(at.span, "bad-timezone", message, help);
        TimeZone::UTC
    })
}

/// Reads `schedule`; absent or broken means by hand.
pub(super) fn schedule(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    meaning: Meaning<'_>,
) -> (Schedule, AssetRule) {
    let Some(entry) = fields.entry("schedule") else {
        return (Schedule::Manual, AssetRule::default());
    };
    let timetable = match &entry.node.value {
        Written::Text(text) => {
            by_time(context, Text { text, span: entry.node.span }, meaning, None)
        }
        Written::List(items) => crons(context, fields, items, entry.node.span, meaning),
        Written::Table(table) => {
            let what = format!("`schedule` of {}", fields.what());
            return from_table(context, what, table, entry, meaning);
        }
        Written::Integer(_) | Written::Float(_) | Written::Bool(_) | Written::Datetime(_) => {
            fields.wrong_type("schedule", &entry.node, "text, a list of texts or a table");
            None
        }
    };
    (timetable.map_or(Schedule::Manual, Schedule::Time), AssetRule::default())
}

/// Reads `{ cron = …, every = …, assets = …, on = …, partitioned = …, data_interval = … }`.
fn from_table(
    context: Context<'_>,
    what: String,
    table: &Table,
    entry: &Entry,
    meaning: Meaning<'_>,
) -> (Schedule, AssetRule) {
    let mut inner = Fields::new(context.report, what, table, entry.key);
    let refuse = |text: String| {
        context.report.error(entry.node.span, "bad-schedule", text, SCHEDULE_HELP.to_owned());
    };
    let data_interval = inner.flag("data_interval");
    let cron = inner.entry("cron");
    let every = inner.entry("every");
    let expression = inner.text("assets").map(|at| assets(context, at));
    let has_time = cron.is_some() || every.is_some();
    if cron.is_some() && every.is_some() {
        refuse(format!("{} has both `cron` and `every`", inner.what()));
    } else if !has_time && expression.is_none() {
        refuse(format!("{} needs one of `cron`, `every` and `assets`", inner.what()));
    } else if data_interval.is_some() && !has_time {
        refuse(format!("{} has a `data_interval` but no `cron` or `every`", inner.what()));
    }
    let timetable = match (cron, every) {
        (Some(cron), None) => match &cron.node.value {
            Written::List(items) => {
                if data_interval == Some(true) {
                    let text = "several crons fire at instants: there is no `data_interval`";
                    refuse(text.to_owned());
                }
                crons(context, &inner, items, cron.node.span, meaning)
            }
            _ => inner.text("cron").and_then(|at| by_time(context, at, meaning, data_interval)),
        },
        (None, Some(every)) => {
            let delta = inner.duration("every");
            delta
                .and_then(|delta| by_delta(context, delta, every.node.span, meaning, data_interval))
        }
        _ => None,
    };
    let rule = asset_rule(context, &mut inner, expression.as_ref());
    inner.finish();
    let schedule = match (timetable, expression.flatten()) {
        (Some(timetable), Some(expression)) => Schedule::TimeOrAssets(timetable, expression),
        (Some(timetable), None) => Schedule::Time(timetable),
        (None, Some(expression)) => Schedule::Assets(expression),
        (None, None) => Schedule::Manual,
    };
    (schedule, rule)
}

/// Reads which events of the assets count. A schedule of assets that all come in partitions is
/// partitioned unless it says otherwise.
fn asset_rule(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    expression: Option<&Option<AssetExpression>>,
) -> AssetRule {
    let mut rule = AssetRule::default();
    if expression.is_none()
        && let Some(node) = fields.node("on").or_else(|| fields.node("partitioned"))
    {
        let message = format!("{} waits for no assets: it has no events to choose", fields.what());
        context.report.error(node.span, "bad-schedule", message, SCHEDULE_HELP.to_owned());
    }
    let words: Vec<&str> = AssetEventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let mut on = Vec::new();
    for at in fields.texts("on") {
        match AssetEventKind::of_word(at.text) {
            Some(kind) => on.push(kind),
            None => {
                let message = format!("`{}` is nothing that becomes of an asset", at.text);
                let help = suggest::hint(at.text, "kinds", words.iter().copied());
                context.report.error(at.span, "bad-value", message, help);
            }
        }
    }
    if !on.is_empty() {
        rule.on = on;
    }
    let named = expression.into_iter().flatten().flat_map(AssetExpression::leaves);
    let parted = named.map(|leaf| match leaf {
        AssetRef::Name(name) => context.names.assets.get(name.as_str()) == Some(&true),
        AssetRef::UriPattern(pattern) => partition::is_partitioned(pattern),
    });
    let parted: Vec<bool> = parted.collect();
    let all = !parted.is_empty() && parted.iter().all(|parted| *parted);
    rule.partitioned = fields.flag("partitioned").unwrap_or(all);
    if !rule.partitioned && parted.contains(&true) {
        let message = format!("{} waits for partitions and is not partitioned", fields.what());
        let help = "as in Airflow, what changes in a partition starts only DAGs that run for each \
                    partition: write `partitioned = true`"
            .to_owned();
        context.report.warning(fields.place(), "not-partitioned", message, help);
    }
    rule
}

/// Reads a preset, an interval or a cron expression.
fn by_time(
    context: Context<'_>,
    at: Text<'_>,
    meaning: Meaning<'_>,
    data_interval: Option<bool>,
) -> Option<Timetable> {
    if matches!(at.text, ONCE | CONTINUOUS) {
        if data_interval.is_some() {
            let message = format!("`{}` cannot choose its `data_interval`", at.text);
            context.report.error(at.span, "bad-schedule", message, SCHEDULE_HELP.to_owned());
        }
        let is_once = at.text == ONCE;
        return Some(if is_once { Timetable::Once } else { Timetable::Continuous });
    }
    if let Some(delta) = duration::parse(at.text) {
        return by_delta(context, delta, at.span, meaning, data_interval);
    }
    let cron = one_cron(context, at, meaning)?;
    let has_intervals = data_interval.unwrap_or(meaning.create_cron_data_intervals);
    Some(match has_intervals {
        true => Timetable::CronDataInterval(cron),
        false => Timetable::CronTrigger(vec![cron]),
    })
}

fn by_delta(
    context: Context<'_>,
    delta: Duration,
    span: Span,
    meaning: Meaning<'_>,
    data_interval: Option<bool>,
) -> Option<Timetable> {
    if delta.is_zero() {
        let message = "a schedule cannot come about every no time at all".to_owned();
        let help = "write `30m`, `1h30m` or `2d`".to_owned();
        context.report.error(span, "bad-duration", message, help);
        return None;
    }
    let has_intervals = data_interval.unwrap_or(meaning.create_delta_data_intervals);
    Some(match has_intervals {
        true => Timetable::DeltaDataInterval(delta),
        false => Timetable::DeltaTrigger(delta),
    })
}

/// Reads a list of cron expressions.
fn crons(
    context: Context<'_>,
    fields: &Fields<'_>,
    items: &[Node],
    span: Span,
    meaning: Meaning<'_>,
) -> Option<Timetable> {
    if items.is_empty() {
        let message = format!("{} names no cron expression", fields.what());
        context.report.error(span, "bad-schedule", message, SCHEDULE_HELP.to_owned());
    }
    let mut crons = Vec::new();
    for item in items {
        match item.as_text() {
            Some(text) => {
                crons.extend(one_cron(context, Text { text, span: item.span }, meaning));
            }
            None => fields.wrong_type("schedule", item, "text in the list"),
        }
    }
    (!crons.is_empty() && crons.len() == items.len()).then_some(Timetable::CronTrigger(crons))
}

fn one_cron(context: Context<'_>, at: Text<'_>, meaning: Meaning<'_>) -> Option<Cron> {
    let error = match Cron::parse(at.text, meaning.timezone) {
        Ok(cron) => return Some(cron),
        Err(error) => error,
    };
    let help = match &error {
        CronError::UnknownPreset(text) => {
            let presets = Cron::presets().chain([ONCE, CONTINUOUS]);
            suggest::hint(text, "presets", presets)
        }
        CronError::FieldCount(_) | CronError::Malformed(_) | CronError::NeverFires => {
            "five fields: minute, hour, day of the month, month, day of the week; or an interval \
             such as `30m`"
                .to_owned()
        }
    };
    let message = format!("`{}` is no schedule: {error}", at.text);
    context.report.error(at.span, "bad-cron", message, help);
    None
}

fn assets(context: Context<'_>, at: Text<'_>) -> Option<AssetExpression> {
    let expression = match AssetExpression::parse(at.text) {
        Ok(expression) => expression,
        Err(error) => {
            let part = at.text.get(error.start..error.end).unwrap_or_default();
            let span = context.report.within(at.span, part);
            let message = format!("`{}` is no expression of assets: {error}", at.text);
            let help = "write `a`, `a & b` or `a & (b | c)`".to_owned();
            context.report.error(span, "bad-schedule", message, help);
            return None;
        }
    };
    for leaf in expression.leaves() {
        if let AssetRef::Name(name) = leaf {
            let span = context.report.within(at.span, name.as_str());
            context.names.asset(context.report, Text { text: name.as_str(), span });
        }
    }
    Some(expression)
}
