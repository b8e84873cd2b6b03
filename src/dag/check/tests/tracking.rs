//! `[tracking]`.

use std::time::Duration;

use super::*;
use crate::tracking::{Login, TrackingSpec};

fn load_with_token(text: &str) -> Result<TrackingSpec, Vec<Diagnostic>> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dags.toml"), text).unwrap();
    let lookup = |name: &str| (name == "TOKEN").then(|| "tiger".to_owned());
    let loaded = load(folder.path(), &lookup, &Settings::default());
    loaded.map(|deck| deck.tracking).map_err(|found| found.0)
}

#[test]
fn what_is_tracked_stays_here_and_the_machine_is_looked_at_where_nothing_is_said() {
    let spec = load_with_token("").unwrap();
    assert_eq!(spec, TrackingSpec::default());
    assert_eq!(spec.system_metrics, Some(Duration::from_secs(10)));
}

#[test]
fn a_server_is_asked_with_what_is_said() {
    let uri = "[tracking]\nuri = \"http://h:5000/mlflow/\"\n";
    let server = |more: &str| load_with_token(&format!("{uri}{more}")).unwrap().server.unwrap();
    assert_eq!(server("").uri, "http://h:5000/mlflow");
    assert_eq!((server("").login, server("").timeout), (None, Duration::from_secs(120)));
    let with_token = server("token = \"${env:TOKEN}\"\ntimeout = \"5s\"\n");
    assert_eq!(with_token.timeout, Duration::from_secs(5));
    let Some(Login::Token(token)) = &with_token.login else { panic!() };
    assert_eq!(token.reveal(), "tiger");
    assert!(!format!("{with_token:?}").contains("tiger"));
    let named = server("username = \"ada\"\npassword = \"${env:TOKEN}\"\n").login.unwrap();
    assert_eq!(named.secrets(), ["tiger"]);
    let own = load_with_token(
        "[tracking]\nsystem_metrics_interval = \"2s\"\nartifact_max_bytes = 1000\n",
    );
    let own = own.unwrap();
    assert_eq!(own.system_metrics, Some(Duration::from_secs(2)));
    assert_eq!((own.artifact_max_bytes, own.server), (1000, None));
    assert_eq!(
        load_with_token("[tracking]\nsystem_metrics = false\n").unwrap().system_metrics,
        None
    );
}

#[test]
fn what_cannot_be_is_an_error_at_its_place() {
    let refused = |text: &str| {
        let found = load_with_token(&format!("[tracking]\n{text}\n")).unwrap_err().remove(0);
        (found.code, found.line, found.help.unwrap_or_default())
    };
    for uri in ["h:5000", "mlruns", "sqlite:///mlflow.db", "http://u:pw@h", "databricks"] {
        let (code, line, help) = refused(&format!("uri = \"{uri}\""));
        assert_eq!((code, line), ("bad-value", 2), "{uri}");
        assert!(help.contains("`http://HOST[:PORT]`"), "{help}");
    }
    assert_eq!(refused("token = \"x\"").1, 2);
    let uri = "uri = \"http://h\"\n";
    for login in ["username = \"a\"", "password = \"a\"", "token = \"a\"\nusername = \"b\""] {
        assert_eq!(
            (refused(&format!("{uri}{login}")).0, refused(&format!("{uri}{login}")).1),
            ("bad-value", 3),
            "{login}"
        );
    }
    assert_eq!(refused(&format!("{uri}token = \"${{env:GONE}}\"")).0, "unresolved-secret");
    assert_eq!(refused("system_metrics_interval = \"10ms\"").1, 2);
    assert_eq!(refused("artifact_max_bytes = 0").1, 2);
    assert_eq!(refused("url = \"http://h\"").0, "unknown-key");
}
