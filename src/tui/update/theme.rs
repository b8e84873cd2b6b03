//! Which theme is in force.

use crate::DeckOptions;
use crate::state::{State, Tone};
use crate::theme::{self, Own, Theme};

/// Returns the theme that the deck starts with, and what is wrong with the one that was asked for.
pub(crate) fn first(options: &DeckOptions) -> (Theme, Option<String>) {
    let own = own(options);
    let wanted = options.theme.as_deref().or(own.map(|own| own.name));
    let plain = || Theme::plain(options.ascii, options.colours);
    match wanted.map(|name| Theme::named(name, own, options.ascii, options.colours)) {
        None => (plain(), None),
        Some(Ok(theme)) => (theme, None),
        Some(Err(wrong)) => (plain(), Some(wrong)),
    }
}

/// Shows everything in the theme of this name from now on; says what is wrong where it cannot.
pub(crate) fn set_theme(state: &mut State, name: &str) {
    let options = &state.options;
    match Theme::named(name, own(options), options.ascii, options.colours) {
        Ok(theme) => {
            state.theme = theme;
            state.say(Tone::Info, format!("theme {name}"));
        }
        Err(wrong) => state.say(Tone::Bad, wrong),
    }
}

/// Takes what the terminal told of its ground, where nobody chose a theme.
pub(crate) fn take_ground(state: &mut State, is_light: bool) {
    let options = &state.options;
    let is_chosen = options.theme.is_some() || options.theme_file.is_some();
    if is_light
        && !is_chosen
        && let Ok(theme) = Theme::named("light", None, options.ascii, options.colours)
    {
        state.theme = theme;
    }
}

/// Returns the names that [`set_theme`] takes.
pub(crate) fn names(state: &State) -> Vec<String> {
    theme::names(own(&state.options))
}

fn own(options: &DeckOptions) -> Option<Own<'_>> {
    let (path, text) = options.theme_file.as_ref()?;
    let name = std::path::Path::new(path).file_stem()?.to_str()?;
    Some(Own { name, path, text })
}
