//! `[openlineage]`, and what the environment says over it.

use std::time::Duration;

use super::*;
use crate::openlineage::{OpenLineageSpec, Transport};

/// Loads `text` where the environment says these.
fn load_in(text: &str, environment: &[(&str, &str)]) -> Result<Deck, Vec<Diagnostic>> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dags.toml"), text).unwrap();
    let lookup = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    load(folder.path(), &lookup, &Settings::default()).map_err(|found| found.0)
}

fn spec(text: &str, environment: &[(&str, &str)]) -> OpenLineageSpec {
    load_in(text, environment).unwrap().openlineage
}

/// Where events go, with the key.
fn place(text: &str, environment: &[(&str, &str)]) -> (String, String) {
    match spec(text, environment).transport {
        Some(Transport::Http { url, api_key, .. }) => {
            (url, api_key.map(|key| key.reveal().to_owned()).unwrap_or_default())
        }
        Some(Transport::File(path)) => (path.display().to_string(), String::new()),
        None => (String::new(), String::new()),
    }
}

const FILE: &str = "[openlineage]\nurl = \"http://h:5000/\"\napi_key = \"${env:KEY}\"\n";

fn both(place: &str, key: &str) -> (String, String) {
    (place.to_owned(), key.to_owned())
}

#[test]
fn nobody_is_told_where_nothing_is_said() {
    assert_eq!(spec("", &[]), OpenLineageSpec::default());
    assert_eq!(spec("", &[]).namespace, "default");
}

#[test]
fn a_url_has_the_usual_endpoint_and_timeout() {
    let key = [("KEY", "tiger")];
    assert_eq!(place(FILE, &key), both("http://h:5000/api/v1/lineage", "tiger"));
    let own = format!("{FILE}endpoint = \"/lineage\"\ntimeout = \"2s\"\nnamespace = \"prod\"\n");
    assert_eq!(place(&own, &key).0, "http://h:5000/lineage");
    let OpenLineageSpec { namespace, transport } = spec(&own, &key);
    let Some(Transport::Http { timeout, .. }) = transport else { panic!() };
    assert_eq!((&*namespace, timeout), ("prod", Duration::from_secs(2)));
    assert_eq!(place("[openlineage]\nfile = \"e.jsonl\"\n", &[]), both("e.jsonl", ""));
}

#[test]
fn the_environment_counts_over_the_file_as_a_whole() {
    let url = [("KEY", "tiger"), ("OPENLINEAGE_URL", "https://o"), ("OPENLINEAGE_API_KEY", "lion")];
    assert_eq!(place(FILE, &url), both("https://o/api/v1/lineage", "lion"));
    let keyless = [("KEY", "tiger"), ("OPENLINEAGE_URL", "https://o")];
    assert_eq!(place(FILE, &keyless).1, "", "a key goes only where it belongs");
    let long = [
        ("KEY", "tiger"),
        ("OPENLINEAGE__TRANSPORT__TYPE", "http"),
        ("OPENLINEAGE__TRANSPORT__URL", "http://o:1"),
        ("OPENLINEAGE__TRANSPORT__ENDPOINT", "x"),
        ("OPENLINEAGE__TRANSPORT__AUTH__API_KEY", "lynx"),
        ("OPENLINEAGE_NAMESPACE", "ns"),
    ];
    assert_eq!(place(FILE, &long), both("http://o:1/x", "lynx"));
    assert_eq!(spec(FILE, &long).namespace, "ns");
    let file = [
        ("KEY", "tiger"),
        ("OPENLINEAGE__TRANSPORT__TYPE", "file"),
        ("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", "/tmp/e.jsonl"),
    ];
    assert_eq!(place(FILE, &file).0, "/tmp/e.jsonl");
    for off in [("OPENLINEAGE_DISABLED", "true"), ("OPENLINEAGE__TRANSPORT__TYPE", "noop")] {
        assert_eq!(place(FILE, &[("KEY", "tiger"), off]).0, "", "{off:?}");
    }
    assert_eq!(place(&format!("{FILE}disabled = true\n"), &[("KEY", "tiger")]).0, "");
}

#[test]
fn what_is_wrong_in_the_file_is_an_error_at_its_place() {
    let refused = |text: &str| {
        let found = load_in(text, &[]).unwrap_err().remove(0);
        (found.code, found.line, found.help.unwrap_or_default())
    };
    for url in ["h:5000", "http://", "http://u:pw@h", "http://h?token=x", "http://h:port"] {
        let (code, line, help) = refused(&format!("[openlineage]\nurl = \"{url}\"\n"));
        assert_eq!((code, line), ("bad-value", 2), "{url}");
        assert!(help.contains("write `http://HOST[:PORT]`"), "{help}");
    }
    let two = "[openlineage]\nurl = \"http://h\"\nfile = \"x\"\n";
    assert_eq!((refused(two).0, refused(two).1), ("bad-value", 3));
    assert_eq!(refused("[openlineage]\nurls = \"http://h\"\n").0, "unknown-key");
    assert_eq!(refused("[openlineage]\napi_key = \"${env:GONE}\"\n").0, "unresolved-secret");
}

#[test]
fn what_is_wrong_in_the_environment_is_a_warning_and_breaks_nothing() {
    for bad in [("OPENLINEAGE_URL", "h:5000"), ("OPENLINEAGE__TRANSPORT__TYPE", "kafka")] {
        let deck = load_in(FILE, &[("KEY", "tiger"), bad]).unwrap();
        assert_eq!(deck.openlineage.transport, None, "{bad:?}");
        assert_eq!(deck.warnings[0].code, "bad-environment", "{bad:?}");
    }
}
