//! What is set at run time beside what the files declare.

use std::fs;

use super::*;
use crate::load;

const FILE: &str = r#"
[pool.training]
slots = 2
[connection.db]
url = "sqlite:db"
[variable]
region = "north"
[dag.d.task.t]
operator = "command"
command = "echo {{ var.value.city }} {{ conn.hook.url }}"
pool = "extra"
"#;

fn lookup(name: &str) -> Option<String> {
    (name == "TOKEN").then(|| "tiger".to_owned())
}

fn variable(key: &str, value: &str) -> Variable {
    Variable { key: key.into(), value: value.into(), description: None }
}

fn connection(conn_id: &str, url: &str) -> Connection {
    Connection {
        conn_id: conn_id.into(),
        url: url.into(),
        options: BTreeMap::new(),
        description: None,
    }
}

fn pool(pool: &str, slots: u32) -> Pool {
    Pool { pool: pool.into(), slots, description: None }
}

fn settings() -> Settings {
    Settings {
        variables: vec![variable("city", "Bremen"), variable("region", "south")],
        connections: vec![connection("hook", "http://u:${env:TOKEN}@h/"), connection("db", "log:")],
        pools: vec![pool("extra", 3), pool("training", 8)],
    }
}

fn load_with(settings: &Settings) -> Result<Deck, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dags.toml"), FILE).unwrap();
    load(folder.path(), &lookup, settings)
        .map_err(|found| found.0.iter().map(|one| one.code.to_owned()).collect())
}

#[test]
fn a_definition_may_name_what_is_set_at_run_time() {
    let without = load_with(&Settings::default()).unwrap_err();
    assert_eq!(without, ["unknown-variable", "unknown-connection", "unknown-pool"]);
    assert!(load_with(&settings()).is_ok());
}

#[test]
fn what_the_file_declares_counts_but_for_the_slots_of_a_pool() {
    let deck = load_with(&settings()).unwrap();
    assert_eq!(deck.variables["region"].reveal(), "north");
    assert_eq!(deck.variables["city"].reveal(), "Bremen");
    assert_eq!(deck.connections["db"].kind, ConnectionKind::Sqlite);
    assert_eq!(deck.connections["hook"].url.reveal(), "http://u:tiger@h/");
    assert_eq!(deck.connections["hook"].url.as_written(), "http://u:${env:TOKEN}@h/");
    assert_eq!((deck.pools["extra"], deck.pools["training"]), (3, 8));
    assert_eq!(deck.overlay.declared_pools["training"], 2);
    assert!(deck.declares_variable("region") && !deck.declares_variable("city"));
    assert!(deck.declares_connection("db") && !deck.declares_connection("hook"));
    assert!(deck.overlay.variable_problems["region"].contains("dags.toml"));
}

#[test]
fn other_settings_take_the_place_of_those_before() {
    let deck = load_with(&settings()).unwrap();
    let less = Settings { pools: vec![pool("extra", 1)], ..Settings::default() };
    let after = deck.with_settings(less, &lookup);
    assert_eq!(after.variables.keys().collect::<Vec<_>>(), ["region"]);
    assert_eq!(after.connections.keys().collect::<Vec<_>>(), ["db"]);
    assert_eq!((after.pools["extra"], after.pools["training"]), (1, 2));
    let again = after.with_settings(settings(), &lookup);
    assert_eq!(again.pools, deck.pools);
    assert_eq!(again.variables, deck.variables);
}

#[test]
fn a_secret_that_can_no_longer_be_resolved_breaks_nothing_else() {
    let mut gone = settings();
    gone.variables.push(variable("x", "${env:GONE}"));
    gone.connections.push(connection("y", "http://${env:GONE}/"));
    let deck = load_with(&gone).unwrap();
    assert!(!deck.variables.contains_key("x") && !deck.connections.contains_key("y"));
    assert!(deck.overlay.variable_problems["x"].contains("no such variable"));
    assert!(deck.overlay.connection_problems["y"].contains("no such variable"));
}

#[test]
fn what_cannot_be_set_is_refused_with_a_way_out() {
    let deck = load_with(&settings()).unwrap();
    let refused =
        |key: &str, value: &str| check_variable(&deck, &variable(key, value), &lookup).unwrap_err();
    assert!(refused("region", "x").to_string().contains("declared in `dags.toml`"));
    assert!(refused("a b", "x").to_string().contains("no name"));
    let plain = refused("db_password", "hunter2");
    assert!(plain.message.contains("keep a secret") && !plain.message.contains("hunter2"));
    assert!(plain.hint.unwrap().contains("${env:NAME}"));
    assert!(refused("db_password", "a${env:TOKEN}").message.contains("keep a secret"));
    assert!(refused("v", "${env:GONE}").message.contains("no such variable"));
    assert!(check_variable(&deck, &variable("db_password", "${env:TOKEN}"), &lookup).is_ok());
    assert!(check_variable(&deck, &variable("town", "Bremen"), &lookup).is_ok());
}

#[test]
fn a_connection_with_a_plain_secret_is_refused() {
    let deck = load_with(&settings()).unwrap();
    let refused = |one: Connection| check_connection(&deck, &one, &lookup).unwrap_err().message;
    assert!(refused(connection("c", "http://u:pw@h/")).contains("keep a secret"));
    assert!(refused(connection("c", "http://h/?token=abc")).contains("keep a secret"));
    assert!(refused(connection("c", "ftp://h")).contains("nothing that is known"));
    assert!(refused(connection("db", "log:")).contains("declared in `dags.toml`"));
    let mut with = connection("c", "file:lake");
    with.options.insert("secret_access_key".into(), "abc".into());
    assert!(refused(with.clone()).contains("`secret_access_key` of connection `c`"));
    with.options.insert("secret_access_key".into(), "${env:TOKEN}".into());
    assert!(check_connection(&deck, &with, &lookup).is_ok());
}

#[test]
fn a_pool_has_a_name_and_no_more_slots_than_there_can_be() {
    assert!(check_pool(&pool("p", 0)).is_ok());
    assert!(check_pool(&pool("", 1)).unwrap_err().message.contains("no name"));
    assert!(check_pool(&pool("p", SLOTS_MAX + 1)).is_err());
    let deck = load_with(&settings()).unwrap();
    assert_eq!(users_of_pool(&deck, "extra"), ["d.t"]);
}
