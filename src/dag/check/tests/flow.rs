//! Mapping, groups, setup and teardown, as written.

use serde_json::json;

use super::*;
use crate::mapping::{Expand, Source};
use crate::trigger_rule::TriggerRule;
use crate::{Dag, Flow};

fn loaded(text: &str) -> std::sync::Arc<Dag> {
    load_more(text).unwrap_or_else(|found| panic!("{found:#?}")).dags["d"].clone()
}

fn upstream(dag: &Dag, task: &str) -> Vec<String> {
    dag.graph.upstream(&task.into()).iter().map(ToString::to_string).collect()
}

fn empty(name: &str, lines: &str) -> String {
    format!("[dag.d.task.{name}]\noperator = \"empty\"\n{lines}\n")
}

#[test]
fn a_task_is_mapped_over_lists_and_outputs_and_depends_on_what_it_names() {
    let text = empty("list-all", "")
        + &empty("b", "")
        + r#"
[dag.d.task.each]
operator = "command"
expand = { command = ["a {{ output.b }}", "c"], x = '{{ output["list-all"].files }}', y = "{{ output.b }}" }
"#;
    let dag = loaded(&text);
    assert_eq!(upstream(&dag, "each"), ["b", "list-all"]);
    let Some(Expand::Keys(keys)) = &dag.tasks["each"].flow.expand else { panic!("keys") };
    let literal = json!(["a {{ output.b }}", "c"]);
    assert_eq!(keys["command"], Source::Literal(literal));
    let path = vec!["files".to_owned()];
    assert_eq!(keys["x"], Source::Output { task: "list-all".into(), path });
    assert_eq!(dag.plan.mapped_over(&"b".into()), [Vec::<String>::new()]);
}

#[test]
fn a_list_of_tables_fills_several_keys() {
    let text = r#"
[dag.d.task.each]
operator = "command"
expand = [{ command = "a", n = 1 }, { command = "b" }]
env = { N = "{{ expand.n }}" }
[dag.d.task.rows]
operator = "command"
expand = "{{ output.each }}"
"#;
    let dag = loaded(text);
    assert!(matches!(dag.tasks["each"].flow.expand, Some(Expand::Tables(Source::Literal(_)))));
    assert_eq!(upstream(&dag, "rows"), ["each"]);
}

#[test]
fn a_group_stands_for_its_first_and_last_tasks() {
    let text = empty("before", "")
        + &empty("a", "group = \"inner\"")
        + &empty("b", "group = \"inner\"\ndepends_on = [\"a\"]")
        + &empty("c", "group = \"outer\"\ndepends_on = [\"inner\"]")
        + &empty("alone", "group = \"outer\"")
        + &empty("after", "depends_on = [\"outer\"]")
        + "[dag.d.group.outer]\ndepends_on = [\"before\"]\ntooltip = \"both\"\n\
           [dag.d.group.inner]\nparent = \"outer\"\n";
    let dag = loaded(&text);
    assert_eq!(upstream(&dag, "a"), ["before"]);
    assert_eq!(upstream(&dag, "b"), ["a"]);
    assert_eq!(upstream(&dag, "c"), ["b"]);
    assert_eq!(upstream(&dag, "alone"), ["before"]);
    assert_eq!(upstream(&dag, "after"), ["c", "alone"]);
    assert_eq!(dag.groups["outer"].tooltip.as_deref(), Some("both"));
}

#[test]
fn the_tasks_of_a_group_inherit_from_it_and_from_those_around_it() {
    let text = empty("a", "group = \"inner\"")
        + &empty("b", "group = \"outer\"\nretries = 5")
        + "[dag.d.group.outer.default_args]\nretries = 2\npool = \"small\"\n\
           [dag.d.group.inner]\nparent = \"outer\"\n\
           [dag.d.group.inner.default_args]\nretries = 3\ndepends_on_past = true\n";
    let dag = loaded(&text);
    let a = &dag.tasks["a"];
    assert_eq!((a.retries, a.pool.as_str(), a.flow.depends_on_past), (3, "small", true));
    assert_eq!((dag.tasks["b"].retries, dag.tasks["b"].flow.depends_on_past), (5, false));
    assert!(dag.plan.looks_back());
}

#[test]
fn a_mapped_group_maps_its_tasks_and_depends_on_what_it_names() {
    let text = empty("list", "")
        + r#"
[dag.d.group.g]
expand = { path = "{{ output.list }}" }
[dag.d.task.a]
operator = "command"
group = "g"
command = "echo {{ expand.path }} {{ map_index }}"
[dag.d.task.b]
operator = "python"
callable = "ok.py:f"
group = "g"
args = { a = "{{ output.a }}" }
"#;
    let dag = loaded(&text);
    assert_eq!(upstream(&dag, "a"), ["list"]);
    assert_eq!(upstream(&dag, "b"), ["a"]);
    assert!(dag.mapping(&"b".into()).is_some());
    assert!(dag.is_parallel(&"a".into(), &"b".into()));
    assert!(!dag.is_parallel(&"list".into(), &"a".into()));
}

#[test]
fn a_branch_chooses_a_group() {
    let text = empty("a", "group = \"g\"")
        + &empty("b", "group = \"g\"\ndepends_on = [\"a\"]")
        + "[dag.d.group.g]\n[dag.d.task.pick]\noperator = \"branch\"\nchoose = [\"g\"]\n";
    let dag = loaded(&text);
    assert_eq!(upstream(&dag, "a"), ["pick"]);
    assert_eq!(dag.chosen(&["g".into()]), ["a".into()]);
}

#[test]
fn a_teardown_names_its_setups_which_makes_them_so() {
    let text = empty("up", "")
        + &empty("work", "depends_on = [\"up\"]")
        + &empty("down", "depends_on = [\"work\"]\nteardown = \"up\"")
        + &empty("other", "teardown = [\"up\"]\non_failure_fail_dagrun = true");
    let dag = loaded(&text);
    assert!(dag.tasks["up"].flow.is_setup);
    assert_eq!(upstream(&dag, "down"), ["work", "up"]);
    let down = &dag.tasks["down"];
    assert_eq!(down.trigger_rule, TriggerRule::AllDoneSetupSuccess);
    assert!(down.flow.is_ignored_teardown() && !dag.tasks["other"].flow.is_ignored_teardown());
    assert!(!dag.is_deciding(&"down".into()) && dag.is_deciding(&"other".into()));
}

#[test]
fn a_teardown_is_not_the_last_task_of_its_group() {
    let text = empty("up", "setup = true\ngroup = \"g\"")
        + &empty("work", "depends_on = [\"up\"]\ngroup = \"g\"")
        + &empty("down", "depends_on = [\"work\"]\nteardown = \"up\"\ngroup = \"g\"")
        + &empty("after", "depends_on = [\"g\"]")
        + "[dag.d.group.g]\n";
    assert_eq!(upstream(&loaded(&text), "after"), ["work"]);
}

#[test]
fn limits_and_the_past_are_read_and_inherited() {
    let text = empty("a", "max_active_tis_per_dag = 2\nwait_for_downstream = true")
        + &empty("b", "run_if = \"{{ params.x }}\"\nignore_first_depends_on_past = false")
        + &empty("c", "run_if = false")
        + "[dag.d.default_args]\nmax_active_tis_per_dagrun = 3\n\
           [dag.d.param.x]\ntype = \"boolean\"\ndefault = true\n";
    let dag = loaded(&text);
    let a = &dag.tasks["a"].flow;
    assert_eq!((a.max_active_tis_per_dag, a.max_active_tis_per_dagrun), (Some(2), Some(3)));
    assert!(a.depends_on_past && a.wait_for_downstream && a.ignore_first_depends_on_past);
    assert!(!dag.tasks["b"].flow.ignore_first_depends_on_past);
    assert_eq!(dag.tasks["c"].flow.run_if.as_deref(), Some("false"));
}

#[test]
fn a_plan_survives_being_written_as_json() {
    let text = empty("list", "") + &empty("each", "expand = { x = \"{{ output.list.a }}\" }");
    let dag = loaded(&text);
    let plan = serde_json::to_string(&dag.plan).unwrap();
    assert_eq!(serde_json::from_str::<crate::plan::Plan>(&plan).unwrap(), dag.plan);
    let flow = serde_json::to_string(&dag.tasks["each"].flow).unwrap();
    assert_eq!(serde_json::from_str::<Flow>(&flow).unwrap(), dag.tasks["each"].flow);
}
