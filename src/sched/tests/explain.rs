//! Why something runs or does not.

use super::decks::Shape;
use super::world::{World, dag, deck, task, trigger};
use crate::dag::schedule::AssetExpression;
use crate::types::why::{ReasonKind as K, WhySubject, WhyView};
use crate::{Input, Reply};

impl World {
    pub(crate) fn why(&mut self, subject: WhySubject) -> Vec<WhyView> {
        let before = self.rows.clone();
        let Reply::Why(views) = self.step(Input::Explain(subject)).unwrap() else { panic!() };
        assert_eq!(self.rows, before, "a question changes nothing");
        views
    }
}

fn of_dag(dag_id: &str) -> WhySubject {
    WhySubject { dag_id: dag_id.into(), dag_run_id: None, task_id: None, map_index: None }
}

fn run(world: &World) -> WhySubject {
    let key = world.run.clone().unwrap();
    WhySubject { dag_run_id: Some(key.dag_run_id), ..of_dag(key.dag_id.as_str()) }
}

/// Returns (kind, text) of each reason of a task of the run.
fn task_reasons(world: &mut World, task_id: &str) -> Vec<(K, String)> {
    let subject = WhySubject { task_id: Some(task_id.into()), ..run(world) };
    reasons(world, subject)
}

fn reasons(world: &mut World, subject: WhySubject) -> Vec<(K, String)> {
    let views = world.why(subject);
    assert_eq!(views.len(), 1, "{views:?}");
    views[0].reasons.iter().map(|reason| (reason.kind, reason.text.clone())).collect()
}

fn one(kind: K, text: &str) -> Vec<(K, String)> {
    vec![(kind, text.to_owned())]
}

#[test]
fn a_task_waits_for_what_is_upstream_and_says_how_that_stands() {
    let tasks = vec![task("a"), task("x").retries(1), task("b").after(&["a", "x"])];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.start("a");
    world.fail("x");
    world.now += std::time::Duration::from_secs(3);
    let found = task_reasons(&mut world, "b");
    assert_eq!(found[0], (K::Upstream, "waits for `a` (running for 3s)".to_owned()));
    assert!(found[1].1.starts_with("waits for `x` (up_for_retry, in 7s (at "), "{found:?}");
    let found = task_reasons(&mut world, "x");
    assert_eq!(found[0].0, K::Retry);
    assert!(found[0].1.starts_with("try 1 failed (boom); the next one of 2 comes in 7s"));
    assert_eq!(task_reasons(&mut world, "a"), one(K::InFlight, "it is running for 3s, try 1 of 1"));
}

#[test]
fn a_full_pool_names_who_holds_it() {
    let tasks = vec![task("a").pool("narrow", 2), task("b").pool("narrow", 1)];
    let mut world = World::new(deck(vec![dag("d", tasks)]));
    world.trigger("d");
    world.start("a");
    assert_eq!(
        task_reasons(&mut world, "b"),
        one(
            K::Pool,
            "pool `narrow` is full: 2 of 2 slots, held by `a` of `d` (running for 0ms); 1 needed"
        )
    );
}

#[test]
fn full_limits_of_the_run_and_the_deck_are_told() {
    let narrow = dag("d", vec![task("a"), task("b")]).with(|dag| dag.max_active_tasks = 1);
    let mut decks = deck(vec![narrow]);
    let mut world = World::new(decks.clone());
    world.trigger("d");
    assert_eq!(
        task_reasons(&mut world, "b"),
        one(K::MaxActiveTasks, "its run has 1 of max_active_tasks 1 in flight")
    );
    decks.max_active_tasks = 1;
    let mut world = World::new(decks);
    world.trigger("d");
    let kinds: Vec<K> = task_reasons(&mut world, "b").iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [K::Parallelism, K::MaxActiveTasks], "all that holds it back");
}

#[test]
fn a_queued_run_says_how_many_run_and_its_tasks_say_that_it_is_queued() {
    let single = dag("d", vec![task("a")]).with(|dag| dag.max_active_runs = 1);
    let mut world = World::new(deck(vec![single]));
    world.trigger("d");
    world.tick_after(1);
    let second = world.trigger("d");
    let limit = "1 of max_active_runs 1 runs of `d` are running";
    let subject = run(&world);
    assert_eq!(reasons(&mut world, subject), one(K::MaxActiveRuns, limit));
    let found = task_reasons(&mut world, "a");
    assert_eq!(found[0], (K::RunQueued, format!("its run `{}` is queued", second.dag_run_id)));
    assert_eq!(found[1], (K::MaxActiveRuns, limit.to_owned()));
}

#[test]
fn an_ended_task_says_how_and_an_ended_run_is_not_in_memory() {
    let mut world = World::new(deck(vec![dag("d", vec![task("a"), task("b")])]));
    world.trigger("d");
    world.fail("a");
    assert_eq!(task_reasons(&mut world, "a"), one(K::Ended, "it has ended as failed: boom"));
    world.succeed("b");
    let subject = run(&world);
    assert!(world.why(subject).is_empty());
}

#[test]
fn a_dag_says_why_no_run_of_it_is_made() {
    let one_run = dag("full", vec![task("t")]).cron("0 0 * * *").with(|d| d.max_active_runs = 1);
    let both = AssetExpression::parse("a & b").unwrap();
    let decks = deck(vec![
        dag("hand", vec![task("t")]),
        dag("daily", vec![task("t")]).cron("0 0 * * *"),
        one_run,
        dag("assets", vec![task("t")]).on(both),
    ]);
    let mut world = World::new(decks);
    let kinds = |world: &mut World, dag_id: &str| -> Vec<K> {
        reasons(world, of_dag(dag_id)).iter().map(|(kind, _)| *kind).collect()
    };
    assert_eq!(kinds(&mut world, "hand"), [K::Manual]);
    let found = reasons(&mut world, of_dag("daily"));
    assert!(found[0].1.contains("the next run is due in 12h"), "{found:?}");
    world.pause("daily", true);
    assert_eq!(kinds(&mut world, "daily"), [K::Paused, K::Schedule]);
    world.ask(trigger("full")).unwrap();
    assert_eq!(kinds(&mut world, "full"), [K::MaxActiveRuns, K::Schedule]);
    super::assets::emit(&mut world, "a");
    let found = reasons(&mut world, of_dag("assets"));
    assert_eq!(
        found,
        one(K::Assets, "it waits for `a & b`; missing: `b`; changed since the last run: `a`")
    );
    world.step(Input::DefinitionsLoaded(deck(vec![]).into())).unwrap();
    assert_eq!(kinds(&mut world, "hand"), [K::Stale]);
}
