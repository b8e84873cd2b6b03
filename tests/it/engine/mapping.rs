//! Mapped tasks and groups with real processes: each instance is given its element, its folder
//! and its output.

use dagdeck::types::DagRunState;
use dagdeck::types::run::DagRunKey;
use serde_json::json;

use super::bench::{Bench, key};

#[tokio::test]
async fn each_element_is_worked_on_and_what_comes_after_sees_all_outputs() {
    let bench = Bench::start(
        r#"
[dag.d.task.list]
operator = "command"
command = "echo '[3, 4, 5]'"
[dag.d.task.double]
operator = "command"
command = "echo $(({{ expand.n }} * 2)) "
expand = { n = "{{ output.list }}" }
[dag.d.task.never]
operator = "command"
command = "exit 1"
run_if = "{{ output.list | length > 3 }}"
[dag.d.group.each]
expand = { n = "{{ output.double }}" }
[dag.d.task.add]
operator = "command"
group = "each"
command = "echo $(({{ expand.n }} + {{ map_index }}))"
[dag.d.task.show]
operator = "command"
group = "each"
command = "echo {{ output.add }}"
[dag.d.task.t]
operator = "command"
command = "echo {{ output.show | join('-') }}"
"#,
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t"), Some(json!("6-9-12")));
    let never = bench.task("never");
    assert_eq!(never.state.unwrap().as_str(), "skipped");
    let run = DagRunKey { dag_id: key("t").dag_id, dag_run_id: key("t").dag_run_id };
    let read = |conn: &_| dagdeck::store::task_instance::for_run(conn, &run);
    let rows = bench.store.read_blocking(read).unwrap();
    let doubles: Vec<i32> = rows
        .iter()
        .filter(|ti| ti.key.task_id.as_str() == "double")
        .map(|ti| ti.key.map_index)
        .collect();
    assert_eq!(doubles, [0, 1, 2]);
}
