//! `serving status|traffic|shadow|rollout|outcomes|drift|predict`.

mod traffic;

use crate::cli::args::ServingCommand;
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, bytes, fields, or_dash, table};
use crate::runtime::Layout;
use crate::types::Fault;
use crate::types::ask::{Answer, Predict, Request};
use crate::types::serving::{PredictionView, ReplicaView, ServedVersion, ServingStatus};

mod drift;

/// Carries out a command about the model server.
pub async fn dispatch(
    layout: &Layout,
    command: ServingCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        ServingCommand::Status => {
            let answer = ask(layout, Request::ServingStatus).await?;
            let status =
                expect_answer!(answer, Answer::Serving(status) => status, "serving status");
            output.answer(&*status, draw);
        }
        ServingCommand::Traffic(command) => traffic::dispatch(layout, command, output).await?,
        ServingCommand::Drift { model, bins } => {
            let (model, version) = model.as_deref().map_or(Ok((None, None)), named)?;
            let answer = ask(layout, Request::ServingDrift { model, version }).await?;
            let reports =
                expect_answer!(answer, Answer::Drift(reports) => reports, "serving drift");
            output.answer(&reports, |reports| drift::draw(reports, bins));
        }
        ServingCommand::Predict { rows, model, version } => {
            let request = Request::Predict(Predict { model, version, rows });
            let answer = ask(layout, request).await?;
            let answered =
                expect_answer!(answer, Answer::Predicted(view) => view, "serving predict");
            output.answer(&answered, predicted);
            // A script is to see that it was refused.
            return Ok(u8::from(answered.status >= 400));
        }
    }
    Ok(0)
}

/// Reads NAME or NAME/VERSION.
fn named(text: &str) -> Result<(Option<String>, Option<u32>), CliError> {
    let Some((name, version)) = text.rsplit_once('/') else {
        return Ok((Some(text.to_owned()), None));
    };
    let version = version.parse().map_err(|_| {
        Fault::invalid(format!("`{text}` names no version"))
            .hint("write NAME or NAME/VERSION, such as iris/3")
    })?;
    Ok((Some(name.to_owned()), Some(version)))
}

fn predicted(answer: &PredictionView) -> String {
    let pairs = [
        ("status", answer.status.to_string()),
        ("model", or_dash(answer.model.clone())),
        ("version", or_dash(answer.version)),
        ("took", format!("{:.2} ms", answer.took_ms)),
        ("request id", or_dash(answer.request_id.clone())),
    ];
    let body = serde_json::to_string_pretty(&answer.body).unwrap_or_default();
    format!("{}\n\n{body}", fields(&pairs))
}

fn draw(status: &ServingStatus) -> String {
    let mut pairs = vec![
        ("listens", or_dash(status.listen.clone())),
        ("default model", or_dash(status.default_model.clone())),
        ("in flight", status.in_flight.to_string()),
    ];
    if let Some(command) = status.example_command() {
        pairs.push(("try", command));
    }
    if let Some(problem) = &status.problem {
        pairs.push(("problem", problem.clone()));
    }
    let ms = |value: Option<f64>| or_dash(value.map(|value| format!("{value:.2} ms")));
    let row = |version: &ServedVersion| {
        vec![
            version.model.clone(),
            version.version.to_string(),
            format!("{}%", version.weight),
            version.requests_total.to_string(),
            version.errors_total.to_string(),
            format!("{:.1}/s", version.requests_per_sec),
            ms(version.p50_ms),
            ms(version.p99_ms),
            ago(Some(version.loaded_at)),
        ]
    };
    let header =
        ["MODEL", "VERSION", "TRAFFIC", "REQUESTS", "ERRORS", "RATE", "P50", "P99", "LOADED"];
    let empty = "nothing is served: promote a model to production";
    if let Some(log) = &status.prediction_log {
        let dropped = match log.dropped {
            0 => String::new(),
            dropped => format!(", {dropped} dropped"),
        };
        let mut told =
            format!("{} rows{dropped}, {} bytes in {} files", log.rows, log.bytes, log.files);
        if let Some(problem) = &log.problem {
            told = format!("{told}; {problem}");
        }
        pairs.push(("predictions", told));
    }
    let mut parts = vec![fields(&pairs), table(&header, status.versions.iter().map(row), empty)];
    if !status.replicas.is_empty() {
        parts.push(replicas(&status.replicas));
    }
    let traffic: Vec<String> = status.traffic.iter().flat_map(traffic::lines).collect();
    if !traffic.is_empty() {
        parts.push(traffic.join("\n"));
    }
    parts.join("\n\n")
}

fn replicas(replicas: &[ReplicaView]) -> String {
    let row = |replica: &ReplicaView| {
        vec![
            replica.replica.to_string(),
            replica.state.name().to_owned(),
            or_dash(replica.pid),
            replica.requests_total.to_string(),
            format!("{:.1}/s", replica.requests_per_sec),
            replica.in_flight.to_string(),
            or_dash(replica.memory_bytes.map(bytes)),
            replica.deaths.to_string(),
            ago(replica.since),
            or_dash(replica.problem.clone()),
        ]
    };
    let header = [
        "REPLICA",
        "STATE",
        "PID",
        "REQUESTS",
        "RATE",
        "IN FLIGHT",
        "MEMORY",
        "DEATHS",
        "SINCE",
        "LAST PROBLEM",
    ];
    table(&header, replicas.iter().map(row), "")
}
