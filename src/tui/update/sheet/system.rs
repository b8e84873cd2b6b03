//! The forms of the system view: a pool's slots, a variable, a connection, what is no longer kept.

use serde_json::json;

use crate::keymap::with_keys;
use crate::message::Effect;
use crate::rows;
use crate::state::sheet::{self, Wish};
use crate::state::{Popup, State};
use crate::types::settings::ConnectionView;
use crate::update::sheet::{Made, show};

/// Opens the form of what is selected in the system view: a pool's slots, a variable's value.
pub(crate) fn setting(state: &mut State, effects: &mut Vec<Effect>) {
    let level = state.level();
    let settings = rows::settings(state, level);
    let keys = rows::keys(state, level);
    let made = match settings.get(level.cursor(&keys)) {
        Some(rows::Setting::Worker(worker)) => {
            state.popup = Some(Popup::Worker { pid: worker.pid, scroll: 0 });
            return;
        }
        Some(rows::Setting::Pool(pool)) => Made {
            title: format!("Slots of {}", pool.pool),
            intro: vec!["0 holds all its tasks back.".to_owned()],
            fields: vec![sheet::whole("slots", pool.slots, "tasks of it that run at once")],
            verb: "Set",
            wish: Wish::Slots { pool: pool.pool.clone(), description: pool.description.clone() },
        },
        Some(rows::Setting::Variable(variable)) => Made {
            title: format!("Variable {}", variable.key),
            intro: vec!["A secret is given as ${env:NAME} or ${file:path}.".to_owned()],
            fields: vec![sheet::text("value", &variable.value, "in force at once")],
            verb: "Set",
            wish: Wish::Variable {
                key: variable.key.clone(),
                description: variable.description.clone(),
            },
        },
        Some(rows::Setting::Connection(connection)) => connection_form(state, connection),
        None => return,
    };
    show(state, made, effects);
}

/// Makes the form of a connection. What is masked is not known here: it stays where a reference
/// stands for it, and is typed again where it was written plainly.
fn connection_form(state: &State, connection: &ConnectionView) -> Made {
    let secret = json!({"type": "string", "format": "password",
        "description": "what *** in the URL stands for; else empty"});
    let mut fields =
        vec![sheet::text("url", &connection.url, "such as sqlite:data/w.db; ${env:NAME}")];
    fields.push(sheet::field(sheet::URL_PASSWORD, &secret, json!("")));
    for (name, value) in &connection.options {
        let about = match value.as_str() {
            sheet::MASK => "not shown: type it again, or a reference",
            _ => "as in dags.toml",
        };
        fields.push(sheet::text(&sheet::option_name(name), value, about));
    }
    Made {
        title: format!("Connection {}", connection.conn_id),
        intro: vec![with_keys!(
            state,
            "A secret is best given as ${{env:NAME}} or ${{file:path}}; {} tests it afterwards.",
            Test
        )],
        fields,
        verb: "Set",
        wish: Wish::Connection {
            conn_id: connection.conn_id.clone(),
            options: connection.options.keys().cloned().collect(),
            description: connection.description.clone(),
        },
    }
}

/// Asks what retention lets go, and whether it is to go now.
pub(crate) fn prune(state: &mut State, effects: &mut Vec<Effect>) {
    let made = Made {
        title: "Delete what is no longer kept?".to_owned(),
        intro: vec!["[deck.retention] in dags.toml says what is kept how long.".to_owned()],
        fields: vec![sheet::text("older than", "", "such as 90d, in place of every limit there")],
        verb: "Delete",
        wish: Wish::Prune,
    };
    show(state, made, effects);
}
