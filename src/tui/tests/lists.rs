//! Every list is sorted, filtered and given columns in the same way.

use crate::rows;
use crate::state::{Popup, Screen};
use crate::tests::Driver;
use crate::types::ask::Request;

/// How to get to each list, a title to click on, and what its column is called.
const LISTS: [(&str, &str, &str); 17] = [
    ("", "NAME", "name"),
    ("2", "TOOK", "took"),
    ("3", "CHANGED", "changed"),
    ("4", "UPDATED", "updated"),
    ("4<enter>", "STARTED", "started"),
    ("5", "ACCURACY", "metric"),
    ("5<enter>", "ALIASES", "aliases"),
    ("6", "REQ/S", "req/s"),
    ("7", "WHEN", "when"),
    ("8", "KIND", "kind"),
    ("A", "ABOUT", "about"),
    ("a", "QUESTION", "question"),
    ("go", "WHEN", "when"),
    ("pygc", "COMMAND", "command"),
    ("jV", "SINCE", "since"),
    ("jB", "BEGUN", "begun"),
    ("3M", "HOPS", "hops"),
];

fn at(keys: &str) -> Driver {
    let mut driver = Driver::new(200, 60);
    driver.keys(keys);
    driver
}

fn keys(driver: &Driver) -> Vec<String> {
    rows::keys(&driver.state, driver.state.level())
}

/// Chooses the entry of the open menu that has this label.
fn choose(driver: &mut Driver, label: &str) {
    let Some(Popup::Menu(menu)) = &driver.state.popup else { panic!("{}", driver.text()) };
    let item = menu.items.iter().find(|item| item.label == label);
    let key = item.unwrap_or_else(|| panic!("no `{label}` in {:?}", menu.items)).key;
    driver.keys(&key.to_string());
}

#[test]
fn a_click_on_a_title_sorts_every_list_and_a_third_one_gives_it_up() {
    for (way, title, field) in LISTS {
        let mut driver = at(way);
        let before = keys(&driver);
        assert!(!before.is_empty(), "`{way}`: {}", driver.text());
        let mut seen = Vec::new();
        for _ in 0..2 {
            driver.click(title);
            let sorted = ["↑", "↓"].map(|arrow| format!("sort {field}{arrow}"));
            let text = driver.text();
            let arrow = sorted.iter().position(|told| text.contains(told));
            assert!(arrow.is_some(), "`{way}` is not sorted by {field}:\n{text}");
            seen.push(arrow);
        }
        assert_ne!(seen[0], seen[1], "`{way}`: the second click turns it round");
        driver.click(title);
        assert!(!driver.text().contains("· sort "), "`{way}`");
        assert_eq!(keys(&driver), before, "`{way}`");
    }
}

#[test]
fn every_list_has_the_menus_of_its_order_and_its_columns() {
    for (way, _, field) in LISTS {
        let mut driver = at(way);
        driver.keys("S");
        choose(&mut driver, field);
        assert!(driver.text().contains(&format!("sort {field}")), "`{way}`: {}", driver.text());
        driver.keys("S");
        choose(&mut driver, "as it comes");
        let info = rows::list_info(&driver.state).unwrap();
        let Some(column) = info.fields.iter().find(|field| field.is_choosable) else { continue };
        driver.keys("W");
        choose(&mut driver, &column.name);
        driver.keys("<esc>");
        let now = rows::list_info(&driver.state).unwrap();
        let now = now.fields.iter().find(|field| field.name == column.name).unwrap();
        assert_ne!(now.is_shown, column.is_shown, "`{way}`: {}", column.name);
    }
}

#[test]
fn every_list_says_when_nothing_passes_its_filter_and_esc_brings_all_back() {
    // Words are looked for in runs by the daemon, which here finds them all.
    for (way, ..) in LISTS.into_iter().filter(|(way, ..)| *way != "2") {
        let mut driver = at(way);
        let before = keys(&driver);
        driver.keys("/zzzz<enter>");
        assert_eq!(keys(&driver), Vec::<String>::new(), "`{way}`");
        assert!(driver.text().contains("passes the filter"), "`{way}`: {}", driver.text());
        driver.keys("<esc>");
        assert_eq!(keys(&driver), before, "`{way}`");
    }
}

#[test]
fn sorted_assets_stand_without_groups_under_their_whole_names() {
    let mut driver = at("3");
    let is_group = |key: &String| key.ends_with('/');
    assert!(keys(&driver).iter().any(is_group), "{}", driver.text());
    driver.click("CHANGED");
    let sorted = keys(&driver);
    assert!(!sorted.iter().any(is_group));
    let all = driver.state.cache.assets().unwrap();
    assert_eq!(sorted.len(), all.len());
    let when = |key: &String| {
        let asset = all.iter().find(|asset| asset.name.as_str() == key).unwrap();
        asset.last_event.as_ref().map(|event| event.timestamp)
    };
    let times: Vec<_> = sorted.iter().filter_map(when).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "the newest first: {times:?}");
}

#[test]
fn sorted_models_keep_their_versions_below_them() {
    let mut driver = at("5");
    let before = keys(&driver);
    driver.keys("S");
    choose(&mut driver, "model");
    let sorted = keys(&driver);
    assert_ne!(sorted, before);
    let mut model = "";
    for key in &sorted {
        match key.split_once('\n') {
            Some((name, _)) => assert_eq!(name, model),
            None => model = key,
        }
    }
}

#[test]
fn a_version_is_compared_with_the_one_before_it_whatever_the_order() {
    let mut driver = at("jV");
    driver.click("SINCE");
    driver.click("SINCE");
    driver.keys("gg");
    assert_eq!(keys(&driver), ["1", "2", "3"]);
    assert!(driver.text().contains("The first version"), "{}", driver.text());
    driver.keys("j");
    assert!(driver.text().contains("v1 → v2"), "{}", driver.text());
}

#[test]
fn keys_are_about_the_row_that_is_seen_as_selected() {
    let mut driver = at("jB");
    assert_eq!(keys(&driver), ["2", "1"]);
    driver.keys("S");
    choose(&mut driver, "begun");
    driver.keys("S");
    choose(&mut driver, "begun");
    let shown = keys(&driver);
    assert_eq!(shown, ["1", "2"]);
    driver.keys("ggjpy");
    let paused = driver.mutations.first();
    let Some(Request::SetBackfillPaused { backfill_id, .. }) = paused else {
        panic!("{}", driver.text());
    };
    assert_eq!(backfill_id.to_string(), "2");
}

#[test]
fn the_box_of_what_needs_attention_has_the_order_of_its_list() {
    let mut driver = at("<tab>S");
    choose(&mut driver, "about");
    driver.keys("<tab>A");
    assert!(matches!(driver.screen(), Screen::Attention));
    assert!(driver.text().contains("sort about"), "{}", driver.text());
}
