//! Tasks that wait: deferred beside the limits, armed again by the next engine, ended by what
//! they wait for.

use dagdeck::sched::{Command, Input};
use dagdeck::store::{dag_run, hitl};
use dagdeck::types::approval::Response;
use dagdeck::types::{DagRunState, FaultKind, TaskInstanceState};
use serde_json::{Map, json};

use super::bench::{Bench, DAG, RUN, key};

const FILE: &str = "[dag.d.task.t]\noperator = \"sensor.file\"\npath = \"in/*.csv\"\n\
                    poke_interval = \"50ms\"\nretries = 0\n";

fn write(bench: &Bench, path: &str) {
    let path = bench.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "x").unwrap();
}

#[tokio::test]
async fn a_sensor_waits_without_a_file_per_look_and_goes_on_when_it_has_come() {
    let bench = Bench::start(&format!(
        "{FILE}[dag.d.task.after]\noperator = \"command\"\n\
         command = \"echo {{{{ output.t.count }}}}\"\n"
    ))
    .await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Deferred).await;
    let task = bench.task("t");
    assert_eq!(task.note.as_deref(), Some("`in/*.csv` is not there yet"));
    assert!(task.trigger.is_some() && task.trigger_timeout.is_some());
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(bench.attempt_dir("t", 1)).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["order.json", "task.log"]);
    write(&bench, "in/a.csv");
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("after"), Some(json!(1)));
    assert_eq!(names(), ["order.json", "task.log"]);
    assert_eq!(bench.task("t").try_number, 1);
}

#[tokio::test]
async fn the_next_engine_looks_on_with_the_same_token() {
    let mut bench = Bench::start(FILE).await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Deferred).await;
    let before = bench.task("t");
    bench.stop().await;
    bench.start_again().await.unwrap();
    assert_eq!(bench.task("t"), before);
    write(&bench, "in/a.csv");
    bench.ended(DagRunState::Success).await;
}

#[tokio::test]
async fn a_sensor_times_out_by_its_own_time_and_fails_for_good() {
    let bench =
        Bench::start(&format!("{FILE}timeout = \"100ms\"\n").replace("retries = 0", "retries = 5"))
            .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    let task = bench.task("t");
    assert_eq!((task.state, task.try_number), (Some(TaskInstanceState::Failed), 1));
    assert!(task.note.unwrap().starts_with("timed out after"));
}

#[tokio::test]
async fn a_cancelled_sensor_looks_no_more() {
    let bench = Bench::start(FILE).await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Deferred).await;
    bench.cancel().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    assert_eq!(bench.task("t").state, Some(TaskInstanceState::Failed));
    assert_eq!(bench.task("t").trigger, None);
}

const PAIR: &str = r#"
[dag.d.task.t]
operator = "trigger_dag_run"
dag_id = "other"
conf = { day = "{{ ds }}" }
wait = true
retries = 0
[dag.other.param.day]
type = "string"
[dag.other.task.x]
operator = "command"
command = "while [ ! -e go ]; do sleep 0.02; done; echo {{ params.day }} >> ran; exit $(cat code 2>/dev/null || echo 0)"
retries = 0
"#;

#[tokio::test]
async fn a_run_is_brought_about_and_waited_for() {
    let bench = Bench::start(PAIR).await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Deferred).await;
    bench.go();
    bench.ended(DagRunState::Success).await;
    let output = bench.output("t").unwrap();
    assert_eq!((&output["dag_id"], &output["state"]), (&json!("other"), &json!("success")));
    assert_eq!(bench.file("ran").await, "2026-01-01");
}

#[tokio::test]
async fn a_run_that_was_brought_about_and_fails_fails_who_waits_for_it() {
    let bench = Bench::start(PAIR).await;
    std::fs::write(bench.path().join("code"), "3").unwrap();
    bench.go();
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    let note = bench.task("t").note.unwrap();
    assert!(note.contains("of DAG `other` is failed"), "{note}");
}

#[tokio::test]
async fn a_run_of_that_id_is_refused_passed_over_or_cleared() {
    let named =
        PAIR.replace("retries = 0\n[dag.other.param", "dag_run_id = \"mine\"\n[dag.other.param");
    for (line, state, note) in [
        ("", TaskInstanceState::Failed, "exists already; `reset_dag_run = true` clears it"),
        ("skip_when_already_exists = true", TaskInstanceState::Skipped, "exists already"),
        ("reset_dag_run = true", TaskInstanceState::Success, ""),
    ] {
        let deck = named.replace("wait = true", &format!("wait = true\n{line}"));
        let bench = Bench::start(&deck).await;
        bench.go();
        let mut wish = super::bench::trigger();
        if let Command::Trigger(trigger) = &mut wish {
            trigger.dag_id = "other".into();
            trigger.dag_run_id = Some("mine".into());
            trigger.conf = json!({"day": "by hand"}).as_object().cloned().unwrap();
        }
        bench.ask(Input::Command(wish)).await.unwrap();
        let ended = |bench: &Bench| {
            let read = |conn: &_| dag_run::get(conn, &"other".into(), &"mine".into());
            let run = bench.store.read_blocking(read).unwrap();
            run.is_some_and(|run| run.state.is_finished())
        };
        bench.until("the other run ends", ended).await;
        bench.trigger().await.unwrap();
        bench.task_is("t", state).await;
        let found = bench.task("t").note.unwrap_or_default();
        assert!(found.contains(note), "{line}: {found}");
        let ran = std::fs::read_to_string(bench.path().join("ran")).unwrap();
        // A run that is cleared keeps the conf that it was made with.
        let times = if state == TaskInstanceState::Success { 2 } else { 1 };
        assert_eq!(ran, "by hand\n".repeat(times), "{line}");
    }
}

const ASK: &str = r#"
[dag.d.task.t]
operator = "approval"
question = "Deploy {{ run_id }}?"
then = { Approve = "deploy", Reject = "stop" }
form = { reason = { type = "string" } }
retries = 0
[dag.d.task.deploy]
operator = "empty"
[dag.d.task.stop]
operator = "empty"
"#;

fn answer(reason: &str) -> Input {
    Input::Command(Command::Answer(Response {
        key: key("t"),
        chosen_options: vec!["Approve".into()],
        params_input: [("reason".to_owned(), json!(reason))].into_iter().collect::<Map<_, _>>(),
        user: Some("ana".into()),
    }))
}

#[tokio::test]
async fn people_are_asked_once_and_their_answer_survives_a_restart() {
    let mut bench = Bench::start(ASK).await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Deferred).await;
    bench.stop().await;
    bench.start_again().await.unwrap();
    let asked = bench.store.read_blocking(|conn| hitl::last(conn, &key("t"))).unwrap().unwrap();
    assert_eq!(asked.question.subject, format!("Deploy {RUN}?"));
    bench.ask(answer("because")).await.unwrap();
    let again = bench.ask(answer("again")).await.unwrap_err();
    assert_eq!(again.kind, FaultKind::Conflict);
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.task("deploy").state, Some(TaskInstanceState::Success));
    assert_eq!(bench.task("stop").state, Some(TaskInstanceState::Skipped));
    let output = bench.output("t").unwrap();
    assert_eq!(output["params_input"], json!({"reason": "because"}));
    let pending = |conn: &_| hitl::list(conn, Some(&DAG.into()), true, 10);
    assert_eq!(bench.store.read_blocking(pending).unwrap(), []);
}

#[tokio::test]
async fn many_that_wait_take_no_slot() {
    let mut tasks = String::from("max_active_tasks = 2\n");
    for i in 0..40 {
        tasks += &FILE.replace(".t]", &format!(".w{i}]"));
    }
    tasks += "[dag.d.task.t]\noperator = \"command\"\ncommand = \"echo 1\"\npriority_weight = -5\n";
    let bench = Bench::start(&tasks).await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Success).await;
    for i in 0..40 {
        bench.task_is(&format!("w{i}"), TaskInstanceState::Deferred).await;
    }
    write(&bench, "in/a.csv");
    bench.ended(DagRunState::Success).await;
}

/// Answers requests, each with the next status and body.
async fn server(answers: &'static [(u16, &'static str)]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await;
            let text =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn a_server_is_asked_until_it_answers_as_expected() {
    let url =
        server(&[(404, "no"), (200, "{\"state\": \"busy\"}"), (200, "{\"state\": \"done\"}")]);
    let url = url.await;
    let bench = Bench::start(&format!(
        "[dag.d.task.t]\noperator = \"sensor.http\"\nurl = \"{url}/job\"\nretries = 0\n\
         poke_interval = \"50ms\"\nexpect = \"response.body.state == 'done'\"\n"
    ))
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(bench.output("t").unwrap()["body"], json!({"state": "done"}));
}

#[tokio::test]
async fn the_answer_to_a_request_is_the_output() {
    let url = server(&[(201, "{\"id\": 7}")]).await;
    let bench = Bench::start(&format!(
        "[dag.d.task.t]\noperator = \"http\"\nurl = \"{url}\"\nmethod = \"POST\"\n\
         body = {{ run = \"{{{{ run_id }}}}\" }}\nretries = 0\n"
    ))
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    let output = bench.output("t").unwrap();
    assert_eq!((&output["status"], &output["body"]["id"]), (&json!(201), &json!(7)));
}

#[tokio::test]
async fn a_request_that_is_refused_is_tried_again() {
    let url = server(&[(503, "busy"), (200, "\"now\"")]).await;
    let bench = Bench::start(&format!(
        "[dag.d.task.t]\noperator = \"http\"\nurl = \"{url}\"\nretries = 1\nretry_delay = \"10ms\"\n"
    ))
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    assert_eq!(
        (bench.task("t").try_number, &bench.output("t").unwrap()["body"]),
        (2, &json!("now"))
    );
}

#[tokio::test]
async fn what_a_template_makes_wrong_of_an_argument_is_named() {
    for (operator, lines, words) in [
        ("trigger_dag_run", "dag_id = \"{{ 'nope' }}\"", "there is no DAG `nope`"),
        (
            "trigger_dag_run",
            "dag_id = \"d\"\nlogical_date = \"{{ 'soon' }}\"",
            "`logical_date` is \"soon\"; expected an instant",
        ),
        (
            "trigger_dag_run",
            "dag_id = \"d\"\nconf = \"{{ 'text' }}\"",
            "`conf` is \"text\"; expected a table",
        ),
        ("trigger_dag_run", "dag_id = \"d\"\ndag_run_id = \"{{ 'a/b' }}\"", "cannot be a run id"),
        ("sensor.time", "until = \"{{ 'soon' }}\"", "`until` is \"soon\"; expected an instant"),
        ("sensor.time", "at = \"{{ '25:00' }}\"", "expected a time of the day"),
        ("sensor.time", "delta = \"{{ 'soon' }}\"", "`delta` is \"soon\"; expected a duration"),
        (
            "sensor.task",
            "dag_id = \"d\"\nlogical_date = \"{{ 'soon' }}\"",
            "`logical_date` is \"soon\"; expected an instant",
        ),
        ("sensor.file", "path = \"{{ '../x' }}\"", "climbs out of its folder"),
        ("sensor.file", "path = \"x\"\ntimeout = \"{{ 'soon' }}\"", "`timeout` is \"soon\""),
        ("sensor.file", "path = \"x\"\nsoft_fail = \"{{ 'perhaps' }}\"", "`soft_fail` is"),
        ("approval", "question = \"?\"\ntimeout = \"{{ 'soon' }}\"", "`timeout` is \"soon\""),
        ("approval", "question = \"?\"\nchoices = \"{{ [] }}\"", "`choices` is empty"),
        ("http", "url = \"{{ 'ftp://h' }}\"", "the URL is not"),
    ] {
        let bench =
            Bench::start(&format!("[dag.d.task.t]\noperator = \"{operator}\"\n{lines}\n")).await;
        bench.trigger().await.unwrap();
        bench.ended(DagRunState::Failed).await;
        let note = bench.task("t").note.unwrap();
        assert!(note.contains(words), "{operator} {lines}: {note}");
    }
}

#[tokio::test]
async fn another_dag_s_group_is_waited_for() {
    let bench = Bench::start(
        "[dag.d.task.t]\noperator = \"sensor.task\"\ndag_id = \"other\"\n\
         task_group_id = \"g\"\nretries = 0\n\
         [dag.other.group.g]\n\
         [dag.other.task.x]\noperator = \"empty\"\ngroup = \"g\"\n\
         [dag.other.task.y]\noperator = \"command\"\ncommand = \"sleep 600\"\ndepends_on = [\"x\"]\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.task_is("t", TaskInstanceState::Deferred).await;
    let mut wish = super::bench::trigger();
    if let Command::Trigger(trigger) = &mut wish {
        trigger.dag_id = "other".into();
    }
    bench.ask(Input::Command(wish)).await.unwrap();
    bench.ended(DagRunState::Success).await;
    let output = bench.output("t").unwrap();
    assert_eq!((&output["state"], &output["tasks"]["x"]), (&json!("running"), &json!("success")));
    bench.cancel_of("other").await.unwrap();
}
