//! Random DAGs, random outcomes, random interference: the oracle agrees after every step (the
//! world asks it), limits hold, and every run ends.

use std::time::Duration;

use proptest::prelude::*;

use super::decks::{Shape, TaskBuilder};
use super::world::{World, dag, deck, task};
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;
use crate::dag::{Dag, Deck};
use crate::types::deferral::AtTimeout;
use crate::types::executor::TryPlace;
use crate::types::operation::{MarkTasks, Operation, Reach};
use crate::types::why::ReasonKind;
use crate::types::{
    AttemptKey, DagRunState, LaunchToken, TaskId, TaskInstanceKey, TaskInstanceState,
};
use crate::{Input, Outcome, Rejected, Report, explain};

const TASKS_MAX: usize = 9;

#[derive(Debug, Clone)]
struct TaskPlan {
    /// Bits: which of the tasks before it are upstream.
    upstream: u16,
    rule: usize,
    kind: u8,
    retries: u32,
    pool_slots: u32,
    is_narrow: bool,
    weight: i64,
    /// What else it is, each by chance.
    more: More,
}

#[derive(Debug, Clone)]
struct More {
    is_in_group: bool,
    mapping: u8,
    role: u8,
    past: u8,
    limit: u8,
}

fn more() -> impl Strategy<Value = More> {
    (0..3_u8, 0..8_u8, 0..9_u8, 0..9_u8, 0..6_u8).prop_map(|(group, mapping, role, past, limit)| {
        More { is_in_group: group == 0, mapping, role, past, limit }
    })
}

fn task_plan() -> impl Strategy<Value = TaskPlan> {
    let rule = prop_oneof![2 => Just(0), 3 => 0..TriggerRule::ALL.len()];
    (any::<u16>(), any::<u16>(), rule, 0..8_u8, 0..3_u32, 1..4_u32, any::<bool>(), 0..3_i64, more())
        .prop_map(|(a, b, rule, kind, retries, pool_slots, is_narrow, weight, more)| TaskPlan {
            upstream: a & b,
            rule,
            kind,
            retries,
            pool_slots,
            is_narrow,
            weight,
            more,
        })
}

/// Says whether a plan stands in the mapped group; the first one does not, the group may be
/// mapped over it.
fn is_in_group(plans: &[TaskPlan], i: usize) -> bool {
    i > 0 && plans[i].more.is_in_group
}

/// Adds to a task what it is by chance: mapped, in a mapped group, a setup, a teardown, bound by
/// the past or by limits of its own.
fn with_more(plans: &[TaskPlan], i: usize, upstream: &[&str], task: TaskBuilder) -> TaskBuilder {
    let More { mapping, role, past, limit, .. } = plans[i].more;
    let mut task = task;
    if is_in_group(plans, i) {
        task = task.group("g");
    } else if mapping == 0 {
        task = task.over(&[("x", vec![1; plans[i].pool_slots as usize - 1].into())]);
    } else if mapping < 3 && !upstream.is_empty() {
        task = task.over(&[("x", upstream[0].into()), ("y", serde_json::json!([1]))]);
    }
    task = match role {
        0 => task.setup(),
        1 => task.teardown(limit == 0),
        _ => task,
    };
    task.flow(|flow| {
        flow.depends_on_past = past < 2;
        flow.wait_for_downstream = past == 0;
        flow.max_active_tis_per_dag = (limit == 0).then_some(2);
        flow.max_active_tis_per_dagrun = (limit < 2).then_some(1);
    })
}

fn build(plans: &[TaskPlan], name: &str, max_active_runs: u32) -> Dag {
    let name_of = |i: usize| format!("t{i}");
    let tasks: Vec<TaskBuilder> = plans
        .iter()
        .enumerate()
        .map(|(i, plan)| {
            let before: Vec<usize> = (0..i).filter(|j| plan.upstream & (1 << j) != 0).collect();
            let mut upstream: Vec<String> = before.iter().map(|j| name_of(*j)).collect();
            // What a mapped group is mapped over comes before its first tasks.
            let is_first = !before.iter().any(|j| is_in_group(plans, *j));
            if is_in_group(plans, i) && is_first && !before.contains(&0) {
                upstream.push(name_of(0));
            }
            let upstream: Vec<&str> = upstream.iter().map(String::as_str).collect();
            let pool = if plan.is_narrow { "narrow" } else { "default_pool" };
            let task = task(&name_of(i))
                .after(&upstream)
                .rule(TriggerRule::ALL[plan.rule].0)
                .operator(match plan.kind {
                    0 => Operator::Empty,
                    1 => Operator::Branch,
                    2 => Operator::LatestOnly,
                    _ => Operator::Command,
                })
                .retries(plan.retries)
                .timeout(50)
                .pool(pool, plan.pool_slots)
                .weight(plan.weight);
            with_more(plans, i, &upstream, task)
        })
        .collect();
    let over = match plans[0].more.mapping {
        0..4 => serde_json::json!("t0"),
        n => vec![1; usize::from(n) - 4].into(),
    };
    dag(name, tasks).grouped("g", &[("z", over)]).with(|dag| {
        dag.max_active_runs = max_active_runs;
        dag.max_active_tasks = 3;
        dag.dagrun_timeout = Some(Duration::from_secs(500));
    })
}

fn in_flight(world: &World) -> Vec<(AttemptKey, LaunchToken)> {
    let tasks = world.state.runs.values().flat_map(|active| active.tasks.values());
    tasks.filter_map(|ti| Some((ti.attempt(), ti.token.clone()?))).collect()
}

/// Does one thing that `dice` names; where it cannot be done nothing happens.
fn act(world: &mut World, deck: &Deck, dice: u32) {
    let open = in_flight(world);
    let attempt = open.get(dice as usize / 16 % open.len().max(1)).cloned();
    let run = world.state.runs.keys().nth(dice as usize / 16 % world.state.runs.len().max(1));
    let run = run.cloned();
    match (dice % 16, attempt, run) {
        (0, ..) => {
            let dag_id = deck.dags.keys().nth(dice as usize / 16 % deck.dags.len()).unwrap();
            world.run = Some(world.ask(super::world::trigger(dag_id.as_str())).unwrap().key());
        }
        (1, ..) => world.tick_after(u64::from(dice / 16 % 30)),
        (2, ..) => {
            world.restart(deck.clone());
            // No daemon starts in the instant in which the one before made a run.
            world.tick_after(1);
        }
        (3, _, Some(_)) if dice.is_multiple_of(5) => {
            world.run = world.state.runs.keys().next().cloned();
            let tasks = if dice.is_multiple_of(2) { vec!["t0"] } else { vec![] };
            let _ = world.clear(&tasks, dice.is_multiple_of(3), true);
        }
        (4, _, Some(run)) if dice.is_multiple_of(7) => {
            let state =
                if dice.is_multiple_of(2) { DagRunState::Failed } else { DagRunState::Success };
            world.operate_on(Operation::MarkRuns { state }, vec![run], false).unwrap();
        }
        (7, _, Some(_)) if dice.is_multiple_of(3) => mark(world, dice / 16),
        (8, ..) if dice.is_multiple_of(3) => undo_last(world),
        (9, ..) if dice.is_multiple_of(11) => {
            let ended = world.rows.runs.values().find(|run| run.state != DagRunState::Running);
            if let Some(run) = ended.map(crate::types::run::DagRun::key) {
                world.operate_on(Operation::DeleteRuns, vec![run], false).unwrap();
            }
        }
        (5, Some((key, token)), _) => {
            world
                .step(Input::Report(Report::Started {
                    key,
                    token,
                    pid: None,
                    place: TryPlace::default(),
                }))
                .unwrap();
        }
        (10, Some((key, token)), _) => {
            let at_timeout = [AtTimeout::Fail, AtTimeout::FailForGood, AtTimeout::Skip];
            let at_timeout = at_timeout[dice as usize / 16 % 3];
            let timeout_at = dice.is_multiple_of(3).then(|| world.now + Duration::from_secs(20));
            let deferral = super::world::deferral(at_timeout, timeout_at);
            world.step(Input::Report(Report::Deferred { key, token, deferral })).unwrap();
        }
        (6, Some((key, token)), _) => {
            let lost = Report::Lost { key, token, reason: "gone".into() };
            world.step(Input::Report(lost)).unwrap();
        }
        (_, Some((key, token)), _) => {
            let outcome = outcome(world, &key, dice / 16);
            world.step(Input::Report(Report::Finished { key, token, outcome })).unwrap();
        }
        _ => {}
    }
}

/// Marks a task of any run, ended ones included.
fn mark(world: &mut World, dice: u32) {
    use crate::types::TaskInstanceState as S;
    let run = world.rows.runs.keys().nth(dice as usize % world.rows.runs.len()).cloned().unwrap();
    let wish = MarkTasks {
        tasks: super::world::choices(&[["t0", "t1", "t2"][dice as usize % 3]]),
        state: [S::Success, S::Failed, S::Skipped][dice as usize / 3 % 3],
        reach: Reach {
            include_upstream: dice & 16 != 0,
            include_downstream: dice & 32 != 0,
            ..Reach::default()
        },
    };
    // A small DAG may not have the task, or it is so already.
    let _ = world.operate_on(Operation::MarkTasks(wish), vec![run], dice & 64 != 0);
}

/// Undoes the last operation that can be undone, and is not refused but for what has moved on.
fn undo_last(world: &mut World) {
    let rows = &world.rows;
    let is_open = |id: &i64| rows.operations[id].images.is_some() && !rows.undone.contains_key(id);
    if let Some(id) = rows.operations.keys().copied().rev().find(is_open)
        && let Err(rejected) = world.undo(id)
    {
        assert!(matches!(rejected, Rejected::MovedOn { .. }), "{rejected}");
    }
}

/// Asks of every unfinished instance why it stands where it stands; returns those that nothing
/// is said to hold back.
fn unexplained(world: &World) -> Vec<TaskInstanceKey> {
    let mut held_by_nothing = Vec::new();
    for active in world.state.runs.values() {
        assert!(!explain::run(&world.state, world.now, active).is_empty());
        for ti in active.tasks.values() {
            let reasons = explain::task(&world.state, world.now, active, ti);
            assert!(!reasons.is_empty(), "{}", ti.key);
            if reasons.iter().any(|reason| reason.kind == ReasonKind::Nothing) {
                held_by_nothing.push(ti.key.clone());
            }
        }
    }
    held_by_nothing
}

fn outcome(world: &World, key: &AttemptKey, dice: u32) -> Outcome {
    let run = crate::decision::run_key(&key.task);
    let dag = &world.state.runs[&run].dag;
    let is_branch = dag.tasks[&key.task.task_id].operator == Operator::Branch;
    match dice % 8 {
        0 => Outcome::failed("boom"),
        1 => Outcome::fatal("boom"),
        2 => Outcome::Skipped { reason: "no".into() },
        3 if is_branch => Outcome::Success {
            outputs: std::collections::BTreeMap::new(),
            output: false.into(),
            chosen: Some(Vec::new()),
            skip_all_downstream: true,
            asset_events: Vec::new(),
        },
        _ if is_branch => {
            let direct = dag.graph.downstream(&key.task.task_id).iter().enumerate();
            let chosen: Vec<TaskId> =
                direct.filter(|(i, _)| dice >> i & 8 != 0).map(|(_, t)| t.clone()).collect();
            Outcome::Success {
                outputs: std::collections::BTreeMap::new(),
                output: true.into(),
                chosen: Some(chosen),
                skip_all_downstream: false,
                asset_events: Vec::new(),
            }
        }
        7 => Outcome::output(1.into()),
        n => Outcome::output(vec![1; n as usize - 3].into()),
    }
}

fn run_to_the_end(world: &mut World) {
    for _ in 0..2000 {
        if world.state.runs.is_empty() {
            return;
        }
        match in_flight(world).pop() {
            Some((key, token)) => {
                let outcome = Outcome::output(vec![1; 2].into());
                world.step(Input::Report(Report::Finished { key, token, outcome })).unwrap();
            }
            None => {
                let next = world.state.next_wakeup(world.now);
                world.now = next.expect("what is not in flight waits for the clock");
                world.tick();
            }
        }
    }
    panic!("runs that do not end: {:?}", world.state.runs.keys());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_and_the_oracle_agrees(
        first in prop::collection::vec(task_plan(), 1..TASKS_MAX),
        second in prop::collection::vec(task_plan(), 1..TASKS_MAX),
        dice in prop::collection::vec(any::<u32>(), 1..60),
        max_active_tasks in 1..5_u32,
    ) {
        let mut deck = deck(vec![build(&first, "first", 2), build(&second, "second", 1)]);
        deck.max_active_tasks = max_active_tasks;
        if max_active_tasks.is_multiple_of(2) {
            deck.pools_with_deferred.insert("narrow".into());
        }
        let mut world = World::new(deck.clone());
        world.trigger("first");
        world.trigger("second");
        for dice in dice {
            act(&mut world, &deck, dice);
        }
        run_to_the_end(&mut world);
        prop_assert!(world.rows.runs.values().all(|run| run.state.is_finished()));
        let left = world.rows.tasks.values().find(|ti| !ti.state.is_some_and(|s| s.is_finished()));
        prop_assert_eq!(left, None);
        let open = world.rows.tries.values().find(|t| !t.state.is_finished());
        prop_assert_eq!(open, None);
    }

    /// A settled state leaves nothing that could move; a state that was just recovered does, and
    /// what is said to be held back by nothing goes on in the next step.
    #[test]
    fn every_unfinished_instance_has_a_reason_and_nothing_is_held_back_by_nothing(
        first in prop::collection::vec(task_plan(), 1..TASKS_MAX),
        second in prop::collection::vec(task_plan(), 1..TASKS_MAX),
        dice in prop::collection::vec(any::<u32>(), 1..40),
        room in 1..9_u32,
    ) {
        let mut narrow = deck(vec![build(&first, "first", 2), build(&second, "second", 1)]);
        narrow.max_active_tasks = 2;
        let mut world = World::new(narrow.clone());
        world.trigger("first");
        world.trigger("second");
        for dice in dice {
            act(&mut world, &narrow, dice);
            let held_by_nothing = unexplained(&world);
            prop_assert!(held_by_nothing.is_empty(), "{:?}", held_by_nothing);
        }
        let mut wide = narrow;
        wide.max_active_tasks = 2 + room;
        wide.pools.insert("narrow".into(), 9);
        world.restart(wide);
        let said = unexplained(&world);
        world.checks_limits = false;
        world.tick();
        for key in said {
            let ti = &world.rows.tasks[&key];
            prop_assert!(
                ti.state.is_some_and(|state| state != TaskInstanceState::Scheduled),
                "nothing held {} back, and it is {:?}", key, ti.state
            );
        }
    }

    #[test]
    fn any_definition_comes_back_from_json_whole(
        plans in prop::collection::vec(task_plan(), 1..TASKS_MAX),
    ) {
        let dag = build(&plans, "only", 2);
        let again: Dag = serde_json::from_str(&serde_json::to_string(&dag).unwrap()).unwrap();
        prop_assert_eq!(format!("{:?}", again), format!("{:?}", dag));
    }

    #[test]
    fn the_same_inputs_give_the_same_decisions(
        plans in prop::collection::vec(task_plan(), 1..TASKS_MAX),
        dice in prop::collection::vec(any::<u32>(), 1..20),
    ) {
        let play = || {
            let deck = deck(vec![build(&plans, "only", 2)]);
            let mut world = World::new(deck.clone());
            world.trigger("only");
            for dice in &dice {
                act(&mut world, &deck, *dice);
            }
            world.rows
        };
        prop_assert_eq!(play(), play());
    }
}
