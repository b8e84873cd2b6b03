//! What the operators do, each in a file of its own.
//!
//! An operator reads its arguments as rendered, does its work, and ends as an [`Outcome`]. Bad
//! arguments and bad data are fatal; what another try may mend is not. Secrets that slipped into a
//! result or an error are masked by the executor, which writes the report.

mod approval;
mod args;
mod branch;
mod child;
mod column_type;
mod command;
mod condition;
mod dataset_look;
mod dataset_validate;
mod error;
mod extract;
#[cfg(test)]
mod fake_server;
mod handed;
mod http;
mod learnt;
mod ml_gate;
mod ml_train;
mod model;
mod notify;
mod object;
pub(crate) mod observed;
pub(crate) mod output;
mod postgres;
mod predict;
mod python;
mod registered;
pub(crate) mod said;
mod select;
pub(crate) mod sensor;
mod serving_bundle;
mod serving_check;
mod serving_deploy;
mod serving_monitor;
mod sql_extract;
mod sql_load;
mod sql_run;
mod table_check;
mod table_transform;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod trigger_dag_run;
mod waiting;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;

pub(crate) use self::branch::is_true;
pub use self::dataset_look::read_dataset;
use self::error::{OperatorError, settle};
use self::output::Finished;
pub use self::predict::{PredictFile, PredictedFile, predict_file};
use self::waiting::until_cancelled;
use crate::dag::Deck;
use crate::dag::operator::Operator;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingHandle;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::store::Store;
use crate::types::deferral::Deferral;

/// How long an operator inside the daemon may go on when it is told to end.
const GRACE: Duration = Duration::from_secs(5);

/// What an operator inside the daemon may use.
#[derive(Debug, Clone)]
pub struct DaemonContext {
    pub order: Order,
    /// The arguments as they are on disk, with placeholders where the order has secrets.
    pub written: Map<String, Value>,
    pub private: Private,
    pub deck: Arc<Deck>,
    pub layout: Layout,
    pub store: Store,
    pub handle: Handle,
    pub publisher: Publisher,
    pub serving: ServingHandle,
    pub log: Arc<TaskLog>,
    /// Turns true when the attempt is to end.
    pub cancelled: watch::Receiver<bool>,
}

/// What an operator inside the daemon has come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    Done(Outcome),
    /// It waits for something, and needs nobody meanwhile.
    Deferred(Deferral),
}

/// Runs an operator inside the daemon. Ends soon after `cancelled` turns true.
pub async fn run_in_daemon(context: DaemonContext) -> Work {
    let work = work_in_daemon(&context);
    tokio::pin!(work);
    let result = tokio::select! {
        result = &mut work => result,
        () = until_cancelled(context.cancelled.clone()) => {
            // An operator that has something to set right (the traffic) gets a moment for it.
            tokio::time::timeout(GRACE, work).await.unwrap_or(Err(OperatorError::Cancelled))
        }
    };
    let outcome = match result {
        Ok(Work::Deferred(deferral)) => return Work::Deferred(deferral),
        Ok(Work::Done(outcome)) => Ok(outcome),
        Err(error) => Err(error),
    };
    Work::Done(told(settle(outcome), &context.log))
}

async fn work_in_daemon(context: &DaemonContext) -> Result<Work, OperatorError> {
    let operator = find(&context.order.operator)?;
    match operator {
        Operator::Approval => approval::run(context),
        Operator::TriggerDagRun => trigger_dag_run::run(context).await,
        sensor if sensor.is_sensor() => sensor::run(context, sensor).await,
        other => decide_in_daemon(context, other).await.map(Work::Done),
    }
}

/// Of those that do not wait.
async fn decide_in_daemon(
    context: &DaemonContext,
    operator: Operator,
) -> Result<Outcome, OperatorError> {
    match operator {
        Operator::Http => http::run(context).await,
        Operator::Empty | Operator::LatestOnly => Ok(Outcome::output(Value::Null)),
        Operator::Branch => branch::branch(context),
        Operator::ShortCircuit => branch::short_circuit(context),
        Operator::Notify => notify::run(context).await,
        Operator::MlGate => ml_gate::run(context).await,
        Operator::ModelRegister => model::register(context).await,
        Operator::ModelPromote => model::promote(context).await,
        Operator::ModelRollback => model::rollback(context).await,
        Operator::ServingDeploy => serving_deploy::run(context).await,
        Operator::ServingCheck => serving_check::run(context).await,
        Operator::ServingMonitor => serving_monitor::run(context).await,
        operator @ (Operator::Command
        | Operator::Python
        | Operator::CsvExtract
        | Operator::JsonExtract
        | Operator::ParquetExtract
        | Operator::TableTransform
        | Operator::TableCheck
        | Operator::SqlLoad
        | Operator::SqlRun
        | Operator::SqlExtract
        | Operator::ObjectList
        | Operator::ObjectCopy
        | Operator::ObjectMove
        | Operator::ObjectDelete
        | Operator::ObjectDownload
        | Operator::ObjectUpload
        | Operator::DatasetValidate
        | Operator::MlTrain
        | Operator::Predict
        | Operator::ServingBundle
        | Operator::Approval
        | Operator::TriggerDagRun
        | Operator::SensorFile
        | Operator::SensorObject
        | Operator::SensorHttp
        | Operator::SensorSql
        | Operator::SensorTime
        | Operator::SensorTask) => Err(OperatorError::Fatal(format!(
            "`{}` runs in a process of its own, not in the daemon",
            operator.name()
        ))),
    }
}

/// Runs an operator in the attempt's own process (already in its own session). Blocks. A child
/// that it starts stays in this session, its output goes through `log`.
pub fn run_in_process(order: &Order, private: &Private, log: &Arc<TaskLog>) -> Outcome {
    let result = find(&order.operator).and_then(|operator| match operator {
        Operator::Command => command::run(order, private, log),
        Operator::Python => python::run(order, private, log),
        Operator::CsvExtract => extract::csv(order, private, log),
        Operator::JsonExtract => extract::json(order, private, log),
        Operator::ParquetExtract => extract::parquet(order, private, log),
        Operator::TableTransform => table_transform::run(order, log),
        Operator::TableCheck => table_check::run(order, log),
        Operator::SqlLoad => sql_load::run(order, private, log),
        Operator::SqlRun => sql_run::run(order, private, log),
        Operator::SqlExtract => sql_extract::run(order, private, log),
        objects if objects.is_object() => object::run(objects, order, private, log),
        Operator::DatasetValidate => dataset_validate::run(order, private, log),
        Operator::MlTrain => ml_train::run(order, private, log),
        Operator::Predict => predict::run(order, private, log),
        Operator::ServingBundle => serving_bundle::run(order, log),
        Operator::ObjectList
        | Operator::ObjectCopy
        | Operator::ObjectMove
        | Operator::ObjectDelete
        | Operator::ObjectDownload
        | Operator::ObjectUpload
        | Operator::Empty
        | Operator::Approval
        | Operator::Http
        | Operator::TriggerDagRun
        | Operator::SensorFile
        | Operator::SensorObject
        | Operator::SensorHttp
        | Operator::SensorSql
        | Operator::SensorTime
        | Operator::SensorTask
        | Operator::LatestOnly
        | Operator::Branch
        | Operator::ShortCircuit
        | Operator::Notify
        | Operator::MlGate
        | Operator::ModelRegister
        | Operator::ModelPromote
        | Operator::ModelRollback
        | Operator::ServingDeploy
        | Operator::ServingCheck
        | Operator::ServingMonitor => Err(OperatorError::Fatal(format!(
            "`{}` runs inside the daemon, not in a process",
            operator.name()
        ))),
    });
    told(settle(result), log)
}

/// Makes a `command` ready to be started by another process than the attempt's own, whose
/// environment begins with `base`.
pub(crate) fn prepare_command(
    order: &Order,
    private: &Private,
    base: &[(OsString, OsString)],
) -> Result<std::process::Command, Outcome> {
    command::prepare(order, private, Some(base)).map_err(|error| settle(Err(error)))
}

/// Says what a `command` came to that could not be started.
pub(crate) fn unstartable_command(order: &Order, error: &std::io::Error) -> Outcome {
    settle(Err(command::cannot_start(order, error)))
}

/// Says what a `command` came to that has ended.
pub(crate) fn command_ended(order: &Order, finished: Finished, log: &Arc<TaskLog>) -> Outcome {
    settle(command::outcome(order, finished, log))
}

fn find(name: &str) -> Result<Operator, OperatorError> {
    Operator::named(name)
        .ok_or_else(|| OperatorError::Fatal(format!("there is no operator `{name}`")))
}

/// Ends the log with what went wrong. The executor masks what it reports.
fn told(outcome: Outcome, log: &TaskLog) -> Outcome {
    if let Outcome::Failed { error, .. } = &outcome {
        log.say(error);
    }
    outcome
}
