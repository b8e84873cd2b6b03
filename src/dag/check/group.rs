//! `[dag.D.group.G]`: groups of tasks, what their tasks inherit, and mapped groups.

use indexmap::{IndexMap, IndexSet};

use crate::check::expand::{Expandable, expand};
use crate::check::fields::{Fields, Text};
use crate::check::names::{check_id, unknown};
use crate::check::task::{Defaults, Draft, Edge, Scope, task_or_group};
use crate::check::{Context, reference};
use crate::file::{Entry, Span, Table};
use crate::flow::{GroupSpec, ancestry};
use crate::mapping::{Expand, Source};
use crate::types::{GroupId, TaskId};

/// The groups of a DAG, checked.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) specs: IndexMap<GroupId, GroupSpec>,
    /// What its tasks inherit.
    pub(super) defaults: IndexMap<GroupId, Defaults>,
    /// What a group waits for.
    pub(super) edges: Vec<(GroupId, Edge)>,
    /// Where each stands, and where its `expand` does.
    places: IndexMap<GroupId, (Span, Option<Span>)>,
}

/// Reads the groups of a DAG.
pub(super) fn groups(context: Context<'_>, scope: Scope<'_>, table: Option<&Table>) -> Groups {
    let mut groups = Groups::default();
    let mut own = IndexMap::new();
    for (name, entry) in table.iter().flat_map(|table| &table.0) {
        check_id(context.report, "group", name, entry.key);
        if scope.tasks.contains(name) {
            let message = format!("`{name}` is a task and a group");
            let help = "`depends_on` may name either: give one of them another name".to_owned();
            context.report.error(entry.key, "duplicate-id", message, help);
        }
        if let Some(defaults) = group(context, scope, name, entry, &mut groups) {
            own.insert(GroupId::from(name.as_str()), defaults);
        }
    }
    check_circles(context, &groups);
    for group in groups.specs.keys() {
        let around = ancestry(&groups.specs, Some(group));
        let own = around.filter_map(|group| own.get(&group.group_id));
        let all = own.fold(Defaults::default(), |inner, outer| inner.over(outer));
        groups.defaults.insert(group.clone(), all.over(scope.defaults));
    }
    groups
}

fn group(
    context: Context<'_>,
    scope: Scope<'_>,
    name: &str,
    entry: &Entry,
    groups: &mut Groups,
) -> Option<Defaults> {
    let what = format!("group `{name}`");
    let Some(table) = entry.node.as_table() else {
        let message = format!("{what} is {}; expected a table", entry.node.kind());
        context.report.error(entry.node.span, "wrong-type", message, None);
        return None;
    };
    let group_id = GroupId::from(name);
    let mut fields = Fields::new(context.report, what, table, entry.key);
    let parent = parent(context, scope, "parent", &mut fields);
    let tooltip = fields.owned_text("tooltip");
    let defaults = Defaults::of(context, &mut fields);
    for at in fields.texts("depends_on") {
        let edge = task_or_group(context, scope, name, at);
        groups.edges.extend(edge.map(|edge| (group_id.clone(), edge)));
    }
    let expand = expand(context, scope, &mut fields);
    if let Some((_, entry)) = expand {
        let edges = reference::check(context, scope, name, [&entry.node].into_iter());
        groups.edges.extend(edges.into_iter().map(|edge| (group_id.clone(), edge)));
    }
    fields.finish();
    let span = expand.as_ref().map(|(_, entry)| entry.key);
    groups.places.insert(group_id.clone(), (entry.key, span));
    let spec = GroupSpec {
        group_id: group_id.clone(),
        parent,
        tooltip,
        expand: expand.map(|(expand, _)| expand),
        line: context.report.line(entry.key),
    };
    groups.specs.insert(group_id, spec);
    Some(defaults)
}

/// Reads the name of a group.
pub(super) fn parent(
    context: Context<'_>,
    scope: Scope<'_>,
    key: &'static str,
    fields: &mut Fields<'_>,
) -> Option<GroupId> {
    let at: Text<'_> = fields.text(key)?;
    if !scope.groups.contains(at.text) {
        let names = scope.groups.iter().map(String::as_str);
        unknown(context.report, at, "group", "unknown-group", names);
        return None;
    }
    Some(GroupId::from(at.text))
}

fn check_circles(context: Context<'_>, groups: &Groups) {
    for (group, spec) in &groups.specs {
        let mut around = ancestry(&groups.specs, spec.parent.as_ref());
        if around.any(|outer| outer.group_id == *group) {
            let message = format!("group `{group}` stands in itself");
            let help = "`parent` names the group around it".to_owned();
            context.report.error(groups.places[group].0, "cycle", message, help);
        }
    }
}

impl Groups {
    /// Returns what the tasks of a group inherit.
    pub(super) fn defaults_of(&self, group: Option<&str>) -> Option<&Defaults> {
        self.defaults.get(&GroupId::from(group?))
    }

    /// Returns what the mapped group around gives a task.
    pub(super) fn given(&self, group: Option<&str>) -> Expandable {
        let group = group.map(GroupId::from);
        let mut around = ancestry(&self.specs, group.as_ref());
        let expand = around.find_map(|group| group.expand.as_ref());
        expand.map(Expandable::of).unwrap_or_default()
    }

    /// Says whether a group stands in a task's ancestry.
    pub(super) fn holds(&self, group: &str, inner: Option<&GroupId>) -> bool {
        ancestry(&self.specs, inner).any(|around| around.group_id.as_str() == group)
    }

    /// Returns how many groups a group stands in, itself among them.
    pub(super) fn depth(&self, group: &str) -> usize {
        ancestry(&self.specs, Some(&GroupId::from(group))).count()
    }

    /// Checks what can be told only of all tasks and groups together.
    pub(super) fn check(&self, context: Context<'_>, drafts: &[Draft]) {
        let is_mapped = |group: Option<&GroupId>| {
            ancestry(&self.specs, group).any(|around| around.expand.is_some())
        };
        for (group, spec) in &self.specs {
            let (place, expand) = self.places[group];
            if let Some(span) = expand.filter(|_| is_mapped(spec.parent.as_ref())) {
                nested(context, span, &format!("group `{group}`"));
            }
            let inner = |draft: &Draft| self.holds(group.as_str(), draft.spec.flow.group.as_ref());
            if !drafts.iter().any(inner) {
                let message = format!("group `{group}` has no tasks");
                let help = format!("a task stands in it by `group = \"{group}\"`");
                context.report.error(place, "empty-group", message, help);
            }
        }
        for draft in drafts {
            let flow = &draft.spec.flow;
            if let Some(span) = draft.expand.filter(|_| is_mapped(flow.group.as_ref())) {
                nested(context, span, &format!("task `{}`", draft.spec.task_id));
            }
        }
        let mapped: IndexSet<&TaskId> = drafts
            .iter()
            .filter(|draft| draft.expand.is_some() || is_mapped(draft.spec.flow.group.as_ref()))
            .map(|draft| &draft.spec.task_id)
            .collect();
        let of_tasks =
            drafts.iter().filter_map(|d| Some((d.spec.flow.expand.as_ref()?, d.expand?)));
        let of_groups = self.specs.iter();
        let of_groups =
            of_groups.filter_map(|(id, g)| Some((g.expand.as_ref()?, self.places[id].1?)));
        for (expand, span) in of_tasks.chain(of_groups) {
            check_sources(context, expand, span, &mapped);
        }
    }
}

fn nested(context: Context<'_>, span: Span, what: &str) {
    let message = format!("{what} is mapped inside a mapped group");
    let help = "as in Airflow only one of them may have `expand`".to_owned();
    context.report.error(span, "bad-expand", message, help);
}

/// A mapped task has many outputs: a path into "the" output would name none of them.
fn check_sources(context: Context<'_>, expand: &Expand, span: Span, mapped: &IndexSet<&TaskId>) {
    for source in expand.sources() {
        if let Source::Output { task, path } = source
            && !path.is_empty()
            && mapped.contains(task)
        {
            let message = format!("`{task}` is mapped itself: its output is a list of outputs");
            let help = format!("map over all of it: `{{{{ output.{task} }}}}`");
            context.report.error(span, "bad-expand", message, help);
        }
    }
}
