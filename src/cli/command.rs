//! The commands, a file for each group.

pub mod approvals;
pub mod assets;
pub mod attention;
pub mod backfill;
pub mod backup;
pub mod bundle;
pub mod check;
pub mod config;
pub mod connections;
pub mod daemon;
pub mod dags;
pub mod datasets;
pub mod deck;
pub mod events;
pub mod executors;
pub mod experiments;
pub mod graph;
pub mod init;
pub mod logs;
pub mod models;
pub mod operate;
pub mod pools;
pub mod predict;
pub mod prune;
pub mod replica;
pub mod run;
pub mod runs;
pub mod serve;
pub mod serving;
pub mod takeover;
pub mod tasks;
pub mod tree;
pub mod variables;
pub mod watch;
pub mod why;
pub mod worker;
pub mod xcom;

mod exchange;

use std::path::PathBuf;

use crate::cli::args::{Cli, Command, SystemCommand};
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::client::Client;
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::{Fault, FaultKind};

/// Carries out what the command line says.
pub async fn dispatch(cli: Cli, output: &mut Output) -> Result<u8, CliError> {
    match &cli.command {
        None => return deck::open(&cli, None, output).await,
        Some(_) if cli.deck.ssh.is_some() || cli.deck.profile.is_some() => {
            let fault = Fault::invalid("`--ssh` and `--profile` open the deck only")
                .hint("commands run there: `ssh HOST dagdeck --project DIR …`");
            return Err(fault.into());
        }
        Some(Command::Watch(args)) if !args.plain && !output.is_json() && env::has_terminal() => {
            let run = args.dag_run_id.clone().map(Into::into);
            let begin = Some((args.dag_id.clone().into(), run));
            return deck::open(&cli, begin, output).await;
        }
        Some(Command::Config { example }) => return config::config(&cli.deck, *example, output),
        Some(Command::Init { folder, empty }) => {
            let folder = folder.clone().unwrap_or_else(|| cli.project.clone());
            return init::init(&folder, *empty, output);
        }
        Some(Command::Restore { from, into }) => return backup::restore(from, into, output),
        Some(Command::Serve(args)) => return serve::serve(args, output).await,
        Some(_) => {}
    }
    let layout = Layout::new(project_dir(&cli.project)?);
    match cli.command {
        None => Err(unexpected("the deck").into()),
        Some(Command::Up(args)) => daemon::up(&layout, args, output).await,
        Some(Command::Down) => daemon::down(&layout, output).await,
        Some(Command::Status) => daemon::status(&layout, output).await,
        Some(Command::Executors { command }) => {
            executors::executors(&layout, command, output).await
        }
        Some(Command::Attention) => attention::attention(&layout, output).await,
        Some(Command::Check { slurm }) => check::check(&layout, slurm, output).await,
        Some(Command::Dags(command)) => dags::dispatch(&layout, command, output).await,
        Some(Command::Run(args)) => run::run(&layout, args, output).await,
        Some(Command::Trigger(args)) => runs::trigger(&layout, args, output).await,
        Some(Command::Runs(command)) => runs::dispatch(&layout, command, output).await,
        Some(Command::Backfill(command)) => backfill::dispatch(&layout, command, output).await,
        Some(Command::Tasks(args)) => runs::tasks(&layout, args, output).await,
        Some(Command::Why { dag_id, dag_run_id, task }) => {
            why::why(&layout, dag_id, dag_run_id, task, output).await
        }
        Some(Command::Undo { id }) => operate::undo(&layout, id, output).await,
        Some(Command::Operations(command)) => operate::operations(&layout, command, output).await,
        Some(Command::Variables(command)) => variables::dispatch(&layout, command, output).await,
        Some(Command::Connections(command)) => {
            connections::dispatch(&layout, command, output).await
        }
        Some(Command::Pools(command)) => pools::dispatch(&layout, command, output).await,
        Some(Command::Import(command)) => takeover::import(&layout, command, output),
        Some(Command::Export(command)) => takeover::export(&layout, command, output),
        Some(Command::Prune(args)) => prune::prune(&layout, args, output).await,
        Some(Command::Backup { target }) => backup::backup(&layout, &target, output),
        Some(Command::Bundle(args)) => bundle::bundle(&layout, &args, output),
        Some(
            Command::Restore { .. }
            | Command::Config { .. }
            | Command::Init { .. }
            | Command::Serve(_),
        ) => Err(unexpected("a command without a project").into()),
        Some(Command::Watch(args)) => watch::watch(&layout, args, output).await,
        Some(Command::Logs(args)) => logs::logs(&layout, args, output).await,
        Some(Command::Events(args)) => events::events(&layout, args, output).await,
        Some(Command::System(SystemCommand::Log(args))) => {
            logs::daemon_log(&layout, args, output).await
        }
        Some(Command::Approvals(command)) => approvals::dispatch(&layout, command, output).await,
        Some(Command::Xcom(command)) => xcom::dispatch(&layout, command, output).await,
        Some(Command::Assets(command)) => assets::dispatch(&layout, command, output).await,
        Some(Command::Datasets(command)) => datasets::dispatch(&layout, command, output).await,
        Some(Command::Estimators { name }) => datasets::list_estimators(name.as_deref(), output),
        Some(Command::Experiments(command)) => {
            experiments::dispatch(&layout, command, output).await
        }
        Some(Command::Models(command)) => models::dispatch(&layout, command, output).await,
        Some(Command::Predict(args)) => predict::predict(&layout, &args, output),
        Some(Command::Serving(command)) => serving::dispatch(&layout, command, output).await,
        Some(
            Command::Attempt { .. }
            | Command::AttemptOnNode { .. }
            | Command::Worker { .. }
            | Command::Replica { .. },
        ) => Err(unexpected("a process of the daemon's").into()),
    }
}

/// Makes the project's folder absolute; it must exist.
fn project_dir(dir: &std::path::Path) -> Result<PathBuf, CliError> {
    dir.canonicalize().map_err(|source| {
        let fault = Fault::not_found(format!("open the project folder `{}`", dir.display()))
            .caused_by(Some(&source))
            .hint("give the folder that holds dags.toml with --project DIR");
        fault.into()
    })
}

/// Connects to the project's daemon.
async fn connect(layout: &Layout) -> Result<Client, CliError> {
    Client::connect(&layout.socket()).await.map_err(|fault| match fault.kind {
        FaultKind::Unavailable => CliError::no_daemon(
            Fault::unavailable(format!(
                "no daemon runs for the project `{}`",
                layout.project().display()
            ))
            .hint("`dagdeck up` starts one; so does the deck (`dagdeck`)"),
        ),
        _ => fault.into(),
    })
}

/// Asks the project's daemon one thing.
async fn ask(layout: &Layout, request: Request) -> Result<Answer, CliError> {
    Ok(connect(layout).await?.ask(request).await?)
}

/// An answer that does not belong to the question: a bug, or two versions that talk.
fn unexpected(question: &str) -> Fault {
    Fault::new(FaultKind::Internal, format!("the daemon's answer to `{question}` makes no sense"))
        .hint("a daemon of another version may be running: `dagdeck down`, then try again")
}

/// Takes the one answer that belongs to a question.
macro_rules! expect_answer {
    ($answer:expr, $pattern:pat => $value:expr, $question:literal) => {
        match $answer {
            $pattern => $value,
            _ => return Err($crate::cli::command::unexpected($question).into()),
        }
    };
}
pub(crate) use expect_answer;
