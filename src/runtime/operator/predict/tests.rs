//! Files and tables answered by real models.

use std::path::Path;

use serde_json::{Value, json};

use super::{PredictFile, predict_file};
use crate::dag::spec::LearningTask;
use crate::runtime::layout::Layout;
use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;
use crate::store::Store;
use crate::tracking::registry::{self, MoveAlias};
use crate::types::{TrackingRunId, time};

/// A project with a model of a table, version 1 and in production.
fn bench(name: &str, task: LearningTask, target: &str, csv: &str) -> Bench {
    let mut bench = Bench::new("ml.train");
    bench.write(&format!("data/{name}.csv"), csv);
    bench.order.dataset = Some(crate::runtime::attempt::DatasetOrder {
        name: name.into(),
        path: bench.project().join(format!("data/{name}.csv")),
        uri: None,
        table: crate::dag::spec::TableSpec::new(task, target),
        assets: Vec::new(),
    });
    let trained = output(bench.run(json!({ "model": "decision_tree", "folds": 2 })));
    let store = Store::open(&Layout::new(bench.project()).database()).unwrap();
    let run = TrackingRunId::from(trained["run_id"].as_str().unwrap());
    registry::register(&store, name, &run, time::now()).unwrap();
    let wish = MoveAlias {
        name: name.to_owned(),
        alias: "production".to_owned(),
        version: 1,
        expected_current: None,
        user: "ada".to_owned(),
        action: "promote",
        reason: None,
        now: time::now(),
    };
    registry::move_alias(&store, wish).unwrap();
    bench.order.operator = "predict".into();
    bench
}

fn iris() -> Bench {
    let csv = include_str!("../../../../data/iris.csv");
    bench("iris", LearningTask::Classification, "species", csv)
}

fn output(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Success { output, .. } => output,
        other => panic!("it must succeed: {other:?}"),
    }
}

fn read(bench: &Bench, path: &str) -> String {
    std::fs::read_to_string(bench.project().join(path)).unwrap()
}

const NEW: &str = "id,petal_width,sepal_length,sepal_width,petal_length
a-1,0.2,5.1,3.5,1.4
a-2,2.3,6.3,3.3,6.0
";

#[test]
fn a_file_is_answered_with_its_own_columns_kept_and_no_order_expected_of_them() {
    let bench = iris();
    bench.write("new.csv", NEW);
    let args = json!({ "model": "models:/iris@production", "input": "file:new.csv", "output": "file:out.csv" });
    let told = output(bench.run(args));
    let expected = json!({
        "model": "iris", "version": 1, "rows": 2, "rejected": 0, "output": "file:out.csv",
    });
    assert_eq!(told, expected);
    let text = read(&bench, "out.csv");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "id,petal_width,sepal_length,sepal_width,petal_length,prediction,probability_setosa,\
         probability_versicolor,probability_virginica"
    );
    assert_eq!(lines[1], "a-1,0.2,5.1,3.5,1.4,setosa,1,0,0");
    assert!(lines[2].starts_with("a-2,2.3,6.3,3.3,6.0,virginica,0,"), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
    // Nothing is left of how it came about.
    let names = std::fs::read_dir(bench.project()).unwrap();
    let left = names
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(left.count(), 0);
    let observed = crate::runtime::operator::observed::read(&bench.order.folder).unwrap();
    let inputs: Vec<&str> = observed.inputs.iter().map(|input| input.name.as_str()).collect();
    assert!(inputs[0].ends_with("/new.csv") && inputs[1] == "iris/1", "{inputs:?}");
    assert_eq!(observed.outputs[0].rows, Some(2));
}

#[test]
fn lines_of_json_keep_their_types_and_a_folder_is_read_file_by_file() {
    let bench = iris();
    let row = |id: u32| {
        format!(
            "{{\"id\":{id},\"sepal_length\":5.1,\"sepal_width\":3.5,\"petal_length\":1.4,\"petal_width\":0.2}}\n"
        )
    };
    bench.write("in/a.jsonl", &row(1));
    bench.write("in/b.jsonl", &(row(2) + &row(3)));
    let args = json!({ "model": "iris/1", "input": "file:in/*.jsonl", "output": "file:out.jsonl" });
    assert_eq!(output(bench.run(args))["rows"], 3);
    let text = read(&bench, "out.jsonl");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        (&rows[2]["prediction"], &rows[2]["probability_setosa"]),
        (&json!("setosa"), &json!(1.0))
    );
}

#[test]
fn a_table_of_the_run_becomes_a_table_of_the_run() {
    let csv = include_str!("../../../../data/housing.csv");
    let bench = bench("housing", LearningTask::Regression, "medv", csv);
    let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> =
        csv.lines().skip(1).take(40).map(|line| line.split(',').collect()).collect();
    let values: Vec<String> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|cell| match cell.parse::<f64>() {
                    Ok(_) => (*cell).to_owned(),
                    Err(_) if cell.is_empty() => "null".to_owned(),
                    Err(_) => format!("'{cell}'"),
                })
                .collect::<Vec<_>>()
                .join(",")
        })
        .map(|row| format!("({row})"))
        .collect();
    bench.tables(&format!(
        "create table extract ({}); insert into extract values {}",
        columns.join(","),
        values.join(",")
    ));
    let told = output(bench.run(json!({ "model": "housing@production", "input": "extract" })));
    assert_eq!((&told["table"], &told["rows"]), (&json!("work"), &json!(40)));
    assert_eq!(bench.rows("select count(*), typeof(prediction) from work"), ["40|real"]);
    let kept = bench
        .rows("select count(*) from work w join extract e on e.rowid = w.rowid where e.rm = w.rm");
    assert_eq!(kept, ["40"]);
}

#[test]
fn a_row_that_does_not_fit_ends_the_task_or_is_rejected_with_its_line_and_reason() {
    let bench = iris();
    let text = format!("{NEW}a-3,wide,5,3,1\na-4,0.2,5.0\na-5,0.2,4.9,3.1,1.5\n");
    bench.write("new.csv", &text);
    let args = |more: Value| {
        let mut args =
            json!({ "model": "iris/1", "input": "file:new.csv", "output": "file:out.csv" });
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    };
    bench.is_fatal(
        args(json!({})),
        "`file:new.csv`, line 4: column `petal_width`: the string `wide` where a number is expected",
    );
    assert!(!bench.project().join("out.csv").exists());
    let told = output(bench.run(args(json!({ "on_bad_row": "reject" }))));
    assert_eq!((&told["rows"], &told["rejected"]), (&json!(3), &json!(2)));
    let rejected = std::fs::read_to_string(bench.order.folder.join("rejected.csv")).unwrap();
    assert!(
        rejected.contains("a-3,wide,5,3,1") && rejected.contains("3 fields where the header has 5")
    );
    assert_eq!(read(&bench, "out.csv").lines().count(), 4);
}

#[test]
fn many_rows_are_answered_in_their_order() {
    let bench = iris();
    let header = "id,sepal_length,sepal_width,petal_length,petal_width\n";
    let rows: String = (0..40_000).map(|id| format!("{id},5.1,3.5,{},0.2\n", 1 + id % 6)).collect();
    bench.write("new.csv", &format!("{header}{rows}"));
    let args = json!({ "model": "iris/1", "input": "file:new.csv", "output": "file:out.csv" });
    assert_eq!(output(bench.run(args))["rows"], 40_000);
    let text = read(&bench, "out.csv");
    let ids =
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse::<u32>().unwrap());
    assert!(ids.eq(0..40_000));
}

#[test]
fn what_makes_no_sense_is_fatal_and_named() {
    let bench = iris();
    bench.write("new.csv", NEW);
    let with = |key: &str, value: &str| {
        let mut args =
            json!({ "model": "iris/1", "input": "file:new.csv", "output": "file:out.csv" });
        args[key] = json!(value);
        args
    };
    bench.is_fatal(with("model", "iris"), "`iris` names no model");
    bench.is_fatal(with("model", "iris/7"), "version 7");
    bench.is_fatal(with("model", "iris@staging"), "no version of model `iris` bears the alias");
    bench.is_fatal(with("input", "file:none.csv"), "none.csv");
    bench.is_fatal(with("input", "file:new.txt"), "the end of its name says nothing");
    bench.is_fatal(
        with("input", "extract"),
        "no table `extract` (there are: none); files are named",
    );
    bench.is_fatal(with("output", "file:out.xlsx"), "must end with .csv, .jsonl or .ndjson");
    bench.is_fatal(with("on_bad_row", "skip"), "expected `fail` or `reject`");
    bench.write("short.csv", "sepal_length,sepal_width,petal_lenght,petal_width\n1,2,3,4\n");
    bench.is_fatal(
        with("input", "file:short.csv"),
        "no column `petal_length`, which the model takes (did you mean `petal_lenght`?)",
    );
    bench.write(
        "twice.csv",
        "sepal_length,sepal_width,petal_length,petal_width,prediction\n1,2,3,4,x\n",
    );
    bench.is_fatal(with("input", "file:twice.csv"), "has a column `prediction` already");
}

#[test]
fn the_command_answers_a_file_and_tells_of_what_it_passes_over() {
    let bench = iris();
    bench.write("new.csv", &format!("{NEW}a-3,wide,5,3,1\n"));
    let layout = Layout::new(bench.project());
    let input = bench.project().join("new.csv");
    let output = bench.project().join("out.csv");
    let asked = |skips_bad_rows: bool| PredictFile {
        model: "iris@production",
        input: &input,
        output: Some(Path::new(&output)),
        skips_bad_rows,
    };
    let fault = predict_file(&layout, &asked(false), &mut |_| {}).unwrap_err();
    assert!(fault.message.contains("line 4: column `petal_width`"), "{fault}");
    let mut told = Vec::new();
    let done = predict_file(&layout, &asked(true), &mut |text| told.push(text.to_owned())).unwrap();
    assert_eq!((done.version, done.rows, done.skipped), (1, 2, 1));
    assert!(told[0].starts_with("passed over `") && told[0].contains("line 4"), "{told:?}");
}
