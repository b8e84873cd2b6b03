//! Objects of folders; those of buckets are in `tests/it/s3`.

use serde_json::{Value, json};

use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;

fn bench(operator: &str) -> Bench {
    let mut bench = Bench::new(operator);
    bench.connect("lake", "file:data/lake");
    bench.connect("vault", "file:data/vault");
    bench.write("data/lake/incoming/a b.csv", "x\n1\n");
    bench
}

fn several(operator: &str) -> Bench {
    let bench = bench(operator);
    bench.write("data/lake/incoming/b.csv", "x\n22\n");
    bench.write("data/lake/incoming/deep/c.csv", "x\n333\n");
    bench.write("data/lake/incoming/.half.csv", "x");
    bench.write("data/lake/incoming/d.txt", "no");
    bench
}

fn args(target: &str) -> Value {
    json!({ "source": "lake:incoming/a b.csv", "target": target })
}

fn read(bench: &Bench, path: &str) -> Option<String> {
    std::fs::read_to_string(bench.project().join(path)).ok()
}

fn output(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Success { output, .. } => output,
        other => panic!("{other:?}"),
    }
}

fn uris(output: &Value, key: &str) -> Vec<String> {
    let objects = output["objects"].as_array().unwrap();
    objects.iter().map(|object| object[key].as_str().unwrap().to_owned()).collect()
}

/// Of `x\n1\n`.
const SHA256: &str = "daff832f802000e645771a60983c76c963f6ee602a6230e45237bd360e91cc1a";

#[test]
fn a_target_that_ends_with_a_slash_keeps_the_name() {
    let mut bench = bench("object.move");
    bench.order.outlets.push("lake_readings".into());
    let Outcome::Success { output, asset_events, .. } = bench.run(args("lake:readings/")) else {
        panic!("it must succeed");
    };
    let target = "lake:readings/a b.csv";
    assert_eq!(output["source"], "lake:incoming/a b.csv");
    assert_eq!((&output["target"], &output["size"]), (&json!(target), &json!(4)));
    assert_eq!((&output["count"], uris(&output, "target")), (&json!(1), vec![target.to_owned()]));
    assert_eq!(asset_events.len(), 1);
    assert_eq!(asset_events[0].extra["uri"], json!(target));
    assert_eq!(asset_events[0].extra["size"], json!(4));
    assert_eq!(read(&bench, "data/lake/readings/a b.csv").unwrap(), "x\n1\n");
    assert_eq!(read(&bench, "data/lake/incoming/a b.csv"), None);
}

#[test]
fn a_move_to_another_lake_copies_and_deletes() {
    let bench = bench("object.move");
    let output = output(bench.run(args("vault:b.csv")));
    assert_eq!(output["objects"][0]["sha256"], SHA256);
    assert_eq!(read(&bench, "data/vault/b.csv").unwrap(), "x\n1\n");
    assert_eq!(read(&bench, "data/lake/incoming/a b.csv"), None);
}

#[test]
fn what_exists_is_replaced_only_when_told() {
    for operator in ["object.move", "object.copy"] {
        let bench = bench(operator);
        // As long as what would come, so that no length tells them apart.
        bench.write("data/lake/readings/a b.csv", "old\n");
        bench.write("data/vault/a b.csv", "old\n");
        for target in ["lake:readings/", "vault:", "vault:"] {
            bench.is_fatal(args(target), "exists already; `overwrite = true`");
        }
        assert_eq!(read(&bench, "data/lake/readings/a b.csv").unwrap(), "old\n");
        let mut overwrite = args("lake:readings/");
        overwrite["overwrite"] = json!(true);
        assert!(matches!(bench.run(overwrite), Outcome::Success { .. }));
        assert_eq!(read(&bench, "data/lake/readings/a b.csv").unwrap(), "x\n1\n");
    }
}

#[test]
fn a_try_after_a_finished_one_succeeds_with_the_same_result() {
    for (operator, target) in
        [("object.move", "lake:readings/"), ("object.move", "vault:"), ("object.copy", "vault:")]
    {
        let bench = bench(operator);
        let first = bench.run(args(target));
        assert!(matches!(first, Outcome::Success { .. }));
        assert_eq!(bench.run(args(target)), first, "{operator} {target}");
    }
}

#[test]
fn a_pattern_takes_all_that_fit_and_a_later_try_tells_of_all() {
    let bench = several("object.move");
    let args = json!({ "source": "lake:incoming/**/*.csv", "target": "vault:in/" });
    bench.write("data/vault/in/deep/c.csv", "another's");
    bench.is_fatal(args.clone(), "`vault:in/deep/c.csv`: it exists already");
    assert_eq!(read(&bench, "data/vault/in/b.csv").unwrap(), "x\n22\n");
    std::fs::remove_file(bench.project().join("data/vault/in/deep/c.csv")).unwrap();
    let output = output(bench.run(args));
    let expected = ["vault:in/a b.csv", "vault:in/b.csv", "vault:in/deep/c.csv"];
    assert_eq!(uris(&output, "target"), expected);
    assert_eq!((&output["count"], &output["size"]), (&json!(3), &json!(15)));
    assert_eq!(read(&bench, "data/vault/in/deep/c.csv").unwrap(), "x\n333\n");
    assert_eq!(read(&bench, "data/lake/incoming/.half.csv").unwrap(), "x", "not finished yet");
}

#[test]
fn a_list_tells_what_fits_in_order() {
    let bench = several("object.list");
    let list = |source: &str| output(bench.run(json!({ "source": source })));
    let found = list("lake:incoming/*.csv");
    assert_eq!(uris(&found, "uri"), ["lake:incoming/a b.csv", "lake:incoming/b.csv"]);
    assert_eq!((&found["count"], &found["size"]), (&json!(2), &json!(9)));
    assert_eq!(list("lake:incoming/**")["count"], 4);
    assert_eq!(list("lake:incoming/b.csv")["count"], 1);
    for nothing in ["lake:none/*", "lake:none/x.csv"] {
        assert_eq!(list(nothing)["count"], 0, "{nothing}");
    }
}

#[test]
fn what_is_deleted_is_told_and_what_is_gone_is_no_failure() {
    let bench = several("object.delete");
    let delete = || output(bench.run(json!({ "source": "lake:incoming/*.csv" })));
    assert_eq!(delete()["count"], 2);
    assert_eq!(delete()["count"], 0);
    assert_eq!(read(&bench, "data/lake/incoming/d.txt").unwrap(), "no");
}

#[test]
fn a_download_and_an_upload_take_plain_paths() {
    let bench = bench("object.download");
    let output = output(bench.run(args("out/")));
    assert_eq!(output["target"], "file:out/a b.csv");
    assert_eq!(read(&bench, "out/a b.csv").unwrap(), "x\n1\n");
    bench.is_fatal(args("vault:"), "`object.copy` goes from one lake to another");

    let bench = Bench::new("object.upload");
    bench.write("out/a.csv", "x\n1\n");
    let upload = json!({ "source": "out/a.csv", "target": "file:lake/" });
    assert!(matches!(bench.run(upload), Outcome::Success { .. }));
    assert_eq!(read(&bench, "lake/a.csv").unwrap(), "x\n1\n");
}

#[test]
fn what_another_try_has_left_half_done_is_gone_on_with() {
    let bench = bench("object.copy");
    assert!(matches!(bench.run(args("vault:1.csv")), Outcome::Success { .. }));
    // A part of the same version lies there as a try that died leaves it.
    let vault = bench.project().join("data/vault");
    std::fs::write(vault.join(".1.csv.other.dagdeck-part"), "of another version").unwrap();
    assert!(matches!(bench.run(args("vault:1.csv")), Outcome::Success { .. }));
    let names = std::fs::read_dir(&vault).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".1.csv.other.dagdeck-part", "1.csv"], "nothing was to be done");
    let mut overwrite = args("vault:1.csv");
    overwrite["overwrite"] = json!(true);
    assert!(matches!(bench.run(overwrite), Outcome::Success { .. }));
    assert!(!vault.join(".1.csv.other.dagdeck-part").exists(), "it is of no use to anybody");
}

#[test]
fn what_is_not_there_or_cannot_be_is_fatal() {
    let bench = several("object.move");
    let from = |source: &str| json!({ "source": source, "target": "lake:readings/" });
    bench.is_fatal(from("lake:incoming/none.csv"), "there is no object `lake:incoming/none.csv`");
    bench.is_fatal(from("lake:../../dags.toml"), "climbs out");
    bench.is_fatal(from("lake:incoming/"), "write `lake:incoming/*`");
    bench.is_fatal(args("lake:../x"), "climbs out");
    bench.is_fatal(args("pond:x"), "there is no connection `pond`");
    let many = json!({ "source": "lake:incoming/*", "target": "lake:one.csv" });
    bench.is_fatal(many, "end it with `/`");
}
