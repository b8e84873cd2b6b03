//! Lays what operators set at run time over what `dags.toml` declares.
//!
//! A name that `dags.toml` declares is the file's: what bears it at run time is passed over. Only
//! the slots of a pool may be set at run time, and then those count, for an operator must be able
//! to relieve a pool without an edit of a file that lies in somebody's repository.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::check::id_problem;
use crate::mail::{self, MailSpec};
use crate::s3::{self, S3Spec};
use crate::secret::{self, Lookup, Secret};
use crate::spec::{ConnectionKind, ConnectionSpec, Deck};
use crate::suggest;
use crate::types::Fault;
use crate::types::settings::{Connection, Pool, Settings, Variable};

/// How many slots a pool may have.
pub const SLOTS_MAX: u32 = 100_000;

/// What of a deck was set at run time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    pub settings: Settings,
    /// What the file says, of every pool that it declares; `default_pool` too.
    pub declared_pools: IndexMap<String, u32>,
    /// Why variables that are set are not in force.
    pub variable_problems: BTreeMap<String, String>,
    /// Why connections that are set are not in force.
    pub connection_problems: BTreeMap<String, String>,
}

impl Deck {
    /// Returns the deck with these settings in place of those that it has.
    #[must_use]
    pub fn with_settings(&self, settings: Settings, lookup: Lookup<'_>) -> Self {
        let mut deck = self.declared();
        let (mut variable_problems, mut connection_problems) = (BTreeMap::new(), BTreeMap::new());
        for variable in &settings.variables {
            if deck.variables.contains_key(&variable.key) {
                variable_problems.insert(variable.key.clone(), DECLARED.to_owned());
                continue;
            }
            match secret::resolve(&variable.value, &deck.project, lookup) {
                Ok(value) => {
                    deck.variables.insert(variable.key.clone(), value);
                }
                Err(error) => {
                    variable_problems.insert(variable.key.clone(), error.to_string());
                }
            }
        }
        for connection in &settings.connections {
            if deck.connections.contains_key(&connection.conn_id) {
                connection_problems.insert(connection.conn_id.clone(), DECLARED.to_owned());
                continue;
            }
            match spec(connection, &deck, lookup) {
                Ok(spec) => {
                    deck.connections.insert(connection.conn_id.clone(), spec);
                }
                Err(fault) => {
                    connection_problems.insert(connection.conn_id.clone(), fault.message);
                }
            }
        }
        let declared_pools = deck.pools.clone();
        deck.pools.extend(settings.pools.iter().map(|pool| (pool.pool.clone(), pool.slots)));
        deck.overlay = Overlay { settings, declared_pools, variable_problems, connection_problems };
        deck
    }

    /// Returns the deck as the files alone have it.
    fn declared(&self) -> Self {
        let mut deck = self.clone();
        let overlay = std::mem::take(&mut deck.overlay);
        let Overlay { settings, declared_pools, variable_problems, connection_problems } = overlay;
        for one in settings.variables.iter().map(|one| &one.key) {
            if !variable_problems.contains_key(one) {
                deck.variables.shift_remove(one);
            }
        }
        for one in settings.connections.iter().map(|one| &one.conn_id) {
            if !connection_problems.contains_key(one) {
                deck.connections.shift_remove(one);
            }
        }
        if !declared_pools.is_empty() {
            deck.pools = declared_pools;
        }
        deck
    }

    /// Says whether `dags.toml` declares the variable.
    pub fn declares_variable(&self, key: &str) -> bool {
        let is_set = self.overlay.settings.variables.iter().any(|one| one.key == key);
        self.variables.contains_key(key)
            && (!is_set || self.overlay.variable_problems.contains_key(key))
    }

    /// Says whether `dags.toml` declares the connection.
    pub fn declares_connection(&self, conn_id: &str) -> bool {
        let is_set = self.overlay.settings.connections.iter().any(|one| one.conn_id == conn_id);
        self.connections.contains_key(conn_id)
            && (!is_set || self.overlay.connection_problems.contains_key(conn_id))
    }
}

const DECLARED: &str = "`dags.toml` declares one of this name, and that one counts";

/// Refuses a variable that cannot be set.
pub fn check_variable(deck: &Deck, variable: &Variable, lookup: Lookup<'_>) -> Result<(), Fault> {
    let key = &variable.key;
    check_name("variable", key)?;
    if deck.declares_variable(key) {
        return Err(declared("variable", key));
    }
    if secret::is_sensitive_name(key) && !secret::is_reference(&variable.value) {
        return Err(plain_secret(&format!("variable `{key}`")));
    }
    resolve(&format!("variable `{key}`"), &variable.value, deck, lookup).map(drop)
}

/// Refuses a connection that cannot be set.
pub fn check_connection(
    deck: &Deck,
    connection: &Connection,
    lookup: Lookup<'_>,
) -> Result<(), Fault> {
    let name = &connection.conn_id;
    check_name("connection", name)?;
    if deck.declares_connection(name) {
        return Err(declared("connection", name));
    }
    if secret::has_plain_password(&connection.url) {
        return Err(plain_secret(&format!("the URL of connection `{name}`")));
    }
    for (key, value) in &connection.options {
        if secret::is_sensitive_name(key) && !secret::is_reference(value) {
            return Err(plain_secret(&format!("`{key}` of connection `{name}`")));
        }
    }
    spec(connection, deck, lookup).map(drop)
}

/// Refuses a pool that cannot be set.
pub fn check_pool(pool: &Pool) -> Result<(), Fault> {
    check_name("pool", &pool.pool)?;
    if pool.slots > SLOTS_MAX {
        let text = format!("set {} slots for pool `{}`", pool.slots, pool.pool);
        return Err(Fault::invalid(text).hint(format!("between 0 and {SLOTS_MAX} are allowed")));
    }
    Ok(())
}

/// Returns who draws on a pool, as `DAG.task`.
pub fn users_of_pool(deck: &Deck, pool: &str) -> Vec<String> {
    let tasks = deck.dags.values().flat_map(|dag| dag.tasks.values().map(move |task| (dag, task)));
    tasks
        .filter(|(_, task)| task.pool == pool)
        .map(|(dag, task)| format!("{}.{}", dag.dag_id, task.task_id))
        .collect()
}

fn check_name(kind: &str, name: &str) -> Result<(), Fault> {
    match id_problem(name) {
        None => Ok(()),
        Some(reason) => Err(Fault::invalid(format!("`{name}` is no name for a {kind}: {reason}"))
            .hint("letters, digits, `_`, `-` and `.` are allowed")),
    }
}

fn declared(kind: &str, name: &str) -> Fault {
    Fault::conflict(format!("{kind} `{name}` is declared in `dags.toml`"))
        .hint("change it there: an edit is taken up at once")
}

fn plain_secret(what: &str) -> Fault {
    Fault::invalid(format!("{what} would keep a secret in the database"))
        .hint("give it as `${env:NAME}` or `${file:path}`; the daemon looks there when it is used")
}

fn resolve(what: &str, text: &str, deck: &Deck, lookup: Lookup<'_>) -> Result<Secret, Fault> {
    secret::resolve(text, &deck.project, lookup).map_err(|error| {
        Fault::invalid(format!("{what}: {error}"))
            .hint("write `${env:NAME}` or `${file:path}`; of the environment, the daemon's counts")
    })
}

fn spec(connection: &Connection, deck: &Deck, lookup: Lookup<'_>) -> Result<ConnectionSpec, Fault> {
    let name = &connection.conn_id;
    let url = resolve(&format!("the URL of connection `{name}`"), &connection.url, deck, lookup)?;
    let kind = ConnectionKind::of_url(url.reveal()).ok_or_else(|| {
        let text = format!("the URL of connection `{name}` leads to nothing that is known");
        Fault::invalid(text).hint(
            "write `sqlite:PATH`, `postgres://USER@HOST:PORT/DATABASE`, `file:FOLDER`, \
             `s3://BUCKET`, `log:` or `http://…`",
        )
    })?;
    let mut options = IndexMap::new();
    for (key, value) in &connection.options {
        let what = format!("`{key}` of connection `{name}`");
        options.insert(key.clone(), resolve(&what, value, deck, lookup)?);
    }
    if kind == ConnectionKind::Bucket {
        bucket(name, &url, &options)?;
    }
    if kind == ConnectionKind::Smtp {
        mail_server(name, &url, &options)?;
    }
    Ok(ConnectionSpec { name: name.clone(), url, kind, options })
}

fn mail_server(name: &str, url: &Secret, options: &IndexMap<String, Secret>) -> Result<(), Fault> {
    if let Some(key) = options.keys().find(|key| !mail::KEYS.contains(&key.as_str())) {
        let hint = suggest::hint(key, "keys", mail::KEYS.iter().copied());
        return Err(Fault::invalid(format!("connection `{name}` has no key `{key}`")).hint(hint));
    }
    let find = |key: &'static str| options.get(key).map(Secret::reveal);
    let Err(problems) = MailSpec::read(url.reveal(), find) else { return Ok(()) };
    let told = problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>();
    let fault = Fault::invalid(format!("connection `{name}`: {}", told.join("; ")));
    Err(match problems.first() {
        Some(problem) => fault.hint(problem.help),
        None => fault,
    })
}

fn bucket(name: &str, url: &Secret, options: &IndexMap<String, Secret>) -> Result<(), Fault> {
    if let Some(key) = options.keys().find(|key| !s3::KEYS.contains(&key.as_str())) {
        let hint = suggest::hint(key, "keys", s3::KEYS.iter().copied());
        let fault = Fault::invalid(format!("connection `{name}` has no key `{key}`"));
        return Err(fault.hint(hint));
    }
    let find = |key: &'static str| options.get(key).map(Secret::reveal);
    match S3Spec::read(url.reveal(), find) {
        Ok(_) => Ok(()),
        Err(problems) => {
            let told = problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>();
            let fault = Fault::invalid(format!("connection `{name}`: {}", told.join("; ")));
            Err(match problems.first() {
                Some(problem) => fault.hint(problem.help),
                None => fault,
            })
        }
    }
}

#[cfg(test)]
mod tests;
