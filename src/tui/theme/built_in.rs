//! The themes that come with the deck.

use ratatui::style::{Color, Modifier};

use crate::theme::Colours;
use crate::theme::look::Look;
use crate::theme::part::{COUNT, Part};

/// Their names; the first is the default.
pub(crate) const NAMES: [&str; 4] = ["dark", "light", "high-contrast", "colour-blind"];

/// The looks of all parts, by their numbers.
pub(crate) type Looks = [Look; COUNT];

/// Returns a built-in theme, as well as the terminal's colours allow.
pub(crate) fn looks(name: &str, colours: Colours) -> Option<Looks> {
    let part: fn(Part) -> Look = match (name, colours) {
        ("dark", _) => dark,
        ("light", _) => light,
        ("high-contrast", _) => high_contrast,
        ("colour-blind", Colours::True | Colours::Indexed) => colour_blind,
        // The nearest of sixteen to those colours would be worse than the sixteen themselves.
        ("colour-blind", _) => dark,
        _ => return None,
    };
    let mut looks = [Look::default(); COUNT];
    for (look, named) in looks.iter_mut().zip(Part::ALL) {
        *look = part(*named);
    }
    Some(looks)
}

/// The sixteen names, so that the terminal's own palette rules.
fn dark(part: Part) -> Look {
    let (bold, dim) = (Modifier::BOLD, Modifier::DIM);
    match part {
        Part::Text => Look::default(),
        Part::Dim | Part::Scheduled | Part::None | Part::Skipped => Look::plain(dim),
        Part::Strong => Look::plain(bold),
        Part::Cursor => Look::plain(Modifier::REVERSED),
        Part::Link => Look::plain(Modifier::UNDERLINED),
        Part::Accent | Part::Asset | Part::Series1 => Look::of(Color::Cyan),
        Part::Key => Look::of(Color::Cyan).with(bold),
        Part::Good | Part::Success | Part::Endpoint | Part::Series3 => Look::of(Color::Green),
        Part::Bad | Part::Series5 => Look::of(Color::Red),
        Part::Warn | Part::Warning | Part::Series2 => Look::of(Color::Yellow),
        Part::Dag => Look::of(Color::Blue),
        Part::Model | Part::UpstreamFailed | Part::Series4 => Look::of(Color::Magenta),
        Part::Queued => Look::of(Color::White),
        Part::Running => Look::of(Color::LightBlue).with(bold),
        Part::Restarting | Part::UpForRetry => Look::of(Color::Yellow),
        Part::Deferred | Part::UpForReschedule => Look::of(Color::Cyan),
        Part::Failed => Look::of(Color::Red).with(bold),
        Part::Removed | Part::Killed => Look::of(Color::Magenta).with(dim),
        Part::Paused => Look::of(Color::Yellow).with(dim),
        Part::Asked => Look::of(Color::LightCyan).with(bold),
    }
}

/// For a light ground: nothing that is pale there.
fn light(part: Part) -> Look {
    let bold = Modifier::BOLD;
    let amber = Color::Rgb(0x8f, 0x5d, 0x00);
    let grey = Color::Rgb(0x70, 0x70, 0x70);
    match part {
        Part::Dim | Part::Scheduled | Part::None | Part::Skipped => Look::of(grey),
        Part::Queued => Look::of(Color::Black),
        Part::Running => Look::of(Color::Blue).with(bold),
        Part::Accent | Part::Asset | Part::Series1 | Part::Deferred | Part::UpForReschedule => {
            Look::of(Color::Rgb(0x00, 0x6a, 0x8a))
        }
        Part::Key | Part::Asked => Look::of(Color::Rgb(0x00, 0x6a, 0x8a)).with(bold),
        Part::Good | Part::Success | Part::Endpoint | Part::Series3 => {
            Look::of(Color::Rgb(0x1a, 0x7f, 0x37))
        }
        Part::Warn | Part::Warning | Part::Series2 | Part::Restarting | Part::UpForRetry => {
            Look::of(amber)
        }
        Part::Paused => Look::of(amber).with(Modifier::ITALIC),
        Part::Removed | Part::Killed => Look::of(Color::Magenta),
        other => dark(other),
    }
}

/// White on black, nothing dim, the cursor a bar that nobody misses.
fn high_contrast(part: Part) -> Look {
    let bold = Modifier::BOLD;
    let on_black = |fg: Color| Look::of(fg).on(Color::Black);
    match part {
        Part::Text => on_black(Color::White),
        Part::Dim | Part::Scheduled | Part::None | Part::Skipped | Part::Queued => {
            on_black(Color::White)
        }
        Part::Strong => Look::plain(bold),
        Part::Cursor => Look::of(Color::Black).on(Color::LightYellow).with(bold),
        Part::Link => Look::plain(Modifier::UNDERLINED),
        Part::Accent | Part::Asset | Part::Series1 | Part::Deferred | Part::UpForReschedule => {
            on_black(Color::LightCyan)
        }
        Part::Key | Part::Asked => on_black(Color::LightCyan).with(bold),
        Part::Good | Part::Success | Part::Endpoint | Part::Series3 => {
            on_black(Color::LightGreen).with(bold)
        }
        Part::Failed => Look::of(Color::White).on(Color::Red).with(bold),
        Part::Bad | Part::Series5 => on_black(Color::LightRed).with(bold),
        Part::Warn | Part::Warning | Part::Series2 | Part::Restarting | Part::UpForRetry => {
            on_black(Color::LightYellow).with(bold)
        }
        Part::Paused => on_black(Color::LightYellow),
        Part::Dag | Part::Running => on_black(Color::LightBlue).with(bold),
        Part::Model | Part::UpstreamFailed | Part::Series4 => on_black(Color::LightMagenta),
        Part::Removed | Part::Killed => on_black(Color::LightMagenta),
    }
}

/// Okabe and Ito's colours, which tell states apart for people who do not see red and green.
fn colour_blind(part: Part) -> Look {
    let bold = Modifier::BOLD;
    let green = Color::Rgb(0x00, 0x9e, 0x73);
    let sky = Color::Rgb(0x56, 0xb4, 0xe9);
    let vermillion = Color::Rgb(0xd5, 0x5e, 0x00);
    let orange = Color::Rgb(0xe6, 0x9f, 0x00);
    let purple = Color::Rgb(0xcc, 0x79, 0xa7);
    let yellow = Color::Rgb(0xf0, 0xe4, 0x42);
    let blue = Color::Rgb(0x00, 0x72, 0xb2);
    match part {
        Part::Accent | Part::Asset | Part::Series1 => Look::of(sky),
        Part::Key | Part::Running | Part::Asked => Look::of(sky).with(bold),
        Part::Good | Part::Success | Part::Endpoint | Part::Series3 => Look::of(green),
        Part::Bad | Part::Series5 => Look::of(vermillion),
        Part::Failed => Look::of(vermillion).with(bold),
        Part::Warn | Part::Warning => Look::of(yellow),
        Part::Restarting | Part::UpForRetry | Part::Series2 => Look::of(orange),
        Part::Dag | Part::Deferred | Part::UpForReschedule => Look::of(blue),
        Part::Model | Part::UpstreamFailed | Part::Series4 => Look::of(purple),
        Part::Queued => Look::of(Color::Rgb(0x99, 0x99, 0x99)),
        Part::None | Part::Scheduled => Look::of(Color::Rgb(0x66, 0x66, 0x66)),
        Part::Skipped => Look::of(Color::Rgb(0x77, 0x77, 0x77)),
        Part::Paused => Look::of(Color::Rgb(0xb0, 0xa0, 0x60)),
        Part::Removed | Part::Killed => Look::of(Color::Rgb(0x99, 0x77, 0x99)),
        other => dark(other),
    }
}
