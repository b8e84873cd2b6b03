//! The ids of runs in OpenLineage: UUIDs that follow from what they name, so that whoever tells of
//! a run again, also after a crash, tells of the same one. As Airflow's they look like version 7:
//! the time is the run's, the rest a digest.

use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::types::run::DagRun;
use crate::types::{AttemptKey, Timestamp};

/// Returns the id of a run. One that is cleared goes on under its id, as it does here.
pub(super) fn of_run(namespace: &str, run: &DagRun) -> String {
    made(run.run_after, &[namespace, run.dag_id.as_str(), run.dag_run_id.as_str()])
}

/// Returns the id of a try: each is a run of its task's job.
pub(super) fn of_try(namespace: &str, run: &DagRun, key: &AttemptKey) -> String {
    let (map_index, number) = (key.task.map_index.to_string(), key.try_number.to_string());
    let names = [
        namespace,
        key.task.dag_id.as_str(),
        key.task.dag_run_id.as_str(),
        key.task.task_id.as_str(),
        &map_index,
        &number,
    ];
    made(run.run_after, &names)
}

/// The name of a task's job, as Airflow's.
pub(super) fn job_of_task(key: &AttemptKey) -> String {
    format!("{}.{}", key.task.dag_id, key.task.task_id)
}

/// What a try hands to the programs that it starts, so that their events hang below its own:
/// `NAMESPACE/JOB/RUN`, for the variables OPENLINEAGE_PARENT_ID and OPENLINEAGE_ROOT_PARENT_ID.
pub(crate) fn parents(namespace: &str, run: &DagRun, key: &AttemptKey) -> (String, String) {
    let parent = format!("{namespace}/{}/{}", job_of_task(key), of_try(namespace, run, key));
    let root = format!("{namespace}/{}/{}", run.dag_id, of_run(namespace, run));
    (parent, root)
}

fn made(at: Timestamp, names: &[&str]) -> String {
    let mut digest = Sha256::new();
    for name in names {
        // With its length, so that no two lists of names read the same.
        digest.update(name.len().to_le_bytes());
        digest.update(name.as_bytes());
    }
    let digest = digest.finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::{key, run};
    use crate::types::DagRunState;

    #[test]
    fn an_id_follows_from_what_it_names_and_nothing_else() {
        let mut one = run("etl", "r1", 0, DagRunState::Running);
        let id = of_run("n", &one);
        one.state = DagRunState::Failed;
        one.start_date = None;
        assert_eq!(of_run("n", &one), id);
        assert_eq!((id.len(), &id[14..15]), (36, "7"));
        assert_ne!(of_run("m", &one), id);
        assert_ne!(of_run("n", &run("et", "lr1", 0, DagRunState::Running)), id);
        let attempt = |number| AttemptKey { task: key("etl", "r1", "t"), try_number: number };
        assert_ne!(of_try("n", &one, &attempt(1)), of_try("n", &one, &attempt(2)));
    }

    #[test]
    fn programs_are_handed_the_try_and_the_run() {
        let one = run("etl", "r1", 0, DagRunState::Running);
        let attempt = AttemptKey { task: key("etl", "r1", "t"), try_number: 1 };
        let (parent, root) = parents("prod", &one, &attempt);
        assert_eq!(parent, format!("prod/etl.t/{}", of_try("prod", &one, &attempt)));
        assert_eq!(root, format!("prod/etl/{}", of_run("prod", &one)));
    }
}
