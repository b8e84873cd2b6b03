//! Terminals that are too small, and text that means harm: nothing breaks, the most needed shows.

use crate::DeckOptions;
use crate::message::Message;
use crate::sample;
use crate::tests::Driver;
use crate::types::DagId;
use crate::types::ask::{Answer, Request};

#[test]
fn a_small_terminal_shows_a_list_with_the_most_needed() {
    for (width, height) in [(20, 5), (40, 10)] {
        for (name, keys) in [
            ("dags", "j"),
            ("run", "jjjjj<enter>"),
            ("log", "jjjjj<enter><tab><tab>"),
            ("serving", "6"),
            ("pause", "jp"),
            ("filter", "/et"),
        ] {
            let mut driver = Driver::new(width, height);
            driver.keys(keys);
            insta::assert_snapshot!(format!("small_{name}_{width}x{height}"), driver.text());
        }
    }
}

#[test]
fn no_size_breaks_any_view() {
    for keys in [
        "",
        "2",
        "3",
        "3jjj<enter>",
        "4<enter>",
        "5<enter>",
        "6",
        "7",
        "8",
        "d",
        "jjjjjt",
        "jjjjj<enter>",
        "jjjjj<enter><tab>",
        "jjjjj<enter><tab><tab>",
        "?",
        ":",
        "jp",
        "2jD",
    ] {
        let mut driver = Driver::new(80, 24);
        driver.keys(keys);
        for width in [0, 1, 2, 5, 20, 59, 60, 119, 120, 181] {
            for height in [0, 1, 2, 3, 5, 15, 16, 60] {
                driver.send(Message::Resize(width, height));
                driver.text();
            }
        }
    }
}

#[test]
fn a_storm_of_sizes_ends_as_the_last_one_would_have_begun() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>");
    let calm = driver.text();
    for size in 0..60 {
        driver.send(Message::Resize(size * 7 % 230, size * 13 % 70));
    }
    driver.send(Message::Resize(80, 24));
    assert_eq!(driver.text(), calm);
}

#[test]
fn hostile_names_move_nothing_and_hide_nothing() {
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, |request| match request {
        Request::ListDags => {
            let Ok(Answer::Dags(mut dags)) = sample::answer(request) else { return None };
            let names = [
                "red\u{1b}[31m\u{1b}[2Jname",
                "title\u{1b}]0;owned\u{7}x",
                "rtl\u{202e}gnp.exe",
                "עברית_dag",
                "日本語のパイプライン",
                "e\u{301}\u{301}\u{301}combining",
                "bell\u{7}\u{8}\u{0}null",
                "join\u{200d}er\u{2066}s",
                "tab\tand\nline",
            ];
            for (dag, name) in dags.iter_mut().zip(names) {
                dag.dag_id = DagId::new(name);
            }
            Some(Ok(Answer::Dags(dags)))
        }
        _ => None,
    });
    for (width, height) in [(100, 30), (200, 60), (60, 16), (20, 5)] {
        driver.send(Message::Resize(width, height));
        let text = driver.text();
        let is_safe = |c: char| {
            !c.is_control()
                && !('\u{200b}'..='\u{200f}').contains(&c)
                && !('\u{202a}'..='\u{202e}').contains(&c)
                && !('\u{2060}'..='\u{2069}').contains(&c)
        };
        assert!(text.chars().all(|c| c == '\n' || is_safe(c)), "{text}");
        for line in text.lines() {
            assert!(crate::text::width(line) <= usize::from(width), "{line}");
        }
        // The frames' right edges stand under each other whatever the names.
        if width == 100 {
            insta::assert_snapshot!("hostile_100x30", text);
        }
    }
}
