//! What the actions of the keymap do.

use tui_input::Input;

use crate::keymap::{self, Action, Place};
use crate::message::Effect;
use crate::rows;
use crate::state::popup::Scope;
use crate::state::{Pane, Popup, Prompt, PromptKind, Screen, State, Tone, View, Zoom};
use crate::types::event::Event;
use crate::types::serving::RolloutWish;
use crate::update::movement::{self, Step};
use crate::update::run::graph::Way;
use crate::update::sheet::open as sheets;
use crate::update::{
    assets, attention, confirm, copy, edit, feed, goto, lab, leave, log, logged, marks, menu,
    models, mouse, origin, pages, palette, run, sheet, traffic, trials,
};

mod here;

pub(crate) use here::{dag_here, say_no_dag};

/// Does what a key stands for.
pub(crate) fn perform(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    if origin::perform(state, action) {
        return;
    }
    if assets::perform(state, action, effects) || models::perform(state, action, effects) {
        return;
    }
    if logged::perform(state, action, effects) {
        return;
    }
    match action {
        Action::Help => palette::open(state, Scope::Here),
        Action::Palette => palette::open(state, Scope::All),
        Action::Filter => open_prompt(state, PromptKind::Filter),
        Action::Search
        | Action::NextMatch
        | Action::PreviousMatch
        | Action::NextError
        | Action::PreviousError
        | Action::GoToTime
        | Action::SaveLog
        | Action::PipeLog
            if log::has_not_begun(state) =>
        {
            state.say(Tone::Info, "the task has not started: there is no log of it");
        }
        Action::Search => open_prompt(state, PromptKind::Search),
        Action::Back if log::is_here(state) && log::back(state) => {}
        Action::Back => back(state),
        Action::Leave => {
            if !state.pop() {
                leave::ask(state, effects);
            }
        }
        Action::Down if is_in_graph(state) => run::graph::walk(state, Way::Down),
        Action::Up if is_in_graph(state) => run::graph::walk(state, Way::Up),
        Action::Left if is_in_graph(state) => run::graph::walk(state, Way::Left),
        Action::Right if is_in_graph(state) => run::graph::walk(state, Way::Right),
        Action::Down => movement::step(state, Step::By(1)),
        Action::Up => movement::step(state, Step::By(-1)),
        Action::Left if lab::fold(state, false) || trials::draw_over(state, false) => {}
        Action::Right if lab::fold(state, true) || trials::draw_over(state, true) => {}
        Action::Left if lab::move_cursor(state, false) => {}
        Action::Right if lab::move_cursor(state, true) => {}
        Action::Left if log::is_here(state) => log::sideways(state, false),
        Action::Right if log::is_here(state) => log::sideways(state, true),
        Action::Left => movement::along_edge(state, false),
        Action::Right => movement::along_edge(state, true),
        Action::Top => movement::step(state, Step::Start),
        Action::Bottom => movement::step(state, Step::End),
        Action::HalfDown if matches!(state.level().screen, Screen::Dag(_)) => {
            let half = movement::half_page(state).unsigned_abs();
            state.level_mut().scroll += half;
        }
        Action::HalfUp if matches!(state.level().screen, Screen::Dag(_)) => {
            let half = movement::half_page(state).unsigned_abs();
            let level = state.level_mut();
            level.scroll = level.scroll.saturating_sub(half);
        }
        Action::HalfDown => movement::step(state, Step::By(movement::half_page(state))),
        Action::HalfUp => movement::step(state, Step::By(-movement::half_page(state))),
        Action::Open if keymap::place(state) == Place::Attention => {
            attention::open(state, effects);
        }
        Action::Clear if keymap::place(state) == Place::Attention => {
            attention::clear(state, effects);
        }
        Action::Open if state.level().screen == Screen::Root(View::Events) => feed::open(state),
        Action::Open if pages::open(state) => {}
        Action::Open => here::open(state),
        Action::NextPane if lab::next_part(state, false) => {}
        Action::PreviousPane if lab::next_part(state, true) => {}
        Action::NextPane => {
            let level = state.level_mut();
            level.pane = level.pane.next();
        }
        Action::PreviousPane => {
            let level = state.level_mut();
            level.pane = level.pane.before();
        }
        Action::Zoom => {
            let has_panes = matches!(state.level().screen, Screen::Run(_));
            let level = state.level_mut();
            level.zoom = match level.zoom {
                Zoom::Normal if has_panes => Zoom::Half,
                Zoom::Normal | Zoom::Half => Zoom::Full,
                Zoom::Full => Zoom::Normal,
            };
        }
        Action::Copy => copy::open(state),
        Action::Refetch => {
            state.cache.touch(&Event::Resync);
            state.log = None;
            effects.push(Effect::Repaint);
        }
        Action::Freeze => freeze(state),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Mouse => mouse::toggle(state, effects),
        Action::Show(view) => state.switch(view),
        Action::PlaceBefore => revisit(state, true),
        Action::PlaceAfter => revisit(state, false),
        Action::OtherView => match state.view_before() {
            Some(view) => state.switch(view),
            None => state.say(Tone::Info, "no other view was shown yet"),
        },
        Action::Quit => effects.push(Effect::Quit),
        Action::ShowErrors => show_errors(state),
        Action::GoAsset => goto::asset(state),
        Action::GoModel => goto::model(state),
        Action::GoEndpoint => state.switch(View::Serving),
        Action::Attention if state.level().screen == Screen::Root(View::Dags) => {
            attention::open_list(state);
        }
        Action::Attention => {
            let level = state.level_mut();
            level.attention_only = !level.attention_only;
        }
        Action::AttentionBox => attention::enter_box(state),
        Action::FailedLog => attention::failed_log(state),
        Action::Trigger => here::trigger(state, effects),
        Action::Pause if is_serving(state) => traffic::pause(state),
        Action::Cancel if is_serving(state) => traffic::steer(state, RolloutWish::Abort),
        Action::Advance => traffic::steer(state, RolloutWish::Advance),
        Action::Split => sheet::split::open(state, effects),
        Action::Pause if is_about_backfills(state) => {
            confirm::pause_backfill(state);
        }
        Action::Pause => confirm::pause(state),
        Action::DagRuns => here::go_to_dag(state, Screen::DagRuns),
        Action::DagPage => here::go_to_dag(state, Screen::Dag),
        Action::Clear => sheets::clear(state, false, effects),
        Action::ClearFailed => sheets::clear(state, true, effects),
        Action::Cancel if is_about_backfills(state) => {
            confirm::cancel_backfill(state);
        }
        Action::Cancel if state.level().marks.is_empty() => confirm::cancel(state),
        Action::Cancel => sheets::cancel_marked(state, effects),
        Action::Mark => sheets::mark(state, effects),
        Action::Note => sheets::note(state, effects),
        Action::Delete => sheets::delete(state, effects),
        Action::Undo if confirm::undo_pause(state) => {}
        Action::Undo => sheets::undo(state, effects),
        Action::Redo => confirm::redo(state),
        Action::MarkRow => marks::toggle(state),
        Action::MarkAll => marks::toggle_all(state),
        Action::MarkRange => marks::range(state),
        Action::Sort => menu::sort(state),
        Action::Columns => menu::columns(state),
        Action::Why => here::why(state),
        Action::Approvals => here::approvals(state, effects),
        Action::Answer => {
            let level = state.level();
            let asked = rows::selected(level, &rows::approvals(state, level)).cloned();
            if let Some(asked) = asked {
                sheets::answer(state, asked, effects);
            }
        }
        Action::OpenRun => {
            let level = state.level();
            let asked = rows::selected(level, &rows::approvals(state, level));
            let run = asked.map(|asked| {
                let key = &asked.key.task;
                here::run_screen(&key.dag_id, &key.dag_run_id)
            });
            if let Some(run) = run {
                state.push(run);
            }
        }
        Action::Versions => here::go_to_dag(state, Screen::Versions),
        Action::Backfills => here::go_to_dag(state, Screen::Backfills),
        Action::Backfill => sheets::backfill(state, effects),
        Action::Edit => edit::open(state, effects),
        Action::CommandLog => {
            if state.level().screen != Screen::Commands {
                state.push(Screen::Commands);
            }
        }
        Action::EditSetting => sheet::system::setting(state, effects),
        Action::Test => here::test(state, effects),
        Action::OlderRun => run::travel::go(state, true),
        Action::NewerRun => run::travel::go(state, false),
        Action::NextFailed => run::next_failed(state, false),
        Action::PreviousFailed => run::next_failed(state, true),
        Action::Bars => run::bars(state),
        Action::RunPage => run::page(state),
        Action::RunDiff => run::diff(state),
        Action::FailedFirst => state.run_view.failed_first = !state.run_view.failed_first,
        Action::Recentre => run::graph::recentre(state),
        Action::MoreHops => run::graph::hops(state, true),
        Action::FewerHops => run::graph::hops(state, false),
        Action::MoreDetail => run::graph::detail(state, true),
        Action::LessDetail => run::graph::detail(state, false),
        Action::Turn => run::graph::turn(state),
        Action::CriticalPath => state.graph.is_critical = !state.graph.is_critical,
        Action::AllEdges => state.graph.has_all_edges = !state.graph.has_all_edges,
        Action::OpenTask => {
            if !run::toggle(state) {
                state.popup = Some(Popup::Task { scroll: 0 });
            }
        }
        Action::TaskDetails => state.popup = Some(Popup::Task { scroll: 0 }),
        Action::Follow => log::follow(state),
        Action::Wrap => log::set(state, |options| options.wraps = !options.wraps),
        Action::Times => log::set(state, |options| options.has_times = !options.has_times),
        Action::PrettyJson => log::set(state, |options| options.is_json = !options.is_json),
        Action::NextMatch => log::seek::next(state, false, effects),
        Action::PreviousMatch => log::seek::next(state, true, effects),
        Action::OlderTry => log::other_try(state, true, effects),
        Action::NewerTry => log::other_try(state, false, effects),
        Action::ReplaceWorker => confirm::replace_worker(state),
        Action::WorkerDetails => match rows::worker_here(state).map(|worker| worker.pid) {
            Some(pid) => state.popup = Some(Popup::Worker { pid, scroll: 0 }),
            None => state.say(Tone::Info, "no worker is selected"),
        },
        Action::Prune => sheet::system::prune(state, effects),
        Action::Answered => {
            let level = state.level_mut();
            level.attention_only = !level.attention_only;
        }
        Action::EventRail => feed::toggle_rail(state),
        Action::Operations => {
            if state.level().screen != Screen::Operations {
                state.push(Screen::Operations);
            }
        }
        Action::OpenLog => log::open_here(state),
        Action::LogWindow(window) => log::window(state, usize::from(window)),
        Action::LogLevel => log::level(state),
        Action::OnlyMatches => log::only_matches(state),
        Action::NextError => log::error(state, false, effects),
        Action::PreviousError => log::error(state, true, effects),
        Action::GoToTime => log::ask(state, PromptKind::GoToTime),
        Action::Marker => log::marker(state),
        Action::SaveLog => log::ask(state, PromptKind::SaveLog),
        Action::PipeLog => log::ask(state, PromptKind::PipeLog),
        Action::Beside => log::beside(state, effects),
        Action::CopyLines => log::hand_out::copy(state, effects),
        Action::Compare if lab::is_here(state) => lab::compare(state),
        Action::OnlyDifferent if lab::is_here(state) => {
            state.lab.only_differences = !state.lab.only_differences;
        }
        Action::Baseline => lab::baseline(state),
        Action::Flat => lab::flatten(state),
        Action::Trials => trials::open(state),
        Action::ProducingRun => lab::producing_run(state),
        Action::PageBefore => lab::turn_page(state, false),
        Action::PageAfter => lab::turn_page(state, true),
        Action::Chart(key) => lab::chart(state, key),
        Action::TryIt => sheet::try_it::open(state, effects),
        Action::Rollback if rows::served_here(state).is_some() => {
            sheet::alias::roll_back(state, effects);
        }
        // Of the views of assets and models only, registered ones and logged ones.
        Action::Emit
        | Action::Promote
        | Action::LoggedModels
        | Action::Register
        | Action::Tag
        | Action::Rollback
        | Action::Compare
        | Action::OnlyDifferent
        | Action::Materialise
        | Action::Chain
        | Action::ColumnOrigins
        | Action::Impact => {}
    }
}

/// Leaves what is shown as it is, or shows what happens again.
fn freeze(state: &mut State) {
    if state.frozen.take().is_none() {
        state.frozen = Some(0);
    } else {
        state.cache.touch(&Event::Resync);
    }
}

/// Puts text into the clipboard and says so.
pub(crate) fn copy(state: &mut State, text: String, effects: &mut Vec<Effect>) {
    let first = text.lines().next().unwrap_or_default();
    let lines = text.lines().count();
    let told = match lines {
        0 | 1 => format!("copied: {first}"),
        n => format!("copied {n} lines"),
    };
    state.say(Tone::Info, told);
    effects.push(Effect::Copy(text));
}

/// Goes through the places that led here.
fn revisit(state: &mut State, backward: bool) {
    if !state.revisit(backward) {
        let text = if backward { "this is where you began" } else { "there is nothing further on" };
        state.say(Tone::Info, text);
    }
}

fn open_prompt(state: &mut State, kind: PromptKind) {
    let text = match kind {
        PromptKind::Filter => state.level().filter.clone(),
        _ => String::new(),
    };
    state.prompt = Some(Prompt { kind, input: Input::new(text) });
}

/// Clears the filter, else goes back one level; never leaves.
fn back(state: &mut State) {
    if lab::back(state) {
        return;
    }
    if rows::attention::is_in_box(state) {
        state.home.is_in_box = false;
        return;
    }
    let level = state.level_mut();
    if !level.filter.is_empty() {
        level.filter.clear();
    } else if level.range.take().is_some() || !level.marks.is_empty() {
        level.marks.clear();
    } else if level.attention_only {
        level.attention_only = false;
    } else if level.zoom != Zoom::Normal {
        level.zoom = Zoom::Normal;
    } else {
        state.pop();
    }
}

fn show_errors(state: &mut State) {
    if state.definitions().is_some_and(|definitions| !definitions.diagnostics.is_empty()) {
        if state.level().screen != Screen::Definitions {
            state.push(Screen::Definitions);
        }
    } else {
        state.say(Tone::Good, "dags.toml has no errors");
    }
}

fn is_serving(state: &State) -> bool {
    state.level().screen == Screen::Root(View::Serving)
}

fn is_about_backfills(state: &State) -> bool {
    matches!(state.level().screen, Screen::Backfills(_) | Screen::Backfill(..))
}

/// Says whether the keys go to the graph of a run.
fn is_in_graph(state: &State) -> bool {
    let level = state.level();
    matches!(level.screen, Screen::Run(_)) && level.pane == Pane::Graph
}
