//! The MLflow server that gets what pipelines track: what keeps it from them.

use crate::runtime::control::ControlParts;
use crate::tracking::mirror;
use crate::types::view::MirrorView;

/// Returns how far the server is, with what waits as the store has it: whoever has just changed
/// something and asks finds it waiting.
pub(super) async fn now(parts: &ControlParts) -> Option<MirrorView> {
    let mut view = parts.mirror.borrow().clone()?;
    if let Ok(standing) = parts.store.read(mirror::standing).await {
        (view.waiting, view.refused) = (standing.waiting, standing.refused);
    }
    Some(view)
}

/// Says why the server is not told, where that is so.
pub(super) fn problems(view: &MirrorView) -> Vec<String> {
    let MirrorView { target, waiting, refused, problem, .. } = view;
    let Some(problem) = problem else { return Vec::new() };
    let many = |n: u64, verb: &str| match n {
        1 => format!("1 run or model {verb}s"),
        n => format!("{n} runs and models {verb}"),
    };
    vec![match refused {
        0 => {
            let wait = many(*waiting, "wait");
            format!("the MLflow server {target} is not told: {problem}; {wait}")
        }
        n => format!(
            "the MLflow server {target} will not have what was told of {n} runs or models: {problem}"
        ),
    }]
}
