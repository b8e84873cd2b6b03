//! What the mouse does.

use crossterm::event::{MouseButton, MouseEventKind};

use crate::state::{Pane, Popup, Screen, View};
use crate::tests::Driver;
use crate::types::ask::Request;

#[test]
fn a_click_selects_a_row_and_again_opens_it() {
    let mut driver = Driver::new(80, 24);
    driver.click("mlops_pipeline");
    assert_eq!(driver.state.level().selected.as_deref(), Some("mlops_pipeline"));
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    driver.click("mlops_pipeline");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "mlops_pipeline"));
}

#[test]
fn the_row_under_the_cursor_does_not_open_by_one_click() {
    let mut driver = Driver::new(80, 24);
    driver.click("basic_dag_example");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    driver.keys("jk");
    driver.click("basic_dag_example");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags), "a key came between");
}

#[test]
fn tabs_crumbs_and_hints_are_clicked() {
    let mut driver = Driver::new(80, 24);
    driver.click("3 Assets");
    assert_eq!(*driver.screen(), Screen::Root(View::Assets));
    driver.click("1 DAGs");
    driver.keys("r");
    assert!(matches!(driver.screen(), Screen::DagRuns(_)));
    driver.click("DAGs ›");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    driver.click("? help");
    assert!(driver.state.popup.is_some());
    driver.mouse(MouseEventKind::Down(MouseButton::Left), 0, 0);
    assert!(driver.state.popup.is_none(), "beside it closes it");
    driver.click("p pause");
    assert!(matches!(driver.state.popup, Some(Popup::Confirm(_))));
}

#[test]
fn a_title_sorts_and_a_menu_is_chosen_from() {
    let mut driver = Driver::new(80, 24);
    driver.click("NAME");
    assert!(driver.text().contains("sort name↑"));
    driver.click("NAME");
    assert!(driver.text().contains("sort name↓"));
    driver.click("RUNS");
    assert_eq!(driver.said(), "this column has no order");
    driver.keys("S");
    driver.click("as it comes");
    assert!(driver.state.popup.is_none());
    assert!(!driver.text().contains("· sort"));
}

#[test]
fn the_wheel_moves_the_pane_under_the_pointer_and_a_click_gives_it_the_focus() {
    let mut driver = Driver::new(120, 30);
    driver.keys("jjjjj<enter>");
    assert_eq!(driver.state.level().pane, Pane::Tasks);
    let before = driver.state.level().index;
    driver.mouse(MouseEventKind::ScrollDown, 100, 25);
    assert_eq!(driver.state.level().pane, Pane::Tasks);
    assert_eq!(driver.state.level().index, before, "the log moved, not the list");
    driver.mouse(MouseEventKind::Down(MouseButton::Left), 100, 25);
    assert_ne!(driver.state.level().pane, Pane::Tasks);
}

#[test]
fn a_confirm_is_answered_by_its_buttons_only_once_it_listens() {
    let mut driver = Driver::new(80, 24);
    driver.keys("p");
    driver.click("[ Pause ]");
    assert!(matches!(driver.mutations.as_slice(), [Request::SetPaused { is_paused: true, .. }]));
    driver.keys("p");
    driver.click("[ No ]");
    assert!(driver.state.popup.is_none());
    driver.keys("p");
    driver.now -= jiff::SignedDuration::from_millis(400);
    driver.click("[ Pause ]");
    assert_eq!(driver.mutations.len(), 1, "deaf for a moment");
}

#[test]
fn ctrl_t_leaves_the_mouse_to_the_terminal() {
    let mut driver = Driver::new(80, 24);
    driver.keys("<ctrl-t>");
    assert!(driver.said().contains("drag selects text"));
    assert!(!driver.state.has_mouse);
    driver.keys("<ctrl-t>");
    assert!(driver.said().contains("hold shift"));
}
