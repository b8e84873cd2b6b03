//! Makes one line of the feed of many that say the same: a daemon that starts may adopt hundreds
//! of attempts, and a machine that starts may have lost as many.

use crate::sched::Change;
use crate::types::event::{ADOPTED, EventLog, LOST};

/// So many are told one by one.
const LINES_MAX: usize = 5;

/// Replaces the lines of a commit that say the same of many attempts.
pub(super) fn summed_up(mut changes: Vec<Change>) -> Vec<Change> {
    for (event, what) in [(ADOPTED, "were adopted"), (LOST, "were lost")] {
        let is_one =
            |change: &Change| matches!(change, Change::InsertEventLog(line) if line.event == event);
        if changes.iter().filter(|change| is_one(change)).count() <= LINES_MAX {
            continue;
        }
        let mut lines = Vec::new();
        changes.retain(|change| match change {
            Change::InsertEventLog(line) if line.event == event => {
                lines.push(line.clone());
                false
            }
            _ => true,
        });
        changes.extend(one(&lines, what).map(Change::InsertEventLog));
    }
    changes
}

fn one(lines: &[EventLog], what: &str) -> Option<EventLog> {
    let first = lines.first()?;
    let all_same = |of: fn(&EventLog) -> Option<&str>| lines.iter().all(|l| of(l) == of(first));
    let is_one_dag = all_same(|line| line.dag_id.as_ref().map(|id| id.as_str()));
    let is_one_run = is_one_dag && all_same(|line| line.dag_run_id.as_ref().map(|id| id.as_str()));
    Some(EventLog {
        message: format!("{} attempts {what}, the first: {}", lines.len(), first.message),
        dag_id: first.dag_id.clone().filter(|_| is_one_dag),
        dag_run_id: first.dag_run_id.clone().filter(|_| is_one_run),
        task_id: None,
        ..first.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn line(event: &str, dag: &str, n: usize) -> Change {
        Change::InsertEventLog(EventLog {
            dag_id: Some(dag.into()),
            message: format!("{event} {n}"),
            ..sample::line(event)
        })
    }

    fn messages(changes: &[Change]) -> Vec<String> {
        let message = |change: &Change| match change {
            Change::InsertEventLog(line) => line.message.clone(),
            other => panic!("{other:?}"),
        };
        changes.iter().map(message).collect()
    }

    #[test]
    fn few_lines_stay_as_they_are() {
        let few: Vec<Change> = (0..LINES_MAX).map(|n| line(ADOPTED, "d", n)).collect();
        assert_eq!(summed_up(few.clone()), few);
    }

    #[test]
    fn many_become_one_that_counts_them_and_names_what_they_share() {
        let mut many: Vec<Change> = (0..=LINES_MAX).map(|n| line(LOST, "d", n)).collect();
        many.insert(3, line("other", "d", 0));
        let summed = summed_up(many);
        let text = "6 attempts were lost, the first: task_instance.lost 0";
        assert_eq!(messages(&summed), ["other 0", text]);
        let [_, Change::InsertEventLog(line)] = summed.as_slice() else { panic!("{summed:?}") };
        assert_eq!((line.dag_id.as_ref().map(|id| id.as_str()), &line.task_id), (Some("d"), &None));
    }

    #[test]
    fn many_of_several_dags_are_of_none() {
        let many = (0..8).map(|n| line(ADOPTED, ["a", "b"][n % 2], n)).collect();
        let summed = summed_up(many);
        let [Change::InsertEventLog(line)] = summed.as_slice() else { panic!("{summed:?}") };
        assert_eq!((&line.dag_id, &line.dag_run_id), (&None, &None));
    }
}
