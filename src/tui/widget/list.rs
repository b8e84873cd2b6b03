//! Lists whose columns are described once: how each is drawn, sorted by, filtered by, chosen.
//!
//! A list is a function that returns a [`List`]; `rows` arranges by it and its screen draws it:
//!
//! ```text
//! List::new("dags", "DAGs", |dag: &DagView| dag.dag_id.to_string())
//!     .words(dag_words)
//!     .field(Field::new("name", growing("NAME", 22, 0), |_, dag: &DagView| …)
//!         .sorted(|_, dag| Value::text(&dag.dag_id)))
//! ```

use std::borrow::Borrow;
use std::ptr;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::hit::{self, Target};
use crate::state::filter::Filter;
use crate::state::lists::{ListChoices, Sort};
use crate::state::row_order::Basis;
use crate::state::{Level, State};
use crate::text;
use crate::theme;
use crate::widget::paint;
use crate::widget::table::{self, Column, fixed};

mod field;

pub(crate) use field::{Field, Look, Value};

use field::SortedBy;

/// A column as the menus of sorting and choosing see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldInfo {
    pub(crate) name: String,
    pub(crate) is_sortable: bool,
    pub(crate) is_descending: bool,
    pub(crate) is_shown: bool,
    /// It can be left out: a column of rank 0 stays.
    pub(crate) is_choosable: bool,
}

/// What the menus of sorting and choosing need to know of the list that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListInfo {
    /// What its choices are remembered by.
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<FieldInfo>,
}

/// Tells something of a row.
type Told<'a, R> = Box<dyn Fn(&R) -> String + 'a>;

/// A list: its name, what its rows are known by, its columns.
pub(crate) struct List<'a, R> {
    name: &'static str,
    /// The word in the panel's title.
    noun: String,
    key: Told<'a, R>,
    words: Option<Told<'a, R>>,
    fields: Vec<Field<'a, R>>,
    is_steady: bool,
}

impl<'a, R: 'a> List<'a, R> {
    /// A list whose choices are remembered under `name` and whose rows are known by `key`.
    pub(crate) fn new(
        name: &'static str,
        noun: impl Into<String>,
        key: impl Fn(&R) -> String + 'a,
    ) -> Self {
        let (noun, key) = (noun.into(), Box::new(key));
        Self { name, noun, key, words: None, fields: Vec::new(), is_steady: false }
    }

    /// Says that its rows are borrowed from what was fetched, and that nothing but they, the time
    /// and the terminal's width decide what cells tell: the order is then worked out once for all
    /// that comes of a key.
    pub(crate) fn steady(mut self) -> Self {
        self.is_steady = true;
        self
    }

    /// Sets what a word of the filter is looked for in; without it, in every column.
    pub(crate) fn words(mut self, words: impl Fn(&R) -> String + 'a) -> Self {
        self.words = Some(Box::new(words));
        self
    }

    /// Adds a column, left to right.
    pub(crate) fn field(mut self, field: Field<'a, R>) -> Self {
        self.fields.push(field);
        self
    }

    /// Returns the rows that pass the level's filter, in the order that was chosen, else in the
    /// order given.
    pub(crate) fn arrange<T: Borrow<R>>(
        &self,
        state: &State,
        level: &Level,
        rows: impl IntoIterator<Item = T>,
    ) -> Vec<T> {
        let rows: Vec<T> = rows.into_iter().collect();
        let sort = state.lists.of(self.name).sort.as_ref();
        if level.filter.trim().is_empty() && sort.is_none() {
            return rows;
        }
        let make = || self.places(state, &level.filter, &rows);
        let order = match self.is_steady {
            false => make(),
            true => {
                let place = |row: Option<&T>| row.map_or(0, |r| ptr::from_ref(r.borrow()).addr());
                let basis = Basis {
                    list: self.name,
                    filter: level.filter.clone(),
                    sort: sort.cloned(),
                    rows: (place(rows.first()), place(rows.last()), rows.len()),
                    changes: state.cache.changes(),
                    now: state.now,
                    width: state.size.width,
                };
                state.row_order.get(basis, make)
            }
        };
        let mut rows: Vec<Option<T>> = rows.into_iter().map(Some).collect();
        order.into_iter().filter_map(|at| rows.get_mut(at)?.take()).collect()
    }

    /// Returns the places of the rows that are shown, in the order in which they are.
    fn places<T: Borrow<R>>(&self, state: &State, filter: &str, rows: &[T]) -> Vec<usize> {
        let filter = Filter::new(filter);
        let is_shown = |row: &T| filter.is_empty() || self.admits(state, &filter, row.borrow());
        let shown = (0..).zip(rows).filter(|(_, row)| is_shown(row));
        let by = self.order(state);
        let Some((is_descending, by)) = by else { return shown.map(|(at, _)| at).collect() };
        let mut valued: Vec<(Value, usize)> =
            shown.map(|(at, row)| (by(state, row.borrow()), at)).collect();
        valued.sort_by(|(one, _), (other, _)| one.compare(other, is_descending));
        valued.into_iter().map(|(_, at)| at).collect()
    }

    /// Returns the rows in the order that was chosen, else in the order given, whatever the filter.
    pub(crate) fn sorted<T: Borrow<R>>(
        &self,
        state: &State,
        rows: impl IntoIterator<Item = T>,
    ) -> Vec<T> {
        let Some((is_descending, by)) = self.order(state) else {
            return rows.into_iter().collect();
        };
        let mut valued: Vec<(Value, T)> =
            rows.into_iter().map(|row| (by(state, row.borrow()), row)).collect();
        valued.sort_by(|(one, _), (other, _)| one.compare(other, is_descending));
        valued.into_iter().map(|(_, row)| row).collect()
    }

    /// Says whether an order was chosen.
    pub(crate) fn is_sorted(&self, state: &State) -> bool {
        self.order(state).is_some()
    }

    fn order(&self, state: &State) -> Option<(bool, &SortedBy<'a, R>)> {
        let sort = state.lists.of(self.name).sort.as_ref()?;
        let field = self.fields.iter().find(|field| field.name == sort.field)?;
        Some((sort.is_descending, field.sorted.as_ref()?))
    }

    fn admits(&self, state: &State, filter: &Filter, row: &R) -> bool {
        let look = Look { state, width: u16::MAX };
        let text = |field: &Field<'a, R>| (field.cell)(&look, row).to_string();
        let words = match &self.words {
            Some(words) => words(row),
            None => self.fields.iter().map(text).collect::<Vec<_>>().join(" "),
        };
        filter.admits(&words, &|key| self.fields.iter().find(|f| f.name == key).map(text))
    }

    /// Returns the panel's title: what, how many of how many, by which filter, in which order.
    pub(crate) fn title(&self, state: &State, level: &Level, shown: usize, all: usize) -> String {
        let mut title = match shown == all {
            true => format!("{} {all}", self.noun),
            false => format!("{} {shown} of {all}", self.noun),
        };
        if !level.marks.is_empty() {
            title.push_str(&format!(" · {} marked", level.marks.len()));
        }
        if !level.filter.is_empty() {
            title.push_str(&format!(" · filter {}", level.filter));
        }
        if let Some(sort) = &state.lists.of(self.name).sort {
            title.push_str(&format!(" · sort {}", arrow(sort)));
        }
        title
    }

    /// Returns what the menus need to know.
    pub(crate) fn info(&self, state: &State) -> ListInfo {
        let choices = state.lists.of(self.name);
        let fields = self.fields.iter().map(|field| FieldInfo {
            name: field.name.clone(),
            is_sortable: field.sorted.is_some(),
            is_descending: field.is_descending,
            is_shown: is_shown(field, choices),
            is_choosable: field.column.rank > 0 || field.is_extra,
        });
        ListInfo { name: self.name, fields: fields.collect() }
    }

    /// Draws the rows under the titles of the columns.
    pub(crate) fn draw<T: Borrow<R>>(
        &self,
        buf: &mut Buffer,
        area: Rect,
        state: &State,
        rows: &[T],
        shown: &Shown<'_>,
    ) {
        let choices = state.lists.of(self.name);
        let fields: Vec<&Field<'a, R>> =
            self.fields.iter().filter(|field| is_shown(field, choices)).collect();
        let marks = shown.level.map(|level| &level.marks).filter(|marks| !marks.is_empty());
        let mut columns: Vec<Column> = fields.iter().map(|field| field.column).collect();
        let first = usize::from(marks.is_some());
        if marks.is_some() {
            columns.insert(0, fixed("", 1, 0));
        }
        let layout =
            table::Layout::new(&columns, area, rows.len(), shown.selected, shown.has_titles);
        let title = |at: usize| -> Line<'static> {
            let Some(field) = at.checked_sub(first).and_then(|at| fields.get(at)) else {
                return Line::default();
            };
            let sort = choices.sort.as_ref().filter(|sort| sort.field == field.name);
            let room = usize::from(layout.widths[at]);
            match sort {
                // The arrow is seen however narrow the column is.
                Some(sort) => {
                    let title: String = field.title().chars().take(room.max(1) - 1).collect();
                    paint::line(format!("{title}{}", sort.arrow()), theme::ACCENT)
                }
                None => paint::line(text::cut(field.title(), room), theme::DIM),
            }
        };
        let row = |at: usize| -> Vec<Line<'static>> {
            let row = rows[at].borrow();
            let mut cells = Vec::with_capacity(columns.len());
            if let Some(marks) = marks {
                let mark = if marks.contains(&(self.key)(row)) { "*" } else { "" };
                cells.push(paint::line(mark, theme::KEY));
            }
            for (field, width) in fields.iter().zip(&layout.widths[first..]) {
                let is_seen = *width > 0;
                let cell = || (field.cell)(&Look { state, width: *width }, row);
                cells.push(if is_seen { cell() } else { Line::default() });
            }
            cells
        };
        layout.draw(buf, &title, &row, shown.is_focused);
        if shown.level.is_some() {
            layout.rows().for_each(|(at, line)| hit::note(line, Target::Row(at)));
            for (at, place) in layout.titles() {
                if let Some(field) = at.checked_sub(first).and_then(|at| fields.get(at)) {
                    hit::note(place, Target::Column(field.name.clone()));
                }
            }
        }
    }
}

/// How a list is shown.
pub(crate) struct Shown<'a> {
    /// The level whose rows these are; `None` for a list that only goes with another.
    pub(crate) level: Option<&'a Level>,
    pub(crate) selected: Option<usize>,
    pub(crate) is_focused: bool,
    pub(crate) has_titles: bool,
}

impl<'a> Shown<'a> {
    /// A list that only goes with another.
    pub(crate) const BESIDE: Self =
        Self { level: None, selected: None, is_focused: false, has_titles: true };

    /// The list that the keys go to.
    pub(crate) const fn focused(level: &'a Level, selected: usize) -> Self {
        Self { level: Some(level), selected: Some(selected), is_focused: true, has_titles: true }
    }
}

fn is_shown<R>(field: &Field<'_, R>, choices: &ListChoices) -> bool {
    choices.turned.contains(&field.name) == field.is_extra
}

fn arrow(sort: &Sort) -> String {
    format!("{}{}", sort.field, sort.arrow())
}
