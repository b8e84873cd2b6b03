//! What assets and the schedules that wait for them may say.

use std::time::Duration;

use super::*;
use crate::types::asset::AssetEventKind;
use crate::types::callback::CallbackEvent;

const LOG: &str = "[connection.feed]\nurl = \"log:\"\n";

const PARTS: &str =
    "[asset.day]\nuri = \"lake:{date}.csv\"\nwatch = true\n[asset.whole]\nuri = \"lake:x.csv\"\n";

fn schedule(of: &str) -> Deck {
    load_more(&format!("{PARTS}[dag.d]\nschedule = {of}\n[dag.d.task.t]\noperator = \"empty\"\n"))
        .unwrap()
}

#[test]
fn an_asset_has_a_group_and_a_limit_of_its_age() {
    let deck = load_more(
        "[asset.x]\nuri = \"file:x\"\nfreshness = \"24h\"\ngroup = \"raw\"\n\
         [asset.y]\nuri = \"file:y\"\n",
    )
    .unwrap();
    let x = &deck.assets["x"];
    assert_eq!((x.freshness, x.group.as_str()), (Some(Duration::from_secs(86_400)), "raw"));
    let y = &deck.assets["y"];
    assert_eq!((y.freshness, y.group.as_str()), (None, "asset"));
    let broken = |line: &str| places(&format!("[asset.x]\nuri = \"file:x\"\n{line}\n"));
    assert_eq!(broken("freshness = \"0s\""), [("bad-duration", 3, 13)]);
    assert_eq!(broken("group = \"a b\""), [("invalid-id", 3, 9)]);
}

#[test]
fn an_asset_with_a_limit_tells_when_it_is_stale_and_when_it_is_fresh_again() {
    let with = |lines: &str| format!("{LOG}[asset.x]\nuri = \"file:x\"\n{lines}\n");
    let told = "{ notify = \"feed\", message = \"{{ asset.name }}: {{ cause }}\" }";
    let both = format!("freshness = \"1h\"\non_stale = {told}\non_fresh = [{told}, {told}]");
    let deck = load_more(&with(&both)).unwrap();
    let callbacks = &deck.assets["x"].callbacks;
    assert_eq!(callbacks.of(CallbackEvent::OnStale).len(), 1);
    assert_eq!(callbacks.of(CallbackEvent::OnFresh).len(), 2);
    assert_eq!(places(&with(&format!("on_stale = {told}"))), [("missing-key", 5, 1)]);
    let of_a_run = "{ command = \"echo {{ run_id }}\" }";
    let broken = with(&format!("freshness = \"1h\"\non_fresh = {of_a_run}"));
    assert_eq!(places(&broken), [("unknown-name", 6, 33)]);
    let nowhere = "{ notify = \"fed\", message = \"x\" }";
    let broken = with(&format!("freshness = \"1h\"\non_fresh = {nowhere}"));
    assert_eq!(places(&broken)[0].0, "unknown-connection");
}

#[test]
fn an_alias_is_an_outlet_and_something_to_wait_for() {
    let text = "[asset_alias.made]\ngroup = \"raw\"\n\
                [dag.d]\nschedule = { assets = \"made\" }\n\
                [dag.d.task.t]\noperator = \"empty\"\noutlets = [\"made\"]\n";
    let deck = load_more(text).unwrap();
    assert_eq!(deck.asset_aliases["made"].group, "raw");
    let both = "[asset_alias.x]\n[asset.x]\nuri = \"file:x\"\n";
    assert_eq!(places(both), [("duplicate-id", 1, 14)]);
    assert_eq!(places("[asset_alias.made]\nuri = \"file:x\"\n")[0].0, "unknown-key");
}

#[test]
fn names_of_partitions_are_checked() {
    let broken = |uri: &str| places(&format!("[asset.x]\nuri = \"{uri}\"\n"))[0].0;
    for uri in ["file:{date", "file:{}", "file:{a}{b}", "file:{a}/{a}.csv"] {
        assert_eq!(broken(uri), "bad-uri", "{uri}");
    }
    assert!(load_more("[asset.x]\nuri = \"file:in/{year}/{month}.csv\"\n").is_ok());
    let dataset = "[dataset.x]\nuri = \"file:{date}.csv\"\ntask = \"regression\"\ntarget = \"t\"\n";
    assert_eq!(places(dataset)[0].0, "bad-uri");
}

#[test]
fn a_schedule_of_partitions_is_partitioned_unless_it_says_otherwise() {
    assert!(schedule("{ assets = \"day\" }").dags["d"].asset_rule.partitioned);
    assert!(!schedule("{ assets = \"whole\" }").dags["d"].asset_rule.partitioned);
    let mixed = schedule("{ assets = \"day & whole\" }");
    assert!(!mixed.dags["d"].asset_rule.partitioned);
    assert_eq!(mixed.warnings.len(), 1);
    assert_eq!(mixed.warnings[0].code, "not-partitioned");
    let said = schedule("{ assets = \"day & whole\", partitioned = true }");
    assert!(said.dags["d"].asset_rule.partitioned && said.warnings.is_empty());
}

#[test]
fn a_schedule_says_what_it_wants_to_hear_of() {
    let usual = schedule("{ assets = \"whole\" }");
    let kinds = [AssetEventKind::Created, AssetEventKind::Changed, AssetEventKind::Moved];
    assert_eq!(usual.dags["d"].asset_rule.on, kinds);
    let deleted = schedule("{ assets = \"whole\", on = [\"deleted\"] }");
    assert_eq!(deleted.dags["d"].asset_rule.on, [AssetEventKind::Deleted]);
    let of = |schedule: &str| places(&format!("[dag.base]\nschedule = {schedule}\n"));
    assert_eq!(of("{ assets = \"first\", on = [\"delete\"] }"), [("bad-value", 2, 38)]);
    assert_eq!(of("{ cron = \"@daily\", on = [\"deleted\"] }"), [("bad-schedule", 2, 36)]);
}

#[test]
fn messages_can_be_watched() {
    for url in ["redis://h", "nats://h", "mqtt://h:1883"] {
        let text = format!(
            "[connection.q]\nurl = \"{url}\"\n[asset.x]\nuri = \"q:orders\"\nwatch = true\n"
        );
        assert!(load_more(&text).is_ok(), "{url}");
    }
}

#[test]
fn the_api_listens_where_it_is_said() {
    let deck = load_more("[api]\nlisten = \"127.0.0.1:8080\"\n").unwrap();
    assert_eq!(deck.api_listen.as_deref(), Some("127.0.0.1:8080"));
    assert_eq!(places("[api]\nlisten = \"8080\"\n"), [("bad-value", 2, 10)]);
}
