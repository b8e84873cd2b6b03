//! Lakes: connections to buckets, and what works on objects.

use super::codes::{points_at, task};
use super::*;

const LAKE: &str = "[connection.s]\nurl = \"s3://lake\"\n";
const KEYS: &str = "access_key_id = \"${env:TOKEN}\"\nsecret_access_key = \"${env:TOKEN}\"\n";

fn bucket(more: &str) -> String {
    format!("{LAKE}{KEYS}{more}")
}

#[test]
fn a_bucket_is_taken_with_what_it_needs() {
    for more in [
        "region = \"eu-central-1\"\n",
        "endpoint = \"http://minio:9000\"\nvirtual_hosted_style = false\n",
        "endpoint = \"https://minio\"\nsession_token = \"${env:TOKEN}\"\nca_file = \"ca.pem\"\n",
    ] {
        assert!(load_more(&bucket(more)).is_ok(), "{more}");
    }
    let anyone = format!("{LAKE}region = \"r\"\nanonymous = true\n");
    let watched = "[asset.x]\nuri = \"s:in/*.csv\"\nwatch = { every = \"30s\" }\n";
    assert!(load_more(&format!("{anyone}{watched}")).is_ok());
}

#[test]
fn what_a_bucket_lacks_is_reported_at_once() {
    let found = places(LAKE);
    let codes: Vec<_> = found.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, ["missing-key"; 3], "{found:?}");
}

#[test]
fn what_is_wrong_with_a_bucket_is_reported_where_it_stands() {
    points_at(&bucket("region = \"r\"\nregoin = \"r\"\n"), "unknown-key", 6, 1);
    points_at(&bucket("endpoint = \"minio:9000\"\n"), "bad-url", 5, 12);
    points_at(&bucket("region = \"a b\"\n"), "bad-value", 5, 10);
    points_at(&bucket("region = \"r\"\nvirtual_hosted_style = \"so\"\n"), "bad-value", 6, 24);
    let url = bucket("region = \"r\"\n").replace("s3://lake", "s3://lake/a//b");
    points_at(&url, "bad-url", 2, 7);
    let unresolved = bucket("region = \"r\"\n").replacen("env:TOKEN", "env:NONE", 1);
    points_at(&unresolved, "unresolved-secret", 3, 18);
    for found in load_more(&bucket("endpoint = \"x ${env:TOKEN}\"\n")).unwrap_err() {
        assert!(!found.drawing.contains("tiger"), "{}", found.drawing);
    }
}

#[test]
fn places_of_objects_are_checked() {
    let at = |operator: &str, text: &str, line, column| {
        let code = if text.contains("db:") { "wrong-connection" } else { "bad-uri" };
        points_at(&task(operator, text), code, line, column);
    };
    at("object.list", "source = \"lake:in/\"", 3, 10);
    at("object.delete", "source = \"db:in/x\"", 3, 11);
    at("object.copy", "source = \"lake:in/*\"\ntarget = \"lake:x.csv\"", 4, 10);
    at("object.copy", "source = \"lake:in/x\"\ntarget = \"lake:../x\"", 4, 10);
    at("object.copy", "source = \"lake:in/x\"\ntarget = \"lake:x/*\"", 4, 10);
    at("object.download", "source = \"lake:in/x\"\ntarget = \"lake:x\"", 4, 10);
    at("object.upload", "source = \"lake:x\"\ntarget = \"lake:x\"", 3, 10);
    let fits = task("object.upload", "source = \"data/*.csv\"\ntarget = \"lake:x/\"");
    assert!(load_more(&fits).is_ok());
}
