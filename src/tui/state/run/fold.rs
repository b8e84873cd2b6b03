//! Which rows of the outline are seen: what is open, what passes the filter, in which order.

use std::collections::{BTreeSet, HashMap};

use crate::state::Level;
use crate::state::run::{RowId, RunIndex, SMALL};
use crate::types::view::RunDetailView;
use crate::types::{TaskInstanceState, Timestamp};

/// A row that is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: RowId,
    /// How many groups it stands in, and one more for an instance of a mapped task.
    pub(crate) depth: u16,
}

/// How rows are ordered within their group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// As the graph runs.
    #[default]
    Graph,
    /// What failed first, then what runs.
    FailedFirst,
    /// As they were started.
    Started,
}

/// What the rows were made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    toggled: BTreeSet<String>,
    filter: String,
    attention_only: bool,
    order: Order,
    /// The group that what is selected stands in.
    around: Option<u32>,
}

/// The rows that are seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fold {
    pub(crate) rows: Vec<Row>,
    places: HashMap<RowId, usize>,
    made: Option<Made>,
    /// A state has changed that may open a group by itself.
    pub(crate) is_old: bool,
    /// How often they were made.
    pub(crate) turn: u64,
}

impl Fold {
    /// Returns where a row is seen.
    pub(crate) fn position(&self, row: RowId) -> Option<usize> {
        self.places.get(&row).copied()
    }
}

/// Says whether a row was opened or closed by hand, else what it is by itself.
pub(crate) fn is_open(level: &Level, key: &str, by_itself: bool) -> bool {
    let by_hand = |sign: char| level.toggled.contains(&format!("{sign}{key}"));
    by_hand('+') || by_itself && !by_hand('-')
}

/// Opens or closes a row by hand.
pub(crate) fn set_open(level: &mut Level, key: &str, opens: bool) {
    let (gone, there) = if opens { ('-', '+') } else { ('+', '-') };
    level.toggled.remove(&format!("{gone}{key}"));
    level.toggled.insert(format!("{there}{key}"));
}

impl RunIndex {
    /// Makes the rows again where what they are made of has changed.
    pub(crate) fn refold(&mut self, detail: &RunDetailView, level: &Level, order: Order) {
        let made = Made {
            toggled: level.toggled.clone(),
            filter: level.filter.clone(),
            attention_only: level.attention_only,
            order,
            around: self.around(detail, level),
        };
        if !self.fold.is_old && self.fold.made.as_ref() == Some(&made) {
            return;
        }
        let is_flat = !level.filter.is_empty() || level.attention_only;
        let mut rows = Vec::new();
        if is_flat {
            self.flat(detail, level, &mut rows);
        } else {
            let roots = self.ordered(detail, &self.roots, order);
            self.outline(detail, level, (order, 0), &roots, &mut rows);
        }
        let places = rows.iter().zip(0..).map(|(row, at): (&Row, usize)| (row.id, at)).collect();
        let turn = self.fold.turn + 1;
        self.fold = Fold { rows, places, made: Some(made), is_old: false, turn };
    }

    /// Returns the group that what is selected stands in: it stays open though nothing runs in it
    /// any more, so that the cursor keeps its row.
    fn around(&self, detail: &RunDetailView, level: &Level) -> Option<u32> {
        match level.selected.as_ref().and_then(|key| self.find(detail, key))? {
            RowId::Group(at) => self.groups[at as usize].parent,
            RowId::Task(at) => self.tasks[at as usize].group,
            RowId::Instance(slot) => self.tasks[self.task_of(slot)? as usize].group,
        }
    }

    fn holds(&self, group: u32, inner: Option<u32>) -> bool {
        let mut next = inner;
        while let Some(at) = next {
            if at == group {
                return true;
            }
            next = self.groups[at as usize].parent;
        }
        false
    }

    /// Says whether a group is open.
    pub(crate) fn is_group_open(&self, detail: &RunDetailView, level: &Level, group: u32) -> bool {
        let is_small = self.tasks.len() + self.groups.len() <= SMALL;
        let is_hot = || self.groups[group as usize].counts.is_hot();
        let holds = || self.holds(group, self.around(detail, level));
        let by_itself = is_small || is_hot() || holds();
        is_open(level, &self.key(detail, RowId::Group(group)), by_itself)
    }

    fn outline(
        &self,
        detail: &RunDetailView,
        level: &Level,
        (order, depth): (Order, u16),
        children: &[RowId],
        rows: &mut Vec<Row>,
    ) {
        for id in children {
            rows.push(Row { id: *id, depth });
            match id {
                RowId::Group(group) if self.is_group_open(detail, level, *group) => {
                    let inner = self.ordered(detail, &self.groups[*group as usize].children, order);
                    self.outline(detail, level, (order, depth + 1), &inner, rows);
                }
                RowId::Task(_) => self.open_task(detail, level, *id, depth, rows),
                RowId::Group(_) | RowId::Instance(_) => {}
            }
        }
    }

    /// Adds the instances of a mapped task that is open, those that matter most first.
    fn open_task(
        &self,
        detail: &RunDetailView,
        level: &Level,
        id: RowId,
        depth: u16,
        rows: &mut Vec<Row>,
    ) {
        let RowId::Task(at) = id else { return };
        let task = &self.tasks[at as usize];
        if !task.is_mapped || !is_open(level, &self.key(detail, id), false) {
            return;
        }
        let mut slots: Vec<u32> = task.slots.clone().collect();
        slots.sort_by_key(|slot| {
            let state = detail.tasks.get(*slot as usize).and_then(|task| task.state);
            (TaskInstanceState::weight(state), *slot)
        });
        let instance = |slot| Row { id: RowId::Instance(slot), depth: depth + 1 };
        rows.extend(slots.into_iter().map(instance));
    }

    /// Adds the tasks that pass the filter, without their groups.
    fn flat(&self, detail: &RunDetailView, level: &Level, rows: &mut Vec<Row>) {
        for (task, at) in self.tasks.iter().zip(0..) {
            if level.attention_only && !task.counts.is_bad() {
                continue;
            }
            let first = detail.tasks.get(task.slots.start as usize);
            let admits = || {
                let operator = first.map_or("", |task| task.operator.as_str());
                let state = task.counts.worst().map_or("none", TaskInstanceState::as_str);
                level.admits(&format!("{} {operator} state:{state}", task.task_id))
            };
            if level.filter.is_empty() || admits() {
                let id = RowId::Task(at);
                rows.push(Row { id, depth: 0 });
                self.open_task(detail, level, id, 0, rows);
            }
        }
    }

    fn ordered(&self, detail: &RunDetailView, children: &[RowId], order: Order) -> Vec<RowId> {
        let mut children = children.to_vec();
        match order {
            Order::Graph => {}
            Order::FailedFirst => {
                children.sort_by_key(|id| TaskInstanceState::weight(self.counts_of(*id).worst()));
            }
            Order::Started => children.sort_by_key(|id| {
                let start = self.started(detail, *id);
                (start.is_none(), start)
            }),
        }
        children
    }

    /// Returns when the first of what a row stands for was started.
    pub(crate) fn started(&self, detail: &RunDetailView, row: RowId) -> Option<Timestamp> {
        self.instances(detail, row).filter_map(|task| task.start_date).min()
    }

    /// Returns the row that shows `id`: its own, else the closed one that it stands in.
    pub(crate) fn shown(&self, id: RowId) -> Option<usize> {
        let mut next = Some(id);
        while let Some(id) = next {
            if let Some(at) = self.fold.position(id) {
                return Some(at);
            }
            next = self.above(id);
        }
        None
    }
}
