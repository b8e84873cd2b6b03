//! The grid: the tasks of a run, each with its states over the last runs of the DAG. The run that
//! is shown stands in the column whose head is marked; `h` and `l` go to the one before and after.
//! Only the rows that are seen are made.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::keymap::with_keys;
use crate::rows::run::{RunRow, What, place};
use crate::screen::run::cell::{self, counts};
use crate::screen::run::gantt;
use crate::screen::run::places::{self, PlaceColumn};
use crate::state::State;
use crate::state::run::RowId;
use crate::text;
use crate::theme;
use crate::types::grid::GridView;
use crate::types::view::RunDetailView;
use crate::update::run::travel;
use crate::widget::paint;
use crate::widget::table::{self, position};

/// What the list has beside its rows: frame, heads, counts.
pub(super) const FRAME: usize = 4;

/// Where the columns stand, in cells.
#[derive(Clone)]
struct Columns {
    name: u16,
    /// State in a word, progress, counts; 0 where there is no room.
    about: u16,
    runs: u16,
    took: u16,
    tries: u16,
    operator: u16,
    /// Those that were chosen and have room.
    places: Vec<&'static PlaceColumn>,
}

impl Columns {
    fn new(state: &State, width: u16, runs: u16) -> Self {
        let mut room = width.saturating_sub(1 + 12 + runs + 1 + 6 + 1);
        let mut take = |cells: u16, spare: u16| {
            let fits = room >= cells + 1 + spare;
            if fits {
                room -= cells + 1;
            }
            if fits { cells } else { 0 }
        };
        // What was chosen comes before what is there by itself.
        let places = places::chosen(state).filter(|column| take(column.width, 0) > 0).collect();
        // The name grows to what is usual before a column of lesser use is there.
        let (about, tries, operator) = (take(15, 12), take(3, 14), take(14, 24));
        Self { name: 12 + room, about, runs, took: 6, tries, operator, places }
    }
}

/// The runs that there is room for.
struct Window<'a> {
    grid: Option<&'a GridView>,
    /// The first run, and how many.
    first: usize,
    len: usize,
    /// The shown run's column.
    here: Option<usize>,
}

impl<'a> Window<'a> {
    fn new(state: &'a State, width: u16) -> Self {
        let most = match width {
            0..=60 => 7,
            61..=80 => 14,
            _ => 20,
        };
        let Some((grid, here)) = travel::grid(state) else {
            return Self { grid: None, first: 0, len: 1, here: Some(0) };
        };
        let (count, here) = (grid.runs.len(), here.unwrap_or(grid.runs.len()));
        let len = count.min(most).max(1);
        // The last runs, or the shown one in the middle where it is older.
        let last = if here + len >= count { count } else { (here + len / 2 + 1).max(len) };
        let first = last.min(count).saturating_sub(len);
        let here = (first..first + len).contains(&here).then(|| here - first);
        Self { grid: Some(grid), first, len, here }
    }

    fn cells(&self) -> u16 {
        u16::try_from(self.len).unwrap_or(1)
    }

    /// Makes the heads: how each run went, the shown one marked.
    fn heads(&self) -> Line<'static> {
        let Some(grid) = self.grid else { return Line::default() };
        let head = |(at, run): (usize, &crate::types::grid::GridRun)| {
            let mark = theme::run_mark(run.state);
            let is_here = self.here == Some(at);
            let style = if is_here { mark.style.patch(theme::REVERSED) } else { mark.style };
            Span::styled(mark.glyph, style)
        };
        let runs = grid.runs.get(self.first..).unwrap_or(&[]).iter().take(self.len);
        runs.enumerate().map(head).collect()
    }

    /// Makes the cells of a row: its states over the runs.
    fn states(&self, row: &RunRow<'_>) -> Line<'static> {
        let now = match row.what {
            What::Task(task) => task.state,
            What::Group(_) | What::Mapped(_) => row.index.counts_of(row.id).worst(),
        };
        let cell = |at: usize| {
            let is_here = self.here == Some(at);
            let state = match is_here {
                true => Some(now),
                false => row.index.then(row.id, self.first + at),
            };
            match state {
                Some(state) => paint::glyph(theme::task_mark(state)),
                None => Span::raw(" "),
            }
        };
        (0..self.len).map(cell).collect()
    }
}

/// Draws the pane.
pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, focused: bool) {
    let Some((run, index)) = crate::rows::run::shown(state) else { return };
    let rows = &index.fold.rows;
    let selected = crate::rows::run::cursor(state);
    let inner = area.width.saturating_sub(4);
    let window = Window::new(state, inner);
    let inside = paint::panel(buf, area, &title(state, &window), &note(state, selected), focused);
    let columns = Columns::new(state, inside.width, window.cells());
    heads(buf, inside, state, &columns, &window);
    let height = usize::from(inside.height.saturating_sub(2));
    let first = table::offset(selected, rows.len(), height);
    let scale = state.run_view.has_bars.then(|| gantt::Scale::new(state, run));
    for (y, (at, row)) in (1..).zip(rows.iter().enumerate().skip(first).take(height)) {
        let Some(seen) = RunRow::new(run, index, row.id) else { continue };
        let line = Rect { y: inside.y + y, height: 1, ..inside };
        hit::note(line, Target::Row(at));
        draw_row(buf, line, state, (&seen, row.depth), &columns, (&window, scale.as_ref()));
        if at == selected {
            paint::put(buf, line, 0, paint::line("▸", theme::ACCENT));
            if focused {
                table::highlight(buf, line);
            }
        }
    }
    if rows.is_empty() {
        let how = with_keys!(state, "{} clears the filter", Back);
        paint::empty(buf, inside, "No task fits", &how);
    }
    let last = inside.height.saturating_sub(1);
    paint::put(buf, inside, last, summary(state, usize::from(inside.width)));
}

fn title(state: &State, window: &Window<'_>) -> String {
    let level = state.level();
    let mut title = match (state.run_view.has_bars, window.grid) {
        (true, _) => "Tasks over time".to_owned(),
        (false, Some(_)) if window.len > 1 => format!("Tasks × last {} runs", window.len),
        (false, _) => "Tasks".to_owned(),
    };
    if window.grid.is_some_and(|grid| window.first + window.len < grid.runs.len()) {
        title = format!("Tasks × {} runs", window.len);
    }
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    if level.attention_only {
        title.push_str(" · only what failed");
    }
    if state.run_view.failed_first {
        title.push_str(" · failed first");
    }
    title
}

fn note(state: &State, selected: usize) -> String {
    let rows = crate::rows::run::shown(state).map_or(0, |(_, index)| index.fold.rows.len());
    position(selected, rows)
}

fn heads(buf: &mut Buffer, area: Rect, state: &State, columns: &Columns, window: &Window<'_>) {
    let mut x = 1;
    let dim = |text: &str| paint::line(text, theme::DIM);
    paint::put_at(buf, area, x, 0, dim("TASK"));
    x += columns.name + 1;
    if state.run_view.has_bars {
        if let Some((run, _)) = crate::rows::run::shown(state) {
            let bars = Rect { x: area.x + x, width: area.width.saturating_sub(x), ..area };
            gantt::axis(buf, bars, &gantt::Scale::new(state, run));
        }
        return;
    }
    if columns.about > 0 {
        paint::put_at(buf, area, x, 0, dim("STATE"));
        x += columns.about + 1;
    }
    let arrow = match columns.name > 20 && window.len > 1 {
        true => with_keys!(state, "← {}  {} →", OlderRun, NewerRun),
        false => String::new(),
    };
    let before = x.saturating_sub(u16::try_from(text::width(&arrow)).unwrap_or(0) + 1);
    if columns.about == 0 {
        paint::put_at(buf, area, before, 0, dim(&arrow));
    }
    paint::put_at(buf, area, x, 0, window.heads());
    x += columns.runs + 1;
    paint::put_at(buf, area, x + 2, 0, dim("TOOK"));
    x += columns.took + 1;
    if columns.tries > 0 {
        paint::put_at(buf, area, x, 0, dim("TRY"));
        x += columns.tries + 1;
    }
    if columns.operator > 0 {
        paint::put_at(buf, area, x, 0, dim("OPERATOR"));
        x += columns.operator + 1;
    }
    for column in &columns.places {
        paint::put_at(buf, area, x, 0, dim(column.head));
        x += column.width + 1;
    }
}

fn draw_row(
    buf: &mut Buffer,
    line: Rect,
    state: &State,
    (row, depth): (&RunRow<'_>, u16),
    columns: &Columns,
    (window, scale): (&Window<'_>, Option<&gantt::Scale>),
) {
    let put = |buf: &mut Buffer, x: u16, width: u16, cells: Line<'static>| {
        paint::put_at(buf, line, x, 0, paint::cut(cells, usize::from(width)));
    };
    let right = |buf: &mut Buffer, x: u16, width: u16, cells: Line<'static>| {
        let cells = paint::cut(cells, usize::from(width));
        let used = u16::try_from(cells.width()).unwrap_or(width);
        paint::put_at(buf, line, x + width.saturating_sub(used), 0, cells);
    };
    let mut x = 1;
    let (name, spare) = name(state, row, depth, columns);
    put(buf, x, columns.name, name);
    if columns.about == 0 && spare > 0 {
        let extra = cell::extra(row, usize::from(spare));
        right(buf, x, columns.name, extra);
    }
    x += columns.name + 1;
    if let Some(scale) = scale {
        let bars = Rect { x: line.x + x, width: line.width.saturating_sub(x), ..line };
        gantt::bar(buf, bars, row, scale);
        return;
    }
    if columns.about > 0 {
        put(buf, x, columns.about, cell::about(row, usize::from(columns.about)));
        x += columns.about + 1;
    }
    put(buf, x, columns.runs, window.states(row));
    x += columns.runs + 1;
    right(buf, x, columns.took, paint::line(cell::took(state, row), theme::PLAIN));
    x += columns.took + 1;
    if columns.tries > 0 {
        right(buf, x, columns.tries, paint::line(cell::tried(row), theme::DIM));
        x += columns.tries + 1;
    }
    if columns.operator > 0 {
        put(buf, x, columns.operator, cell::operator(row));
        x += columns.operator + 1;
    }
    for column in &columns.places {
        put(buf, x, column.width, paint::line(column.cell(row), theme::DIM));
        x += column.width + 1;
    }
}

/// Makes a row's name, moved in by its depth, with what tells setups, teardowns and what opens;
/// and says how many cells are left of its column.
fn name(state: &State, row: &RunRow<'_>, depth: u16, columns: &Columns) -> (Line<'static>, u16) {
    let level = state.level();
    let marked = match level.marks.is_empty() {
        true => "",
        false if level.marks.contains(&row.key()) => "*",
        false => " ",
    };
    let has_groups = !row.index.groups.is_empty();
    let fold = match (row.is_foldable(), row.is_open(state)) {
        (true, true) => "▾ ",
        (true, false) => "▸ ",
        (false, _) if has_groups && depth == 0 => "  ",
        (false, _) => "",
    };
    let is_flat = !level.filter.is_empty() || level.attention_only;
    let size = match row.what {
        What::Mapped(_) => format!("[{}]", row.tasks().count()),
        What::Group(_) if !row.is_open(state) => {
            format!(" ({})", row.index.tasks_of(row.id).len())
        }
        What::Group(_) => String::new(),
        What::Task(task) => unmapped(row.run, &task.key),
    };
    let indent = "  ".repeat(usize::from(depth.min(12)));
    let head = format!("{marked}{indent}{fold}{}", duty(row));
    let is_critical = |at: &u32| row.index.path.critical.get(*at as usize) == Some(&true);
    let is_critical =
        matches!(row.id, RowId::Task(_)) && row.index.tasks_of(row.id).iter().any(is_critical);
    let mut style = Style::new();
    if is_critical {
        style = style.add_modifier(Modifier::BOLD);
    }
    if matches!(row.what, What::Group(_)) {
        style = theme::ACCENT;
    }
    let room = usize::from(columns.name).saturating_sub(text::width(&head) + text::width(&size));
    let name = text::cut_middle(&text::clean(&row.name(!is_flat)), room.max(4));
    let used = text::width(&head) + text::width(&name) + text::width(&size);
    let spare = columns.name.saturating_sub(u16::try_from(used).unwrap_or(u16::MAX) + 1);
    let line = Line::from(vec![
        paint::span(head, theme::DIM),
        paint::span(name, style),
        paint::span(size, theme::DIM),
    ]);
    (line, spare)
}

/// Says that a task will be mapped once what it is mapped over is known.
fn unmapped(run: &RunDetailView, key: &crate::types::TaskInstanceKey) -> String {
    let is_mapped = place(run, &key.task_id).is_some_and(|place| place.is_mapped);
    if is_mapped && key.map_index < 0 { "[…]".to_owned() } else { String::new() }
}

/// Says with an arrow that a task sets something up or tears it down.
fn duty(row: &RunRow<'_>) -> &'static str {
    let task_id = match row.what {
        What::Mapped(task_id) => task_id,
        What::Task(task) => &task.key.task_id,
        What::Group(_) => return "",
    };
    match place(row.run, task_id) {
        Some(place) if place.is_setup => "↑ ",
        Some(place) if place.is_teardown => "↓ ",
        _ => "",
    }
}

/// Makes the counts of the states: `18/32  ✓ 18  ► 3`, with words where they fit.
fn summary(state: &State, width: usize) -> Line<'static> {
    let Some((_, index)) = crate::rows::run::shown(state) else { return Line::default() };
    let whole = counts(index.counts, true);
    if whole.width() <= width { whole } else { counts(index.counts, false) }
}
