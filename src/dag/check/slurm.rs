//! What is asked of Slurm: `[slurm]`, and `executor` and `slurm` of a task or its defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::check::Context;
use crate::check::fields::Fields;
use crate::check::names::unknown;
use crate::file::{Node, Span, Written};
use crate::operator::{Operator, Placement};
use crate::slurm::{SlurmOptions, SlurmSpec, minutes, time_limit};
use crate::suggest;
use crate::types::duration;

/// Arguments by which an attempt is followed: not for others to set.
const OURS: [&str; 17] = [
    "--array",
    "-a",
    "--chdir",
    "-D",
    "--comment",
    "--dependency",
    "-d",
    "--export",
    "--input",
    "-i",
    "--job-name",
    "-J",
    "--open-mode",
    "--output",
    "-o",
    "--parsable",
    "--wrap",
];

/// Arguments with a key of their own.
const KEYED: [(&str, &str, &str); 8] = [
    ("--partition", "-p", "partition"),
    ("--account", "-A", "account"),
    ("--qos", "-q", "qos"),
    ("--nodes", "-N", "nodes"),
    ("--cpus-per-task", "-c", "cpus_per_task"),
    ("--mem", "--mem", "mem"),
    ("--gpus", "-G", "gpus"),
    ("--time", "-t", "time"),
];

/// Where a task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Local,
    Slurm,
}

/// What is said of it by a task, a `default_args` or the deck.
#[derive(Debug, Clone, Default)]
pub(super) struct Placed {
    executor: Option<(Where, Span)>,
    options: SlurmOptions,
    /// Where `time` stands, for what is compared with it.
    time: Option<Span>,
}

impl Placed {
    /// Reads `executor` and `slurm`.
    pub(super) fn read(context: Context<'_>, fields: &mut Fields<'_>) -> Self {
        let executor = executor(context, fields);
        let what = format!("`slurm` of {}", fields.what());
        let Some((table, place)) = fields.table("slurm") else {
            return Self { executor, ..Self::default() };
        };
        let mut fields = Fields::new(context.report, what, table, place);
        let found = Self { executor, ..Self::options(context, &mut fields) };
        fields.finish();
        found
    }

    /// Reads the options of a table that may have other keys too.
    fn options(context: Context<'_>, fields: &mut Fields<'_>) -> Self {
        let options = SlurmOptions {
            partition: word(context, fields, "partition"),
            account: word(context, fields, "account"),
            qos: word(context, fields, "qos"),
            nodes: fields.integer("nodes", 1..=100_000),
            cpus_per_task: fields.integer("cpus_per_task", 1..=100_000),
            mem: mem(context, fields),
            gpus: gpus(context, fields),
            time: time(context, fields),
            extra_args: extra_args(context, fields),
        };
        Self { executor: None, options, time: fields.node("time").map(|node| node.span) }
    }

    /// Fills what it does not say from `below`.
    pub(super) fn over(self, below: &Self) -> Self {
        Self {
            executor: self.executor.or(below.executor),
            time: self.time.or(below.time),
            options: self.options.over(&below.options),
        }
    }

    /// Says what a task asks of Slurm; `None` where it runs on this machine. `own` is what the
    /// task says itself, as against what it inherits.
    pub(super) fn of_task(
        self,
        context: Context<'_>,
        own: Option<Span>,
        operator: Operator,
        execution_timeout: Option<Duration>,
    ) -> Option<SlurmOptions> {
        let (Where::Slurm, _) = self.executor? else { return None };
        if operator.placement() == Placement::Daemon {
            if let Some(span) = own {
                let message = format!("`{}` decides inside the daemon", operator.name());
                let help = "leave `executor` away: it takes no time and no slot".to_owned();
                context.report.error(span, "bad-executor", message, help);
            }
            return None;
        }
        if let (Some(limit), Some(timeout), Some(span)) =
            (self.options.time, execution_timeout, self.time)
            && minutes(limit) * 60 < timeout.as_secs()
        {
            let message = format!(
                "Slurm ends the task after {}, before its `execution_timeout` of {}",
                duration::text(limit),
                duration::text(timeout)
            );
            let help = "give it more `time`, or a shorter `execution_timeout`".to_owned();
            context.report.warning(span, "slurm-time", message, help);
        }
        Some(self.options)
    }
}

/// Reads `[slurm]`: how the cluster is reached, and what tasks ask for unless they say otherwise.
pub(super) fn of_deck(context: Context<'_>, fields: &mut Fields<'_>) -> (SlurmSpec, Placed) {
    let mut path = |key: &'static str| {
        let at = fields.text(key)?;
        if !Path::new(at.text).is_absolute() {
            let message = format!("`{key}` of {} is no absolute path", fields.what());
            context.report.error(at.span, "bad-value", message, None);
        }
        Some(PathBuf::from(at.text))
    };
    let spec = SlurmSpec { bin: path("bin"), conf: path("conf"), dagdeck: path("dagdeck") };
    (spec, Placed::options(context, fields))
}

fn executor(context: Context<'_>, fields: &mut Fields<'_>) -> Option<(Where, Span)> {
    let at = fields.text("executor")?;
    match at.text {
        "local" => Some((Where::Local, at.span)),
        "slurm" => Some((Where::Slurm, at.span)),
        _ => {
            unknown(context.report, at, "executor", "bad-executor", ["local", "slurm"]);
            None
        }
    }
}

/// A name as clusters have them; several partitions are parted by commas.
fn word(context: Context<'_>, fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    let at = fields.text(key)?;
    let is_plain = |c: char| c.is_alphanumeric() || "._-,+@".contains(c);
    if at.text.is_empty() || !at.text.chars().all(is_plain) || at.text.starts_with('-') {
        let message = format!("`{}` is no name of a {key}", at.text);
        context.report.error(at.span, "bad-value", message, None);
        return None;
    }
    Some(at.text.to_owned())
}

fn mem(context: Context<'_>, fields: &mut Fields<'_>) -> Option<String> {
    let at = fields.text("mem")?;
    let digits = at.text.trim_end_matches(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']);
    let is_number = digits.parse::<u64>().is_ok() && !digits.starts_with('+');
    if !is_number || at.text.len() > digits.len() + 1 {
        let message = format!("`{}` is no amount of memory", at.text);
        let help = "write `500M`, `4G`, `1T`; without a unit it is megabytes".to_owned();
        context.report.error(at.span, "bad-value", message, help);
        return None;
    }
    if at.text.ends_with(['K', 'k']) {
        let message = format!("Slurm counts memory in megabytes: `{}` is rounded up", at.text);
        context.report.warning(at.span, "slurm-rounds", message, None);
    }
    Some(at.text.to_owned())
}

/// `2` or `a100:2`; a number is as good as its text.
fn gpus(context: Context<'_>, fields: &mut Fields<'_>) -> Option<String> {
    let node = fields.node("gpus")?;
    let text = match &node.value {
        Written::Integer(count) => count.to_string(),
        Written::Text(text) => text.clone(),
        _ => {
            fields.wrong_type("gpus", node, "a number or text such as `a100:2`");
            return None;
        }
    };
    let is_gpus = text.split(',').all(|one| {
        let (kind, count) = one.rsplit_once(':').unwrap_or(("gpu", one));
        let is_kind = kind.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        is_kind && !kind.is_empty() && count.parse::<u32>().is_ok_and(|count| count > 0)
    });
    if !is_gpus {
        let message = format!("`{text}` is no number of GPUs");
        let help = "write `2` or `a100:2`".to_owned();
        context.report.error(node.span, "bad-value", message, help);
        return None;
    }
    Some(text)
}

/// Either as dagdeck writes stretches of time or as `sbatch` does. A bare number is refused: it
/// would be seconds to the one and minutes to the other.
fn time(context: Context<'_>, fields: &mut Fields<'_>) -> Option<Duration> {
    let node: &Node = fields.node("time")?;
    let found = match &node.value {
        Written::Text(text) => duration::parse(text).or_else(|| time_limit(text)),
        _ => None,
    };
    let Some(found) = found.filter(|time| !time.is_zero()) else {
        let message = format!("`time` of {} is no time limit", fields.what());
        let help = "write `30m`, `1h30m`, or as sbatch does `1:30:00`, `2-12:00:00`".to_owned();
        context.report.error(node.span, "bad-duration", message, help);
        return None;
    };
    let whole = Duration::from_secs(minutes(found) * 60);
    if whole != found {
        let message = format!(
            "Slurm counts time limits in minutes: {} is rounded up to {}",
            duration::text(found),
            duration::text(whole)
        );
        let help = "`execution_timeout` counts exactly".to_owned();
        context.report.warning(node.span, "slurm-rounds", message, help);
    }
    Some(found)
}

fn extra_args(context: Context<'_>, fields: &mut Fields<'_>) -> Vec<String> {
    let texts = fields.texts("extra_args");
    for at in &texts {
        let name = at.text.split('=').next().unwrap_or_default();
        let is_short = !name.starts_with("--") && name.len() > 2 && name.is_char_boundary(2);
        let name = if is_short { &name[..2] } else { name };
        if !at.text.starts_with('-') {
            let message = format!("`{}` is no option: sbatch would take it for a script", at.text);
            let help = "write an option and its value as one text: `--constraint=ssd`".to_owned();
            context.report.error(at.span, "bad-value", message, help);
        } else if OURS.contains(&name) {
            let message = format!("dagdeck sets `{name}` itself: it follows the job by it");
            context.report.error(at.span, "bad-value", message, None);
        } else if let Some((_, _, key)) = KEYED.iter().find(|(l, s, _)| [l, s].contains(&&name)) {
            let message = format!("`{name}` has a key of its own");
            let keys = KEYED.map(|(_, _, key)| key);
            let help = format!("write `{key} = …`; keys here: {}", suggest::list(&keys));
            context.report.error(at.span, "bad-value", message, help);
        }
    }
    texts.into_iter().map(|at| at.text.to_owned()).collect()
}
