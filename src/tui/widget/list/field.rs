//! One column of a list: its title, what its cells show, what it is sorted by.

use std::cmp::Ordering;

use ratatui::style::Style;
use ratatui::text::Line;

use crate::state::State;
use crate::text;
use crate::types::Timestamp;
use crate::widget::paint;
use crate::widget::table::Column;

/// What a row is sorted by in one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(f64),
    /// There is none: last, whichever way the list is sorted.
    Nothing,
}

impl Value {
    /// Sorts by words, upper and lower case alike.
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().to_lowercase())
    }

    /// Sorts by a figure, where there is one.
    pub(crate) fn number(figure: impl Into<Option<f64>>) -> Self {
        figure.into().map_or(Self::Nothing, Self::Number)
    }

    /// Sorts by a time, where there is one.
    pub(crate) fn time(at: impl Into<Option<Timestamp>>) -> Self {
        Self::number(at.into().map(|at| at.as_millisecond() as f64))
    }

    pub(super) fn compare(&self, other: &Self, is_descending: bool) -> Ordering {
        let order = match (self, other) {
            (Self::Nothing, Self::Nothing) => return Ordering::Equal,
            (Self::Nothing, _) => return Ordering::Greater,
            (_, Self::Nothing) => return Ordering::Less,
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        };
        if is_descending { order.reverse() } else { order }
    }
}

/// What a cell is drawn with.
pub(crate) struct Look<'a> {
    pub(crate) state: &'a State,
    /// Cells that the column has.
    pub(crate) width: u16,
}

type Cell<'a, R> = Box<dyn Fn(&Look<'_>, &R) -> Line<'static> + 'a>;
pub(super) type SortedBy<'a, R> = Box<dyn Fn(&State, &R) -> Value + 'a>;

/// One column of a list.
pub(crate) struct Field<'a, R> {
    /// The word in the sort menu and before the colon of a filter.
    pub(super) name: String,
    title: Option<String>,
    pub(super) column: Column,
    pub(super) cell: Cell<'a, R>,
    pub(super) sorted: Option<SortedBy<'a, R>>,
    /// Newest or most comes first when the list is sorted by it.
    pub(super) is_descending: bool,
    /// Shown only where it was chosen.
    pub(super) is_extra: bool,
}

impl<'a, R: 'a> Field<'a, R> {
    /// A column that is drawn by `cell`.
    pub(crate) fn new(
        name: impl Into<String>,
        column: Column,
        cell: impl Fn(&Look<'_>, &R) -> Line<'static> + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            title: None,
            column,
            cell: Box::new(cell),
            sorted: None,
            is_descending: false,
            is_extra: false,
        }
    }

    /// A column of words, which the list can be sorted by.
    pub(crate) fn words(
        name: impl Into<String>,
        column: Column,
        style: Style,
        words: impl Fn(&R) -> String + Clone + 'a,
    ) -> Self {
        let sorted = words.clone();
        Self::new(name, column, move |_, row| paint::line(words(row), style))
            .sorted(move |_, row| Value::text(sorted(row)))
    }

    /// A column that says how long ago something was, which the list can be sorted by.
    pub(crate) fn ago(
        name: impl Into<String>,
        column: Column,
        style: Style,
        at: impl Fn(&R) -> Option<Timestamp> + Clone + 'a,
    ) -> Self {
        let sorted = at.clone();
        Self::new(name, column, move |look, row| {
            let ago = at(row).map(|at| text::ago(look.state.now, at));
            paint::line(ago.unwrap_or_else(|| "—".to_owned()), style)
        })
        .sorted_down(move |_, row| Value::time(sorted(row)))
    }

    /// Lets the list be sorted by it, least or first of the alphabet first.
    pub(crate) fn sorted(mut self, by: impl Fn(&State, &R) -> Value + 'a) -> Self {
        self.sorted = Some(Box::new(by));
        self
    }

    /// As [`Field::sorted`], newest or most first.
    pub(crate) fn sorted_down(mut self, by: impl Fn(&State, &R) -> Value + 'a) -> Self {
        self.is_descending = true;
        self.sorted(by)
    }

    /// Gives it a title that is known only now.
    pub(crate) fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Shows it only where it is chosen (`W`).
    pub(crate) fn extra(mut self) -> Self {
        self.is_extra = true;
        self
    }

    pub(super) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(self.column.title)
    }
}
