//! Assets: the tree, the lineage hop by hop, why one is old, what is made of it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::DeckOptions;
use crate::message::{Effect, Message, Timer};
use crate::rows::assets as rows;
use crate::state::lineage::AssetPane;
use crate::state::{Screen, View};
use crate::tests::{Driver, snapshots};
use crate::types::ask::{Answer, Request};
use crate::types::freshness::Freshness;
use crate::types::view::AssetView;
use crate::types::{Fault, FaultKind};
use crate::update::assets::pane_of;
use crate::update::update;

snapshots! {
    assets: "3Gk";
    asset_lineage: "3Gk<tab>";
    asset_details: "3Gk<tab><tab>j";
    asset_page: "3Gk<enter>";
    asset_why: "3jjjw";
    asset_impact: "3GkM";
    asset_chain: "3GkT";
    asset_columns: "3ggjC";
    emit_dialog: "3Gkm";
}

/// Presses keys faster than any timer rings; returns what is asked, and the timers in their order.
fn hurry(driver: &mut Driver, keys: &str) -> (Vec<Request>, Vec<Timer>) {
    let (mut asked, mut timers) = (Vec::new(), Vec::new());
    for c in keys.chars() {
        let event = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        for effect in update(&mut driver.state, Message::Key(event), driver.now) {
            match effect {
                Effect::Ask { request, .. } => asked.push(request),
                Effect::After { timer, .. } => timers.push(timer),
                _ => {}
            }
        }
    }
    (asked, timers)
}

/// Lets a timer ring; returns what is asked then.
fn ring(driver: &mut Driver, timer: Timer) -> Vec<Request> {
    let effects = update(&mut driver.state, Message::Timer(timer), driver.now);
    let asked = effects.into_iter().filter_map(|effect| match effect {
        Effect::Ask { request, .. } => Some(request),
        _ => None,
    });
    asked.collect()
}

#[test]
fn going_down_the_tree_asks_only_of_the_asset_that_the_cursor_rests_on() {
    let mut driver = Driver::with(DeckOptions::default(), 200, 60, many);
    // The groups of so many are closed; a filter opens them. The first asset is asked about at
    // once.
    driver.keys("3/table<enter>ggj");
    let (asked, mut timers) = hurry(&mut driver, &"j".repeat(50));
    assert_eq!(asked, [], "{}", driver.text());
    let last = timers.pop().unwrap();
    for timer in timers {
        assert_eq!(ring(&mut driver, timer), [], "the cursor has gone on");
    }
    let asked = ring(&mut driver, last);
    let name = rows::shown(&driver.state).unwrap().name.clone();
    assert!(
        matches!(
            asked.as_slice(),
            [
                Request::ShowLineage { of: Some(node), .. },
                Request::ListAssetEvents { asset: Some(asset), .. },
                Request::ExplainAsset { name: why },
            ] if *node == format!("asset:{name}") && *asset == name && *why == name
        ),
        "{asked:?}"
    );
}

#[test]
fn what_is_not_drawn_is_not_asked_for() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, many);
    driver.keys("3/table<enter>gg");
    let (asked, timers) = hurry(&mut driver, "jjj");
    assert!(asked.is_empty() && timers.is_empty(), "the tree stands alone: {asked:?} {timers:?}");
    driver.keys("<tab>");
    let slot = rows::lineage_slot(&driver.state).unwrap();
    assert!(driver.state.cache.lineage(&slot).is_some());
    let name = rows::shown(&driver.state).unwrap().name.clone();
    assert!(driver.state.cache.asset_why(&name).is_none());
    driver.keys("<tab>");
    assert!(driver.state.cache.asset_why(&name).is_some());
}

/// Three hundred assets in thirty groups.
fn many(request: &Request) -> Option<Result<Answer, Fault>> {
    let Request::ListAssets = request else { return None };
    let asset = |n: usize| AssetView {
        name: format!("area{:02}/table{:02}", n / 10, n % 10).as_str().into(),
        uri: format!("warehouse:t{n}"),
        watch: false,
        producing_tasks: vec![],
        consuming_tasks: vec![],
        scheduled_dags: vec![],
        last_event: None,
        event_count: 0,
        freshness: if n == 42 { Freshness::Stale } else { Freshness::Fresh },
        producers: vec![],
        checks: vec![],
        group: "asset".into(),
        freshness_limit: None,
        partitions: 0,
    };
    Some(Ok(Answer::Assets((0..300).map(asset).collect())))
}

#[test]
fn many_assets_come_in_groups_that_are_closed_with_their_counts() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, many);
    driver.keys("3");
    let text = driver.text();
    assert!(text.contains("▸ area00 (10)"), "{text}");
    assert!(text.contains("▸ area04 (10)") && text.contains("1 stale"), "{text}");
    assert!(!text.contains("table00"));
    insta::assert_snapshot!(text);
    driver.keys("jjjjl");
    assert!(driver.text().contains("table02"), "{}", driver.text());
    driver.keys("jjjh");
    assert!(driver.text().contains("▸ area04 (10)"), "h closes the group from within");
    driver.keys("<enter>");
    assert!(driver.text().contains("▾ area04 (10)"));
    driver.keys("A");
    assert!(driver.text().contains("not fresh"));
    assert!(driver.text().contains("area04/table02"), "{}", driver.text());
    driver.keys("<esc>/table09<enter>");
    let level = driver.state.level();
    assert_eq!(rows::tree(&driver.state, level).len(), 30);
}

#[test]
fn the_lineage_is_walked_along_its_edges_and_refocused() {
    let mut driver = Driver::new(200, 60);
    driver.keys("3Gk<tab>");
    let node = |driver: &Driver| rows::node(&driver.state).map(|node| node.id.clone()).unwrap();
    assert_eq!(node(&driver), "asset:lake_readings");
    driver.keys("l");
    assert_eq!(node(&driver), "dag:minio_consumer");
    driver.keys("k");
    assert_eq!(node(&driver), "dag:features");
    driver.keys("l");
    assert_eq!(node(&driver), "asset:features/rfm");
    assert_eq!(
        rows::shown(&driver.state).map(|asset| asset.name.to_string()).as_deref(),
        Some("features/rfm"),
        "details are of the node"
    );
    driver.keys("l");
    assert!(driver.said().contains("1 more that way"), "{}", driver.said());
    driver.keys(".l");
    assert_eq!(node(&driver), "dag:mlops_pipeline");
    driver.keys("<esc><tab><tab>j<tab>");
    assert_eq!(node(&driver), "asset:production_model", "another asset has its own middle");
    driver.keys("hh");
    assert_eq!(node(&driver), "dag:mlops_pipeline");
    driver.keys("h");
    assert!(driver.said().contains("more that way"), "{}", driver.said());
    driver.keys(")h");
    assert_eq!(node(&driver), "asset:features/rfm");
    driver.keys("(((((<enter>");
    assert_eq!(driver.state.levels()[0].lineage.hops, 1);
}

#[test]
fn enter_opens_what_a_node_is_and_what_an_event_started() {
    let mut driver = Driver::new(100, 30);
    driver.keys("3Gk<tab>l<enter>");
    assert!(matches!(driver.screen(), Screen::Dag(id) if id.as_str() == "minio_consumer"));
    driver.keys("<esc><tab>");
    assert_eq!(pane_of(&driver.state), AssetPane::Details);
    driver.keys("<tab><tab><tab>");
    let mut driver = Driver::new(100, 30);
    driver.keys("3Gk<enter>");
    assert!(matches!(driver.screen(), Screen::Asset(name) if name.as_str() == "lake_readings"));
    driver.keys("<tab>j<enter>");
    assert!(
        matches!(driver.screen(), Screen::Run(key) if key.dag_run_id.as_str() == "asset_triggered__1")
    );
    driver.keys("<esc>kgr");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "minio_producer"));
    driver.keys("<esc>gd");
    assert!(matches!(driver.screen(), Screen::Dag(id) if id.as_str() == "minio_producer"));
    driver.keys("<esc><esc>Ggm");
    assert!(matches!(driver.screen(), Screen::Model(name) if name == "iris"));
    driver.keys("<esc>gx");
    assert_eq!(*driver.screen(), Screen::Root(View::Serving));
}

#[test]
fn why_leads_to_the_run_that_failed() {
    let mut driver = Driver::new(80, 24);
    driver.keys("3jjjw");
    let text = driver.text();
    assert!(text.contains("Root cause: lake_readings → features/rfm"), "{text}");
    assert!(text.contains("older than its `freshness`"), "{text}");
    driver.keys("yy");
    assert_eq!(driver.copied, ["dagdeck assets why features/rfm"]);
    driver.keys("<enter>");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "minio_producer"));
    driver.keys("<esc>ga");
    assert!(matches!(driver.screen(), Screen::Asset(_)));
}

#[test]
fn impact_lists_all_that_is_made_of_it_and_opens_it() {
    let mut driver = Driver::new(80, 24);
    driver.keys("3GkM");
    assert!(driver.text().contains("Made of lake_readings: 9"), "{}", driver.text());
    driver.keys("yy/endpoint<enter><enter>");
    assert_eq!(driver.copied, ["dagdeck assets impact lake_readings"]);
    assert_eq!(*driver.screen(), Screen::Root(View::Serving));
}

#[test]
fn an_event_is_emitted_with_its_details_as_json() {
    let mut driver = Driver::new(80, 24);
    driver.keys("3Gkm");
    assert!(driver.text().contains("DAGs that wait for it: minio_consumer"), "{}", driver.text());
    driver.keys("<backspace><backspace>{<ctrl-s>");
    assert!(driver.mutations.is_empty(), "no JSON yet");
    driver.keys("\"rows\": 3}<ctrl-y><ctrl-s>");
    assert_eq!(driver.copied, ["dagdeck assets emit lake_readings -e rows=3"]);
    assert!(matches!(
        &driver.mutations[..],
        [Request::EmitAsset { name, extra, partition_key: None, .. }]
            if name.as_str() == "lake_readings" && extra["rows"] == 3
    ));
    assert!(driver.said().contains("emitted an event of lake_readings"), "{}", driver.said());
}

#[test]
fn materialising_opens_the_form_of_the_producer_where_there_is_one() {
    let mut driver = Driver::new(80, 24);
    driver.keys("3Gkr");
    assert!(matches!(driver.screen(), Screen::Form(id) if id.as_str() == "minio_producer"));
    driver.keys("<esc>kr");
    assert!(driver.said().contains("no DAG here makes incoming"), "{}", driver.said());
}

#[test]
fn what_cannot_be_answered_says_so_in_its_pane() {
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, |request| match request {
        Request::ShowLineage { .. } => {
            Some(Err(Fault::new(FaultKind::Unavailable, "the store does not answer")))
        }
        Request::ExplainAsset { .. } => Some(Err(Fault::not_found("there is no asset"))),
        _ => None,
    });
    driver.keys("3");
    assert!(driver.text().contains("the store does not answer"), "{}", driver.text());
    driver.keys("w");
    assert!(driver.text().contains("there is no asset"), "{}", driver.text());
}

#[test]
fn the_chain_is_walked_from_asset_model_and_endpoint_and_opens_what_it_names() {
    let mut driver = Driver::new(100, 30);
    driver.keys("3GkT");
    assert!(matches!(driver.screen(), Screen::Chain(id) if id == "asset:lake_readings"));
    assert!(driver.text().contains("MADE OF") && driver.text().contains("BECAME"));
    driver.keys("yy");
    assert_eq!(driver.copied, ["dagdeck assets trace asset:lake_readings"]);
    driver.keys("<enter>");
    assert!(matches!(driver.screen(), Screen::Run(run) if run.dag_id.as_str() == "features"));
    driver.keys("<esc>Gk<enter>");
    let screen = driver.screen();
    assert!(matches!(screen, Screen::Run(_)), "the last but one is the deploy: {screen:?}");
    driver.keys("<esc>GT");
    assert!(matches!(driver.screen(), Screen::Chain(id) if id == "endpoint:iris"), "it goes on");
    driver.keys("5<enter>jT");
    assert!(matches!(driver.screen(), Screen::Chain(id) if id.starts_with("version:iris/")));
    driver.keys("6T");
    assert!(matches!(driver.screen(), Screen::Chain(id) if id == "endpoint:iris"));
}

#[test]
fn columns_are_shown_with_their_way_and_filtered_by_it() {
    let mut driver = Driver::new(100, 30);
    driver.keys("3ggjC");
    assert!(matches!(driver.screen(), Screen::Columns(id) if id == "asset:employee_data_asset"));
    let text = driver.text();
    assert!(text.contains("yearly_salary") && text.contains("ƒ etl_example.extract.salary"));
    assert!(text.contains("nobody told"), "{text}");
    driver.keys("/salary<enter>");
    assert!(!driver.text().contains("loaded_at"), "{}", driver.text());
    driver.keys("<esc><esc>GkC");
    assert!(driver.text().contains("Nothing was told of its columns yet"), "{}", driver.text());
}

#[test]
fn a_link_that_was_never_seen_is_told_in_words() {
    let mut driver = Driver::new(200, 60);
    driver.keys("3Gk");
    assert!(driver.text().contains("declared, never seen"), "{}", driver.text());
    driver.keys("<tab>hj");
    assert!(driver.text().contains("seen, not declared"), "{}", driver.text());
}
