//! What is wrong with served versions: kept, told and followed up at once, and only once.

use serde_json::json;

use super::callbacks::says;
use super::decks::Shape;
use super::world::{World, dag, deck, task};
use crate::Input;
use crate::dag::schedule::{AssetExpression, AssetRef};
use crate::types::asset::{AssetEventSource, AssetEventSpec};
use crate::types::callback::{CallbackEvent, CallbackSubject};
use crate::types::trouble::{Trouble, TroubleKey, TroubleKind, TroubleReport};

fn key() -> TroubleKey {
    let (kind, column) = (TroubleKind::Drift, "petal_width".to_owned());
    TroubleKey { model: "iris".to_owned(), version: 3, kind, column }
}

fn report(event: CallbackEvent, world: &World) -> TroubleReport {
    let came = event == CallbackEvent::OnDrift;
    let asset_event = came.then(|| AssetEventSpec {
        dedupe_key: Some("drift:iris:3:1".to_owned()),
        ..AssetEventSpec::new("drift://iris", AssetEventSource::Serving)
    });
    let now = world.now;
    let trouble = Trouble { key: key(), text: "psi".to_owned(), since: now, told_at: now };
    TroubleReport {
        model: "iris".to_owned(),
        version: 3,
        troubles: if came { vec![trouble] } else { Vec::new() },
        ended: if came { Vec::new() } else { vec![key()] },
        event,
        reason: "iris version 3 has drifted".to_owned(),
        details: json!({ "columns": ["petal_width"] }),
        asset_event,
        callbacks: vec![says("x")],
    }
}

fn hand_in(world: &mut World, event: CallbackEvent) {
    let report = report(event, world);
    world.step(Input::Trouble(Box::new(report))).unwrap();
}

#[test]
fn drift_is_kept_told_and_starts_the_dag_that_waits_for_it_once() {
    let any = AssetExpression::Asset(AssetRef::parse("drift://*"));
    let waiting = dag("retrain", vec![task("use")]).on(any);
    let mut world = World::new(deck(vec![waiting]));
    hand_in(&mut world, CallbackEvent::OnDrift);
    assert_eq!(world.rows.troubles.len(), 1);
    let [told] = world.rows.callbacks.as_slice() else { panic!("{:?}", world.rows.callbacks) };
    assert_eq!(told.subject, CallbackSubject::Model { model: "iris".into(), version: 3 });
    assert_eq!((told.event, told.task_or_run_state.as_str()), (CallbackEvent::OnDrift, "drift"));
    assert_eq!(told.details, Some(json!({ "columns": ["petal_width"] })));
    assert_eq!(world.rows.runs.len(), 1);
    // The same news again, as after a crash: no second run.
    hand_in(&mut world, CallbackEvent::OnDrift);
    assert_eq!((world.rows.runs.len(), world.rows.asset_events.len()), (1, 1));
    hand_in(&mut world, CallbackEvent::OnRecovered);
    assert!(world.rows.troubles.is_empty());
    assert_eq!(world.rows.runs.len(), 1, "that it is over starts nothing");
    let lines: Vec<_> = world.rows.log.iter().map(|line| line.event.as_str()).collect();
    assert!(lines.contains(&"serving.drift") && lines.contains(&"serving.recovered"), "{lines:?}");
}
