//! The run view: the grid, the graph, time travel, many thousands of tasks.

use crate::DeckOptions;
use crate::message::Message;
use crate::sample;
use crate::state::{Popup, Screen};
use crate::tests::Driver;
use crate::types::ask::{Answer, Request};
use crate::types::event::Event;
use crate::types::ids::{TaskInstanceKey, UNMAPPED};
use crate::types::packed::PackedRun;
use crate::types::{Fault, TaskInstanceState};
use crate::{rows, view};

fn selected(driver: &Driver) -> String {
    rows::run::selected(&driver.state).map(|row| row.key()).unwrap_or_default()
}

fn run_id(driver: &Driver) -> String {
    match driver.screen() {
        Screen::Run(key) => key.dag_run_id.to_string(),
        other => panic!("{other:?}"),
    }
}

/// A deck whose only run has so many tasks, packed as a daemon sends it.
fn with_tasks(size: (u16, u16), script: fn(&Request) -> Option<Result<Answer, Fault>>) -> Driver {
    let mut driver = Driver::with(DeckOptions::default(), size.0, size.1, script);
    driver.keys("2<enter>");
    driver
}

fn packed(count: usize, has_groups: bool, request: &Request) -> Option<Result<Answer, Fault>> {
    let (dag_id, dag_run_id) = match request {
        Request::ShowRun { packed: true, dag_run_id, dag_id } => (dag_id, dag_run_id),
        Request::ShowTask { key } => return Some(Err(Fault::not_found(format!("no {key}")))),
        _ => return None,
    };
    let mut detail = sample::run::wide(count, has_groups);
    detail.run.dag_id = dag_id.clone();
    detail.run.dag_run_id = dag_run_id.clone();
    for task in &mut detail.tasks {
        task.key.dag_id = dag_id.clone();
        task.key.dag_run_id = dag_run_id.clone();
    }
    Some(Ok(Answer::PackedRun(Box::new(PackedRun::pack(detail)))))
}

fn hundred(request: &Request) -> Option<Result<Answer, Fault>> {
    packed(100, false, request)
}

fn thousand(request: &Request) -> Option<Result<Answer, Fault>> {
    packed(1000, true, request)
}

fn ten_thousand(request: &Request) -> Option<Result<Answer, Fault>> {
    packed(10_000, true, request)
}

#[test]
fn h_and_l_go_through_time_at_the_same_task_and_say_that_it_is_history() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jjjjj<enter>");
    assert_eq!(run_id(&driver), "scheduled__2026-03-05T09:00:00+00:00");
    assert!(!driver.text().contains("HISTORIC"));
    driver.keys("jh");
    assert_eq!(run_id(&driver), "scheduled__2026-03-04T09:00:00+00:00");
    assert_eq!(selected(&driver), "decide");
    assert!(driver.text().contains("HISTORIC"));
    driver.keys("hhhh");
    assert_eq!(run_id(&driver), "scheduled__2026-03-01T09:00:00+00:00");
    assert!(driver.said().contains("oldest"), "{}", driver.said());
    driver.keys("lllll");
    assert_eq!(run_id(&driver), "scheduled__2026-03-05T09:00:00+00:00");
    assert!(driver.said().contains("newest"), "{}", driver.said());
}

#[test]
fn braces_go_from_failure_to_failure_and_say_where_there_is_none() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jjjjjj<enter>gg}");
    assert_eq!(selected(&driver), "ingest.parse[]");
    driver.keys("G{");
    assert_eq!(selected(&driver), "ingest.parse[]");
    driver.keys("<esc>gg");
    driver.keys("jjjjj<enter>}");
    assert!(driver.said().contains("nothing has failed"), "{}", driver.said());
}

#[test]
fn the_tasks_turn_into_bars_over_time_and_back() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jjjjjj<enter>B");
    assert!(driver.text().contains("Tasks over time"), "{}", driver.text());
    assert!(driver.text().contains("███"), "{}", driver.text());
    driver.keys("B");
    assert!(driver.text().contains("Tasks × last"), "{}", driver.text());
}

#[test]
fn z_gives_a_pane_more_room_then_all_then_none() {
    let mut driver = Driver::new(200, 60);
    driver.keys("jjjjj<enter><tab>z");
    assert!(driver.text().contains("Graph") && driver.text().contains("Tasks"));
    driver.keys("z");
    assert!(!driver.text().contains("╭ Tasks"), "{}", driver.text());
    driver.keys("z");
    assert!(driver.text().contains("╭ Log"), "{}", driver.text());
    driver.keys("zz<esc>");
    assert!(driver.text().contains("╭ Log"), "{}", driver.text());
}

#[test]
fn d_tells_what_differs_from_the_run_before() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jjjjj<enter>d");
    assert!(matches!(driver.state.popup, Some(Popup::RunDiff { .. })));
    assert!(driver.text().contains("TASKS THAT DIFFER"), "{}", driver.text());
    driver.keys("<esc>hhhhd");
    assert!(driver.said().contains("no run came before"), "{}", driver.said());
}

#[test]
fn a_run_in_full_has_its_deadlines_and_callbacks() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jjjjjj<enter>I");
    let text = driver.text();
    assert!(text.contains("DEADLINES") && text.contains("on_failure of train"), "{text}");
    driver.keys("<esc>2i");
    assert!(driver.text().contains("CALLBACKS"), "{}", driver.text());
}

#[test]
fn an_event_changes_a_state_at_once_and_only_later_asks_again() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jjjjj<enter>");
    let key = TaskInstanceKey {
        dag_id: "mlops_pipeline".into(),
        dag_run_id: "scheduled__2026-03-05T09:00:00+00:00".into(),
        task_id: "train".into(),
        map_index: UNMAPPED,
    };
    let state = Some(TaskInstanceState::Failed);
    let event = Message::Event(Event::TaskInstanceChanged { key, state });
    let effects = crate::update::update(&mut driver.state, event, driver.now);
    assert_eq!(effects.len(), 1, "a timer, no question: {effects:?}");
    let counts = driver.state.run.as_ref().unwrap().counts;
    assert_eq!(counts.of(state), 1);
    assert!(driver.text().contains("✗ 1"), "{}", driver.text());
}

#[test]
fn a_hundred_tasks_are_drawn_round_the_selection_with_stubs() {
    let mut driver = with_tasks((200, 60), hundred);
    driver.keys("<tab>");
    let text = driver.text();
    assert!(text.contains("±2 hops"), "{text}");
    assert!(text.contains("▸ +"), "{text}");
    driver.keys(")");
    assert!(driver.text().contains("±3 hops"), "{}", driver.text());
    driver.keys("((");
    assert!(driver.text().contains("±1 hops"), "{}", driver.text());
}

#[test]
fn a_thousand_tasks_have_their_groups_closed_but_for_those_that_matter() {
    let mut driver = with_tasks((200, 60), thousand);
    driver.keys("gg");
    let rows = driver.state.run.as_ref().unwrap().fold.rows.len();
    assert!((400..=405).contains(&rows), "{rows}: one failed, one runs, three are closed");
    assert!(driver.text().contains("▸ part_00 (200)"), "{}", driver.text());
    insta::assert_snapshot!("run_thousand_200x60", driver.text());
}

#[test]
fn ten_thousand_tasks_are_a_map_of_levels_and_a_graph_of_what_is_near() {
    let mut driver = with_tasks((200, 60), ten_thousand);
    driver.keys("<tab>zz");
    insta::assert_snapshot!("run_ten_thousand_200x60", driver.text());
}

#[test]
fn only_what_failed_and_what_passes_the_filter_is_shown_on_demand() {
    let mut driver = with_tasks((100, 30), ten_thousand);
    driver.keys("A");
    assert_eq!(driver.state.run.as_ref().unwrap().fold.rows.len(), 1);
    driver.keys("A/step_0001<enter>");
    assert_eq!(driver.state.run.as_ref().unwrap().fold.rows.len(), 10);
    driver.keys("<esc>F");
    assert!(driver.text().contains("· failed"), "{}", driver.text());
}

#[test]
fn the_graph_turns_shows_less_and_its_critical_path() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jjjjjj<enter><tab>O");
    assert!(driver.said().contains("left to right"), "{}", driver.said());
    driver.keys("O");
    assert!(driver.said().contains("top down"), "{}", driver.said());
    driver.keys("<");
    assert!(!driver.text().is_empty());
    driver.keys("C");
    assert!(driver.text().contains("critical path"), "{}", driver.text());
    driver.keys("&.");
    assert!(driver.text().contains("hops"), "{}", driver.text());
}

#[test]
fn views_of_a_run_at_the_size_of_the_drawing_board() {
    for (name, keys) in [
        ("run_100x30", "jjjjjj<enter>"),
        ("run_bars_100x30", "jjjjjj<enter>B"),
        ("run_diff_100x30", "jjjjj<enter>d"),
        ("run_page_100x30", "jjjjjj<enter>I"),
        ("run_historic_100x30", "jjjjj<enter>hh"),
    ] {
        let mut driver = Driver::new(100, 30);
        driver.keys(keys);
        insta::assert_snapshot!(name, driver.text());
    }
    for (width, height) in [(80, 24), (200, 60)] {
        let options = DeckOptions { ascii: true, ..DeckOptions::default() };
        let mut driver = Driver::with(options, width, height, |_| None);
        driver.keys("jjjjjj<enter>");
        insta::assert_snapshot!(format!("run_ascii_{width}x{height}"), driver.text());
    }
}

/// Prints what a key and a frame take with ten thousand tasks:
/// `cargo test -p dagdeck-tui figures -- --ignored --nocapture`.
#[test]
#[ignore = "figures for people, not a check"]
fn figures_of_ten_thousand_tasks() {
    use crate::types::time::instant;
    let mut driver = with_tasks((200, 60), ten_thousand);
    let mut worst = std::time::Duration::ZERO;
    for keys in
        ["j", "G", "k", "<ctrl-u>", "gg", "<tab>", "j", "l", ")", "<tab>", "j", "<tab>", "B", "F"]
    {
        let begun = instant();
        driver.keys(keys);
        let updated = instant() - begun;
        let drawn = view::drawn(&driver.state);
        let took = instant() - begun;
        worst = worst.max(took);
        println!(
            "{keys:>9}: update {updated:?}, with the frame {took:?} ({} cells)",
            drawn.content.len()
        );
    }
    println!("worst {worst:?}");
    let detail = sample::run::wide(10_000, true);
    let begun = instant();
    let text = serde_json::to_string(&PackedRun::pack(detail.clone())).unwrap();
    println!(
        "pack {:?}, {} bytes instead of {}",
        instant() - begun,
        text.len(),
        serde_json::to_string(&detail).unwrap().len()
    );
    let begun = instant();
    let back = serde_json::from_str::<PackedRun>(&text).unwrap().unpack();
    println!("unpack {:?}", instant() - begun);
    let begun = instant();
    let index = crate::state::RunIndex::new(&back, None);
    println!("index {:?} of {} tasks", instant() - begun, index.tasks.len());
    let keys: Vec<_> = back.tasks.iter().take(1000).map(|task| task.key.clone()).collect();
    let begun = instant();
    for key in keys {
        let event = Event::TaskInstanceChanged { key, state: Some(TaskInstanceState::Running) };
        crate::update::update(&mut driver.state, Message::Event(event), driver.now);
    }
    println!("1000 events {:?}", instant() - begun);
}
