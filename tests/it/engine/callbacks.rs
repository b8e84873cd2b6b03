//! Callbacks to a real webhook and by real commands: told, told again, given up, taken up.

use std::sync::{Arc, Mutex};

use dagdeck::sched::Input;
use dagdeck::store::{callback, event_log};
use dagdeck::types::DagRunState;
use dagdeck::types::asset::{AssetEventSource, AssetEventSpec};
use dagdeck::types::callback::{CallbackRequest, CallbackState};
use dagdeck::types::run::DagRunKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::bench::{self, Bench};

/// A webhook that answers the n-th request with the n-th status, then with 204.
pub(crate) struct Hook {
    pub(crate) url: String,
    /// Header and body of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    pub(crate) async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        tokio::spawn(async move {
            let mut statuses = statuses.iter();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = Vec::new();
                while !text.ends_with(b"}") {
                    let mut piece = [0; 4096];
                    match stream.read(&mut piece).await {
                        Ok(read @ 1..) => text.extend_from_slice(&piece[..read]),
                        _ => break,
                    }
                }
                kept.lock().unwrap().push(String::from_utf8(text).unwrap());
                let status = statuses.next().copied().unwrap_or(204);
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn ids(&self) -> Vec<String> {
        let id = |text: &String| {
            let line = text.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
            line.unwrap_or_default().to_owned()
        };
        self.asked().iter().map(id).collect()
    }
}

fn callbacks(bench: &Bench) -> Vec<CallbackRequest> {
    let run = DagRunKey { dag_id: bench::DAG.into(), dag_run_id: bench::RUN.into() };
    bench.store.read_blocking(|conn| callback::for_run(conn, &run)).unwrap()
}

/// Waits until all callbacks have ended, and returns them.
async fn all(bench: &Bench, count: usize) -> Vec<CallbackRequest> {
    let have_ended = |bench: &Bench| {
        let found = callbacks(bench);
        found.len() == count && found.iter().all(|one| one.state != CallbackState::Pending)
    };
    bench.until("the callbacks have ended", have_ended).await;
    callbacks(bench)
}

fn feed(bench: &Bench, event: &str) -> Vec<String> {
    let lines = bench.store.read_blocking(|conn| event_log::list(conn, 100, None)).unwrap();
    lines.into_iter().filter(|line| line.event == event).map(|line| line.message).collect()
}

#[tokio::test]
async fn a_webhook_is_told_with_the_id_of_the_row() {
    let hook = Hook::start(&[503]).await;
    let url = &hook.url;
    let bench = Bench::start(&format!(
        "on_failure = {{ webhook = \"{url}\" }}\n\
         [dag.d.task.t]\noperator = \"command\"\ncommand = \"exit 7\"\n\
         on_failure = {{ webhook = \"{url}\", retry_delay = \"10ms\", \
         body = {{ text = \"{{{{ ti.task_id }}}} of {{{{ run_id }}}}: {{{{ exception }}}}\" }} }}\n"
    ))
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    let rows = all(&bench, 2).await;
    assert!(rows.iter().all(|row| row.state == CallbackState::Done), "{rows:?}");
    assert_eq!(hook.asked().len(), 3, "one was refused once");
    let (ids, asked) = (hook.ids(), hook.asked());
    for row in &rows {
        assert_eq!(ids.iter().filter(|id| **id == row.id).count() as u32, row.tries, "{ids:?}");
    }
    let of_task = asked.iter().find(|text| text.contains(&rows[0].id)).unwrap();
    assert!(of_task.ends_with("{\"text\":\"t of r1: exit code 7\"}"), "{of_task}");
    let of_run = asked.iter().find(|text| text.contains(&rows[1].id)).unwrap();
    assert!(of_run.contains("\"event\":\"on_failure\""), "{of_run}");
    assert!(of_run.contains("\"reason\":\"`t` failed\""), "{of_run}");
}

#[tokio::test]
async fn a_command_gets_what_happened_and_its_output_is_kept() {
    let bench = Bench::start(
        "[dag.d.task.t]\noperator = \"command\"\ncommand = \"echo hi\"\n\
         on_execute = { command = \"echo begins\" }\n\
         on_success = { command = \"echo $DAGDECK_CALLBACK_ID $DAGDECK_EVENT $DAGDECK_TASK_ID \
         $DAGDECK_TRY_NUMBER $DAGDECK_STATE {{ output.t }}\" }\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    let rows = all(&bench, 2).await;
    let said = format!("{} on_success t 1 success hi", rows[1].id);
    assert_eq!(rows[1].output.as_deref(), Some(said.as_str()));
    assert_eq!(rows[0].output.as_deref(), Some("begins"));
}

#[tokio::test]
async fn a_callback_that_fails_is_given_up_and_changes_nothing() {
    let bench = Bench::start(
        "[dag.d.task.t]\noperator = \"command\"\ncommand = \"true\"\n\
         on_success = [\n\
         { command = \"echo no >&2; exit 3\", retries = 1, retry_delay = \"10ms\" },\n\
         { argv = [\"/no/such/program\"] },\n\
         { command = \"echo {{ ti.nothing }}\" },\n]\n",
    )
    .await;
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Success).await;
    let rows = all(&bench, 3).await;
    assert!(rows.iter().all(|row| row.state == CallbackState::Failed), "{rows:?}");
    assert_eq!(rows.iter().map(|row| row.tries).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(rows[0].output.as_deref(), Some("no"));
    assert!(rows[1].error.as_ref().unwrap().contains("/no/such/program"));
    assert!(rows[2].error.as_ref().unwrap().contains("nothing"), "{:?}", rows[2].error);
    let lines = feed(&bench, "callback.failed");
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().any(|line| line.contains("`on_success` of `t`: command failed")));
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_all_it_started() {
    let bench = Bench::start(
        "[dag.d.task.t]\noperator = \"command\"\ncommand = \"true\"\n\
         on_success = { command = \"sleep 300 & echo $! > child; echo $$ > pid; wait\", \
         timeout = \"300ms\", retries = 0 }\n",
    )
    .await;
    bench.trigger().await.unwrap();
    let rows = all(&bench, 1).await;
    assert_eq!(rows[0].state, CallbackState::Failed);
    assert_eq!(rows[0].error.as_deref(), Some("not done within 0.3 s"));
    for file in ["pid", "child"] {
        let pid = bench.file(file).await;
        bench.until("it is gone", |_| !bench::lives(&pid)).await;
    }
}

#[tokio::test]
async fn a_message_to_the_feed_is_written_once() {
    let bench = Bench::start(
        "on_success = { notify = \"ops\", title = \"well\", message = \"{{ run_id }} {{ state }}\" }\n\
         [dag.d.task.t]\noperator = \"empty\"\n[connection.ops]\nurl = \"log:\"\n",
    )
    .await;
    bench.trigger().await.unwrap();
    all(&bench, 1).await;
    assert_eq!(feed(&bench, "notify"), ["well: r1 success"]);
}

#[tokio::test]
async fn secrets_reach_the_other_side_and_no_row() {
    let hook = Hook::start(&[]).await;
    let bench = Bench::start(&format!(
        "[dag.d.task.t]\noperator = \"command\"\ncommand = \"true\"\n\
         on_success = [\n\
         {{ webhook = \"{}\", body = {{ key = \"{{{{ var.value.token }}}}\" }} }},\n\
         {{ command = \"echo key {{{{ var.value.token }}}}\" }},\n]\n\
         [variable]\ntoken = \"${{file:secret}}\"\n",
        hook.url
    ))
    .await;
    bench.trigger().await.unwrap();
    let rows = all(&bench, 2).await;
    assert!(hook.asked()[0].ends_with("{\"key\":\"hunter2\"}"), "{:?}", hook.asked());
    assert_eq!(rows[1].output.as_deref(), Some("key ***"));
    assert!(!format!("{rows:?}").contains("hunter2"));
}

#[tokio::test]
async fn what_was_not_told_is_taken_up_by_the_next_engine() {
    let hook = Hook::start(&[503, 503]).await;
    let mut bench = Bench::start(&format!(
        "[dag.d.task.t]\noperator = \"empty\"\n\
         on_success = {{ webhook = \"{}\", retry_delay = \"1h\", retries = 5 }}\n",
        hook.url
    ))
    .await;
    bench.trigger().await.unwrap();
    bench.until("it was tried", |bench| callbacks(bench).iter().any(|row| row.tries == 1)).await;
    bench.stop().await;
    bench.start_again().await.unwrap();
    bench.until("it was tried again", |bench| callbacks(bench)[0].tries == 2).await;
    bench.stop().await;
    bench.start_again().await.unwrap();
    let rows = all(&bench, 1).await;
    assert_eq!((rows[0].state, rows[0].tries), (CallbackState::Done, 3));
    let ids = hook.ids();
    assert_eq!(ids, [rows[0].id.as_str(); 3]);
}

#[tokio::test]
async fn a_deadline_that_is_missed_is_told_while_the_run_goes_on() {
    let bench = Bench::start(&format!(
        "deadline = {{ reference = \"dagrun_queued_at\", interval = \"100ms\", \
         callback = {{ command = \"echo late {{{{ deadline.deadline_time }}}}\" }} }}\n\
         [dag.d.task.t]\n{}",
        bench::waiting("true")
    ))
    .await;
    bench.trigger().await.unwrap();
    let rows = all(&bench, 1).await;
    assert!(rows[0].output.as_ref().unwrap().starts_with("late 20"), "{rows:?}");
    assert_eq!(feed(&bench, "deadline.missed").len(), 1);
    bench.go();
    bench.ended(DagRunState::Success).await;
}

#[tokio::test]
async fn that_an_asset_is_stale_is_told_once_with_its_cause_and_that_it_is_fresh_again() {
    let hook = Hook::start(&[]).await;
    let told = format!(
        "[{{ webhook = \"{}\" }}, {{ notify = \"feed\", message = \"{{{{ reason }}}}\" }}, \
         {{ command = \"echo $DAGDECK_ASSET {{{{ state }}}} {{{{ asset.freshness }}}}\" }}]",
        hook.url
    );
    let deck = format!(
        "[connection.feed]\nurl = \"log:\"\n[asset.raw]\nuri = \"file:raw.csv\"\n\
         [asset.sums]\nuri = \"file:sums.csv\"\nfreshness = \"1h\"\n\
         on_stale = {told}\non_fresh = {told}\n\
         [dag.sum.task.t]\noperator = \"empty\"\ninlets = [\"raw\"]\noutlets = [\"sums\"]\n"
    );
    let fails =
        "[dag.d.task.t]\noperator = \"command\"\ncommand = \"exit 7\"\noutlets = [\"raw\"]\n";
    let mut bench = Bench::start_with(&deck, fails).await;
    let change = || AssetEventSpec::new("file:sums.csv", AssetEventSource::Api);
    let of_asset = |bench: &Bench| {
        bench.store.read_blocking(|conn| callback::for_asset(conn, &"sums".into())).unwrap()
    };
    let done = |bench: &Bench, count: usize| {
        let found = of_asset(bench);
        assert!(found.len() <= count, "told twice: {found:?}");
        found.len() == count && found.iter().all(|one| one.state == CallbackState::Done)
    };
    bench.ask(Input::AssetChanged(change())).await.unwrap();
    bench.trigger().await.unwrap();
    bench.ended(DagRunState::Failed).await;
    bench.clock.set(3_700);
    bench.ask(Input::Tick).await.unwrap();
    bench.until("it is told that `sums` is stale", |bench| done(bench, 3)).await;
    let cause = "made of `raw`: `d` failed to make it";
    assert!(hook.asked()[0].contains("\"event\":\"on_stale\""), "{:?}", hook.asked());
    assert!(hook.asked()[0].contains("\"path\":[\"raw\",\"sums\"]"), "{:?}", hook.asked());
    assert!(hook.asked()[0].contains(cause), "{:?}", hook.asked());
    let said = feed(&bench, "notify");
    assert!(said[0].ends_with(&format!("more than 1h ago; {cause}")), "{said:?}");
    assert_eq!(of_asset(&bench)[2].output.as_deref(), Some("sums stale 1h"));

    bench.stop().await;
    bench.start_again().await.unwrap();
    bench.clock.set(9_000);
    bench.ask(Input::Tick).await.unwrap();
    assert!(done(&bench, 3));
    bench.ask(Input::AssetChanged(change())).await.unwrap();
    bench.until("it is told that `sums` is fresh", |bench| done(bench, 6)).await;
    assert!(hook.asked()[1].contains("\"state\":\"fresh\""), "{:?}", hook.asked());
    assert_eq!(of_asset(&bench)[5].output.as_deref(), Some("sums fresh 1h"));
    assert_eq!((feed(&bench, "asset.stale").len(), feed(&bench, "asset.fresh").len()), (1, 1));
}
