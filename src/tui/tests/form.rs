//! The trigger form: every kind of param, by its keys.

use serde_json::{Value, json};

use crate::sample;
use crate::state::form::{Kind, Over, Stop};
use crate::state::{Form, Screen};
use crate::tests::Driver;
use crate::types::ask::{Answer, Request, Trigger};
use crate::types::view::ParamProblem;
use crate::types::{Fault, FaultKind};
use crate::{Colours, DeckOptions};

fn answer(request: &Request) -> Option<Result<Answer, Fault>> {
    let detail = sample::every_param();
    Some(Ok(match request {
        Request::ListDags => Answer::Dags(vec![detail.dag]),
        Request::ShowDag { .. } => Answer::Dag(Box::new(detail)),
        Request::ListRuns { .. } => {
            let runs = sample::home::with_confs();
            Answer::Runs { total: runs.len() as u64, runs }
        }
        Request::PlanTrigger { conf, .. } if conf.get("depth") == Some(&json!(13)) => {
            Answer::Plan(Err(vec![ParamProblem {
                param: "depth".into(),
                message: "is unlucky".into(),
            }]))
        }
        Request::Trigger(wish) if wish.dag_run_id.is_some() => {
            return Some(Err(Fault::new(FaultKind::Exists, "run `mine` of `every_param` exists")));
        }
        _ => return None,
    }))
}

fn driver(width: u16, height: u16) -> Driver {
    let mut driver = Driver::with(DeckOptions::default(), width, height, answer);
    driver.keys("t");
    driver
}

fn form(driver: &Driver) -> &Form {
    &driver.state.forms["every_param"]
}

/// Goes to a field by tab.
fn go(driver: &mut Driver, name: &str) {
    for _ in 0..40 {
        let here = form(driver).focused();
        if here.is_some_and(|f| f.name == name && !matches!(f.kind, Kind::Tabs(_))) {
            return;
        }
        driver.keys("<tab>");
    }
    panic!("no field `{name}`");
}

fn value(driver: &Driver, name: &str) -> Value {
    form(driver).params().remove(name).unwrap_or(Value::Null)
}

fn sent(driver: &Driver) -> &Trigger {
    match driver.mutations.last() {
        Some(Request::Trigger(trigger)) => trigger,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_size() {
    for (width, height) in [(60, 16), (80, 24), (100, 30), (200, 60)] {
        let mut driver = driver(width, height);
        go(&mut driver, "depth");
        driver.keys("<right>");
        insta::assert_snapshot!(format!("form_{width}x{height}"), driver.text());
    }
    for (width, height) in [(80, 24), (200, 60)] {
        let options = DeckOptions { ascii: true, colours: Colours::None, ..DeckOptions::default() };
        let mut driver = Driver::with(options, width, height, answer);
        driver.keys("t");
        go(&mut driver, "features");
        let text = driver.text();
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(format!("form_ascii_{width}x{height}"), text);
    }
}

#[test]
fn a_long_choice_is_picked_from_a_list_by_its_letters() {
    let mut driver = driver(80, 24);
    go(&mut driver, "region");
    driver.keys("<enter>");
    insta::assert_snapshot!("form_list_80x24", driver.text());
    driver.keys("ap2<enter>");
    assert_eq!(value(&driver, "region"), json!("ap-2"));
    driver.keys("u<down><enter>");
    assert!(form(&driver).over.is_none());
    assert_ne!(value(&driver, "region"), json!("ap-2"));
}

#[test]
fn figures_step_and_days_are_moved_typed_and_counted_from_now() {
    let mut driver = driver(80, 24);
    go(&mut driver, "rate");
    driver.keys("<right><right>");
    assert_eq!(value(&driver, "rate"), json!(0.11));
    assert!(driver.text().contains("[==|------]"), "{}", driver.text());
    go(&mut driver, "from");
    driver.keys("<up><pageup>");
    assert_eq!(value(&driver, "from"), json!("2026-04-02"));
    driver.keys("<ctrl-u>now-1w");
    assert!(driver.text().contains("= 2026-02-23"), "{}", driver.text());
    assert_eq!(value(&driver, "from"), json!("2026-02-23"));
    driver.keys("<tab>");
    assert_eq!(value(&driver, "at"), Value::Null);
    driver.keys("today+6h");
    assert_eq!(value(&driver, "at"), json!("2026-03-02T06:00:00Z"));
}

#[test]
fn a_set_keeps_the_order_of_its_choices() {
    let mut driver = driver(80, 24);
    go(&mut driver, "features");
    driver.keys("<right><right><space><left><space>");
    assert_eq!(value(&driver, "features"), json!(["rfm", "session", "text"]));
    driver.keys("h<space>");
    assert_eq!(value(&driver, "features"), json!(["session", "text"]));
}

#[test]
fn tabs_change_the_field_below_them() {
    let mut driver = driver(80, 24);
    go(&mut driver, "source");
    assert_eq!(value(&driver, "source"), json!("lake:incoming"));
    driver.keys("<shift-tab><right><tab>5");
    assert_eq!(value(&driver, "source"), json!(5));
    driver.keys("<tab><right>");
    assert_eq!(value(&driver, "size"), json!(9));
    assert!(driver.text().contains("large"), "{}", driver.text());
}

#[test]
fn a_secret_is_never_shown() {
    let mut driver = driver(200, 60);
    go(&mut driver, "token");
    driver.keys("hush");
    assert!(!driver.text().contains("hush"));
    assert!(driver.text().contains("••••"));
    driver.keys("<ctrl-j>");
    assert!(!driver.text().contains("hush"));
    driver.keys("<ctrl-s><ctrl-y>");
    assert_eq!(driver.copied, ["dagdeck trigger every_param -p token=\"$TOKEN\""]);
    driver.keys("<ctrl-r>");
    assert!(form(&driver).over.is_none(), "what is secret is in no list");
    go(&mut driver, "owner");
    driver.keys("ana<ctrl-s>");
    assert_eq!(sent(&driver).conf["token"], json!("hush"));
}

#[test]
fn json_is_edited_over_lines_and_all_params_at_once() {
    let mut driver = driver(80, 24);
    go(&mut driver, "grid");
    driver.keys("<enter>");
    insta::assert_snapshot!("form_editor_80x24", driver.text());
    driver.keys("x<ctrl-s>");
    assert!(matches!(form(&driver).over, Some(Over::Editor(_))), "it is no JSON");
    driver.keys("<backspace><ctrl-s>");
    assert!(form(&driver).over.is_none());
    driver.keys("<ctrl-j>");
    assert!(driver.text().contains("All params as JSON"), "{}", driver.text());
    let Some(form) = driver.state.forms.get_mut("every_param") else { panic!() };
    let Some(Over::Editor(editor)) = &mut form.over else { panic!() };
    editor.area = ratatui_textarea::TextArea::from(["{\"rate\": 0.3, \"nope\": 1}"]);
    driver.keys("<ctrl-s>");
    assert!(driver.text().contains("there is no param `nope`"), "{}", driver.text());
    let Some(form) = driver.state.forms.get_mut("every_param") else { panic!() };
    let Some(Over::Editor(editor)) = &mut form.over else { panic!() };
    editor.area = ratatui_textarea::TextArea::from(["{\"rate\": 0.3, \"source\": 4}"]);
    driver.keys("<ctrl-s>");
    assert_eq!(value(&driver, "rate"), json!(0.3));
    assert_eq!(value(&driver, "source"), json!(4));
}

#[test]
fn what_the_last_runs_were_given_is_taken_for_one_field_or_for_all() {
    let mut driver = driver(80, 24);
    go(&mut driver, "rate");
    driver.keys("<ctrl-r>");
    insta::assert_snapshot!("form_recent_80x24", driver.text());
    driver.keys("<enter>");
    assert_eq!(value(&driver, "rate"), json!(0.05));
    driver.keys("<ctrl-d>");
    assert_eq!(value(&driver, "rate"), json!(0.1));
    driver.keys("<shift-tab><ctrl-r><enter>");
    assert_eq!(value(&driver, "mode"), json!("full"));
}

#[test]
fn the_first_error_gets_the_focus_and_the_daemons_land_on_their_fields() {
    let mut driver = driver(80, 24);
    driver.keys("<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert_eq!(driver.said(), "owner: is required");
    assert_eq!(form(&driver).focused().map(|field| field.name.as_str()), Some("owner"));
    driver.keys("ana");
    go(&mut driver, "depth");
    driver.keys("<backspace>13");
    assert!(driver.text().contains("is unlucky"), "{}", driver.text());
    driver.keys("<ctrl-s>");
    assert_eq!(driver.said(), "depth: is unlucky");
}

#[test]
fn what_is_advanced_is_sent_and_a_taken_id_is_told_at_its_field() {
    let mut driver = driver(80, 24);
    go(&mut driver, "owner");
    driver.keys("ana<shift-tab><shift-tab><shift-tab><shift-tab><shift-tab>");
    assert_eq!(form(&driver).focus, Stop::Advanced);
    driver.keys("<enter><tab>mine<tab>yesterday<tab>for the audit<ctrl-s>");
    assert_eq!(sent(&driver).dag_run_id.as_ref().map(|id| id.as_str()), Some("mine"));
    assert_eq!(
        sent(&driver).logical_date.map(|at| at.to_string()).as_deref(),
        Some("2026-03-01T00:00:00Z")
    );
    assert_eq!(sent(&driver).note.as_deref(), Some("for the audit"));
    assert_eq!(form(&driver).focus, Stop::AdvancedField(0));
    assert!(driver.text().contains("✗ run `mine`"), "{}", driver.text());
    driver.keys("<ctrl-u><ctrl-s>");
    assert!(matches!(driver.screen(), Screen::Run(_)), "{}", driver.said());
}

#[test]
fn y_copies_the_command_where_nothing_is_typed() {
    let mut driver = driver(80, 24);
    driver.keys("<right>y");
    assert_eq!(driver.copied, ["dagdeck trigger every_param -p mode=full"]);
    go(&mut driver, "owner");
    driver.keys("y");
    assert_eq!(value(&driver, "owner"), json!("y"));
}

#[test]
fn a_draft_is_kept_and_told_and_can_be_thrown_away() {
    let mut driver = driver(80, 24);
    driver.keys("<right><esc>t");
    assert!(driver.said().contains("your draft of 09:14Z"), "{}", driver.said());
    assert_eq!(value(&driver, "mode"), json!("full"));
    driver.keys("<ctrl-d>");
    assert_eq!(value(&driver, "mode"), json!("quick"));
}
