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
    let many =
        |n: u64| if n == 1 { "1 run or model".to_owned() } else { format!("{n} runs and models") };
    vec![match refused {
        0 => format!("the MLflow server {target} is not told: {problem}; {} wait", many(*waiting)),
        n => format!("the MLflow server {target} refuses {}: {problem}", many(*n)),
    }]
}
