//! Assets that are stale and stay so: one item for each root cause, which names what is stale
//! with it. What mends itself is left out: a run that is under way, or that the schedule will make.

use jiff::SignedDuration;

use crate::runtime::control::assets::{self, Summary};
use crate::runtime::control::find;
use crate::runtime::control::freshness::{Judge, Known, Own, Runs};
use crate::runtime::engine::Live;
use crate::types::attention::{AttentionItem, AttentionKind, AttentionTarget};
use crate::types::event::Severity;
use crate::types::freshness::{Freshness, StaleCause};
use crate::types::{AssetName, DagId, Timestamp};

/// An input that changed a moment ago may start its run yet.
const GRACE: SignedDuration = SignedDuration::from_mins(10);
/// Of so many that are stale with it the names are told.
const NAMED_MAX: usize = 3;

/// Returns the DAGs that make assets: only their runs say anything here.
pub(super) fn makers(live: &Live) -> Vec<DagId> {
    let makes = |dag: &&std::sync::Arc<crate::dag::Dag>| {
        dag.tasks.values().any(|task| !task.outlets.is_empty())
    };
    live.deck.dags.values().filter(makes).map(|dag| dag.dag_id.clone()).collect()
}

/// Lists the root causes in the order of the assets.
pub(super) fn items(
    live: &Live,
    (summary, runs): &(Summary, Runs),
    now: Timestamp,
) -> Vec<AttentionItem> {
    let known = assets::known(&live.deck, summary);
    let mut judge = Judge::new(Known::of(live, &known, (summary, runs), now));
    let mut roots: indexmap::IndexMap<AssetName, Vec<AssetName>> = indexmap::IndexMap::new();
    for (name, _) in &known {
        if judge.freshness(name) != Freshness::Stale {
            continue;
        }
        let Some(root) = judge.path(name).into_iter().next() else { continue };
        let with_it = roots.entry(root.clone()).or_default();
        if root != *name {
            with_it.push(name.clone());
        }
    }
    roots.iter().filter_map(|(root, with_it)| item(live, &judge, root, with_it, now)).collect()
}

fn item(
    live: &Live,
    judge: &Judge<'_>,
    root: &AssetName,
    with_it: &[AssetName],
    now: Timestamp,
) -> Option<AttentionItem> {
    let own = judge.own(root)?;
    let since = since(judge, &own);
    if mends_itself(live, &own, since, now) {
        return None;
    }
    let (told, _) = assets::told(&own);
    Some(AttentionItem {
        kind: AttentionKind::StaleAsset,
        severity: Severity::Warning,
        subject: root.to_string(),
        text: format!("stale: {told}{}", also(with_it)),
        since,
        target: AttentionTarget::Asset { name: root.clone() },
        remedy: format!("dagdeck assets why {root}"),
    })
}

/// Says since when there is the cause.
fn since(judge: &Judge<'_>, own: &Own) -> Option<Timestamp> {
    if let Some((_, until)) = own.limit {
        return Some(until);
    }
    match (&own.run, &own.input) {
        (Some(run), _) => run.end_date,
        (None, Some(input)) => judge.last(input).map(|event| event.timestamp),
        (None, None) => None,
    }
}

fn mends_itself(live: &Live, own: &Own, since: Option<Timestamp>, now: Timestamp) -> bool {
    let maker = || find::dag_state(live, own.dag_id.as_ref()?);
    let is_planned = || maker().is_some_and(|state| state.next_run_after.is_some());
    match own.cause {
        _ if own.is_running => true,
        StaleCause::RunFailed | StaleCause::Paused | StaleCause::TooOld => false,
        StaleCause::InputChanged | StaleCause::NeverRun => {
            is_planned() || since.is_some_and(|since| since + GRACE > now)
        }
    }
}

fn also(with_it: &[AssetName]) -> String {
    let named: Vec<&str> = with_it.iter().take(NAMED_MAX).map(AssetName::as_str).collect();
    match with_it.len() {
        0 => String::new(),
        1 => format!("; {} is stale with it", named.join(", ")),
        n if n <= NAMED_MAX => format!("; {} are stale with it", named.join(", ")),
        n => format!("; {} and {} more are stale with it", named.join(", "), n - NAMED_MAX),
    }
}

#[cfg(test)]
mod tests;
