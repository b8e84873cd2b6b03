//! OpenLineage: what other programs tell, and how far those are who are told.

use serde_json::Value;

use crate::runtime::control::ControlParts;
use crate::runtime::openlineage::{links, received};
use crate::store::lineage;
use crate::store::openlineage::received::insert;
use crate::types::Fault;
use crate::types::ask::Answer;
use crate::types::view::OpenLineageView;

/// Takes an event in, and what it adds to the lineage; one that is known already is taken for what
/// it is.
pub(super) async fn receive(parts: &ControlParts, event: Value) -> Result<Answer, Fault> {
    let told = received::read(event, parts.clock.now())?;
    let links = links::of(&told, &parts.live().deck);
    let write = move |tx: &rusqlite::Transaction<'_>| {
        if insert(tx, &told.received)? {
            links.iter().try_for_each(|link| lineage::put(tx, link))?;
        }
        Ok(())
    };
    parts.store.write(write).await?;
    Ok(Answer::Done)
}

/// Says why nobody is told, where that is so, and what was not told.
pub(super) fn problems(view: &OpenLineageView) -> Vec<String> {
    let mut problems = Vec::new();
    let OpenLineageView { target, waiting, lost, problem, .. } = view;
    if let Some(problem) = problem {
        let wait = if *waiting == 1 {
            "1 event waits".to_owned()
        } else {
            format!("{waiting} events wait")
        };
        problems.push(format!("OpenLineage is not told ({target}): {problem}; {wait}"));
    }
    if *lost > 0 {
        let events = if *lost == 1 { "1 event".to_owned() } else { format!("{lost} events") };
        problems.push(format!("OpenLineage ({target}) was not told of {events}; the log says why"));
    }
    problems
}
