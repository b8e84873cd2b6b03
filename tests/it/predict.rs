//! `dagdeck predict`: a promoted model answers a file, with nothing else running.

use crate::support::Project;

/// Who is not in the project's folder names files from where he is.
fn path(project: &Project, name: &str) -> String {
    project.path(name).display().to_string()
}

#[test]
fn a_file_is_answered_into_a_file_and_onto_the_standard_output() {
    let project = Project::sample();
    project.run(&["run", "mlops_pipeline"]).ok();
    let model = "iris@production";
    let (input, to) = (path(&project, "data/iris.csv"), path(&project, "out.jsonl"));
    let told = project.json(&["predict", model, &input, "--to", &to]);
    assert_eq!(told, serde_json::json!({"model": "iris", "version": 1, "rows": 150, "skipped": 0}));
    let text = std::fs::read_to_string(project.path("out.jsonl")).unwrap();
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let right = rows.iter().filter(|row| row["prediction"] == row["species"]).count();
    assert!(rows.len() == 150 && right > 140, "{right} of {}", rows.len());
    let ran = project.run(&["predict", model, &input]).ok();
    assert_eq!(ran.stdout.lines().count(), 151, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("sepal_length,"), "{}", ran.stdout);
    assert!(ran.stderr.contains("150 rows answered by `iris` version 1"), "{}", ran.stderr);
}

#[test]
fn a_row_that_does_not_fit_is_told_and_leaves_no_file() {
    let project = Project::sample();
    project.run(&["run", "mlops_pipeline"]).ok();
    project
        .write("new.csv", "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,x\n1,2,3,4\n");
    let (input, to) = (path(&project, "new.csv"), path(&project, "out.csv"));
    let args = ["predict", "iris/1", &input, "--to", &to];
    let ran = project.run(&args);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("line 2: column `petal_width`"), "{}", ran.stderr);
    assert!(!project.path("out.csv").exists());
    let ran = project.run(&[&args[..], &["--skip-bad-rows"]].concat()).ok();
    assert!(
        ran.stdout.contains("1 row answered") && ran.stdout.contains("1 passed over"),
        "{}",
        ran.stdout
    );
    let ran = project.run(&["predict", "irsi@production", &input]);
    assert!(ran.code == 2 && ran.stderr.contains("`irsi`"), "{}", ran.stderr);
    assert_eq!(project.run(&["predict", "iris/1"]).code, 2);
}
