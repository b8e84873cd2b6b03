//! `datasets list|show`: data sets as training reads them, without a daemon; `estimators`: what
//! learns from them.

use crate::cli::args::DatasetsCommand;
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::output::{Output, fields, or_dash, table};
use crate::dag::spec::{DatasetSpec, LearningTask, SplitSpec};
use crate::dag::{self, Deck};
use crate::ml::dataset::{ColumnReport, Report, validate};
use crate::ml::estimators::{Estimator, estimators};
use crate::runtime::Layout;
use crate::runtime::operator::read_dataset;
use crate::store::settings;
use crate::types::Fault;

/// Categories that a line has room for.
const CATEGORIES: usize = 4;

/// Carries out a command about data sets.
pub async fn dispatch(
    layout: &Layout,
    command: DatasetsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    let lookup = env::lookup();
    let settings = settings::peek(&layout.database());
    let deck = dag::load(layout.project(), &|name| lookup(name), &settings).map_err(|found| {
        Fault::invalid("dags.toml has errors").hint(format!("`dagdeck check` shows them: {found}"))
    })?;
    match command {
        DatasetsCommand::List => {
            let body: Vec<_> = deck.datasets.values().map(in_short).collect();
            output.answer(&body, |_| list(&deck));
        }
        DatasetsCommand::Show { name } => {
            let state = layout.state_dir();
            // A database or a bucket takes its time, and blocks.
            let looking = tokio::task::spawn_blocking(move || {
                let report = read_dataset(&deck, &state, &name).map(|found| validate(&found))?;
                Ok::<_, Fault>((deck.datasets[&name].clone(), report))
            });
            let (spec, report) = looking.await.map_err(|error| Fault::internal(&error))??;
            output.answer(&report, |report| show(&spec, report));
        }
    }
    Ok(0)
}

fn in_short(spec: &DatasetSpec) -> serde_json::Value {
    serde_json::json!({
        "name": spec.name, "uri": spec.uri.as_text(), "task": spec.table.task,
        "target": spec.table.target, "split": spec.table.split,
    })
}

fn list(deck: &Deck) -> String {
    let row = |spec: &DatasetSpec| {
        vec![
            spec.name.clone(),
            task(spec.table.task).to_owned(),
            spec.table.target.clone(),
            split(&spec.table.split),
            spec.uri.as_text(),
        ]
    };
    let header = ["NAME", "TASK", "TARGET", "SPLIT", "URI"];
    table(&header, deck.datasets.values().map(row), "dags.toml has no data sets")
}

fn show(spec: &DatasetSpec, report: &Report) -> String {
    let mut pairs = vec![
        ("name", report.name.clone()),
        ("uri", spec.uri.as_text()),
        ("task", task(spec.table.task).to_owned()),
        ("target", report.target.clone()),
        ("split", split(&spec.table.split)),
        ("rows", report.rows.to_string()),
        ("digest", report.digest.clone()),
    ];
    if let Some([min, max, mean]) = report.target_range {
        pairs.push(("range", format!("{min} to {max}, mean {mean:.4}")));
    }
    let classes: Vec<String> =
        report.classes.iter().map(|(class, rows)| format!("{class} {rows}")).collect();
    if !classes.is_empty() {
        pairs.push(("classes", classes.join(", ")));
    }
    let row = |column: &ColumnReport| {
        let figure = |value: Option<f64>| or_dash(value.map(|value| format!("{value:.4}")));
        vec![
            column.name.clone(),
            column.kind.to_owned(),
            column.missing.to_string(),
            column.distinct.to_string(),
            figure(column.min),
            figure(column.max),
            figure(column.mean),
            categories(column),
        ]
    };
    let header = ["COLUMN", "TYPE", "MISSING", "DISTINCT", "MIN", "MAX", "MEAN", "CATEGORIES"];
    let columns = table(&header, report.columns.iter().map(row), "no columns");
    let problems: String =
        report.problems.iter().map(|problem| format!("\nodd: {problem}")).collect();
    format!("{}\n\n{columns}{problems}", fields(&pairs))
}

/// Writes the most frequent categories: `male 577, female 314`, and how many others there are.
fn categories(column: &ColumnReport) -> String {
    let shown = column.categories.iter().take(CATEGORIES);
    let mut words: Vec<String> = shown.map(|(word, rows)| format!("{word} {rows}")).collect();
    if words.is_empty() {
        return "-".to_owned();
    }
    if column.distinct > words.len() {
        words.push(format!("+{}", column.distinct - words.len()));
    }
    words.join(", ")
}

fn task(task: LearningTask) -> &'static str {
    match task {
        LearningTask::Classification => "classification",
        LearningTask::Regression => "regression",
    }
}

fn split(split: &SplitSpec) -> String {
    match split {
        SplitSpec::Stratified => "stratified".to_owned(),
        SplitSpec::Time { column } => format!("time: {column}"),
        SplitSpec::Group { column } => format!("group: {column}"),
    }
}

/// Lists what `model` of `ml.train` may be, or one with its hyperparameters.
pub fn list_estimators(name: Option<&str>, output: &mut Output) -> Result<u8, CliError> {
    let all = estimators();
    let Some(name) = name else {
        output.answer(&all, |all| {
            let row = |one: &Estimator| {
                let tasks: Vec<&str> = one.tasks.iter().copied().map(task).collect();
                vec![one.name.to_owned(), tasks.join(", "), one.engine.into(), one.source.into()]
            };
            table(&["MODEL", "TASKS", "ENGINE", "AS"], all.iter().map(row), "none")
        });
        return Ok(0);
    };
    let Some(one) = all.iter().find(|one| one.name == name) else {
        let known: Vec<&str> = all.iter().map(|one| one.name).collect();
        let fault = Fault::not_found(format!("there is no model `{name}`"));
        return Err(fault.hint(format!("one of {}", known.join(", "))).into());
    };
    output.answer(one, |one| {
        let rows = one.hyperparameters.iter().map(|setting| {
            let names = std::iter::once(&setting.name).chain(setting.aliases);
            let names: Vec<&str> = names.copied().collect();
            vec![names.join(", "), setting.default.clone(), setting.expected.clone()]
        });
        table(&["HYPERPARAMETER", "DEFAULT", "TAKES"], rows, "it has no hyperparameters")
    });
    Ok(0)
}
