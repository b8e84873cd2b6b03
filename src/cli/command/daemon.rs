//! `up`, `down` and `status`.

use std::time::Duration;

use crate::cli::args::UpArgs;
use crate::cli::command::{connect, expect_answer};
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::logging;
use crate::cli::output::{Output, ago, fields, or_dash};
use crate::daemon::{Daemon, DaemonOptions};
use crate::runtime::Layout;
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::view::StatusView;

/// How long `down` waits for the daemon to drain and go.
const DOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Puts together how to run this project's daemon.
pub fn options(
    layout: &Layout,
    api: Option<String>,
    serving: Option<String>,
) -> Result<DaemonOptions, CliError> {
    Ok(DaemonOptions {
        project: layout.project().to_path_buf(),
        api,
        serving,
        lookup: env::lookup(),
        executable: env::executable()
            .map_err(|source| CliError::io("find this program's own path", &source))?,
        environment: env::inherited(),
    })
}

/// Refuses a folder that is no project, before anything is made in it.
pub fn require_project(layout: &Layout) -> Result<(), CliError> {
    if layout.project().join("dags.toml").exists() {
        return Ok(());
    }
    let fault = Fault::invalid(format!("`{}` has no dags.toml", layout.project().display()))
        .hint("go to a project's folder, or name it with --project DIR");
    Err(fault.into())
}

/// Runs the daemon until it is told to stop.
pub async fn up(layout: &Layout, args: UpArgs, output: &mut Output) -> Result<u8, CliError> {
    require_project(layout)?;
    if args.detached {
        crate::daemon::spawn::detach()?;
    }
    let options = options(layout, args.api, args.serving)?;
    let _guard = logging::start(layout, "daemon")?;
    let daemon = Daemon::start(options).await?;
    if !args.detached {
        let answer = daemon.client().ask(Request::Status).await?;
        let status = expect_answer!(answer, Answer::Status(status) => status, "status");
        output.say(&greeting(layout, &status));
    }
    daemon.run_until(told_to_stop()).await?;
    Ok(0)
}

fn greeting(layout: &Layout, status: &StatusView) -> String {
    let mut lines = vec![format!("dagdeck {} runs {}", status.version, status.project)];
    lines.push(format!("  socket   {}", layout.socket().display()));
    if let Some(api) = &status.api_listen {
        lines.push(format!("  control  http://{api} (token in {})", layout.token().display()));
    }
    if let Some(serving) = &status.serving_listen {
        lines.push(format!("  serving  http://{serving}"));
    }
    lines.extend(status.problems.iter().map(|problem| format!("  ! {problem}")));
    lines.push("  ctrl-c stops it; attempts under way go on".to_owned());
    lines.join("\n")
}

/// Resolves at the first SIGTERM, SIGINT or SIGHUP.
pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            // Without a handler the signal ends the process by itself.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

/// Stops the daemon and waits until it has gone.
pub async fn down(layout: &Layout, output: &mut Output) -> Result<u8, CliError> {
    let client = connect(layout).await?;
    client.ask(Request::Shutdown).await?;
    let gone = async {
        while crate::daemon::is_running(layout) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(DOWN_TIMEOUT, gone).await.is_err() {
        let fault = Fault::unavailable("the daemon has not stopped within 15 s")
            .hint("it may be draining requests: see .dagdeck/log/");
        return Err(fault.into());
    }
    output.answer(&serde_json::json!({ "stopped": true }), |_| "stopped".to_owned());
    Ok(0)
}

/// Shows how the daemon is.
pub async fn status(layout: &Layout, output: &mut Output) -> Result<u8, CliError> {
    let answer = connect(layout).await?.ask(Request::Status).await?;
    let status = expect_answer!(answer, Answer::Status(status) => status, "status");
    output.answer(&status, |status| draw(status));
    Ok(0)
}

fn draw(status: &StatusView) -> String {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / 1_048_576.0);
    let mut pairs = vec![
        ("project", status.project.clone()),
        ("daemon", format!("pid {}, started {}", status.pid, ago(Some(status.started_at)))),
        ("version", status.version.clone()),
        ("control", or_dash(status.api_listen.clone())),
        ("serving", or_dash(status.serving_listen.clone())),
        ("slots", format!("{} of {} in use", status.slots_used, status.slots_total)),
        ("runs", format!("{} running, {} queued", status.runs_running, status.runs_queued)),
        ("dags", status.dag_count.to_string()),
        ("store", mib(status.store_bytes)),
        ("memory", or_dash(status.memory_bytes.map(mib))),
    ];
    if let Some(told) = &status.openlineage {
        let text = format!("{}  ({} sent, {} waiting)", told.target, told.sent, told.waiting);
        pairs.push(("openlineage", text));
    }
    if let Some(told) = &status.mirror {
        let text = format!("{}  ({} sent, {} waiting)", told.target, told.sent, told.waiting);
        pairs.push(("mlflow", text));
    }
    if status.definition_errors > 0 {
        let text = format!("dags.toml has {} errors: `dagdeck check`", status.definition_errors);
        pairs.push(("definitions", text));
    }
    pairs.extend(status.problems.iter().map(|problem| ("problem", problem.clone())));
    fields(&pairs)
}
