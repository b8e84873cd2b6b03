//! The palette, the keys of a pane, the copy menu, the keymap file, leaving.

use crate::DeckOptions;
use crate::message::{Message, Timer};
use crate::state::{Popup, Screen, View};
use crate::tests::Driver;
use crate::types::TaskInstanceState;
use crate::types::event::Event;
use crate::update::update;

#[test]
fn what_was_run_last_comes_first_and_what_was_typed_comes_back() {
    let mut driver = Driver::new(80, 24);
    driver.keys(":model iris<enter>:asset<esc>:");
    let text = driver.text();
    let row = text.lines().find(|line| line.contains("▸ ") && line.contains("its versions"));
    assert!(row.is_some_and(|row| row.contains("model iris")), "{text}");
    driver.keys("<up><enter>");
    assert_eq!(*driver.screen(), Screen::Model("iris".into()));
}

#[test]
fn the_palette_opens_dags_runs_assets_tasks_and_variables_by_name() {
    let mut driver = Driver::new(80, 24);
    driver.keys(":dag etl_example<enter>");
    assert!(matches!(driver.screen(), Screen::Dag(id) if id.as_str() == "etl_example"));
    driver.keys(":run mlops_pipeline manual__x<enter>");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_run_id.as_str() == "manual__x"));
    driver.keys("11jjjjj<enter>:task train<enter>");
    assert_eq!(driver.state.level().selected.as_deref(), Some("train"));
    driver.keys("8:variable<enter>");
    assert_eq!(*driver.screen(), Screen::Root(View::System));
    assert!(driver.state.level().selected.as_ref().is_some_and(|key| key.contains("variable")));
    driver.keys("1:filter mlops<enter>");
    assert_eq!(driver.state.level().filter, "mlops");
}

#[test]
fn what_there_is_is_made_once_and_anew_where_something_comes() {
    let mut driver = Driver::new(80, 24);
    driver.keys("1jjjjj<enter>:");
    let offers = |driver: &Driver| {
        let offers = &driver.state.commands.offers;
        offers.all().map(std::ptr::from_ref).last()
    };
    let first = offers(&driver);
    assert!(driver.state.commands.offers.all().any(|entry| entry.name.starts_with("task ")));
    driver.keys("task train");
    assert_eq!(offers(&driver), first, "a key stroke makes nothing");
    assert!(driver.text().contains("task train"), "{}", driver.text());
    // How a task stands is told as it is now, though nothing was made anew.
    let run = driver.state.shown_run().unwrap();
    let key =
        run.tasks.iter().find(|task| task.key.task_id.as_str() == "train").unwrap().key.clone();
    let event = Event::TaskInstanceChanged { key, state: Some(TaskInstanceState::UpForRetry) };
    update(&mut driver.state, Message::Event(event), driver.now);
    let row = |text: &str| text.lines().find(|l| l.contains("▸ task train")).map(str::to_owned);
    let text = driver.text();
    assert!(row(&text).is_some_and(|row| row.contains("retry")), "{text}");
    driver.keys("<esc>:");
    assert_eq!(offers(&driver), first, "nor does an opening");
    driver.send(Message::Event(Event::Resync));
    driver.send(Message::Timer(Timer::Refetch));
    assert_eq!(offers(&driver), first, "nor an answer with the same tasks");
    driver.keys("<esc>1:");
    assert!(!driver.state.commands.offers.all().any(|entry| entry.name.starts_with("task ")));
}

#[test]
fn an_unknown_command_says_what_is_near() {
    let mut driver = Driver::new(80, 24);
    driver.keys(":rnus<enter>");
    assert!(driver.said().contains("near it: "), "{}", driver.said());
    driver.keys(":xyzzy<enter>");
    assert!(driver.said().contains("no command fits `xyzzy`"));
}

#[test]
fn the_question_mark_finds_and_runs_the_keys_of_the_pane() {
    let mut driver = Driver::new(100, 30);
    driver.keys("?");
    let text = driver.text();
    assert!(text.contains("Keys: dags") && text.contains("change"), "{text}");
    driver.keys("definition<enter>");
    assert!(matches!(driver.screen(), Screen::Dag(_)), "{}", driver.text());
    driver.keys("<esc>??");
    assert!(driver.state.popup.is_none(), "again closes it");
    driver.keys("?half a page down");
    assert!(driver.text().contains("ctrl-d"), "found by its line of help");
}

#[test]
fn what_cannot_be_done_is_dim_with_the_reason() {
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 100, 30, |_| None);
    driver.keys("?");
    assert!(driver.text().contains("this deck is read-only"));
    driver.keys("pause<enter>");
    assert_eq!(driver.said(), "pause: this deck is read-only");
    driver.keys("/nothing-of-it<enter>?");
    assert!(driver.text().contains("nothing is selected"));
}

#[test]
fn the_copy_menu_has_the_command_the_names_and_the_json() {
    let mut driver = Driver::new(100, 30);
    driver.keys("2yi");
    assert_eq!(driver.copied[0], "manual__2026-03-02T09:14:03+00:00");
    driver.keys("yn");
    assert_eq!(driver.copied[1], "mlops_pipeline");
    driver.keys("yJ");
    let json: serde_json::Value = serde_json::from_str(&driver.copied[2]).unwrap();
    assert_eq!(json["dag_id"], "mlops_pipeline");
    assert!(driver.said().starts_with("copied "), "{}", driver.said());
    driver.keys("1jjjjj<enter><tab><tab>yl");
    assert!(driver.copied[3].contains("round 39"), "{}", driver.copied[3]);
}

#[test]
fn the_operators_keys_hold_and_what_is_wrong_with_them_is_told() {
    let text = "[keys.dags]\npause = \"g p\"\nfolow = \"x\"\n";
    let keymap = Some(("keys.toml".to_owned(), text.to_owned()));
    let options = DeckOptions { keymap, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 100, 30, |_| None);
    assert!(
        driver.said().starts_with("keys.toml:3: there is no action `folow`; did you mean `follow`"),
        "{}",
        driver.said()
    );
    driver.keys("p");
    assert!(driver.state.popup.is_none());
    driver.keys("gp");
    assert!(matches!(driver.state.popup, Some(Popup::Confirm(_))));
    driver.keys("<esc>:keys<enter>");
    let text = driver.text();
    assert!(text.contains("✗ keys.toml:3") && text.contains("[keys.everywhere]"), "{text}");
    driver.keys("<esc>?pause");
    assert!(driver.text().contains("g p"));
}

#[test]
fn leaving_asks_where_a_form_was_begun() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjt<right><esc>");
    driver.keys("q");
    assert!(!driver.has_quit);
    assert!(
        driver.text().contains("1 form not sent (mlops_pipeline): leave?"),
        "{}",
        driver.text()
    );
    driver.keys("n");
    assert!(!driver.has_quit && driver.state.popup.is_none());
    driver.keys("qy");
    assert!(driver.has_quit);
    let mut driver = Driver::new(80, 24);
    driver.keys("q");
    assert!(driver.has_quit, "nothing is half done");
}
