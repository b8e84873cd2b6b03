//! Draws a graph: nodes of one row, dim edges with those of the selection bright, scrolled so
//! that the selection is seen.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use crate::state::graph::{Detail, Job, Laid};
use crate::text;
use crate::theme::{self, Mark};
use crate::widget::layered::{Direction, Layout, Point, layout_within};
use crate::widget::paint;

/// Beyond this the whole graph helps nobody; the list has every task.
const NODES_MAX: usize = 150;
/// Names are cut in the middle to this.
const NAME_MAX: usize = 24;
/// … and to this where there is little room.
const NAME_SHORT: usize = 11;

/// A node as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) name: String,
    /// Behind the name, such as `41s`.
    pub(crate) note: String,
    /// Room kept for the note, so that a figure that grows moves nothing.
    pub(crate) note_width: usize,
}

impl Node {
    /// Leaves out what does not belong to so much detail.
    pub(crate) fn at(&self, detail: Detail) -> Self {
        let bare = Self { note: String::new(), note_width: 0, ..self.clone() };
        match detail {
            Detail::Time => self.clone(),
            Detail::Name => bare,
            Detail::Short => Self { name: text::cut_middle(&self.name, NAME_SHORT), ..bare },
            Detail::Glyph => Self { name: String::new(), ..bare },
        }
    }

    /// Returns its width at each detail.
    pub(crate) fn widths(&self) -> [i32; 4] {
        Detail::ALL.map(|detail| self.at(detail).width())
    }

    fn drawn_width(&self) -> i32 {
        let note = if self.note.is_empty() { 0 } else { text::width(&self.note) + 1 };
        self.named_width() + i32::try_from(note).unwrap_or(0)
    }

    fn width(&self) -> i32 {
        let note = if self.note_width > 0 { self.note_width + 1 } else { 0 };
        self.named_width() + i32::try_from(note).unwrap_or(0)
    }

    fn named_width(&self) -> i32 {
        match self.name.as_str() {
            "" => 1,
            name => i32::try_from(2 + text::width(&text::cut_middle(name, NAME_MAX))).unwrap_or(40),
        }
    }
}

/// What is brighter than the rest.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look<'a> {
    pub(crate) selected: Option<usize>,
    /// Of each node whether the edges between it and others of the kind are bright.
    pub(crate) path: &'a [bool],
}

/// A graph that is drawn whole: the tasks of a definition, a lineage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sketch {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<(usize, usize)>,
}

impl Sketch {
    /// Says whether there is anything that can be drawn.
    pub(crate) fn is_drawable(&self) -> bool {
        !self.nodes.is_empty() && self.nodes.len() <= NODES_MAX
    }

    /// Returns what tells it from other graphs, whatever is told of its nodes.
    pub(crate) fn shape(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.nodes.len().hash(&mut hasher);
        self.edges.hash(&mut hasher);
        hasher.finish()
    }

    /// Returns what is to be laid out, in so much room.
    pub(crate) fn job(&self, room: Rect) -> Job {
        let widths: Vec<[i32; 4]> = self.nodes.iter().map(Node::widths).collect();
        let room = (i32::from(room.width), i32::from(room.height));
        let mut hasher = DefaultHasher::new();
        (&widths, &self.edges, room).hash(&mut hasher);
        let (id, edges) = (hasher.finish(), self.edges.clone());
        Job { id, widths, edges, room, detail: None, direction: None }
    }
}

/// Draws a graph into `area`, as it was laid out where it was.
pub(crate) fn draw(
    buf: &mut Buffer,
    area: Rect,
    sketch: &Sketch,
    laid: Option<&Laid>,
    selected: Option<usize>,
) {
    let nodes = &sketch.nodes;
    if area.is_empty() || nodes.is_empty() {
        return;
    }
    if nodes.len() > NODES_MAX {
        let what = format!("{} nodes: too many to draw", nodes.len());
        paint::empty(buf, area, &what, "the list shows them all");
        return;
    }
    // Until it is laid out, which takes no longer than a blink, there is nothing to see.
    if let Some(laid) = laid {
        draw_laid(buf, area, nodes, &sketch.edges, laid, Look { selected, path: &[] });
    }
}

/// Draws the graph where it was laid out; returns which of its columns are seen, of how many.
pub(crate) fn draw_laid(
    buf: &mut Buffer,
    area: Rect,
    nodes: &[Node],
    edges: &[(usize, usize)],
    laid: &Laid,
    look: Look<'_>,
) -> Vec<usize> {
    let (dx, dy) = scroll(&laid.layout, &laid.widths, look.selected, area);
    let place = |(x, y): Point| (x - dx, y - dy);
    for (cell, (mask, is_bright)) in lines(&laid.layout, edges, look) {
        let style = if is_bright { theme::ACCENT } else { theme::DIM };
        set(buf, area, place(cell), box_char(mask), style);
    }
    let mut seen = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let (Some(point), Some(width)) = (laid.layout.nodes.get(at), laid.widths.get(at)) else {
            continue;
        };
        let node = node.at(laid.detail);
        let (mut x, y) = place(*point);
        let is_seen =
            x + width > 0 && x < i32::from(area.width) && (0..i32::from(area.height)).contains(&y);
        if is_seen {
            seen.push(at);
        }
        if laid.layout.direction == Direction::TopDown {
            // Its lines meet it in the middle, also where the room for its note is empty.
            x += (width - node.drawn_width()) / 2;
        }
        draw_node(buf, area, (x, y), &node, look.selected == Some(at));
    }
    seen
}

/// Returns how many rows a graph takes where there are `most`.
pub(crate) fn rows(sketch: &Sketch, laid: Option<&Laid>, most: u16) -> u16 {
    match laid.filter(|_| sketch.is_drawable()) {
        Some(laid) => u16::try_from(laid.layout.height).unwrap_or(u16::MAX).min(most),
        None => most.min(4),
    }
}

/// Left to right where that fits, else top down, else with the names only, else with short ones;
/// else what misses by the least. Where it is told to stop it makes do with what it has.
pub(crate) fn fit(job: &Job, stop: &dyn Fn() -> bool) -> Laid {
    let (room, rows) = job.room;
    let mut best: Option<(i32, Laid)> = None;
    for (at, detail) in Detail::ALL.into_iter().enumerate() {
        // What is only dots is shown where that is asked for, not because there is little room.
        let is_wanted = job.detail.map_or(detail != Detail::Glyph, |wanted| wanted == detail);
        if !is_wanted {
            continue;
        }
        let widths: Vec<i32> = job.widths.iter().map(|widths| widths[at]).collect();
        for direction in [Direction::LeftRight, Direction::TopDown] {
            if job.direction.is_some_and(|wanted| wanted != direction) {
                continue;
            }
            if best.is_some() && stop() {
                break;
            }
            let layout = layout_within(&widths, &job.edges, direction, stop);
            let miss = (layout.width - room).max(0) * 2 + (layout.height - rows).max(0) * 3;
            if best.as_ref().is_none_or(|(least, _)| miss < *least) {
                best = Some((miss, Laid { id: job.id, layout, widths: widths.clone(), detail }));
            }
            if miss == 0 {
                return best.map(|(_, laid)| laid).expect("just put there");
            }
        }
    }
    best.map(|(_, laid)| laid).expect("one way was tried at least")
}

/// Returns how far the graph is moved: in the middle where it fits, else to the selection.
fn scroll(layout: &Layout, widths: &[i32], selected: Option<usize>, area: Rect) -> Point {
    let axis = |size: i32, room: i32, focus: Option<(i32, i32)>, middle: bool| {
        if size <= room {
            return if middle { -((room - size) / 2) } else { 0 };
        }
        let focus = focus.map_or(0, |(at, len)| at + len / 2);
        (focus - room / 2).clamp(0, size - room)
    };
    let at = selected.and_then(|at| layout.nodes.get(at).map(|p| (*p, widths[at])));
    let (room, rows) = (i32::from(area.width), i32::from(area.height));
    (
        axis(layout.width, room, at.map(|((x, _), width)| (x, width)), true),
        axis(layout.height, rows, at.map(|((_, y), _)| (y, 1)), true),
    )
}

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// Returns which ways lines go in each cell, and whether one of the selection does.
fn lines(layout: &Layout, edges: &[(usize, usize)], look: Look<'_>) -> HashMap<Point, (u8, bool)> {
    let mut cells: HashMap<Point, (u8, bool)> = HashMap::new();
    for (way, (from, to)) in layout.edges.iter().zip(edges) {
        let is_on_path = |at: &usize| look.path.get(*at) == Some(&true);
        let is_bright = look.selected.is_some_and(|at| at == *from || at == *to)
            || is_on_path(from) && is_on_path(to);
        for pair in way.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let mut mark = |x: i32, y: i32, mask: u8| {
                let cell = cells.entry((x, y)).or_insert((0, false));
                cell.0 |= mask;
                cell.1 |= is_bright;
            };
            if y0 == y1 {
                for x in x0.min(x1)..=x0.max(x1) {
                    let left = if x > x0.min(x1) { LEFT } else { 0 };
                    let right = if x < x0.max(x1) { RIGHT } else { 0 };
                    mark(x, y0, left | right);
                }
            } else {
                for y in y0.min(y1)..=y0.max(y1) {
                    let up = if y > y0.min(y1) { UP } else { 0 };
                    let down = if y < y0.max(y1) { DOWN } else { 0 };
                    mark(x0, y, up | down);
                }
            }
        }
        // The ends touch their nodes.
        let is_lr = layout.direction == Direction::LeftRight;
        if let (Some(first), Some(last)) = (way.first(), way.last()) {
            let (out, into) = if is_lr { (LEFT, RIGHT) } else { (UP, DOWN) };
            cells.entry(*first).or_insert((0, is_bright)).0 |= out;
            cells.entry(*last).or_insert((0, is_bright)).0 |= into;
        }
    }
    cells
}

fn box_char(mask: u8) -> char {
    const UD: u8 = UP | DOWN;
    const LR: u8 = LEFT | RIGHT;
    match mask {
        m if m == UD | LR => '┼',
        m if m == UD | LEFT => '┤',
        m if m == UD | RIGHT => '├',
        m if m == LR | UP => '┴',
        m if m == LR | DOWN => '┬',
        m if m == UP | LEFT => '╯',
        m if m == UP | RIGHT => '╰',
        m if m == DOWN | LEFT => '╮',
        m if m == DOWN | RIGHT => '╭',
        m if m & UD != 0 => '│',
        _ => '─',
    }
}

fn set(buf: &mut Buffer, area: Rect, (x, y): Point, c: char, style: Style) {
    if let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y))
        && x < area.width
        && y < area.height
        && let Some(cell) = buf.cell_mut((area.x + x, area.y + y))
    {
        cell.set_char(c).set_style(style);
    }
}

fn draw_node(buf: &mut Buffer, area: Rect, (x, y): Point, node: &Node, is_selected: bool) {
    let mut name = Style::new();
    if is_selected {
        name = name.add_modifier(Modifier::REVERSED | Modifier::BOLD);
    }
    let mut spans = vec![
        paint::glyph(node.mark),
        paint::span(if node.name.is_empty() { "" } else { " " }, theme::PLAIN),
        paint::span(text::cut_middle(&node.name, NAME_MAX), name),
    ];
    if node.name.is_empty()
        && is_selected
        && let Some(glyph) = spans.first_mut()
    {
        glyph.style = glyph.style.add_modifier(Modifier::REVERSED);
    }
    if !node.note.is_empty() {
        spans.push(paint::span(format!(" {}", node.note), theme::DIM));
    }
    if let Ok(row) = u16::try_from(y)
        && let Some((column, line)) = clip_left(Line::from(spans), x)
    {
        paint::put_at(buf, area, column, row, line);
    }
}

/// Takes off what lies left of the area.
fn clip_left(line: Line<'static>, x: i32) -> Option<(u16, Line<'static>)> {
    if let Ok(column) = u16::try_from(x) {
        return Some((column, line));
    }
    let mut skip = usize::try_from(-x).ok()?;
    let mut spans = Vec::new();
    for mut piece in line.spans {
        let kept: String = piece.content.chars().skip(skip).collect();
        skip = skip.saturating_sub(piece.content.chars().count());
        if !kept.is_empty() {
            piece.content = kept.into();
            spans.push(piece);
        }
    }
    Some((0, Line::from(spans)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::text_of;

    fn nodes(names: &[&str]) -> Vec<Node> {
        names
            .iter()
            .map(|name| Node {
                mark: theme::task_mark(None),
                name: (*name).to_owned(),
                note: String::new(),
                note_width: 0,
            })
            .collect()
    }

    fn drawn(width: u16, height: u16, names: &[&str], edges: &[(usize, usize)]) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        let area = buf.area;
        let sketch = Sketch { nodes: nodes(names), edges: edges.to_vec() };
        let laid = fit(&sketch.job(area), &|| false);
        draw(&mut buf, area, &sketch, Some(&laid), Some(0));
        text_of(&buf)
    }

    #[test]
    fn a_diamond_is_drawn_from_left_to_right() {
        let names = ["a", "b", "c", "d"];
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3)];
        insta::assert_snapshot!(drawn(40, 5, &names, &edges));
    }

    #[test]
    fn what_is_too_wide_is_drawn_from_the_top() {
        let names = ["extract", "transform", "check", "load", "report"];
        let edges = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)];
        insta::assert_snapshot!(drawn(34, 12, &names, &edges));
    }

    #[test]
    fn a_branch_with_a_long_edge_is_drawn() {
        let names = ["validate", "train", "decide", "register", "promote", "reject"];
        let edges = [(0, 1), (1, 2), (2, 3), (3, 4), (2, 5), (1, 3)];
        insta::assert_snapshot!(drawn(90, 6, &names, &edges));
    }
}
