//! What other tools say of our wire formats.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Project, http, peer};

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
