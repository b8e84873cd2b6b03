//! Experiments, models and aliases.

use serde_json::json;

use super::world::World;
use super::*;
use crate::sched::{Change, Input};
use crate::store::sample::{self, at};
use crate::tracking::logged_model::{self, NewLoggedModel};
use crate::tracking::run::NewRun;
use crate::tracking::{artifact, registry, run, search};
use crate::types::ask::{ModelChange, Nesting};
use crate::types::view::AliasPlan;
use crate::types::xcom::{RETURN_VALUE, XcomValue};
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState};

/// Registers the next version of `iris`.
pub(crate) fn version(store: &Store) -> u32 {
    let new = NewRun {
        experiment_id: "0".into(),
        run_name: "r".into(),
        user_id: "ada".into(),
        start_time: at(0),
        tags: vec![],
        attempt_token: None,
    };
    let made = run::create(store, new).unwrap().run_id;
    artifact::record(store, &made, "model/model.json", b"{}").unwrap();
    registry::register(store, "iris", &made, at(1)).unwrap().version
}

fn promote(version: u32, expected_current: Option<u32>) -> Request {
    Request::Promote {
        name: "iris".into(),
        version,
        alias: "production".into(),
        expected_current,
        reason: None,
    }
}

fn roll_back(expected_current: Option<u32>) -> Request {
    Request::Rollback {
        name: "iris".into(),
        alias: "production".into(),
        expected_current,
        reason: None,
    }
}

async fn plan(world: &World, request: Request) -> AliasPlan {
    match world.ask(request).await {
        Answer::AliasPlan(plan) => *plan,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_promotion_moves_the_alias_and_says_so_as_an_asset_event() {
    let world = World::new();
    version(&world.parts.store);
    version(&world.parts.store);
    let Answer::ModelVersion(bearer) = world.ask(promote(1, None)).await else { panic!() };
    assert_eq!((bearer.version, bearer.aliases), (1, vec!["production".to_owned()]));
    let Input::AssetChanged(spec) = world.last_input() else { panic!() };
    assert_eq!(spec.uri, "models:/iris@production");
    let fault = world.refusal(promote(2, None)).await;
    assert_eq!(fault.kind, FaultKind::Conflict);
    world.ask(promote(2, Some(1))).await;
    let Answer::Model(model) = world.ask(Request::ShowModel { name: "iris".into() }).await else {
        panic!()
    };
    assert_eq!((model.history.len(), model.history[0].when), (2, at(1000)));
    assert!(!model.history[0].user.is_empty());
}

#[tokio::test]
async fn a_rollback_is_planned_then_done_unless_the_alias_has_moved() {
    let world = World::new();
    for expected in [None, Some(1)] {
        let next = version(&world.parts.store);
        world.ask(promote(next, expected)).await;
    }
    let wish = Request::PlanRollback { name: "iris".into(), alias: "production".into() };
    let planned = plan(&world, wish).await;
    assert_eq!((planned.from.unwrap().version, planned.to.version), (2, 1));
    assert_eq!(planned.starts_dags, ["serving".into()], "not the one that is paused");
    assert_eq!(world.refusal(roll_back(Some(1))).await.kind, FaultKind::Conflict);
    let Answer::ModelVersion(bearer) = world.ask(roll_back(Some(2))).await else { panic!() };
    assert_eq!(bearer.version, 1);
    assert_eq!(world.refusal(roll_back(Some(1))).await.kind, FaultKind::Conflict);
}

#[tokio::test]
async fn a_promotion_to_where_the_alias_stands_starts_nothing() {
    let world = World::new();
    version(&world.parts.store);
    let wish =
        |version| Request::PlanPromote { name: "iris".into(), version, alias: "production".into() };
    assert_eq!(plan(&world, wish(1)).await.starts_dags, ["serving".into()]);
    world.ask(promote(1, None)).await;
    assert!(plan(&world, wish(1)).await.starts_dags.is_empty());
    let inputs = world.inputs.lock().unwrap().len();
    world.ask(promote(1, Some(1))).await;
    assert_eq!(world.inputs.lock().unwrap().len(), inputs, "no second event");
    assert_eq!(world.refusal(wish(9)).await.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn experiments_runs_and_models_are_listed() {
    let world = World::new();
    version(&world.parts.store);
    let Answer::Experiments(experiments) = world.ask(Request::ListExperiments).await else {
        panic!()
    };
    assert_eq!((experiments[0].name.as_str(), experiments[0].run_count), ("Default", 1));
    let list = |experiment: &str| Request::ListTrackingRuns {
        experiment: experiment.into(),
        filter: "tags.`mlflow.runName` LIKE '%'".into(),
        order_by: vec!["metrics.accuracy DESC".into()],
        nesting: Nesting::All,
        limit: 10,
        offset: 0,
    };
    let Answer::TrackingRuns { runs, total } = world.ask(list("Default")).await else { panic!() };
    assert_eq!(total, 1);
    let run_id = runs[0].run_id.clone();
    let Answer::TrackingRun(run) = world.ask(Request::ShowTrackingRun { run_id }).await else {
        panic!()
    };
    assert_eq!(*run, runs[0]);
    let Answer::Models(models) = world.ask(Request::ListModels).await else { panic!() };
    assert_eq!(models[0].latest_version, Some(1));
    let fault = world.refusal(list("Defautl")).await;
    assert_eq!(fault.hint.as_deref(), Some("did you mean `Default`?"));
    let fault = world.refusal(Request::ShowModel { name: "irsi".into() }).await;
    assert_eq!(fault.hint.as_deref(), Some("did you mean `iris`?"));
    let fault = world.refusal(Request::ShowTrackingRun { run_id: "nope".into() }).await;
    assert_eq!(fault.kind, FaultKind::NotFound);
}

/// Registers a version that a run of `train` made and its gate judged.
async fn judged(world: &World, dag_run_id: &str, passed: bool) -> u32 {
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let new = NewRun {
        experiment_id: "0".into(),
        run_name: "r".into(),
        user_id: "ada".into(),
        start_time: at(0),
        tags: vec![tag("dagdeck.dag_id", "train"), tag("dagdeck.dag_run_id", dag_run_id)],
        attempt_token: None,
    };
    let store = &world.parts.store;
    let made = run::create(store, new).unwrap().run_id;
    artifact::record(store, &made, "model/model.json", b"{}").unwrap();
    let version = registry::register(store, "iris", &made, at(1)).unwrap().version;
    let key = TaskInstanceKey {
        dag_id: "train".into(),
        dag_run_id: dag_run_id.into(),
        task_id: "decide".into(),
        map_index: -1,
    };
    let mut gate = sample::task(key.clone(), Some(TaskInstanceState::Success));
    gate.operator = "ml.gate".into();
    let figure =
        json!({"metric": "accuracy", "required": ">= 0.75", "value": 0.7, "passed": passed});
    let output = json!({"passed": passed, "reason": "accuracy 0.7", "figures": [figure]});
    world
        .commit(vec![
            Change::PutDagRun(sample::run("train", dag_run_id, 1, DagRunState::Success)),
            Change::PutTaskInstance(gate),
            Change::PutXcom {
                task: key,
                key: RETURN_VALUE.into(),
                value: XcomValue::Value(output),
            },
        ])
        .await;
    version
}

#[tokio::test]
async fn a_version_tells_what_its_gate_found_and_one_that_failed_needs_a_reason() {
    let world = World::new();
    let good = judged(&world, "r1", true).await;
    let bad = judged(&world, "r2", false).await;
    let Answer::Model(model) = world.ask(Request::ShowModel { name: "iris".into() }).await else {
        panic!()
    };
    let version = &model.versions[0];
    assert_eq!((version.version, version.fails_a_gate()), (bad, true));
    assert_eq!(version.gates[0].task_id.as_str(), "decide");
    assert_eq!(version.gates[0].figures[0].value, Some(0.7));
    assert_eq!(version.origin.as_ref().unwrap().dag_version_number, Some(1));
    assert_eq!(version.size_bytes, Some(2));
    world.ask(promote(good, None)).await;
    let fault = world.refusal(promote(bad, Some(good))).await;
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.to_string().contains("failed a gate: `decide`: accuracy 0.7"), "{fault}");
    let Request::Promote { name, version, alias, expected_current, .. } = promote(bad, Some(good))
    else {
        panic!()
    };
    let reason = Some("  the old one is broken ".into());
    world.ask(Request::Promote { name, version, alias, expected_current, reason }).await;
    let Answer::Model(model) = world.ask(Request::ShowModel { name: "iris".into() }).await else {
        panic!()
    };
    assert_eq!(model.history[0].reason.as_deref(), Some("the old one is broken"));
}

#[tokio::test]
async fn a_plan_tells_what_becomes_of_the_requests() {
    let world = World::new();
    version(&world.parts.store);
    let wish =
        |alias: &str| Request::PlanPromote { name: "iris".into(), version: 1, alias: alias.into() };
    let planned = plan(&world, wish("production")).await;
    assert_eq!(planned.traffic, ["serving deploys v1: all requests at once"]);
    let planned = plan(&world, wish("shadow")).await;
    assert_eq!(planned.traffic, ["nothing deploys it: requests go on to v3 100 %"]);
}

#[tokio::test]
async fn an_alias_that_a_client_of_mlflow_sets_is_a_promotion_like_any_other() {
    let world = World::new();
    let good = judged(&world, "r1", true).await;
    let bad = judged(&world, "r2", false).await;
    let tracker = world.control.tracker();
    let set = |version| tracker.promote("iris".into(), "production".into(), version);
    set(good).await.unwrap();
    let Input::AssetChanged(spec) = world.last_input() else { panic!() };
    assert_eq!(spec.uri, "models:/iris@production");
    let fault = set(bad).await.unwrap_err();
    assert!(fault.message.contains("failed a gate"), "{fault}");
    assert_eq!(set(99).await.unwrap_err().kind, FaultKind::NotFound);
    let Answer::Model(model) = world.ask(Request::ShowModel { name: "iris".into() }).await else {
        panic!()
    };
    let line = &model.history[0];
    assert_eq!((line.action.as_str(), line.to_version), ("promote", Some(good)));
}

#[tokio::test]
async fn what_is_said_of_models_and_versions_is_changed_and_what_is_in_production_stays() {
    let world = World::new();
    version(&world.parts.store);
    version(&world.parts.store);
    world.ask(promote(1, None)).await;
    let change = |version, change| Request::ChangeModel { name: "iris".into(), version, change };
    let text = |text: &str| text.to_owned();
    for (of, what) in [
        (None, ModelChange::Describe { description: text("leaves") }),
        (None, ModelChange::SetTag { key: text("owner"), value: text("ada") }),
        (Some(2), ModelChange::Describe { description: text("the second") }),
        (Some(2), ModelChange::SetTag { key: text("k"), value: text("v") }),
        (Some(2), ModelChange::SetTag { key: text("x"), value: text("y") }),
        (Some(2), ModelChange::DeleteTag { key: text("x") }),
        (Some(2), ModelChange::SetStage { stage: text("staging"), archive_existing: true }),
    ] {
        assert!(matches!(world.ask(change(of, what)).await, Answer::Done));
    }
    let Answer::Model(model) = world.ask(Request::ShowModel { name: "iris".into() }).await else {
        panic!()
    };
    assert_eq!(model.model.description.as_deref(), Some("leaves"));
    assert_eq!(model.model.tags, [(text("owner"), text("ada"))]);
    let second = &model.versions[0];
    assert_eq!(
        (second.stage.as_str(), second.description.as_deref()),
        ("Staging", Some("the second"))
    );
    assert_eq!(second.version_tags, [(text("k"), text("v"))]);
    for of in [Some(1), None] {
        let fault = world.refusal(change(of, ModelChange::Delete)).await;
        assert_eq!(fault.kind, FaultKind::Conflict, "{fault}");
    }
    let stage = ModelChange::SetStage { stage: text("Staging"), archive_existing: false };
    assert_eq!(world.refusal(change(None, stage)).await.kind, FaultKind::Invalid);
    let rename = ModelChange::Rename { new_name: text("x") };
    assert_eq!(world.refusal(change(Some(1), rename)).await.kind, FaultKind::Invalid);
    let take = |alias: &str| change(None, ModelChange::DeleteAlias { alias: text(alias) });
    assert_eq!(world.refusal(take("nobody")).await.kind, FaultKind::NotFound);
    let events = world.inputs.lock().unwrap().len();
    world.ask(take("production")).await;
    assert_eq!(world.inputs.lock().unwrap().len(), events, "nothing new is in production");
    world.ask(change(None, ModelChange::Delete)).await;
    let gone = world.refusal(Request::ShowModel { name: "iris".into() }).await;
    assert_eq!(gone.kind, FaultKind::NotFound);
    let logged = Request::ListLoggedModels { experiment: text("Default"), run_id: None };
    assert!(matches!(world.ask(logged).await, Answer::LoggedModels(found) if found.is_empty()));
}

#[tokio::test]
async fn logged_models_are_shown_tagged_registered_and_deleted() {
    let world = World::new();
    let store = &world.parts.store;
    let run_id = {
        version(store);
        let search =
            search::Search { experiment: "Default".into(), limit: 1, ..Default::default() };
        search::runs(store, &search).unwrap().0[0].run_id.clone()
    };
    let new = NewLoggedModel {
        experiment_id: "0".into(),
        name: Some("forest".into()),
        source_run_id: Some(run_id.clone()),
        ..NewLoggedModel::default()
    };
    let made = store.write(move |tx| logged_model::create(tx, &new, at(1))).await.unwrap();
    let id = made.model_id.clone();
    let register = |name: &str| Request::RegisterLoggedModel {
        name: name.into(),
        model_id: id.clone(),
        description: Some("the first".into()),
    };
    let change = |change: ModelChange| Request::ChangeLoggedModel { model_id: id.clone(), change };
    let fault = world.refusal(register("iris")).await;
    assert_eq!(fault.kind, FaultKind::Conflict, "its files are still to come: {fault}");
    let folder = artifact::place(&world.parts.layout.artifacts_dir(), &made.artifact_uri).unwrap();
    let manifest = json!({
        "flavors": {"python_function": {}, "sklearn": {}},
        "signature": {"inputs": "[{\"name\": \"size\", \"type\": \"datetime\"}]", "outputs": null},
    });
    artifact::write(&folder, "MLmodel", manifest.to_string().as_bytes()).unwrap();
    artifact::write(&folder, "data/model.pkl", b"123").unwrap();
    let model_id = id.clone();
    store.write(move |tx| logged_model::finalize(tx, &model_id, "READY", at(2))).await.unwrap();
    let of_run = Request::ListLoggedModels { experiment: String::new(), run_id: Some(run_id) };
    let Answer::LoggedModels(found) = world.ask(of_run).await else { panic!() };
    assert_eq!(found.len(), 1);
    let tag = ModelChange::SetTag { key: "owner".into(), value: "ada".into() };
    world.ask(change(tag)).await;
    let show = Request::ShowLoggedModel { model_id: id.clone() };
    let Answer::LoggedModel(shown) = world.ask(show.clone()).await else { panic!() };
    assert_eq!(shown.flavors, ["python_function", "sklearn"]);
    assert_eq!(shown.signature.as_ref().unwrap()["inputs"][0]["type"], "datetime");
    assert_eq!(shown.files[1], ("data/model.pkl".to_owned(), 3));
    assert_eq!(shown.tags, [("owner".to_owned(), "ada".to_owned())]);
    let Answer::ModelVersion(made) = world.ask(register("iris")).await else { panic!() };
    assert_eq!((made.version, made.model_id.as_ref()), (2, Some(&id)));
    assert_eq!(made.description.as_deref(), Some("the first"));
    let fault = world.refusal(change(ModelChange::Delete)).await;
    assert!(fault.kind == FaultKind::Conflict && fault.message.contains("version 2"), "{fault}");
    let rename = ModelChange::Rename { new_name: "x".into() };
    assert_eq!(world.refusal(change(rename)).await.kind, FaultKind::Invalid);
    let forget = ModelChange::Delete;
    world.ask(Request::ChangeModel { name: "iris".into(), version: Some(2), change: forget }).await;
    world.ask(change(ModelChange::Delete)).await;
    assert_eq!(world.refusal(show).await.kind, FaultKind::NotFound);
    assert_eq!(world.refusal(register("iris")).await.kind, FaultKind::NotFound);
}
