//! `serving.bundle`: writes a version with its server into a folder that runs anywhere.

use serde_json::json;

use super::args::Args;
use super::error::OperatorError;
use crate::runtime::attempt::Order;
use crate::runtime::bundle::{self, REPLICAS, Wish};
use crate::runtime::layout::Layout;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

pub(super) fn run(order: &Order, log: &TaskLog) -> Result<Outcome, OperatorError> {
    let args = Args(&order.args);
    let (model, output) = (args.text("model")?, args.text("output")?);
    let layout = Layout::new(&order.project);
    let target = layout.project().join(&output);
    let wish = Wish { model: &model, target: &target, replicas: REPLICAS };
    let bundled = bundle::write(&layout, &wish)?;
    log.say(&format!(
        "`{}` version {} is bundled in `{}` ({} bytes)",
        bundled.model,
        bundled.version,
        bundled.folder.display(),
        bundled.bytes
    ));
    Ok(Outcome::output(json!({
        "model": bundled.model, "version": bundled.version, "output": output,
        "state": "bundled", "bytes": bundled.bytes,
    })))
}
