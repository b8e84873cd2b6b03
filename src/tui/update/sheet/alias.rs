//! The forms that move an alias of a model: which alias, what that changes and sets off, why,
//! and the model's name typed.

use crate::keymap::with_keys;
use crate::message::Effect;
use crate::rows::models as rows;
use crate::screen::models::told;
use crate::state::sheet::{self, AliasMoves, Plan, Wish};
use crate::state::{State, Tone};
use crate::text;
use crate::theme;
use crate::types::metric::rank;
use crate::types::view::{AliasPlan, ModelVersionView};
use crate::update::sheet::{Made, show};

/// The alias that is meant unless another is chosen.
const ALIAS: &str = "production";

/// Opens the form that moves an alias to the selected version.
pub(crate) fn promote(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(version) = rows::version_here(state) else {
        state.say(Tone::Info, with_keys!(state, "select a version: {} promotes it", Promote));
        return;
    };
    let (name, to, fails) = (version.name.clone(), version.version, version.fails_a_gate());
    let others = other_aliases(state, &name);
    let about = match others.as_slice() {
        [] => "which alias goes to it; a new name makes a new one".to_owned(),
        others => format!("which alias goes to it; there are also {}", others.join(", ")),
    };
    let why = if fails { "needed: a gate failed" } else { "for the history; may be empty" };
    let fields = vec![
        sheet::text("alias", ALIAS, &about),
        sheet::text("reason", "", why),
        sheet::text("confirm", "", &format!("type {name}")),
    ];
    let wish = Wish::Alias(Box::new(AliasMoves { name: name.clone(), to: Some(to), plan: None }));
    let title = format!("Promote {name} v{to}");
    open(state, Made { title, intro: Vec::new(), fields, verb: "Promote", wish }, effects);
}

/// Opens the form that moves an alias back to where it stood before.
pub(crate) fn roll_back(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(name) = rows::model_here(state) else { return };
    let mut aliases = other_aliases(state, &name);
    aliases.insert(0, ALIAS.to_owned());
    let words: Vec<&str> = aliases.iter().map(String::as_str).collect();
    let fields = vec![
        sheet::choice("alias", &words, "which alias goes back"),
        sheet::text("reason", "", "for the history; may be empty"),
        sheet::text("confirm", "", &format!("type {name}")),
    ];
    let wish = Wish::Alias(Box::new(AliasMoves { name: name.clone(), to: None, plan: None }));
    let title = format!("Roll {name} back");
    open(state, Made { title, intro: Vec::new(), fields, verb: "Roll back", wish }, effects);
}

/// Opens the form with the focus where something must be typed.
fn open(state: &mut State, made: Made, effects: &mut Vec<Effect>) {
    show(state, made, effects);
    if let Some(sheet) = super::shown(state) {
        sheet.focus = sheet.fields.len() - 1;
    }
}

fn other_aliases(state: &State, name: &str) -> Vec<String> {
    let model = state.cache.model(name).map(|detail| &detail.model);
    let listed = state.cache.models().and_then(|all| all.iter().find(|model| model.name == name));
    let aliases = model.or(listed).map(|model| model.aliases.as_slice()).unwrap_or_default();
    aliases.iter().map(|(alias, _)| alias.clone()).filter(|alias| alias != ALIAS).collect()
}

/// Says what moving the alias changes and sets off, the gates first.
pub(super) fn planned(plan: &AliasPlan) -> Plan {
    let word = |version: &ModelVersionView| format!("v{}", version.version);
    if plan.from.as_ref().is_some_and(|from| from.version == plan.to.version) {
        let at = word(&plan.to);
        return Plan::Refused(format!("{} of {} stands at {at} already", plan.alias, plan.name));
    }
    let from = plan.from.as_ref().map_or("nothing".to_owned(), word);
    let to = word(&plan.to);
    let mut lines = vec![format!("{} of {}: {from} → {to}", plan.alias, plan.name)];
    if plan.from.is_some() {
        lines.push(format!("- {} {from}", plan.alias));
    }
    let run = plan
        .to
        .origin
        .as_ref()
        .map(|origin| format!("  run {}", text::run_name(origin.run.dag_run_id.as_str())));
    lines.push(format!("+ {} {to}{}", plan.alias, run.unwrap_or_default()));
    match plan.to.gates.as_slice() {
        [] => lines.push("no gate judged it".to_owned()),
        gates => lines.extend(gates.iter().map(told)),
    }
    lines.push(match plan.starts_dags.as_slice() {
        [] => "! starts no DAG".to_owned(),
        dags => {
            let names: Vec<&str> = dags.iter().map(|dag| dag.as_str()).collect();
            format!("! starts {}", names.join(", "))
        }
    });
    lines.extend(plan.traffic.iter().map(|line| format!("! {line}")));
    let mut metrics: Vec<_> = plan.metrics.iter().collect();
    metrics.sort_by_key(|(name, _, _)| rank(name));
    lines.extend(
        metrics.into_iter().map(|(name, before, after)| metric_line(name, *before, *after)),
    );
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
    lines.extend(plan.params.iter().map(|(name, before, after)| {
        format!("{:<18} {:>9} → {}", text::cut_middle(name, 18), value(before), value(after))
    }));
    Plan::Lines(lines)
}

fn metric_line(name: &str, before: Option<f64>, after: Option<f64>) -> String {
    let word = |value: Option<f64>| value.map_or("—".to_owned(), text::figure);
    let row =
        format!("{:<18} {:>9} → {:<9}", text::cut_middle(name, 18), word(before), word(after));
    let (Some(before), Some(after)) = (before, after) else { return row };
    let told = theme::gain_mark(name, before, after)
        .map_or(String::new(), |mark| format!(" {} {}", mark.glyph, mark.word));
    format!("{row} {:+.4}{told}", after - before)
}
