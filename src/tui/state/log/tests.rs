//! What is kept of a log, and what is left out.

use super::*;
use crate::types::log::LogLevel;
use crate::types::view::LogChunk;

fn pane() -> LogPane {
    let mut pane = LogPane::new(Whose::Daemon { day: None }, 1);
    pane.is_at_tail = true;
    pane
}

fn chunk(offset: u64, text: &str, is_end: bool) -> LogChunk {
    let next_offset = offset + text.len() as u64;
    let text = text.to_owned();
    LogChunk { text, offset, next_offset, size: next_offset, is_end, try_number: 2, day: None }
}

fn texts(pane: &LogPane) -> Vec<&str> {
    pane.shown.iter().filter_map(|number| pane.line(*number)).map(|line| &*line.text).collect()
}

#[test]
fn half_a_line_waits_for_its_other_half() {
    let (mut pane, options) = (pane(), LogOptions::default());
    let first = "2026-01-01T12:00:00.123Z out  on";
    pane.append(&chunk(0, first, false), &options);
    assert!(pane.lines.is_empty());
    pane.append(&chunk(first.len() as u64, "e\nfree text", false), &options);
    assert_eq!(texts(&pane), ["one"]);
    pane.append(&chunk(pane.end, "", true), &options);
    assert_eq!(texts(&pane), ["one", "free text"]);
    assert_eq!(pane.lines[1].offset, first.len() as u64 + 2);
}

#[test]
fn lines_come_at_both_ends_and_only_where_they_belong() {
    let (mut pane, options) = (pane(), LogOptions::default());
    pane.prepend(&chunk(100, "c\nd\n", true), &options);
    assert_eq!((pane.start, pane.end), (100, 104));
    assert!(pane.append(&chunk(104, "e\n", false), &options));
    assert!(pane.prepend(&chunk(96, "a\nb\n", false), &options));
    assert!(!pane.append(&chunk(90, "late\n", false), &options));
    assert!(!pane.prepend(&chunk(90, "late\n", false), &options));
    assert_eq!(texts(&pane), ["a", "b", "c", "d", "e"]);
    assert_eq!((pane.start, pane.end), (96, 106));
    assert_eq!(pane.line(pane.number_at(102)).map(|line| &*line.text), Some("d"));
}

#[test]
fn what_is_kept_is_bounded_at_either_end() {
    let (mut pane, options) = (pane(), LogOptions::default());
    pane.append(&chunk(0, &"x\n".repeat(KEPT_LINES + 10), false), &options);
    assert_eq!((pane.lines.len(), pane.start), (KEPT_LINES, 20));
    assert!(pane.is_at_tail && !pane.has_start());
    pane.follows = false;
    pane.top = Spot { number: pane.first, row: 0 };
    pane.prepend(&chunk(0, &"y\n".repeat(10), false), &options);
    assert_eq!((pane.lines.len(), pane.start), (KEPT_LINES, 0));
    assert!(!pane.is_at_tail, "the end was let go and is read again when it is wanted");
    assert_eq!(pane.shown.len(), KEPT_LINES);
    let mut heavy = self::pane();
    heavy.append(&chunk(0, &format!("{}\n", "z".repeat(1 << 20)).repeat(10), false), &options);
    assert!(heavy.bytes <= KEPT_BYTES, "{}", heavy.bytes);
}

#[test]
fn what_comes_while_scrolled_up_is_counted() {
    let (mut pane, options) = (pane(), LogOptions::default());
    pane.append(&chunk(0, "a\nb\n", false), &options);
    pane.follows = false;
    pane.append(&chunk(4, "c\nd\ne\n", false), &options);
    assert_eq!(pane.unseen, 3);
}

#[test]
fn levels_windows_and_matches_leave_lines_out_and_tracebacks_whole() {
    let (mut pane, mut options) = (pane(), LogOptions::default());
    let text = "2026-01-01T12:00:00.000Z out  DEBUG a\n\
        2026-01-01T12:00:01.000Z out  INFO b\n\
        2026-01-01T12:05:00.000Z err  Traceback (most recent call last):\n\
        2026-01-01T12:05:00.000Z err    File \"x.py\", line 1\n\
        2026-01-01T12:05:00.000Z err  ValueError: no\n\
        2026-01-01T12:05:01.000Z out  plain\n";
    pane.append(&chunk(0, text, true), &options);
    pane.reading = Reading::Ended;
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    let counted = |pane: &mut LogPane, options: &LogOptions| {
        pane.pick(options, now);
        pane.shown.len()
    };
    options.least = Some(LogLevel::Info);
    assert_eq!(counted(&mut pane, &options), 5);
    options.least = Some(LogLevel::Error);
    assert_eq!(counted(&mut pane, &options), 3);
    assert_eq!(pane.errors.len(), 2);
    options.least = None;
    options.window = 1;
    assert_eq!(counted(&mut pane, &options), 4, "a minute before its end, not before now");
    options.window = 0;
    options.search = Search::new("error|plain");
    assert_eq!(counted(&mut pane, &options), 6);
    assert_eq!(pane.matches.len(), 2);
    options.only_matches = true;
    assert_eq!(texts_of(&mut pane, &options, now), ["ValueError: no", "plain"]);
    options.search = Search::new("Plain");
    assert_eq!(texts_of(&mut pane, &options, now).len(), 0, "a capital tells cases apart");
    assert!(Search::new("(").problem.unwrap().contains("unclosed group"));
}

fn texts_of(pane: &mut LogPane, options: &LogOptions, now: Timestamp) -> Vec<String> {
    pane.pick(options, now);
    texts(pane).into_iter().map(str::to_owned).collect()
}

#[test]
fn the_next_of_a_list_is_strictly_beyond() {
    let list = VecDeque::from([2, 5, 9]);
    assert_eq!(LogPane::next_of(&list, 5, false), Some(9));
    assert_eq!(LogPane::next_of(&list, 5, true), Some(2));
    assert_eq!(LogPane::next_of(&list, 4, true), Some(2));
    assert_eq!(LogPane::next_of(&list, 9, false), None);
}
