//! What other tools say of our wire formats.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Project, http, peer, until};

fn with_a_model() -> (Project, String) {
    let mut project = Project::sample();
    project.up();
    project.run(&["run", "mlops_pipeline"]).ok();
    project.wait_for_runs("model_serving_pipeline", 1);
    let addr = project.serving();
    assert_eq!(http(&addr, "POST", "/predict", Some("[[5.1,3.5,1.4,0.2]]")).status, 200);
    (project, addr)
}

#[test]
fn promtool_accepts_the_metrics() {
    let Some(promtool) = peer("DAGDECK_TEST_PROMTOOL", "promtool_accepts_the_metrics") else {
        return;
    };
    let (mut project, addr) = with_a_model();
    let metrics = http(&addr, "GET", "/metrics", None);
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("model=\"iris\""), "{}", metrics.body);
    let as_bentoml = "bentoml_service_request_total{endpoint=\"/models/iris/predict\",\
        http_response_code=\"200\",service_name=\"iris\",service_version=\"1\"} ";
    assert!(metrics.body.contains(as_bentoml), "{}", metrics.body);
    for name in ["request_in_progress", "request_duration_seconds_bucket"] {
        assert!(metrics.body.contains(&format!("\nbentoml_service_{name}{{")), "{name}");
    }
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(metrics.body.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", metrics.body);
    project.down();
}

#[test]
fn the_openapi_document_is_valid() {
    let Some(python) = peer("DAGDECK_TEST_PYTHON", "the_openapi_document_is_valid") else {
        return;
    };
    let (mut project, addr) = with_a_model();
    let document = http(&addr, "GET", "/docs.json", None);
    assert_eq!(document.status, 200);
    let paths = &document.json()["paths"];
    for path in ["/predict", "/models/iris/predict", "/invocations", "/v2/models/iris/infer"] {
        assert!(paths[path]["post"].is_object(), "{path}: {paths}");
    }
    let path = project.path("docs.json");
    fs::write(&path, &document.body).unwrap();
    let output =
        Command::new(python).args(["-m", "openapi_spec_validator"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", document.body);
    project.down();
}

#[test]
fn schemathesis_finds_no_5xx() {
    let Some(python) = peer("DAGDECK_TEST_PYTHON", "schemathesis_finds_no_5xx") else { return };
    let (mut project, addr) = with_a_model();
    let output = Command::new(python.with_file_name("schemathesis"))
        .arg("run")
        .arg(format!("http://{addr}/docs.json"))
        .args(["--checks", "not_a_server_error", "--max-examples", "30", "--seed", "1"])
        .args(["--phases", "examples,fuzzing", "--no-color"])
        .current_dir(project.dir())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    project.down();
}

#[test]
fn promtool_accepts_the_rules_and_their_tests() {
    let test = "promtool_accepts_the_rules_and_their_tests";
    let Some(promtool) = peer("DAGDECK_TEST_PROMTOOL", test) else { return };
    for args in [["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]] {
        let output = Command::new(&promtool).args(args).current_dir(monitoring()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_dashboard_and_the_rules_ask_for_figures_that_there_are() {
    let (mut project, addr) = with_a_model();
    let rows = format!("[{}]", ["[5.1,3.5,1.4,0.2]"; 500].join(","));
    assert_eq!(http(&addr, "POST", "/predict", Some(&rows)).status, 200);
    // Drift is judged once a second.
    let metrics = until(|| {
        let told = http(&addr, "GET", "/metrics", None).body;
        told.contains("dagdeck_serving_drift_psi{").then_some(told)
    });
    let metrics = metrics.expect("drift is among the figures");
    let families: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let dashboard = fs::read_to_string(monitoring().join("grafana.json")).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let panels = parsed["panels"].as_array().unwrap();
    assert!(panels.iter().all(|panel| !panel["targets"].as_array().unwrap().is_empty()));
    let rules = fs::read_to_string(monitoring().join("rules.yml")).unwrap();
    let name = regex::Regex::new("dagdeck_serving_[a-z_]+").unwrap();
    let known = ["dagdeck_serving_alerts"];
    for text in [&dashboard, &rules] {
        let asked: Vec<&str> = name.find_iter(text).map(|found| found.as_str()).collect();
        assert!(asked.len() > 5, "{asked:?}");
        for asked in asked.into_iter().filter(|asked| !known.contains(asked)) {
            let parts = ["_bucket", "_sum", "_count"];
            let family = parts.iter().find_map(|part| asked.strip_suffix(part)).unwrap_or(asked);
            assert!(families.contains(&family), "there is no `{asked}`: {families:?}");
        }
    }
    project.down();
}

fn monitoring() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring")
}
