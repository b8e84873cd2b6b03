//! Outputs that are long, named, or left by an attempt that was killed.

use dagdeck::store;
use dagdeck::types::DagRunState;
use dagdeck::types::run::DagRunKey;
use serde_json::json;

use super::bench::{Bench, key};

/// Returns every output of the run: task, key, whether it lies in a file that is there.
fn outputs(bench: &Bench) -> Vec<(String, String, Option<bool>)> {
    let run = DagRunKey { dag_id: key("t").dag_id, dag_run_id: key("t").dag_run_id };
    let listed = bench.store.read_blocking(|conn: &_| store::xcom::list(conn, &run, None));
    let state = bench.layout().state_dir();
    listed
        .unwrap()
        .into_iter()
        .map(|xcom| {
            let is_there = xcom.path.map(|path| state.join(path).is_file());
            (xcom.task.task_id.to_string(), xcom.key, is_there)
        })
        .collect()
}

#[tokio::test]
async fn long_and_named_outputs_reach_the_tasks_that_name_them() {
    let bench = Bench::start_with(
        "xcom_max_bytes = 40",
        "[dag.d.task.first]\noperator = \"command\"\n\
         command = \"\"\"echo ::output place=a.csv
         printf '{\"rows\": %s}' \"$(seq -s, 1 99 | sed 's/.*/[&]/')\" > $DAGDECK_OUTPUT
         echo done\"\"\"\n\
         [dag.d.task.t]\noperator = \"command\"\ndepends_on = [\"first\"]\n\
         command = \"\"\"echo {{ output.first }} {{ ti.xcom_pull('first', key='place') }} \
         {{ ti.xcom_pull('first', key='rows') | length }}\"\"\"\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t"), Some(json!("done a.csv 99")));
    let expected = [
        ("first", "place", None),
        ("first", "return_value", None),
        ("first", "rows", Some(true)),
        ("t", "return_value", None),
    ];
    let expected = expected.map(|(task, key, file)| (task.to_owned(), key.to_owned(), file));
    assert_eq!(outputs(&bench), expected);
}

#[tokio::test]
async fn an_output_that_is_too_long_fails_the_task_and_says_what_to_do() {
    let bench = Bench::start_with(
        "xcom_max_bytes = 10\nxcom_file_max_bytes = 20",
        "[dag.d.task.t]\noperator = \"command\"\nretries = 3\n\
         command = \"echo 0123456789012345678901234567890123456789\"\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    let task = bench.task("t");
    assert_eq!(task.try_number, 1, "no other try would mend it");
    let note = task.note.unwrap();
    assert!(note.contains("the output `return_value` is 42 bytes long; at most 20"), "{note}");
}

#[tokio::test]
async fn an_attempt_that_is_killed_leaves_no_output_and_the_next_one_does() {
    let bench = Bench::start_with(
        "xcom_max_bytes = 0",
        "[dag.d.task.t]\noperator = \"command\"\nretries = 1\nretry_delay = \"10ms\"\n\
         command = \"\"\"echo ::output rows=$DAGDECK_TRY_NUMBER
         test $DAGDECK_TRY_NUMBER = 2 || kill -9 $PPID
         echo last\"\"\"\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.task("t").try_number, 2);
    let expected = [("t", "return_value", Some(true)), ("t", "rows", Some(true))];
    let expected = expected.map(|(task, key, file)| (task.to_owned(), key.to_owned(), file));
    assert_eq!(outputs(&bench), expected);
}

#[tokio::test]
async fn tasks_are_mapped_over_a_part_of_a_long_output() {
    let bench = Bench::start_with(
        "xcom_max_bytes = 12",
        "[dag.d.task.first]\noperator = \"command\"\n\
         command = \"\"\"echo '{\"rows\": [\"a\", \"b\"]}'\"\"\"\n\
         [dag.d.task.each]\noperator = \"command\"\ncommand = \"echo $A\"\n\
         expand = { \"env.A\" = \"{{ output.first.rows }}\" }\n\
         [dag.d.task.t]\noperator = \"command\"\n\
         command = \"echo {{ output.each | join('-') }}\"\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t"), Some(json!("a-b")));
}
