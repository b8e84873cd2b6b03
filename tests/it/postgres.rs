//! A real PostgreSQL as the warehouse: the sample project on it, an end that reaches the server, and
//! what is left when either side dies half-way.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::postgres::{Postgres, name_in};
use crate::support::{Project, peer, until};

const LINE: &str = "url = \"sqlite:data/warehouse.db\"";

fn initdb(test: &str) -> Option<PathBuf> {
    peer("DAGDECK_TEST_POSTGRES", test)
}

/// A project that loads a great table, slowly: each row waits in a trigger.
fn slow_load(url: &str) -> Project {
    let project = Project::with(&format!(
        "[deck]\nname = \"t\"\n\n[connection.warehouse]\nurl = \"{url}\"\n\n\
         [dag.d.task.extract]\noperator = \"csv.extract\"\nsource = \"file:t.csv\"\n\n\
         [dag.d.task.load]\noperator = \"sql.load\"\nretries = 3\nretry_delay = \"100ms\"\n\
         input = \"{{{{ output.extract.table }}}}\"\nconnection = \"warehouse\"\ntable = \"t\"\n\
         mode = \"replace\"\n"
    ));
    let rows: String = (0..400).map(|n| format!("{n},new\n")).collect();
    project.write("t.csv", format!("id,name\n{rows}"));
    project
}

const SLOW_TABLE: &str = "
    create table t (id bigint, name text);
    insert into t values (-1, 'old');
    create table pace (secs float8);
    insert into pace values (1);
    create function wait() returns trigger language plpgsql as $$
        begin perform pg_sleep((select secs from pace)); return new; end $$;
    create trigger slow before insert on t for each row execute function wait();";

/// Says whether a statement of ours is at work, in this database: others have theirs beside it.
const AT_WORK: &str = "select count(*) from pg_stat_activity where datname = current_database()
    and application_name like 'dagdeck%' and state = 'active' and query like 'copy%'";
const HURRY: &str = "update pace set secs = 0";

fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    assert!(until(|| holds().then_some(())).is_some(), "waited in vain until {what}");
}

#[test]
fn the_sample_project_runs_on_postgresql_by_changing_one_line() {
    let Some(initdb) = initdb("the_sample_project_runs_on_postgresql_by_changing_one_line") else {
        return;
    };
    let server = Postgres::shared(&initdb);
    let url = server.database();
    let project = Project::sample();
    let dags_toml = std::fs::read_to_string(project.path("dags.toml")).unwrap();
    assert_eq!(dags_toml.matches(LINE).count(), 1);
    project.write("dags.toml", dags_toml.replace(LINE, &format!("url = \"{url}\"")));
    project.run(&["run", "etl_example"]).ok();
    let table = "select * from employees order by id";
    let first = server.rows(&url, table);
    assert!(first.len() > 5, "{first:?}");
    project.run(&["run", "etl_example"]).ok();
    assert_eq!(server.rows(&url, table), first, "run again it gives the same table");
    let types = "select string_agg(format_type(atttypid, atttypmod), ',' order by attnum)
                 from pg_attribute where attrelid = 'employees'::regclass and attnum > 0";
    assert_eq!(
        server.rows(&url, types),
        ["bigint,text,text,double precision,date,double precision"]
    );
    assert!(!project.path("data/warehouse.db").exists());
}

#[test]
fn a_load_whose_process_is_killed_leaves_the_table_and_its_retry_fills_it() {
    let test = "a_load_whose_process_is_killed_leaves_the_table_and_its_retry_fills_it";
    let Some(initdb) = initdb(test) else { return };
    let server = Postgres::shared(&initdb);
    let url = server.database();
    server.rows(&url, SLOW_TABLE);
    let mut project = slow_load(&url);
    project.up();
    project.run(&["trigger", "d", "--run-id", "r"]).ok();
    await_that("the load is at work", || server.rows(&url, AT_WORK) == ["1"]);
    let claim = project.path(".dagdeck/runs/d/r/load/-1/1/attempt.pid");
    let claim: serde_json::Value = serde_json::from_slice(&std::fs::read(claim).unwrap()).unwrap();
    let pid = i32::try_from(claim["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    server.rows(&url, HURRY);
    let runs = project.wait_for_runs("d", 1);
    assert_eq!(runs[0]["state"], "success");
    let found = server.rows(&url, "select count(*), count(distinct id), min(name) from t");
    assert_eq!(found, ["400|400|new"]);
}

#[test]
fn a_load_that_is_ended_has_the_server_give_up() {
    let test = "a_load_that_is_ended_has_the_server_give_up";
    let Some(initdb) = initdb(test) else { return };
    let server = Postgres::shared(&initdb);
    let url = server.database();
    server.rows(&url, SLOW_TABLE);
    let mut project = slow_load(&url);
    project.up();
    project.run(&["trigger", "d", "--run-id", "r"]).ok();
    await_that("the load is at work", || server.rows(&url, AT_WORK) == ["1"]);
    project.run(&["runs", "cancel", "d", "r"]).ok();
    await_that("the server has given up", || server.rows(&url, AT_WORK) == ["0"]);
    assert_eq!(server.rows(&url, "select id, name from t"), ["-1|old"]);
}

#[test]
fn a_server_that_dies_in_a_load_comes_back_with_the_table_as_it_was() {
    let test = "a_server_that_dies_in_a_load_comes_back_with_the_table_as_it_was";
    let Some(initdb) = initdb(test) else { return };
    // Its own: it restarts by itself after one of its processes is killed.
    let server = Postgres::start(&initdb, "restart_after_crash = on");
    let url = server.database();
    server.rows(&url, SLOW_TABLE);
    let mut project = slow_load(&url);
    project.up();
    project.run(&["trigger", "d", "--run-id", "r"]).ok();
    await_that("the load is at work", || server.rows(&url, AT_WORK) == ["1"]);
    let backend = server.rows(&url, &AT_WORK.replace("count(*)", "max(pid)"));
    let backend: i32 = backend[0].parse().unwrap();
    kill_process(Pid::from_raw(backend).unwrap(), Signal::KILL).unwrap();
    await_that("the server is back", || server.try_psql(name_in(&url), HURRY).is_ok());
    let runs = project.wait_for_runs("d", 1);
    let log = project.run(&["logs", "d", "r", "load"]).stdout;
    assert_eq!(runs[0]["state"], "success", "{log}");
    let found = server.rows(&url, "select count(*), count(distinct id), min(name) from t");
    assert_eq!(found, ["400|400|new"]);
}

/// A line to the server that can be cut.
struct Line {
    port: u16,
    ends: Arc<Mutex<Vec<TcpStream>>>,
}

impl Line {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ends = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&ends);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                kept.lock().unwrap().push(client);
            }
        });
        Self { port, ends }
    }

    /// Cuts all that goes over it now.
    fn cut(&self) -> usize {
        let ends: Vec<TcpStream> = self.ends.lock().unwrap().drain(..).collect();
        ends.iter().filter(|end| end.shutdown(Shutdown::Both).is_ok()).count()
    }
}

#[test]
fn a_load_whose_connection_is_cut_is_tried_again_and_fills_the_table_once() {
    let test = "a_load_whose_connection_is_cut_is_tried_again_and_fills_the_table_once";
    let Some(initdb) = initdb(test) else { return };
    let server = Postgres::shared(&initdb);
    let url = server.database();
    server.rows(&url, SLOW_TABLE);
    let line = Line::to(server.port);
    let over = url.replace(&format!(":{}/", server.port), &format!(":{}/", line.port));
    let mut project = slow_load(&over);
    project.up();
    project.run(&["trigger", "d", "--run-id", "r"]).ok();
    await_that("the load is at work", || server.rows(&url, AT_WORK) == ["1"]);
    assert_eq!(server.rows(&url, "select id, name from t"), ["-1|old"]);
    assert!(line.cut() > 0);
    server.rows(&url, HURRY);
    let runs = project.wait_for_runs("d", 1);
    let log = project.run(&["logs", "d", "r", "load"]).stdout;
    assert_eq!(runs[0]["state"], "success", "{log}");
    let found = server.rows(&url, "select count(*), count(distinct id), min(name) from t");
    assert_eq!(found, ["400|400|new"]);
    let tasks = project.json(&["tasks", "d", "r"]);
    let load = tasks.as_array().unwrap().iter().find(|task| task["task_id"] == "load").unwrap();
    assert_eq!(load["try_number"], 2, "{log}");
}

#[test]
fn what_the_server_refuses_is_said_and_not_tried_again() {
    let test = "what_the_server_refuses_is_said_and_not_tried_again";
    let Some(initdb) = initdb(test) else { return };
    let server = Postgres::shared(&initdb);
    let url = server.database();
    server.rows(&url, "drop role if exists guest; create role guest login");
    server.rows(&url, "create table secrets (a int)");
    let guest = url.replace("postgres@", "guest@");
    let nobody = url.replace("postgres@", "nobody_here@");
    let project = Project::with(&format!(
        "[deck]\nname = \"t\"\n\n[connection.guest]\nurl = \"{guest}\"\n\
         statement_timeout = \"200ms\"\n\n[connection.nobody]\nurl = \"{nobody}\"\n\n\
         [dag.denied.task.t]\noperator = \"sql.run\"\nconnection = \"guest\"\nretries = 3\n\
         sql = \"delete from secrets\"\n\n\
         [dag.stranger.task.t]\noperator = \"sql.run\"\nconnection = \"nobody\"\nretries = 3\n\
         sql = \"select 1\"\n\n\
         [dag.late.task.t]\noperator = \"sql.run\"\nconnection = \"guest\"\n\
         sql = \"select pg_sleep(60)\"\n"
    ));
    for (dag_id, words) in [
        ("denied", "permission denied for table secrets"),
        ("stranger", "connection `nobody` is refused: role \"nobody_here\" does not exist"),
        ("late", "canceling statement due to statement timeout"),
    ] {
        let ran = project.run(&["run", dag_id]);
        assert_eq!(ran.code, 1, "{dag_id}: {}", ran.stderr);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(words), "{dag_id}: {said}");
        assert!(!said.contains("up_for_retry"), "{dag_id}: {said}");
    }
}

/// Makes an authority and a certificate that it signed for 127.0.0.1.
pub(crate) fn certificates(folder: &Path) {
    let openssl = |line: &str| {
        let made = Command::new("openssl").args(line.split(' ')).current_dir(folder).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{line}: {}", String::from_utf8_lossy(&made.stderr));
    };
    std::fs::write(folder.join("ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for name in ["ca", "other"] {
        openssl(&format!("req -x509 {key} -keyout {name}.key -out {name}.crt -subj /CN={name}"));
    }
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=db"));
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile ext \
         -out server.crt",
    );
}

#[test]
fn tls_is_as_sure_of_the_server_as_the_mode_says() {
    let test = "tls_is_as_sure_of_the_server_as_the_mode_says";
    let Some(initdb) = initdb(test) else { return };
    let project = Project::empty();
    certificates(project.dir());
    let file = |name: &str| std::fs::read(project.path(name)).unwrap();
    let (crt, key) = (file("server.crt"), file("server.key"));
    let files = [("server.crt", &crt[..]), ("server.key", &key[..])];
    let encrypted = Postgres::start_with(&initdb, "ssl = on", &files);
    let plain = Postgres::shared(&initdb);
    let (encrypted, plain) = (encrypted.url("postgres"), plain.url("postgres"));
    let elsewhere = encrypted.replace("127.0.0.1", "localhost");
    let cases = [
        ("a", &encrypted, "sslmode = \"require\"", true),
        ("b", &encrypted, "sslmode = \"verify-full\"\nsslrootcert = \"ca.crt\"", true),
        ("c", &encrypted, "sslmode = \"verify-full\"\nsslrootcert = \"other.crt\"", false),
        ("d", &encrypted, "sslmode = \"verify-ca\"\nsslrootcert = \"other.crt\"", false),
        ("e", &elsewhere, "sslmode = \"verify-full\"\nsslrootcert = \"ca.crt\"", false),
        ("f", &elsewhere, "sslmode = \"verify-ca\"\nsslrootcert = \"ca.crt\"", true),
        ("g", &plain, "sslmode = \"require\"", false),
        ("h", &plain, "sslmode = \"prefer\"", true),
    ];
    let connections = cases
        .iter()
        .map(|(name, url, more, _)| format!("[connection.{name}]\nurl = \"{url}\"\n{more}\n\n"));
    let connections: String = connections.collect();
    project.write("dags.toml", format!("[deck]\nname = \"t\"\n\n{connections}"));
    let mut project = project;
    project.up();
    for (name, _, more, fits) in cases {
        let ran = project.run(&["connections", "test", name]);
        assert_eq!(ran.code == 0, fits, "{name} {more}: {}{}", ran.stdout, ran.stderr);
    }
}
