//! A run with its tasks in few bytes: names once, columns instead of rows, a byte for each state.
//! Ten thousand tasks are some five megabytes as rows, and a deck asks again and again.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use crate::executor::TryPlace;
use crate::ids::{GroupId, MapIndex, TaskId, TaskInstanceKey, TryNumber, UNMAPPED};
use crate::run::TaskInstance;
use crate::state::TaskInstanceState;
use crate::time::Timestamp;
use crate::view::{RunDetailView, TaskPlace};

/// What is said of few instances, each by its place.
type Sparse<T> = Vec<(u32, T)>;

/// A run as it is sent to who asks often. Launch tokens are left out: nobody looks at them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackedRun {
    /// All but its tasks, their edges and their places.
    rest: RunDetailView,
    task_ids: Vec<TaskId>,
    operators: Vec<String>,
    pools: Vec<String>,
    /// Of each task: its operator, its pool, the tries it may have, its instances.
    tasks: Vec<(u32, u32, TryNumber, u32)>,
    /// Of each task, where any stands in a group or is something special.
    places: Vec<(u32, u8)>,
    edges: Vec<(u32, u32)>,
    states: String,
    map_indexes: Vec<MapIndex>,
    try_numbers: Vec<TryNumber>,
    /// Microseconds after the run was queued.
    queued: Vec<Option<i64>>,
    /// Microseconds after it was queued itself, else after the run was.
    started: Vec<Option<i64>>,
    /// Microseconds after it started, else after the run was queued.
    ended: Vec<Option<i64>>,
    max_tries: Sparse<TryNumber>,
    pids: Sparse<u32>,
    /// Where tries run, each place once …
    #[serde(default)]
    seats: Vec<TryPlace>,
    /// … and how many instances after each other have which.
    #[serde(default)]
    seated: Vec<(u32, u32)>,
    scheduled: Sparse<Timestamp>,
    next_retries: Sparse<Timestamp>,
    triggers: Sparse<String>,
    trigger_timeouts: Sparse<Timestamp>,
    notes: Sparse<String>,
    user_notes: Sparse<String>,
}

const MAPPED: u8 = 1;
const SETUP: u8 = 2;
const TEARDOWN: u8 = 4;

impl PackedRun {
    /// Packs a run whose instances stand together task by task.
    pub fn pack(mut rest: RunDetailView) -> Self {
        let instances = std::mem::take(&mut rest.tasks);
        let edges = std::mem::take(&mut rest.edges);
        let places = std::mem::take(&mut rest.places);
        let base = rest.run.queued_at;
        let (mut operators, mut pools) =
            (Distinct::<String>::default(), Distinct::<String>::default());
        let mut seats = Distinct::default();
        let mut packed = Self {
            rest,
            task_ids: Vec::new(),
            operators: Vec::new(),
            pools: Vec::new(),
            tasks: Vec::new(),
            places: Vec::new(),
            edges: Vec::new(),
            states: String::with_capacity(instances.len()),
            map_indexes: Vec::new(),
            try_numbers: Vec::with_capacity(instances.len()),
            queued: Vec::with_capacity(instances.len()),
            started: Vec::with_capacity(instances.len()),
            ended: Vec::with_capacity(instances.len()),
            max_tries: Vec::new(),
            pids: Vec::new(),
            seats: Vec::new(),
            seated: Vec::new(),
            scheduled: Vec::new(),
            next_retries: Vec::new(),
            triggers: Vec::new(),
            trigger_timeouts: Vec::new(),
            notes: Vec::new(),
            user_notes: Vec::new(),
        };
        for (task, at) in instances.into_iter().zip(0..) {
            if packed.task_ids.last() != Some(&task.key.task_id) {
                packed.task_ids.push(task.key.task_id.clone());
                let (operator, pool) =
                    (operators.place(task.operator.as_str()), pools.place(task.pool.as_str()));
                packed.tasks.push((operator, pool, task.max_tries, 0));
            }
            packed.seat(seats.place(&task.place));
            packed.push(task, at, base);
        }
        packed.seats = seats.values;
        (packed.operators, packed.pools) = (operators.values, pools.values);
        packed.put_graph(&edges, &places);
        packed
    }

    fn seat(&mut self, seat: u32) {
        match self.seated.last_mut() {
            Some((count, last)) if *last == seat => *count += 1,
            _ => self.seated.push((1, seat)),
        }
    }

    fn push(&mut self, task: TaskInstance, at: u32, base: Timestamp) {
        if let Some((.., count)) = self.tasks.last_mut() {
            *count += 1;
        }
        self.map_indexes.push(task.key.map_index);
        self.states.push(TaskInstanceState::code(task.state));
        self.try_numbers.push(task.try_number);
        let since = |at: Option<Timestamp>, from: Option<Timestamp>| {
            at.map(|at| at.as_microsecond() - from.unwrap_or(base).as_microsecond())
        };
        self.queued.push(since(task.queued_when, None));
        self.started.push(since(task.start_date, task.queued_when));
        self.ended.push(since(task.end_date, task.start_date));
        let max_tries = self.tasks.last().map_or(0, |(_, _, max_tries, _)| *max_tries);
        note(&mut self.max_tries, at, Some(task.max_tries).filter(|max| *max != max_tries));
        note(&mut self.pids, at, task.pid);
        note(&mut self.scheduled, at, task.scheduled_when.filter(|_| task.queued_when.is_none()));
        note(&mut self.next_retries, at, task.next_retry_at);
        note(&mut self.triggers, at, task.trigger.map(|text| text.to_string()));
        note(&mut self.trigger_timeouts, at, task.trigger_timeout);
        note(&mut self.notes, at, task.note);
        note(&mut self.user_notes, at, task.user_note);
    }

    fn put_graph(&mut self, edges: &[(TaskId, TaskId)], places: &BTreeMap<TaskId, TaskPlace>) {
        let at: HashMap<&TaskId, u32> = self.task_ids.iter().zip(0..).collect();
        self.edges =
            edges.iter().filter_map(|(from, to)| Some((*at.get(from)?, *at.get(to)?))).collect();
        if places.is_empty() {
            return;
        }
        let groups: HashMap<&GroupId, u32> =
            self.rest.groups.iter().map(|group| &group.group_id).zip(1..).collect();
        let place = |task_id| {
            let place = places.get(task_id).cloned().unwrap_or_default();
            let group = place.group_id.as_ref().and_then(|id| groups.get(id)).copied();
            let flag = |is: bool, bit: u8| if is { bit } else { 0 };
            let flags = flag(place.is_mapped, MAPPED)
                | flag(place.is_setup, SETUP)
                | flag(place.is_teardown, TEARDOWN);
            (group.unwrap_or(0), flags)
        };
        self.places = self.task_ids.iter().map(place).collect();
    }

    /// Returns the run with its tasks as rows. What does not fit together is left out: it comes
    /// over a wire.
    pub fn unpack(self) -> RunDetailView {
        let (places, edges) = (self.unpacked_places(), self.unpacked_edges());
        let mut tasks = self.unpacked_tasks();
        put(&mut tasks, self.max_tries, |task, max| task.max_tries = max);
        put(&mut tasks, self.pids, |task, pid| task.pid = Some(pid));
        put(&mut tasks, self.scheduled, |task, at| task.scheduled_when = Some(at));
        put(&mut tasks, self.next_retries, |task, at| task.next_retry_at = Some(at));
        put(&mut tasks, self.triggers, |task, text| task.trigger = Some(text.into()));
        put(&mut tasks, self.trigger_timeouts, |task, at| task.trigger_timeout = Some(at));
        put(&mut tasks, self.notes, |task, text| task.note = Some(text));
        put(&mut tasks, self.user_notes, |task, text| task.user_note = Some(text));
        RunDetailView { tasks, places, edges, ..self.rest }
    }

    fn unpacked_tasks(&self) -> Vec<TaskInstance> {
        let run = &self.rest.run;
        let base = run.queued_at.as_microsecond();
        let mut states = self.states.chars();
        let seat = |(count, seat): &(u32, u32)| {
            let seat = self.seats.get(*seat as usize).cloned().unwrap_or_default();
            std::iter::repeat_n(seat, *count as usize)
        };
        let mut seats = self.seated.iter().flat_map(seat);
        let mut tasks = Vec::with_capacity(self.try_numbers.len());
        for (task_id, (operator, pool, max_tries, count)) in self.task_ids.iter().zip(&self.tasks) {
            for _ in 0..*count {
                let at = tasks.len();
                let Some(code) = states.next() else { return tasks };
                let column = |column: &[Option<i64>]| column.get(at).copied().flatten();
                let queued = column(&self.queued).map(|after| base + after);
                let start = column(&self.started).map(|after| queued.unwrap_or(base) + after);
                let end = column(&self.ended).map(|after| start.unwrap_or(base) + after);
                let instant = |at: Option<i64>| Timestamp::from_microsecond(at?).ok();
                tasks.push(TaskInstance {
                    key: TaskInstanceKey {
                        dag_id: run.dag_id.clone(),
                        dag_run_id: run.dag_run_id.clone(),
                        task_id: task_id.clone(),
                        map_index: self.map_indexes.get(at).copied().unwrap_or(UNMAPPED),
                    },
                    state: TaskInstanceState::from_code(code),
                    try_number: self.try_numbers.get(at).copied().unwrap_or(0),
                    max_tries: *max_tries,
                    operator: name(&self.operators, *operator),
                    pool: name(&self.pools, *pool),
                    token: None,
                    pid: None,
                    place: seats.next().unwrap_or_default(),
                    scheduled_when: None,
                    queued_when: instant(queued),
                    start_date: instant(start),
                    end_date: instant(end),
                    next_retry_at: None,
                    trigger: None,
                    trigger_timeout: None,
                    note: None,
                    user_note: None,
                });
            }
        }
        tasks
    }

    fn unpacked_edges(&self) -> Vec<(TaskId, TaskId)> {
        let id = |at: u32| self.task_ids.get(at as usize).cloned();
        self.edges.iter().filter_map(|(from, to)| Some((id(*from)?, id(*to)?))).collect()
    }

    fn unpacked_places(&self) -> BTreeMap<TaskId, TaskPlace> {
        let place = |(task_id, (group, flags)): (&TaskId, &(u32, u8))| {
            let group = (*group as usize).checked_sub(1).and_then(|at| self.rest.groups.get(at));
            let place = TaskPlace {
                group_id: group.map(|group| group.group_id.clone()),
                is_mapped: flags & MAPPED != 0,
                is_setup: flags & SETUP != 0,
                is_teardown: flags & TEARDOWN != 0,
            };
            (place != TaskPlace::default()).then(|| (task_id.clone(), place))
        };
        self.task_ids.iter().zip(&self.places).filter_map(place).collect()
    }
}

/// Values by their place, each once.
struct Distinct<T> {
    values: Vec<T>,
    places: HashMap<T, u32>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Distinct<T> {
    fn place<Q>(&mut self, value: &Q) -> u32
    where
        T: Borrow<Q>,
        Q: ToOwned<Owned = T> + Eq + Hash + ?Sized,
    {
        if let Some(at) = self.places.get(value) {
            return *at;
        }
        let at = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.to_owned());
        self.places.insert(value.to_owned(), at);
        at
    }
}

fn name(names: &[String], at: u32) -> String {
    names.get(at as usize).cloned().unwrap_or_default()
}

fn note<T>(column: &mut Sparse<T>, at: u32, value: Option<T>) {
    column.extend(value.map(|value| (at, value)));
}

fn put<T>(tasks: &mut [TaskInstance], column: Sparse<T>, put: impl Fn(&mut TaskInstance, T)) {
    for (at, value) in column {
        if let Some(task) = tasks.get_mut(at as usize) {
            put(task, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{DagRunState, DagRunType, TriggeredBy};
    use crate::view::GroupView;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(1_772_442_862_000_000 + micros).unwrap()
    }

    fn run() -> crate::run::DagRun {
        crate::run::DagRun {
            dag_id: "wide".into(),
            dag_run_id: "manual__1".into(),
            run_type: DagRunType::Manual,
            state: DagRunState::Running,
            triggered_by: TriggeredBy::Cli,
            triggering_user_name: None,
            logical_date: None,
            data_interval_start: None,
            data_interval_end: None,
            run_after: at(0),
            queued_at: at(0),
            start_date: None,
            end_date: None,
            conf: serde_json::Map::new(),
            params: serde_json::Map::new(),
            dag_version: "1".into(),
            dag_version_number: 1,
            note: None,
            backfill_id: None,
            partition_key: None,
        }
    }

    fn instance(
        task: usize,
        map_index: MapIndex,
        state: Option<TaskInstanceState>,
    ) -> TaskInstance {
        let run = run();
        let has_begun = state.is_some();
        let micros = i64::try_from(task).unwrap() * 1_234_567;
        TaskInstance {
            key: TaskInstanceKey {
                dag_id: run.dag_id,
                dag_run_id: run.dag_run_id,
                task_id: TaskId::new(format!("group_{:02}.task_{task:05}", task / 100)),
                map_index,
            },
            state,
            try_number: u32::from(has_begun),
            max_tries: 3 + u32::from(map_index == 1),
            operator: "python".into(),
            pool: if task.is_multiple_of(2) { "default_pool" } else { "training" }.into(),
            token: None,
            pid: (state == Some(TaskInstanceState::Running)).then_some(99),
            place: TryPlace {
                hostname: Some(format!("n{}", task / 500).into()),
                ..TryPlace::default()
            },
            scheduled_when: None,
            queued_when: has_begun.then(|| at(micros)),
            start_date: has_begun.then(|| at(micros + 20_000)),
            end_date: state
                .is_some_and(TaskInstanceState::is_finished)
                .then(|| at(micros + 900_000)),
            next_retry_at: None,
            trigger: None,
            trigger_timeout: None,
            note: (state == Some(TaskInstanceState::Failed)).then(|| "exit code 3".into()),
            user_note: None,
        }
    }

    fn detail(tasks: Vec<TaskInstance>) -> RunDetailView {
        let id = |at: usize| tasks[at].key.task_id.clone();
        let in_group = TaskPlace { group_id: Some("group_00".into()), ..TaskPlace::default() };
        RunDetailView {
            run: run(),
            edges: (1..tasks.len())
                .map(|at| (id(at - 1), id(at)))
                .filter(|(a, b)| a != b)
                .collect(),
            places: BTreeMap::from([(id(0), in_group)]),
            groups: vec![GroupView {
                group_id: "group_00".into(),
                parent: None,
                tooltip: None,
                is_mapped: false,
            }],
            triggering_asset_events: vec![],
            progress: vec![],
            median_duration: Some(3.0),
            deadlines: vec![],
            tasks,
        }
    }

    #[test]
    fn every_state_has_a_code_of_its_own() {
        for state in TaskInstanceState::ALL {
            let code = TaskInstanceState::code(Some(*state));
            assert_eq!(TaskInstanceState::from_code(code), Some(*state));
        }
        assert_eq!(TaskInstanceState::from_code(TaskInstanceState::code(None)), None);
    }

    #[test]
    fn what_is_packed_is_unpacked_as_it_was() {
        let states = TaskInstanceState::ALL.iter().copied().map(Some).chain([None]);
        let mut tasks: Vec<_> = states.zip(0..).map(|(s, n)| instance(n, UNMAPPED, s)).collect();
        tasks.extend((0..4).map(|n| instance(40, n, Some(TaskInstanceState::Running))));
        let detail = detail(tasks);
        let text = serde_json::to_string(&PackedRun::pack(detail.clone())).unwrap();
        let unpacked = serde_json::from_str::<PackedRun>(&text).unwrap().unpack();
        assert_eq!(unpacked, detail);
    }

    #[test]
    fn ten_thousand_tasks_take_a_fifth_of_what_they_take_as_rows() {
        let tasks = (0..10_000).map(|n| instance(n, UNMAPPED, Some(TaskInstanceState::Success)));
        let detail = detail(tasks.collect());
        let rows = serde_json::to_string(&detail).unwrap().len();
        let packed = serde_json::to_string(&PackedRun::pack(detail)).unwrap().len();
        assert!(packed * 5 < rows, "{packed} of {rows} bytes");
        assert!(packed < 900_000, "{packed} bytes");
    }
}
