//! The single settings: what the file says of them, and what holds in the end with where that
//! comes from.

use std::path::{Path, PathBuf};

use crate::cli::args::DeckArgs;
use crate::cli::config::fields::Fields;
use crate::cli::config::{located, words};
use crate::cli::env;
use crate::dag::suggest;
use crate::types::Fault;

/// The built-in themes.
pub const THEMES: [&str; 5] = ["auto", "dark", "light", "high-contrast", "colour-blind"];

/// Frames in a second that may be asked for.
const FPS_MIN: u16 = 1;
const FPS_MAX: u16 = 120;

/// A value with its place, such as `deck.toml:3`.
type Placed<T> = Option<(T, String)>;

/// What the file says; each with its place.
#[derive(Debug, Clone, Default)]
pub struct Written {
    theme: Placed<String>,
    theme_file: Placed<PathBuf>,
    keymap: Placed<PathBuf>,
    fps: Placed<u16>,
    mouse: Placed<bool>,
    notify: Placed<Vec<String>>,
    ascii: Placed<bool>,
    read_only: Placed<bool>,
    editor: Placed<Vec<String>>,
    pager: Placed<Vec<String>>,
    restore: Placed<bool>,
    tour: Placed<bool>,
}

/// Reads the settings of the file.
pub(super) fn read(fields: &Fields<'_>, folder: &Path) -> Written {
    let path = |key| fields.text(key).map(|text| located(folder, &text));
    fn placed<T>(fields: &Fields<'_>, key: &str, value: Option<T>) -> Placed<T> {
        value.and_then(|value| fields.origin(key).map(|origin| (value, origin)))
    }
    Written {
        theme: placed(fields, "theme", fields.text("theme")),
        theme_file: placed(fields, "theme_file", path("theme_file")),
        keymap: placed(fields, "keymap", path("keymap")),
        fps: placed(fields, "fps", fields.whole("fps", FPS_MIN, FPS_MAX)),
        mouse: placed(fields, "mouse", fields.flag("mouse")),
        notify: placed(fields, "notify", fields.texts("notify")),
        ascii: placed(fields, "ascii", fields.flag("ascii")),
        read_only: placed(fields, "read_only", fields.flag("read_only")),
        editor: placed(fields, "editor", fields.command("editor")),
        pager: placed(fields, "pager", fields.command("pager")),
        restore: placed(fields, "restore", fields.flag("restore")),
        tour: placed(fields, "tour", fields.flag("tour")),
    }
}

/// What holds, and where it comes from: a flag, the environment, a line of the file, or nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: String,
}

/// All that holds in the end.
#[derive(Debug, Clone)]
pub struct Settings {
    pub theme: Setting<String>,
    pub theme_file: Setting<Option<PathBuf>>,
    pub keymap: Setting<Option<PathBuf>>,
    pub fps: Setting<Option<u16>>,
    pub mouse: Setting<bool>,
    pub notify: Setting<Vec<String>>,
    pub ascii: Setting<bool>,
    pub read_only: Setting<bool>,
    pub editor: Setting<Vec<String>>,
    pub pager: Setting<Vec<String>>,
    pub restore: Setting<bool>,
    pub tour: Setting<bool>,
}

fn pick<T>(over: [Option<(T, String)>; 2], written: &Placed<T>, default: T) -> Setting<T>
where
    T: Clone,
{
    let mut over = over.into_iter().flatten();
    let (value, origin) =
        over.next().or_else(|| written.clone()).unwrap_or_else(|| (default, "default".to_owned()));
    Setting { value, origin }
}

fn flag<T>(name: &str, value: Option<T>) -> Option<(T, String)> {
    value.map(|value| (value, format!("--{name}")))
}

fn optional<T: Clone>(written: &Placed<T>) -> Placed<Option<T>> {
    written.clone().map(|(value, origin)| (Some(value), origin))
}

impl Settings {
    /// Puts flags over the environment over the file over what is usual.
    pub fn resolve(args: &DeckArgs, written: &Written) -> Result<Self, Fault> {
        let seen = |name: &str, is_so: bool| is_so.then(|| (true, name.to_owned()));
        // The editor of the file is meant for the deck; those of the environment for everything.
        let editor = match &written.editor {
            Some(_) => None,
            None => program(["VISUAL", "EDITOR"])?,
        };
        let pager = match &written.pager {
            Some(_) => None,
            None => program(["PAGER"])?,
        };
        let settings = Self {
            theme: pick([flag("theme", args.theme.clone()), None], &written.theme, "auto".into()),
            theme_file: pick(
                [flag("theme-file", args.theme_file.clone().map(Some)), None],
                &optional(&written.theme_file),
                None,
            ),
            keymap: pick(
                [flag("keymap", args.keymap.clone().map(Some)), None],
                &optional(&written.keymap),
                None,
            ),
            fps: pick([flag("fps", args.fps.map(Some)), None], &optional(&written.fps), None),
            mouse: pick(
                [flag("no-mouse", args.no_mouse.then_some(false)), None],
                &written.mouse,
                true,
            ),
            notify: pick(
                [flag("notify", (!args.notify.is_empty()).then(|| args.notify.clone())), None],
                &written.notify,
                Vec::new(),
            ),
            ascii: pick(
                [
                    flag("ascii", args.ascii.then_some(true)),
                    seen("the locale", env::surroundings().ascii),
                ],
                &written.ascii,
                false,
            ),
            read_only: pick(
                [flag("read-only", args.read_only.then_some(true)), None],
                &written.read_only,
                false,
            ),
            editor: pick([editor, None], &written.editor, vec!["vi".to_owned()]),
            pager: pick([pager, None], &written.pager, vec!["less".to_owned(), "-R".to_owned()]),
            restore: pick(
                [flag("fresh", args.fresh.then_some(false)), None],
                &written.restore,
                true,
            ),
            tour: pick([None, None], &written.tour, true),
        };
        settings.check_theme().map(|()| settings)
    }

    /// Refuses a theme that is neither built in nor the one of the file.
    fn check_theme(&self) -> Result<(), Fault> {
        let Setting { value: name, origin } = &self.theme;
        let own = self.theme_file.value.as_ref().and_then(|path| path.file_stem()?.to_str());
        let mut known = THEMES.into_iter().chain(own);
        if known.clone().any(|theme| theme == name) {
            return Ok(());
        }
        let hint = suggest::hint(name, "themes", &mut known);
        Err(Fault::invalid(format!("{origin}: there is no theme `{name}`")).hint(hint))
    }

    /// Returns name, value and origin of each, for people.
    pub fn rows(&self) -> Vec<[String; 3]> {
        fn row<T>(name: &str, setting: &Setting<T>, value: String) -> [String; 3] {
            [name.to_owned(), value, setting.origin.clone()]
        }
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map_or("-".to_owned(), |path| path.display().to_string())
        };
        let fps = self.fps.value.map_or("-".to_owned(), |fps| fps.to_string());
        vec![
            row("theme", &self.theme, self.theme.value.clone()),
            row("theme_file", &self.theme_file, path(&self.theme_file.value)),
            row("keymap", &self.keymap, path(&self.keymap.value)),
            row("fps", &self.fps, fps),
            row("mouse", &self.mouse, self.mouse.value.to_string()),
            row("notify", &self.notify, or_dash(&self.notify.value.join(" "))),
            row("ascii", &self.ascii, self.ascii.value.to_string()),
            row("read_only", &self.read_only, self.read_only.value.to_string()),
            row("editor", &self.editor, shell_line(&self.editor.value)),
            row("pager", &self.pager, shell_line(&self.pager.value)),
            row("restore", &self.restore, self.restore.value.to_string()),
            row("tour", &self.tour, self.tour.value.to_string()),
        ]
    }
}

/// Returns the first of these variables that names a program.
fn program<const N: usize>(names: [&str; N]) -> Result<Placed<Vec<String>>, Fault> {
    for name in names {
        let Some(line) = env::program(name) else { continue };
        return match words::split(&line) {
            Some(words) if !words.is_empty() => Ok(Some((words, format!("${name}")))),
            _ => Err(Fault::invalid(format!("`${name}` is no command: `{line}`"))
                .hint("set it to a program with its arguments, such as `vim -n`")),
        };
    }
    Ok(None)
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// Writes words as a shell would take them.
fn shell_line(words: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./=:+,@%".contains(c))
    };
    let quoted = |word: &String| match plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
