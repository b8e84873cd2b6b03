//! The copy menu: what of the selection can be put into the clipboard.

use serde::Serialize;

use crate::rows;
use crate::state::menu::{Choice, Item, Menu};
use crate::state::{Popup, Screen, State, View};
use crate::update::log::hand_out;
use crate::update::{action, command};

/// What of the selection can be copied.
#[derive(Debug, Default)]
struct Subject {
    id: Option<String>,
    name: Option<String>,
    json: Option<String>,
}

/// Opens the menu.
pub(crate) fn open(state: &mut State) {
    let subject = subject(state);
    let mut items = Vec::new();
    let mut add = |key, label: &str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let note = crate::text::cut(text.lines().next().unwrap_or_default(), 46);
            let (label, choice) = (label.to_owned(), Choice::Copy(text));
            items.push(Item { key, label, note, is_on: None, choice });
        }
    };
    add('y', "command", Some(command::equivalent(state)));
    add('i', "id", subject.id);
    add('n', "name", subject.name);
    add('u', "url", url(state));
    add('J', "json", subject.json);
    add('l', "log", hand_out::lines(state));
    state.popup = Some(Popup::Menu(Menu { title: "Copy".to_owned(), items, selected: 0 }));
}

fn json(value: &impl Serialize) -> Option<String> {
    serde_json::to_string_pretty(value).ok()
}

/// Makes what can be copied of something that has one name only.
fn named(name: &dyn ToString, value: &impl Serialize) -> Subject {
    Subject { id: Some(name.to_string()), name: None, json: json(value) }
}

fn subject(state: &State) -> Subject {
    let level = state.level();
    let found = match &level.screen {
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            rows::selected(level, &rows::runs(state, level)).map(|run| Subject {
                id: Some(run.dag_run_id.to_string()),
                name: Some(run.dag_id.to_string()),
                json: json(run),
            })
        }
        Screen::Run(key) => Some(match rows::selected_task(state) {
            Some(task) => Subject {
                id: Some(rows::task_key(&task.key)),
                name: Some(key.dag_run_id.to_string()),
                json: json(task),
            },
            None => Subject { id: Some(key.dag_run_id.to_string()), ..Subject::default() },
        }),
        Screen::Root(View::Assets) | Screen::Asset(_) | Screen::AssetWhy(_) | Screen::Impact(_) => {
            rows::assets::shown(state).map(|asset| Subject {
                id: Some(asset.uri.clone()),
                name: Some(asset.name.to_string()),
                json: json(asset),
            })
        }
        Screen::Chain(_) | Screen::Columns(_) => rows::origin::node_here(state).map(|id| Subject {
            name: id.split_once(':').map(|(_, name)| name.to_owned()),
            id: Some(id),
            ..Subject::default()
        }),
        Screen::Root(View::Experiments) => rows::selected(level, &rows::experiments(state, level))
            .map(|one| Subject {
                id: Some(one.experiment_id.to_string()),
                name: Some(one.name.clone()),
                json: json(one),
            }),
        Screen::Experiment(name) => rows::selected(level, &rows::tracking_runs(state, level, name))
            .map(|run| Subject {
                id: Some(run.run_id.to_string()),
                name: Some(run.run_name.clone()),
                json: json(run),
            }),
        Screen::TrackingRun(run_id) => state.cache.tracking_run(run_id).map(|run| Subject {
            id: Some(run_id.to_string()),
            name: Some(run.run_name.clone()),
            json: json(run),
        }),
        Screen::Trials(_) | Screen::TaskTrials(_) => {
            rows::trials::here(state).map(|trial| Subject {
                id: Some(trial.run_id.to_string()),
                name: Some(trial.run_name.clone()),
                json: json(trial),
            })
        }
        Screen::LoggedModels(_) | Screen::LoggedModel(_) => {
            rows::logged::here(state).map(|model| Subject {
                id: Some(model.model_id.clone()),
                name: Some(model.name.clone()),
                json: json(model),
            })
        }
        Screen::Root(View::Models) | Screen::Model(_) | Screen::Compare(..) => {
            rows::models::version_here(state).map(|version| Subject {
                id: Some(format!("models:/{}/{}", version.name, version.version)),
                name: Some(version.name.clone()),
                json: json(version),
            })
        }
        Screen::Root(View::Serving) => state
            .cache
            .serving()
            .map(|serving| Subject { json: json(serving), ..Subject::default() }),
        Screen::Root(View::Events) => {
            rows::selected(level, &rows::events(state, level)).map(|event| named(&event.id, event))
        }
        Screen::Root(View::System) => state.status().map(|status| named(&status.deck_name, status)),
        _ => action::dag_here(state).map(|dag_id| {
            let listed = state.cache.dags().unwrap_or_default();
            let json = listed.iter().find(|dag| dag.dag_id == dag_id).and_then(json);
            Subject { id: Some(dag_id.to_string()), name: None, json }
        }),
    };
    found.unwrap_or_default()
}

/// Returns where the API listens, and the model server in its own view.
fn url(state: &State) -> Option<String> {
    let status = state.status()?;
    let listen = match &state.level().screen {
        Screen::Root(View::Serving) => status.serving_listen.as_ref(),
        _ => status.api_listen.as_ref(),
    };
    listen.map(|listen| match listen.contains("://") {
        true => listen.clone(),
        false => format!("http://{listen}"),
    })
}
