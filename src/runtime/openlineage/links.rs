//! What an event of others adds to the lineage: its job made its outputs of its inputs. What a task
//! here has started is a part of that task.

use crate::dag::Deck;
use crate::runtime::openlineage::received::Told;
use crate::types::lineage::{JobRef, LineageLink};
use crate::types::{DagId, TaskId};

/// Who reports it.
const SOURCE: &str = "OpenLineage";

/// Returns the links of an event; none of one that names no data set or no job.
pub(crate) fn of(told: &Told, deck: &Deck) -> Vec<LineageLink> {
    let received = &told.received;
    if received.job_name.is_empty() || (told.inputs.is_empty() && told.outputs.is_empty()) {
        return Vec::new();
    }
    let (namespace, name) = (&received.job_namespace, &received.job_name);
    let job = task(deck, namespace, name)
        .unwrap_or_else(|| JobRef::Foreign { namespace: namespace.clone(), name: name.clone() });
    let parent = told.parent.as_ref().and_then(|(namespace, name)| task(deck, namespace, name));
    let mut jobs = vec![job];
    jobs.extend(parent.filter(|parent| *parent != jobs[0]));
    let link = |job| LineageLink {
        job,
        inputs: told.inputs.clone(),
        outputs: told.outputs.clone(),
        // A clock that is ahead must not outlast what comes after it.
        seen: received.event_time.min(received.received_at),
        run: Some(received.run_id.clone()).filter(|run| !run.is_empty()),
        source: Some(SOURCE.to_owned()),
    };
    jobs.into_iter().map(link).collect()
}

/// Finds the task of this deck that a job is, by `DAG.TASK`: both may have dots.
fn task(deck: &Deck, namespace: &str, name: &str) -> Option<JobRef> {
    if namespace != deck.openlineage.namespace {
        return None;
    }
    name.match_indices('.').find_map(|(at, _)| {
        let (dag_id, task_id) = (DagId::from(&name[..at]), TaskId::from(&name[at + 1..]));
        let is_there = deck.dags.get(&dag_id)?.tasks.contains_key(&task_id);
        is_there.then_some(JobRef::Task { dag_id, task_id })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runtime::openlineage::received;
    use crate::store::sample::at;

    fn deck() -> Deck {
        let dir = tempfile::tempdir().unwrap();
        let text = "[dag.etl.task.\"load.all\"]\noperator = \"empty\"\n";
        std::fs::write(dir.path().join("dags.toml"), text).unwrap();
        crate::dag::load(dir.path(), &|_| None, &Default::default()).unwrap()
    }

    fn links(job: (&str, &str), parent: &str) -> Vec<LineageLink> {
        let event = json!({
            "eventTime": "2030-01-01T00:00:00Z", "producer": "p", "schemaURL": "s",
            "run": {
                "runId": "0192b2c4-7d5e-7000-8000-1f2e3d4c5b6a",
                "facets": {"parent": {"job": {"namespace": "default", "name": parent}}},
            },
            "job": {"namespace": job.0, "name": job.1},
            "inputs": [{"namespace": "file", "name": "/a"}],
        });
        of(&received::read(event, at(0)).unwrap(), &deck())
    }

    #[test]
    fn a_job_of_others_belongs_to_the_task_that_started_it() {
        let task = JobRef::Task { dag_id: "etl".into(), task_id: "load.all".into() };
        let job = JobRef::Foreign { namespace: "dbt".into(), name: "m".into() };
        let found = links(("dbt", "m"), "etl.load.all");
        assert_eq!([&found[0].job, &found[1].job], [&job, &task]);
        assert_eq!(found[0].seen, at(0), "not what a clock says that is ahead");
        assert_eq!(links(("dbt", "m"), "etl.gone").len(), 1);
        let own = links(("default", "etl.load.all"), "etl.load.all");
        assert_eq!((own.len(), &own[0].job), (1, &task));
    }

    #[test]
    fn what_names_no_data_says_nothing_of_it() {
        let event = json!({
            "eventTime": "2026-01-01T00:00:00Z", "producer": "p", "schemaURL": "s",
            "job": {"namespace": "dbt", "name": "m"},
        });
        assert!(of(&received::read(event, at(0)).unwrap(), &deck()).is_empty());
    }
}
