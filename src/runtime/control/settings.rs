//! Variables, connections and pools that operators set at run time, beside those of `dags.toml`.
//! The feed keeps who set what; values are never in it.

use std::sync::Arc;

use rusqlite::Transaction;

use crate::dag::settings as check;
use crate::dag::{Deck, suggest};
use crate::runtime::control::{ControlParts, user};
use crate::runtime::desk::Change;
use crate::store::{StoreError, event_log, settings};
use crate::types::ask::{Answer, Request};
use crate::types::event::{EventLog, Severity};
use crate::types::settings::{Connection, Pool, Settings, Variable};
use crate::types::{Fault, Timestamp};

mod probe;
mod show;

/// Answers what is about settings.
pub(super) async fn answer(parts: &ControlParts, request: Request) -> Result<Answer, Fault> {
    let deck = parts.live().deck.clone();
    match request {
        Request::ListVariables => Ok(Answer::Variables(show::variables(&deck))),
        Request::ListConnections => Ok(Answer::Connections(show::connections(&deck))),
        Request::ListPools => Ok(Answer::Pools(show::pools(&parts.live()))),
        Request::TestConnection { conn_id } => {
            probe::probe(&deck, &conn_id).await.map(Answer::ConnectionTest)
        }
        Request::SetVariables { variables } => change(parts, set_variables(parts, variables)).await,
        Request::SetConnections { connections } => {
            change(parts, set_connections(parts, connections)).await
        }
        Request::SetPools { pools } => change(parts, set_pools(parts, pools)).await,
        Request::DeleteVariable { key } => change(parts, delete_variable(parts, key)).await,
        Request::DeleteConnection { conn_id } => {
            change(parts, delete_connection(parts, conn_id)).await
        }
        Request::DeletePool { pool } => change(parts, delete_pool(parts, pool)).await,
        _ => Err(Fault::invalid("answer a question that is not about settings")),
    }
}

async fn change(parts: &ControlParts, change: Change) -> Result<Answer, Fault> {
    parts.desk.change(|| parts.live().deck.clone(), change).await?;
    Ok(Answer::Done)
}

fn set_variables(parts: &ControlParts, variables: Vec<Variable>) -> Change {
    let (lookup, audit) = (parts.desk.lookup().clone(), Audit::of(parts));
    let variables = Arc::new(variables);
    let (checked, edited) = (Arc::clone(&variables), Arc::clone(&variables));
    Change {
        check: Box::new(move |deck, _| {
            checked.iter().try_for_each(|one| check::check_variable(deck, one, &*lookup))
        }),
        edit: Box::new(move |after| {
            for one in edited.iter() {
                after.variables.retain(|other| other.key != one.key);
                after.variables.push(one.clone());
            }
        }),
        write: Box::new(move |tx| {
            for one in variables.iter() {
                settings::put_variable(tx, one)?;
                audit.write(tx, "variable.set", format!("variable `{}` was set", one.key))?;
            }
            Ok(())
        }),
        may_break: false,
    }
}

fn set_connections(parts: &ControlParts, connections: Vec<Connection>) -> Change {
    let (lookup, audit) = (parts.desk.lookup().clone(), Audit::of(parts));
    let connections = Arc::new(connections);
    let (checked, edited) = (Arc::clone(&connections), Arc::clone(&connections));
    Change {
        check: Box::new(move |deck, _| {
            checked.iter().try_for_each(|one| check::check_connection(deck, one, &*lookup))
        }),
        edit: Box::new(move |after| {
            for one in edited.iter() {
                after.connections.retain(|other| other.conn_id != one.conn_id);
                after.connections.push(one.clone());
            }
        }),
        write: Box::new(move |tx| {
            for one in connections.iter() {
                settings::put_connection(tx, one)?;
                let message = format!("connection `{}` was set", one.conn_id);
                audit.write(tx, "connection.set", message)?;
            }
            Ok(())
        }),
        // One of another kind may not fit the tasks that name it.
        may_break: true,
    }
}

fn set_pools(parts: &ControlParts, pools: Vec<Pool>) -> Change {
    let audit = Audit::of(parts);
    let pools = Arc::new(pools);
    let (checked, edited) = (Arc::clone(&pools), Arc::clone(&pools));
    Change {
        check: Box::new(move |_, _| checked.iter().try_for_each(check::check_pool)),
        edit: Box::new(move |after| {
            for one in edited.iter() {
                after.pools.retain(|other| other.pool != one.pool);
                after.pools.push(one.clone());
            }
        }),
        write: Box::new(move |tx| {
            for one in pools.iter() {
                settings::put_pool(tx, one)?;
                let message = format!("pool `{}` was given {} slots", one.pool, one.slots);
                audit.write(tx, "pool.set", message)?;
            }
            Ok(())
        }),
        may_break: false,
    }
}

fn delete_variable(parts: &ControlParts, key: String) -> Change {
    let audit = Audit::of(parts);
    let (checked, edited) = (key.clone(), key.clone());
    Change {
        check: Box::new(move |deck, before| {
            let names = before.variables.iter().map(|one| one.key.as_str());
            require("variable", &checked, names, deck.declares_variable(&checked))
        }),
        edit: Box::new(move |after| after.variables.retain(|one| one.key != edited)),
        write: Box::new(move |tx| {
            settings::delete_variable(tx, &key)?;
            audit.write(tx, "variable.deleted", format!("variable `{key}` was deleted"))
        }),
        may_break: true,
    }
}

fn delete_connection(parts: &ControlParts, conn_id: String) -> Change {
    let audit = Audit::of(parts);
    let (checked, edited) = (conn_id.clone(), conn_id.clone());
    Change {
        check: Box::new(move |deck, before| {
            let names = before.connections.iter().map(|one| one.conn_id.as_str());
            require("connection", &checked, names, deck.declares_connection(&checked))
        }),
        edit: Box::new(move |after| after.connections.retain(|one| one.conn_id != edited)),
        write: Box::new(move |tx| {
            settings::delete_connection(tx, &conn_id)?;
            audit.write(tx, "connection.deleted", format!("connection `{conn_id}` was deleted"))
        }),
        may_break: true,
    }
}

fn delete_pool(parts: &ControlParts, pool: String) -> Change {
    let audit = Audit::of(parts);
    let (checked, edited) = (pool.clone(), pool.clone());
    Change {
        check: Box::new(move |deck, before| refuse_pool_in_use(deck, before, &checked)),
        edit: Box::new(move |after| after.pools.retain(|one| one.pool != edited)),
        write: Box::new(move |tx| {
            settings::delete_pool(tx, &pool)?;
            audit.write(tx, "pool.deleted", format!("pool `{pool}` was deleted"))
        }),
        may_break: false,
    }
}

/// What `dags.toml` declares too goes back to the slots that it says; what it does not must be
/// used by nobody.
fn refuse_pool_in_use(deck: &Deck, before: &Settings, pool: &str) -> Result<(), Fault> {
    let is_declared = deck.overlay.declared_pools.contains_key(pool);
    require("pool", pool, before.pools.iter().map(|one| one.pool.as_str()), is_declared)?;
    let users = check::users_of_pool(deck, pool);
    if is_declared || users.is_empty() {
        return Ok(());
    }
    const SHOWN_MAX: usize = 5;
    let mut text = users.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    if users.len() > SHOWN_MAX {
        text.push_str(&format!(" and {} more", users.len() - SHOWN_MAX));
    }
    Err(Fault::conflict(format!("pool `{pool}` is used by {text}"))
        .hint("give these tasks another pool first; `dagdeck pools set` changes its slots"))
}

/// Refuses a name that was not set at run time.
fn require<'a>(
    kind: &str,
    name: &str,
    mut names: impl Iterator<Item = &'a str> + Clone,
    is_declared: bool,
) -> Result<(), Fault> {
    if names.clone().any(|one| one == name) {
        return Ok(());
    }
    if is_declared {
        return Err(Fault::conflict(format!("{kind} `{name}` is declared in `dags.toml`"))
            .hint("take it out there: an edit is taken up at once"));
    }
    let hint = match suggest::closest(name, names.by_ref()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("`dagdeck {kind}s list` shows what there is"),
    };
    Err(Fault::not_found(format!("there is no {kind} `{name}`")).hint(hint))
}

/// Writes who changed what into the feed.
struct Audit {
    when: Timestamp,
    owner: String,
}

impl Audit {
    fn of(parts: &ControlParts) -> Self {
        Self { when: parts.clock.now(), owner: user::name() }
    }

    fn write(&self, tx: &Transaction<'_>, event: &str, message: String) -> Result<(), StoreError> {
        let line = EventLog {
            id: 0,
            when: self.when,
            severity: Severity::Info,
            event: event.to_owned(),
            dag_id: None,
            dag_run_id: None,
            task_id: None,
            owner: Some(self.owner.clone()),
            message,
        };
        event_log::insert(tx, &line).map(drop)
    }
}
