//! The `:` line: views, what can be done here, DAGs, models and experiments; matched loosely.

use crossterm::event::{KeyCode, KeyEvent};

use crate::keymap::{self, Action};
use crate::message::Effect;
use crate::state::{Popup, Screen, State, Tone, View};
use crate::types::DagId;
use crate::update::{action, form, key, site, theme};

/// What an entry of the palette does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Show(View),
    Trigger(DagId),
    Runs(DagId),
    Open(View, Screen),
    /// What a key of the present screen does.
    Do(Action),
    /// Go to the project of a profile.
    Env(String),
    Theme(String),
    Quit,
}

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) command: Command,
}

/// Returns what fits the typed text, best first.
pub(crate) fn entries(state: &State, typed: &str) -> Vec<Entry> {
    let mut all: Vec<Entry> = View::ALL
        .iter()
        .map(|view| Entry {
            name: view.command(),
            help: format!("view {}", *view as usize + 1),
            command: Command::Show(*view),
        })
        .collect();
    all.push(Entry {
        name: "q".to_owned(),
        help: "leave the deck; runs go on".to_owned(),
        command: Command::Quit,
    });
    all.push(Entry {
        name: "approvals".to_owned(),
        help: "a  what waits for an answer".to_owned(),
        command: Command::Do(Action::Approvals),
    });
    all.extend(theme::names(state).into_iter().map(|name| {
        Entry {
            help: if name == state.theme.name {
                "the theme in force"
            } else {
                "draw in this theme"
            }
            .to_owned(),
            name: format!("theme {name}"),
            command: Command::Theme(name),
        }
    }));
    let here = keymap::valid(state).filter(|b| !b.hint.is_empty() && !b.places.is_empty());
    all.extend(here.map(|binding| Entry {
        name: binding.hint.to_owned(),
        help: format!("{}  {}", binding.key(), binding.help),
        command: Command::Do(binding.action),
    }));
    for dag in state.cache.dags().unwrap_or_default() {
        let dag_id = &dag.dag_id;
        if !state.is_read_only() {
            all.push(Entry {
                name: format!("trigger {dag_id}"),
                help: "open the form of its params".to_owned(),
                command: Command::Trigger(dag_id.clone()),
            });
        }
        all.push(Entry {
            name: format!("runs {dag_id}"),
            help: "its runs".to_owned(),
            command: Command::Runs(dag_id.clone()),
        });
    }
    for model in state.cache.models().unwrap_or_default() {
        all.push(Entry {
            name: format!("model {}", model.name),
            help: "its versions".to_owned(),
            command: Command::Open(View::Models, Screen::Model(model.name.clone())),
        });
    }
    for experiment in state.cache.experiments().unwrap_or_default() {
        let name = experiment.name.clone();
        all.push(Entry {
            name: format!("experiment {name}"),
            help: "its tracked runs".to_owned(),
            command: Command::Open(View::Experiments, Screen::Experiment(name)),
        });
    }
    for profile in &state.options.station.profiles {
        all.push(Entry {
            name: format!("env {profile}"),
            help: "go to this profile's project".to_owned(),
            command: Command::Env(profile.clone()),
        });
    }
    let typed = typed.trim().to_lowercase();
    let mut ranked: Vec<(usize, Entry)> = all
        .into_iter()
        .filter_map(|entry| rank(&entry.name.to_lowercase(), &typed).map(|rank| (rank, entry)))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, entry)| entry).collect()
}

/// Ranks how well `typed` fits: whole, beginning, part, letters in order; `None` where not.
fn rank(name: &str, typed: &str) -> Option<usize> {
    if name == typed {
        return Some(0);
    }
    if name.starts_with(typed) {
        return Some(1);
    }
    if name.contains(typed) {
        return Some(2);
    }
    let mut letters = name.chars();
    typed.chars().all(|wanted| letters.any(|c| c == wanted)).then_some(3)
}

/// Takes a key of the open palette.
pub(crate) fn press(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(Popup::Palette(palette)) = &state.popup else { return };
    let (typed, selected) = (palette.input.value().to_owned(), palette.selected);
    let found = entries(state, &typed);
    let name = crate::keymap::name(event);
    match (event.code, name.as_deref()) {
        (KeyCode::Esc, _) => state.popup = None,
        (KeyCode::Enter, _) => choose(state, None, effects),
        (KeyCode::Down, _) | (_, Some("ctrl-n")) => {
            select(state, (selected + 1).min(found.len().saturating_sub(1)));
        }
        (KeyCode::Up, _) | (_, Some("ctrl-p")) => select(state, selected.saturating_sub(1)),
        (KeyCode::Tab, _) => {
            if let Some(entry) = found.get(selected) {
                retype(state, &entry.name);
            }
        }
        (KeyCode::Backspace, _) if typed.is_empty() => state.popup = None,
        _ => {
            if let Some(Popup::Palette(palette)) = &mut state.popup {
                key::type_into(&mut palette.input, event);
                palette.selected = 0;
            }
        }
    }
}

/// Does what an entry says: the one at `at`, else the selected one.
pub(crate) fn choose(state: &mut State, at: Option<usize>, effects: &mut Vec<Effect>) {
    let Some(Popup::Palette(palette)) = &state.popup else { return };
    let (typed, at) = (palette.input.value().to_owned(), at.unwrap_or(palette.selected));
    let found = entries(state, &typed).into_iter().nth(at);
    state.popup = None;
    match found {
        Some(entry) => run(state, entry.command, effects),
        None => state.say(Tone::Bad, format!("no command fits `{typed}`; `?` lists keys")),
    }
}

fn select(state: &mut State, at: usize) {
    if let Some(Popup::Palette(palette)) = &mut state.popup {
        palette.selected = at;
    }
}

fn retype(state: &mut State, text: &str) {
    if let Some(Popup::Palette(palette)) = &mut state.popup {
        palette.input = tui_input::Input::new(text.to_owned());
        palette.selected = 0;
    }
}

fn run(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Show(view) => state.switch(view),
        Command::Do(action) => action::perform(state, action, effects),
        Command::Open(view, screen) => {
            state.switch(view);
            if state.level().screen != screen {
                state.push(screen);
            }
        }
        Command::Env(profile) => site::connect(state, &profile, effects),
        Command::Theme(name) => theme::set_theme(state, &name),
        Command::Quit => effects.push(Effect::Quit),
        Command::Runs(dag_id) => state.push(Screen::DagRuns(dag_id)),
        Command::Trigger(dag_id) => {
            if state.level().screen != Screen::Form(dag_id.clone()) {
                state.push(Screen::Form(dag_id.clone()));
            }
            form::changed(state, &dag_id, 0, effects);
        }
    }
}
