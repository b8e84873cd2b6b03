//! `serving.deploy`: a registered version is loaded, proves itself by a smoke prediction, and
//! takes over the traffic: at once, or step by step with a way back.
//!
//! The version is resolved when the attempt runs. Where nothing is served yet, or without a
//! `strategy`, all traffic goes over at once; a version that has all of it already is left alone.
//! So the operator may be run again after a crash: it goes on from the step that it had written
//! down (`ledger`), watched for its whole time again, since the counts began anew.

mod judge;
mod ledger;
mod rollout;
mod shares;
mod strategy;

use serde_json::json;

use self::ledger::Ledger;
use self::rollout::Rollout;
use self::strategy::Strategy;
use super::DaemonContext;
use super::args::{Args, unfit};
use super::error::OperatorError;
use super::registered::resolve;
use super::{learnt, observed};
use crate::sched::Outcome;
use crate::tracking::registry::ModelUri;
use crate::types::event::Event;
use crate::types::io::{DatasetRef, ENDPOINTS, MODELS, Observed};
use crate::types::view::{DatasetName, ModelVersionView};

pub(super) async fn run(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let strategy = Strategy::read(args)?;
    let written = args.text("model")?;
    let uri = ModelUri::parse(&written).ok_or_else(|| {
        unfit("model", &json!(written), "`models:/NAME@ALIAS` or `models:/NAME/VERSION`")
    })?;
    let version = resolve(&context.store, uri).await?;
    context.log.say(&format!("`{written}` is version {} of `{}`", version.version, version.name));
    let rollout = Rollout {
        serving: &context.serving,
        log: &context.log,
        cancelled: &context.cancelled,
        ledger: Ledger {
            store: &context.store,
            publisher: &context.publisher,
            model: &version.name,
            token: &context.order.token,
            task: context.order.key.task.to_string(),
        },
        model: &version.name,
        version: version.version,
    };
    let rolled_out = rollout.carry_out(&strategy).await;
    context.publisher.publish(Event::ServingChanged);
    let rolled_out = rolled_out?;
    tell(context, &version)?;
    Ok(Outcome::output(json!({
        "model": version.name, "version": version.version, "previous": rolled_out.previous,
        "state": "serving", "steps": rolled_out.steps,
    })))
}

/// Tells which version the endpoint answers with.
fn tell(context: &DaemonContext, version: &ModelVersionView) -> Result<(), OperatorError> {
    let at = DatasetName {
        namespace: MODELS.to_owned(),
        name: format!("{}/{}", version.name, version.version),
    };
    let endpoint = DatasetRef {
        columns: learnt::features(&version.inputs, &at),
        ..DatasetRef::new(ENDPOINTS, version.name.as_str())
    };
    let told = Observed {
        inputs: vec![DatasetRef::new(at.namespace, at.name)],
        outputs: vec![endpoint],
        ..Observed::default()
    };
    observed::write(&context.order, &told, &context.log)
}
