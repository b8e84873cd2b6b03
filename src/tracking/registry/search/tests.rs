//! What a search finds, in which order, and what it refuses.

use super::*;
use crate::store::sample::{self, at};
use crate::tracking::registry::version::NewVersion;
use crate::types::TrackingRunId;

fn wanted(filter: &str, order_by: &[&str]) -> Wanted {
    Wanted {
        filter: filter.to_owned(),
        order_by: order_by.iter().map(|key| (*key).to_owned()).collect(),
        limit: 10,
        ..Wanted::default()
    }
}

fn with_models() -> (tempfile::TempDir, Connection) {
    let (dir, _) = sample::store();
    let conn = Connection::open(dir.path().join("dagdeck.db")).unwrap();
    for (n, name) in ["iris", "wine", "Wheat", "prompt"].into_iter().enumerate() {
        let key = if name == "prompt" { PROMPT_TAG } else { "kind" };
        let tags = [(key.to_owned(), if name == "prompt" { "true" } else { "plant" }.to_owned())];
        let now = at(10 - i64::try_from(n).unwrap());
        record::create(&conn, name, None, &tags, now).unwrap();
    }
    for n in 1..=3_i64 {
        let new = NewVersion {
            name: if n == 3 { "wine" } else { "iris" }.into(),
            source: format!("s3://bucket/{n}"),
            run_id: Some(TrackingRunId::new(format!("r{n}"))),
            tags: vec![("checked".into(), if n == 1 { "yes" } else { "no" }.into())],
            ..NewVersion::default()
        };
        version::create(&conn, new, at(20 + n)).unwrap();
    }
    (dir, conn)
}

#[test]
fn models_are_found_by_name_and_tags_and_prompts_only_by_their_tag() {
    let (_dir, conn) = with_models();
    let names = |filter: &str, order: &[&str]| {
        let found = models(&conn, &wanted(filter, order)).unwrap();
        found.into_iter().map(|model| model.name).collect::<Vec<_>>()
    };
    assert_eq!(names("", &[]), ["Wheat", "iris", "wine"]);
    assert_eq!(names("name LIKE 'w%'", &[]), ["wine"]);
    assert_eq!(names("name ILIKE 'w%'", &[]), ["Wheat", "wine"]);
    assert_eq!(names("name != 'iris' and tags.kind = 'plant'", &["name DESC"]), ["wine", "Wheat"]);
    assert_eq!(names("tags.`mlflow.prompt.is_prompt` = 'true'", &[]), ["prompt"]);
    assert_eq!(names("tags.`mlflow.prompt.is_prompt` != 'true'", &[]), ["Wheat", "iris", "wine"]);
    assert_eq!(names("", &["last_updated_timestamp DESC"]), ["wine", "iris", "Wheat"]);
    assert_eq!(names("name = 'x'' OR 1=1 --'", &[]), Vec::<String>::new());
}

#[test]
fn versions_are_found_by_number_run_and_tags_the_newest_first() {
    let (_dir, conn) = with_models();
    let found = |filter: &str, order: &[&str]| {
        let found = versions(&conn, &wanted(filter, order)).unwrap();
        found.into_iter().map(|found| (found.name, found.version)).collect::<Vec<_>>()
    };
    let of = |name: &str, version: u32| (name.to_owned(), version);
    assert_eq!(found("", &[]), [of("wine", 1), of("iris", 2), of("iris", 1)]);
    assert_eq!(found("version_number > 1", &[]), [of("iris", 2)]);
    assert_eq!(found("run_id IN ('r1', 'r3')", &["name"]), [of("iris", 1), of("wine", 1)]);
    assert_eq!(found("tags.checked = 'yes'", &[]), [of("iris", 1)]);
    assert_eq!(found("source_path LIKE '%/2'", &[]), [of("iris", 2)]);
    assert_eq!(found("name = 'iris'", &["version_number ASC"]), [of("iris", 1), of("iris", 2)]);
}

#[test]
fn a_page_has_one_more_where_there_are_more_and_what_is_no_word_is_refused() {
    let (_dir, conn) = with_models();
    let page = Wanted { limit: 2, ..wanted("", &[]) };
    assert_eq!(models(&conn, &page).unwrap().len(), 3);
    assert_eq!(models(&conn, &Wanted { offset: 2, ..page }).unwrap().len(), 1);
    for filter in ["nome = 'x'", "metrics.a > 1", "name > 'x'", "name = x"] {
        assert!(models(&conn, &wanted(filter, &[])).is_err(), "{filter}");
        assert!(versions(&conn, &wanted(filter, &[])).is_err(), "{filter}");
    }
    assert!(versions(&conn, &wanted("", &["stage"])).is_err());
}
