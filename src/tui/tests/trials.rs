//! Runs under runs: folded and unfolded, followed, drawn as trials of a search.

use crate::message::{Effect, Message, Purpose};
use crate::state::{Screen, Slot};
use crate::tests::Driver;
use crate::types::ask::{Answer, Nesting, Request};
use crate::{DeckOptions, rows, sample};

/// The row of the search among the runs at the top.
const TO_THE_SEARCH: &str = "4<enter>jjj";

fn names(driver: &Driver) -> Vec<String> {
    let level = driver.state.level();
    let Screen::Experiment(name) = &level.screen else { panic!("{:?}", level.screen) };
    rows::tracking_runs(&driver.state, level, name).iter().map(|run| run.run_name.clone()).collect()
}

fn row_of<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn a_search_is_one_row_with_how_far_it_is_until_it_is_unfolded() {
    let mut driver = Driver::new(160, 40);
    driver.keys(TO_THE_SEARCH);
    assert_eq!(names(&driver).len(), 6);
    let text = driver.text();
    let row = row_of(&text, "▸ xgboost-3");
    assert!(row.contains("12/20 · 3 pruned · 1 failed") && row.contains("0.2208"), "{row}");
    driver.keys("l");
    assert_eq!(names(&driver).len(), 18);
    assert!(driver.text().contains("▾ xgboost-3"), "{}", driver.text());
    let text = driver.text();
    assert!(row_of(&text, "xgboost-trial-2 ").contains('⊘'), "{text}");
    // From a trial back to what it hangs under.
    driver.keys("jjh");
    assert_eq!(names(&driver).len(), 6);
    let level = driver.state.level();
    assert_eq!(level.selected.as_deref(), Some(sample::lab::search_id().as_str()));
    driver.keys("h");
    assert_eq!(names(&driver).len(), 6);
}

#[test]
fn what_is_looked_for_is_found_wherever_it_hangs_and_the_list_can_be_flat() {
    let mut driver = Driver::new(120, 30);
    let nesting = |driver: &Driver| {
        let level = driver.state.level();
        rows::tracking::query(&driver.state, level, "iris").nesting
    };
    driver.keys("4<enter>");
    assert_eq!(nesting(&driver), Nesting::Top);
    driver.keys("/metrics.accuracy > 0.9<enter>");
    assert_eq!(nesting(&driver), Nesting::All);
    driver.keys("<esc>F");
    assert_eq!(driver.said(), "all runs in one list");
    assert!(driver.text().contains("· flat"), "{}", driver.text());
    driver.keys("F");
    assert!(!driver.text().contains("· flat"));
}

#[test]
fn a_search_that_goes_on_is_asked_for_each_second() {
    let mut driver = Driver::new(120, 30);
    driver.keys(TO_THE_SEARCH);
    let asks = |driver: &mut Driver| {
        driver.wait(1_000);
        let effects = crate::update::update(&mut driver.state, Message::Tick, sample::now());
        effects.into_iter().any(|effect| {
            matches!(
                effect,
                Effect::Ask {
                    purpose: Purpose::Fetch(Slot::TrackingRuns(_) | Slot::Trials(_)),
                    ..
                }
            )
        })
    };
    assert!(asks(&mut driver));
    let mut driver = Driver::new(120, 30);
    driver.keys(TO_THE_SEARCH);
    driver.keys("t");
    assert!(matches!(driver.screen(), Screen::Trials(_)));
    assert!(asks(&mut driver));
}

#[test]
fn the_trials_stand_best_first_and_are_drawn_over_each_hyperparameter() {
    let mut driver = Driver::new(200, 60);
    driver.keys(TO_THE_SEARCH);
    driver.keys("t");
    let keys = rows::keys(&driver.state, driver.state.level());
    assert_eq!(keys.len(), 12);
    let (best, _) = {
        let view = rows::trials::shown(&driver.state).unwrap();
        let (best, value) = rows::trials::best(view).unwrap();
        (best.run_id.to_string(), value)
    };
    assert_eq!(keys[0], best);
    let first = driver.text();
    assert!(first.contains("cv log_loss over trials") && first.contains("What counts"), "{first}");
    let titles: Vec<String> = (0..3)
        .map(|_| {
            driver.keys("l");
            let text = driver.text();
            let at = text.find("cv log_loss over ").unwrap();
            let at = at + text[at + 1..].find("cv log_loss over ").unwrap() + 1;
            text[at..].chars().take(32).collect()
        })
        .collect();
    assert!(titles.iter().any(|title| title.contains("booster")), "{titles:?}");
    assert!(titles.iter().any(|title| title.contains("max_depth")), "{titles:?}");
    driver.keys("yy");
    let command = format!("dagdeck experiments trials {}", sample::lab::search_id());
    assert_eq!(driver.copied.last().unwrap(), &command);
    driver.keys("<space><space>=");
    assert!(matches!(driver.screen(), Screen::CompareRuns(ids) if ids.len() == 2));
    driver.keys("<esc><enter>");
    assert!(matches!(driver.screen(), Screen::TrackingRun(_)));
    // From a trial to those beside it.
    driver.keys("t");
    assert!(matches!(driver.screen(), Screen::Trials(of) if *of == sample::lab::search_id()));
}

#[test]
fn from_the_run_of_a_dag_one_chord_leads_to_the_trials_of_a_task() {
    let mut driver = Driver::new(120, 30);
    driver.keys("jjjjj<enter>gt");
    assert!(matches!(driver.screen(), Screen::TaskTrials(_)), "{:?}", driver.screen());
    assert!(driver.text().contains("best cv log_loss"), "{}", driver.text());
}

#[test]
fn a_run_without_runs_under_it_says_so() {
    let mut driver = Driver::new(120, 30);
    driver.keys("4<enter>t");
    assert!(driver.said().contains("no run hangs under xgboost-0"), "{}", driver.said());
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::ListTrials { .. } => {
            let mut view = sample::lab::search(0);
            view.run.status = "FINISHED".into();
            Some(Ok(Answer::Trials(Box::new(view))))
        }
        _ => None,
    });
    driver.keys(TO_THE_SEARCH);
    driver.keys("t");
    assert!(driver.text().contains("No run hangs under this one"), "{}", driver.text());
}
