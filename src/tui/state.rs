//! All that the deck knows: where the operator stands, what was fetched, what is open.
//!
//! Only `update` changes it; `view` draws it and never waits for anything.

use std::collections::HashMap;

use ratatui::layout::Rect;
use tui_input::Input;

use crate::DeckOptions;
use crate::keymap::Keymap;
use crate::theme::Theme;
use crate::types::run::DagRunKey;
use crate::types::view::{DefinitionsView, RunDetailView, StatusView};
use crate::types::{DagId, Timestamp};
use crate::update::{self, notice::Notices};

pub(crate) mod backfill;
pub(crate) mod cache;
pub(crate) mod commands;
pub(crate) mod feed;
pub(crate) mod filter;
pub(crate) mod form;
pub(crate) mod graph;
mod history;
pub(crate) mod home;
pub(crate) mod lab;
pub(crate) mod level;
pub(crate) mod lineage;
pub(crate) mod lists;
pub(crate) mod log;
pub(crate) mod menu;
pub(crate) mod models;
pub(crate) mod popup;
pub(crate) mod previews;
pub(crate) mod row_order;
pub(crate) mod run;
pub(crate) mod run_view;
pub(crate) mod runs;
pub(crate) mod session;
pub(crate) mod sheet;
pub(crate) mod steps;
pub(crate) mod tour;

pub(crate) use cache::{Cache, Slot};
pub(crate) use form::Form;
pub(crate) use graph::GraphPane;
pub(crate) use home::Home;
pub(crate) use level::{Level, Pane, Screen, View, Zoom};
pub(crate) use lists::Lists;
pub(crate) use log::{LogOptions, LogPane};
pub(crate) use popup::{Commands, Palette, Popup};
pub(crate) use run::RunIndex;
pub(crate) use run_view::RunView;

use history::History;
use steps::Steps;

/// Whether the daemon answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Connecting,
    Live,
    Down { since: Timestamp },
}

/// What kind of line is shown for a while above the hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Info,
    Bad,
}

/// A line that is shown for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flash {
    pub(crate) tone: Tone,
    pub(crate) text: String,
    pub(crate) until: Timestamp,
}

/// What the text typed at the bottom is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PromptKind {
    Filter,
    Search,
    /// A time to go to in the log.
    GoToTime,
    /// A file to save the log to.
    SaveLog,
    /// A program that reads the log.
    PipeLog,
}

/// Text being typed at the bottom.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) kind: PromptKind,
    pub(crate) input: Input,
}

/// The deck's state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) options: DeckOptions,
    pub(crate) theme: Theme,
    pub(crate) keymap: Keymap,
    /// The beginning of a chord that was typed: `g`; else empty.
    pub(crate) chord: String,
    /// The mouse is the deck's, not the terminal's.
    pub(crate) has_mouse: bool,
    /// The row that was clicked last: clicked again it opens.
    pub(crate) clicked: Option<String>,
    pub(crate) size: Rect,
    pub(crate) now: Timestamp,
    pub(crate) link: Link,
    pub(crate) view: View,
    /// Where each view was left, outermost level first; never empty.
    stacks: Vec<Vec<Level>>,
    /// What was done and can be taken back.
    pub(crate) steps: Steps,
    /// What was run from the palette.
    pub(crate) commands: Commands,
    /// What was chosen for each list.
    pub(crate) lists: Lists,
    /// The rows of the shown list, in their order.
    pub(crate) row_order: row_order::RowOrder,
    pub(crate) lab: lab::Lab,
    pub(crate) home: Home,
    /// The places that led here.
    history: History,
    pub(crate) cache: Cache,
    pub(crate) popup: Option<Popup>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) flash: Option<Flash>,
    pub(crate) forms: HashMap<DagId, Form>,
    /// The shown run, arranged.
    pub(crate) run: Option<RunIndex>,
    /// A run that has just come, arranged.
    pub(crate) arranged: Option<Box<RunIndex>>,
    pub(crate) run_view: RunView,
    pub(crate) graph: GraphPane,
    pub(crate) previews: previews::Previews,
    /// Forms that the last deck left, not shown again yet.
    pub(crate) drafts: Vec<session::Draft>,
    /// The tour, where it is offered or under way.
    pub(crate) tour: Option<tour::Tour>,
    /// What this deck has changed.
    pub(crate) orders: commands::Orders,
    /// When the editor gave the terminal back, until the daemon has told what it makes of it.
    pub(crate) edited_at: Option<Timestamp>,
    /// The session as it was written last, and when it was looked at.
    pub(crate) session: Option<String>,
    pub(crate) session_at: Timestamp,
    pub(crate) feed: feed::Feed,
    /// The feed stands at the right of every view.
    pub(crate) has_rail: bool,
    /// What is shown stays as it is: how many events have come since.
    pub(crate) frozen: Option<u64>,
    pub(crate) log: Option<LogPane>,
    /// The log of the try before, beside the shown one.
    pub(crate) beside: Option<LogPane>,
    pub(crate) log_options: LogOptions,
    /// Numbers everything that is asked, so that late answers are told from awaited ones.
    pub(crate) generation: u64,
    /// What events have made old, to be fetched again when the burst is over.
    pub(crate) refetch_is_due: bool,
    /// When ctrl-c was pressed once.
    pub(crate) leaving_since: Option<Timestamp>,
    /// Whether the terminal's window is looked at, where the terminal tells.
    pub(crate) is_focused: Option<bool>,
    /// Failures to tell who looks elsewhere.
    pub(crate) notices: Notices,
}

impl State {
    /// Starts where the last deck was left, else at the list of DAGs.
    pub(crate) fn new(options: DeckOptions, size: (u16, u16), now: Timestamp) -> Self {
        let keymap = Keymap::new(options.keymap.as_ref());
        // Mosh hands on clicks, but not where they are.
        let has_mouse = !options.surroundings.is_mosh && !options.station.leaves_mouse;
        let (theme, wrong) = update::theme::first(&options);
        let tour = options.station.offers_tour.then_some(tour::Tour::Offered);
        let mut state = Self {
            options,
            theme,
            keymap,
            chord: String::new(),
            has_mouse,
            clicked: None,
            size: Rect::new(0, 0, size.0, size.1),
            now,
            link: Link::Connecting,
            view: View::Dags,
            stacks: View::ALL.iter().map(|view| vec![Level::new(Screen::Root(*view))]).collect(),
            steps: Steps::default(),
            commands: Commands::default(),
            lists: Lists::default(),
            row_order: row_order::RowOrder::default(),
            lab: lab::Lab::default(),
            home: Home::default(),
            history: History::default(),
            cache: Cache::default(),
            popup: None,
            prompt: None,
            flash: None,
            forms: HashMap::new(),
            run: None,
            arranged: None,
            run_view: RunView::default(),
            graph: GraphPane::default(),
            previews: previews::Previews::default(),
            drafts: Vec::new(),
            tour,
            orders: commands::Orders::default(),
            edited_at: None,
            session: None,
            session_at: now,
            feed: feed::Feed::default(),
            has_rail: false,
            frozen: None,
            log: None,
            beside: None,
            log_options: LogOptions::default(),
            generation: 0,
            refetch_is_due: false,
            leaving_since: None,
            is_focused: None,
            notices: Notices::default(),
        };
        if let Some(wrong) = wrong {
            state.say(Tone::Bad, wrong);
        }
        if let (Some(path), [first, rest @ ..]) =
            (&state.keymap.path, state.keymap.problems.as_slice())
        {
            let more = if rest.is_empty() { "" } else { " (:keys shows them all)" };
            let text = format!("{path}:{first}{more}");
            state.say(Tone::Bad, text);
        }
        let site = &state.options.station.site;
        if let Some(text) = site.session.as_ref().and_then(|session| session.text.clone()) {
            session::restore(&mut state, &text);
            state.session = Some(text);
        }
        if let Some((dag_id, run)) = state.options.station.begins_at.take() {
            state.view = View::Dags;
            state.stacks[View::Dags as usize].truncate(1);
            state.push(match run {
                Some(dag_run_id) => Screen::Run(DagRunKey { dag_id, dag_run_id }),
                None => Screen::DagRuns(dag_id),
            });
        }
        state
    }

    /// Returns the levels of the shown view, outermost first.
    pub(crate) fn levels(&self) -> &[Level] {
        &self.stacks[self.view as usize]
    }

    /// Returns the shown level.
    pub(crate) fn level(&self) -> &Level {
        self.levels().last().expect("a view keeps its root level")
    }

    /// Returns the shown level, to be changed.
    pub(crate) fn level_mut(&mut self) -> &mut Level {
        self.stacks[self.view as usize].last_mut().expect("a view keeps its root level")
    }

    /// Shows `screen` above the present one.
    pub(crate) fn push(&mut self, screen: Screen) {
        self.stacks[self.view as usize].push(Level::new(screen));
    }

    /// Goes back to the level at `depth`, where it is above this one.
    pub(crate) fn pop_to(&mut self, depth: usize) {
        self.stacks[self.view as usize].truncate(depth.max(1));
    }

    /// Goes back one level; says `false` at the root.
    pub(crate) fn pop(&mut self) -> bool {
        let stack = &mut self.stacks[self.view as usize];
        if stack.len() == 1 {
            return false;
        }
        stack.pop();
        true
    }

    /// Shows a view as it was left, or its root where it is shown already.
    pub(crate) fn switch(&mut self, view: View) {
        if self.view == view {
            self.stacks[view as usize].truncate(1);
        }
        self.view = view;
    }

    /// Takes the next number for a question.
    pub(crate) fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// Shows a line for some seconds.
    pub(crate) fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let secs = if tone == Tone::Bad { 12 } else { 6 };
        let until = self.now + jiff::SignedDuration::from_secs(secs);
        self.flash = Some(Flash { tone, text: text.into(), until });
    }

    pub(crate) fn status(&self) -> Option<&StatusView> {
        self.cache.status()
    }

    pub(crate) fn definitions(&self) -> Option<&DefinitionsView> {
        self.cache.definitions()
    }

    /// Returns the run that is shown, where one is.
    pub(crate) fn shown_run(&self) -> Option<&RunDetailView> {
        match &self.level().screen {
            Screen::Run(key) => self.cache.run(key),
            _ => None,
        }
    }

    /// Says whether what changes state is refused here.
    pub(crate) fn is_read_only(&self) -> bool {
        self.options.read_only || self.options.station.site.read_only
    }
}
