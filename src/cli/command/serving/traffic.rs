//! `serving traffic|shadow|rollout|outcomes`.

use crate::cli::args::TrafficCommand;
use crate::cli::command::{connect, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, table};
use crate::client::Client;
use crate::runtime::Layout;
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::serving::{
    ArmView, RolloutView, ServedVersion, ServingStatus, ShadowView, TrafficChange, TrafficView,
};
use crate::types::time::now;

/// Carries out a command about a model's traffic.
pub(super) async fn dispatch(
    layout: &Layout,
    command: TrafficCommand,
    output: &mut Output,
) -> Result<(), CliError> {
    let client = connect(layout).await?;
    match command {
        TrafficCommand::Traffic { model, weights, sticky } => {
            if weights.is_empty() && sticky.is_none() {
                let view = view(&client, &model).await?;
                output.answer(&view, |view| lines(view).join("\n"));
                return Ok(());
            }
            if let Some(sticky) = sticky {
                change(&client, &model, TrafficChange::Sticky { by: sticky.0 }).await?;
            }
            if !weights.is_empty() {
                change(&client, &model, TrafficChange::Weights { weights }).await?;
            }
            let view = view(&client, &model).await?;
            output.answer(&view, |view| format!("set the traffic of `{}`", view.model));
        }
        TrafficCommand::Shadow { model, version, percent, off: _ } => {
            change(&client, &model, TrafficChange::Shadow { version, percent }).await?;
            let view = view(&client, &model).await?;
            output.answer(&view, |view| match &view.shadow {
                Some(shadow) => format!(
                    "version {} gets copies of {} % of the requests of `{}`",
                    shadow.version, shadow.percent, view.model
                ),
                None => format!("no version of `{}` gets copies", view.model),
            });
        }
        TrafficCommand::Rollout { model, wish } => {
            if let Some(wish) = wish {
                change(&client, &model, TrafficChange::Rollout { wish: wish.into() }).await?;
            }
            let view = view(&client, &model).await?;
            let versions = status(&client).await?.versions;
            output.answer(&view.rollout, |rollout| match rollout {
                Some(rollout) => format!("{}{}", told(rollout), figures(rollout, &versions)),
                None => format!("no version of `{model}` was rolled out yet"),
            });
        }
        TrafficCommand::Outcomes { model } => {
            let view = view(&client, &model).await?;
            output.answer(&view, outcomes);
        }
    }
    Ok(())
}

async fn change(client: &Client, model: &str, change: TrafficChange) -> Result<(), CliError> {
    let request = Request::ChangeTraffic { model: model.to_owned(), change };
    let answer = client.ask(request).await?;
    expect_answer!(answer, Answer::Done => (), "serving traffic");
    Ok(())
}

async fn view(client: &Client, model: &str) -> Result<TrafficView, CliError> {
    let status = status(client).await?;
    let view = status.traffic.into_iter().find(|view| view.model == model);
    Ok(view.ok_or_else(|| Fault::not_found(format!("no model `{model}` is served")))?)
}

async fn status(client: &Client) -> Result<Box<ServingStatus>, CliError> {
    let answer = client.ask(Request::ServingStatus).await?;
    Ok(expect_answer!(answer, Answer::Serving(status) => status, "serving status"))
}

/// Tells of a model's traffic beside its percents, a line for each thing.
pub(super) fn lines(view: &TrafficView) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(sticky) = &view.sticky {
        lines.push(format!("{}: the same {sticky} gets the same version", view.model));
    }
    lines.extend(view.shadow.as_ref().map(|shadow| format!("{}: {}", view.model, copies(shadow))));
    lines.extend(view.rollout.as_ref().map(|rollout| format!("{}: {}", view.model, told(rollout))));
    lines.extend(view.verdicts.iter().map(|verdict| format!("{}: {}", view.model, verdict.text)));
    lines
}

fn copies(shadow: &ShadowView) -> String {
    let mut text = format!(
        "v{} gets copies of {} %: {} requests, {} errors, {} dropped",
        shadow.version, shadow.percent, shadow.requests, shadow.errors, shadow.dropped
    );
    if let Some(agreement) = shadow.agreement {
        text.push_str(&format!(", {:.1} % the same label", agreement * 100.0));
    }
    if let Some(difference) = shadow.difference {
        text.push_str(&format!(", {difference:.4} apart on average"));
    }
    if let Some(p99) = shadow.p99_ms {
        text.push_str(&format!(", p99 {p99:.2} ms"));
    }
    text
}

fn told(rollout: &RolloutView) -> String {
    let mut text = format!(
        "rollout of v{}: {}, step {} of {} ({} %)",
        rollout.version,
        rollout.state.word(),
        rollout.step + 1,
        rollout.percents.len(),
        rollout.percent()
    );
    if rollout.state.is_open()
        && let Some(left) = rollout.left_ms(now())
    {
        text.push_str(&format!(", {:.0} s left", left as f64 / 1000.0));
    }
    if let Some(reason) = &rollout.reason {
        text.push_str(&format!(": {reason}"));
    }
    text
}

/// The figures of the new version and of those that it takes traffic from.
fn figures(rollout: &RolloutView, versions: &[ServedVersion]) -> String {
    let of = versions.iter().filter(|version| version.model == rollout.model && version.weight > 0);
    let line = |version: &ServedVersion| {
        let p99 = version.p99_ms.map_or("—".to_owned(), |ms| format!("{ms:.2} ms"));
        format!(
            "\n  v{} {} %: {:.1} requests/s, p99 {p99}, {} errors in {} requests",
            version.version,
            version.weight,
            version.requests_per_sec,
            version.errors_total,
            version.requests_total
        )
    };
    of.map(line).collect()
}

fn outcomes(view: &TrafficView) -> String {
    let row = |arm: &ArmView| {
        let figure = format!("{:.4}", arm.value);
        vec![arm.version.to_string(), arm.metric.clone(), figure, arm.outcomes.to_string()]
    };
    let empty = "nothing is known yet: tell what came of predictions by POST /outcomes";
    let arms = table(&["VERSION", "METRIC", "VALUE", "OUTCOMES"], view.arms.iter().map(row), empty);
    let verdicts: Vec<&str> = view.verdicts.iter().map(|verdict| verdict.text.as_str()).collect();
    if verdicts.is_empty() { arms } else { format!("{arms}\n\n{}", verdicts.join("\n")) }
}
