//! What stands between the deck and the operator's eyes: found out from the environment alone.

/// The terminal as the environment tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surroundings {
    /// Not more than ASCII: the locale is not UTF-8, or this is the console of Linux.
    pub ascii: bool,
    /// The terminal is at the other end of an SSH line.
    pub is_remote: bool,
    /// Inside tmux: what is for the terminal outside must be wrapped.
    pub is_tmux: bool,
    /// Over mosh, which passes on neither the mouse's drags nor the kitty keyboard.
    pub is_mosh: bool,
    /// The terminal knows the kitty keyboard, and nothing between keeps it from being used.
    pub has_kitty_keys: bool,
    /// Questions to the terminal are answered, or at least not shown.
    pub may_probe: bool,
    /// Frames are marked, so that they are drawn whole (`?2026`).
    pub has_sync: bool,
}

impl Default for Surroundings {
    /// A terminal on this machine of which nothing more is known.
    fn default() -> Self {
        Self {
            ascii: false,
            is_remote: false,
            is_tmux: false,
            is_mosh: false,
            has_kitty_keys: false,
            may_probe: false,
            has_sync: true,
        }
    }
}

impl Surroundings {
    /// Reads the environment; `tty` is the terminal's own name, where it has one.
    pub fn read(variable: &dyn Fn(&str) -> Option<String>, tty: Option<&str>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let is_tmux = set("TMUX").is_some() || term.starts_with("tmux");
        let is_nested = is_tmux || set("STY").is_some() || term.starts_with("screen");
        // mosh leaves the name of the SSH terminal that it was started from, which is gone.
        let is_mosh =
            !is_nested && set("SSH_TTY").is_some_and(|ssh| tty.is_some_and(|tty| tty != ssh));
        let program = set("TERM_PROGRAM").unwrap_or_default();
        const KITTY: [&str; 4] = ["kitty", "ghostty", "foot", "alacritty"];
        let is_kitty = KITTY.iter().any(|name| term.contains(name))
            || matches!(program.as_str(), "WezTerm" | "ghostty" | "iTerm.app");
        Self {
            ascii: !is_utf8(&set) || term == "linux",
            is_remote: set("SSH_CONNECTION").is_some() || set("SSH_TTY").is_some(),
            is_tmux,
            is_mosh,
            has_kitty_keys: is_kitty && !is_nested && !is_mosh,
            may_probe: !matches!(term.as_str(), "" | "dumb" | "linux"),
            has_sync: term != "linux",
        }
    }
}

fn is_utf8(set: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)], tty: Option<&str>) -> Surroundings {
        let found = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Surroundings::read(&found, tty)
    }

    #[test]
    fn a_plain_terminal_with_utf8_is_used_to_the_full() {
        let plain = read(&[("TERM", "xterm-kitty"), ("LANG", "de_DE.UTF-8")], Some("/dev/pts/1"));
        assert!(plain.has_kitty_keys && plain.may_probe && plain.has_sync && !plain.ascii);
        assert!(!plain.is_remote && !plain.is_tmux && !plain.is_mosh);
    }

    #[test]
    fn ascii_where_the_locale_or_the_console_has_not_more() {
        assert!(read(&[("TERM", "xterm"), ("LANG", "C")], None).ascii);
        assert!(read(&[("TERM", "xterm")], None).ascii);
        assert!(read(&[("TERM", "linux"), ("LANG", "C.UTF-8")], None).ascii);
        let first_set_rules = [("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "C.UTF-8")];
        assert!(read(&first_set_rules, None).ascii);
        assert!(!read(&[("TERM", "xterm"), ("LC_ALL", ""), ("LANG", "C.utf8")], None).ascii);
    }

    #[test]
    fn tmux_and_mosh_keep_the_kitty_keyboard_off() {
        let tmux = [("TERM", "tmux-256color"), ("TERM_PROGRAM", "WezTerm"), ("TMUX", "/tmp/t,1,0")];
        let tmux = read(&tmux, Some("/dev/pts/7"));
        assert!(tmux.is_tmux && !tmux.has_kitty_keys && !tmux.is_mosh);
        let ssh = [("TERM", "xterm-kitty"), ("SSH_TTY", "/dev/pts/3"), ("SSH_CONNECTION", "a b")];
        let mosh = read(&ssh, Some("/dev/pts/4"));
        assert!(mosh.is_mosh && mosh.is_remote && !mosh.has_kitty_keys);
        let ssh = read(&ssh, Some("/dev/pts/3"));
        assert!(!ssh.is_mosh && ssh.is_remote && ssh.has_kitty_keys);
    }

    #[test]
    fn nothing_is_asked_of_a_terminal_that_would_show_the_question() {
        for term in ["dumb", "linux", ""] {
            assert!(!read(&[("TERM", term), ("LANG", "C.UTF-8")], None).may_probe, "{term}");
        }
    }
}
