//! The keys as they hold in each place: the operator's own before those that the deck comes with,
//! a place's before those that are valid everywhere.

use std::ops::Deref;

use crate::keymap::file::{self, Own, Problem};
use crate::keymap::{Action, BINDINGS, Binding, Place, stroke};

/// A line of the table with the keys that it has in one place.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) binding: &'static Binding,
    /// The one to show first; none where another has them all, or the operator wants none.
    pub(crate) keys: Vec<String>,
    /// The line of the operator's file that says so; `None` means as the deck comes.
    pub(crate) line: Option<usize>,
}

impl Bound {
    /// Returns the key to show.
    pub(crate) fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }
}

impl Deref for Bound {
    type Target = Binding;

    fn deref(&self) -> &Binding {
        self.binding
    }
}

/// What the keys do in every place.
#[derive(Debug)]
pub(crate) struct Keymap {
    /// In the order of [`Place::ALL`].
    places: Vec<Vec<Bound>>,
    /// The operator's file, where there is one.
    pub(crate) path: Option<String>,
    /// What is wrong in it; that is left out, the rest holds.
    pub(crate) problems: Vec<Problem>,
}

impl Keymap {
    /// Makes the keys that the deck comes with, changed by the operator's file.
    pub(crate) fn new(own: Option<&(String, String)>) -> Self {
        let (mut lines, mut problems) = match own {
            Some((_, text)) => file::read(text),
            None => (Vec::new(), Vec::new()),
        };
        // Each line is taken or left out as a whole: one in conflict would take keys from others.
        while let Some((at, problem)) = conflict(&lines) {
            lines.remove(at);
            problems.push(problem);
        }
        problems.sort_by_key(|problem| problem.line);
        let resolved = |place: &Place| shadowed(bound(*place, &lines));
        Self {
            places: Place::ALL.iter().map(resolved).collect(),
            path: own.map(|(path, _)| path.clone()),
            problems,
        }
    }

    /// Returns the lines that are valid at `place`, also those that have no key there.
    pub(crate) fn at(&self, place: Place) -> &[Bound] {
        &self.places[place as usize]
    }
}

/// The lines of one place and those of everywhere, with the keys that they are given.
struct Given {
    own: Vec<Bound>,
    everywhere: Vec<Bound>,
}

fn bound(place: Place, lines: &[Own]) -> Given {
    let given = |binding: &'static Binding| {
        let of = |place| {
            let mut found = lines.iter().filter(|line| line.action == binding.action);
            found.rfind(|line| line.place == place)
        };
        match of(Some(place)).or_else(|| of(None)) {
            Some(line) => Bound { binding, keys: line.keys.clone(), line: Some(line.line) },
            None => {
                let keys = binding.keys.iter().map(|key| (*key).to_owned()).collect();
                Bound { binding, keys, line: None }
            }
        }
    };
    Given {
        own: BINDINGS.iter().filter(|one| one.places.contains(&place)).map(given).collect(),
        everywhere: BINDINGS.iter().filter(|one| one.places.is_empty()).map(given).collect(),
    }
}

/// Takes from those of everywhere the keys that the place has itself. What is left without a key
/// stays: the palette has it.
fn shadowed(given: Given) -> Vec<Bound> {
    let Given { mut own, mut everywhere } = given;
    let taken: Vec<String> = own.iter().flat_map(|bound| bound.keys.clone()).collect();
    for bound in &mut everywhere {
        bound.keys.retain(|key| !taken.contains(key));
    }
    everywhere.retain(|bound| !own.iter().any(|own| own.action == bound.action));
    own.append(&mut everywhere);
    own
}

/// Returns the first line of the file that cannot hold beside the others, by its number among
/// them.
fn conflict(lines: &[Own]) -> Option<(usize, Problem)> {
    for place in Place::ALL {
        let Given { own, everywhere } = bound(*place, lines);
        let pairs = own.iter().enumerate().flat_map(|(at, one)| {
            let others = own[at + 1..].iter().map(|two| (one, two, true));
            others.chain(everywhere.iter().map(|two| (one, two, false))).collect::<Vec<_>>()
        });
        let everywhere = everywhere
            .iter()
            .enumerate()
            .flat_map(|(at, one)| everywhere[at + 1..].iter().map(move |two| (one, two, true)));
        for (one, two, may_not_be_equal) in pairs.chain(everywhere) {
            let Some(line) = one.line.max(two.line) else { continue };
            let clash = one.keys.iter().find_map(|key| {
                let other = two.keys.iter().find(|other| {
                    stroke::collide(key, other) && (may_not_be_equal || *other != key)
                })?;
                Some((key, other))
            });
            let Some((key, other)) = clash else { continue };
            let (one, two) = (one.action.name(), two.action.name());
            let what = match key == other {
                true => format!("`{key}` is both `{one}` and `{two}` in {}", place.name()),
                false => format!(
                    "`{key}` (`{one}`) and `{other}` (`{two}`) cannot both be keys in {}: \
                     one begins the other",
                    place.name()
                ),
            };
            let remedy = format!("give one of them another key, or \"none\": {two} = \"none\"");
            let at = lines.iter().position(|own| own.line == line)?;
            return Some((at, Problem { line, what, remedy }));
        }
    }
    None
}

/// Returns every line of the table as it holds: where, which keys, what, and what says so.
pub(crate) fn listed(keymap: &Keymap) -> Vec<(String, Vec<&Bound>)> {
    let mut groups: Vec<(String, Vec<&Bound>)> = Vec::new();
    for place in Place::ALL {
        let own = keymap.at(*place).iter();
        let own = own.filter(|bound| !bound.places.is_empty() && !bound.keys.is_empty());
        groups.push((place.name(), own.collect()));
    }
    let mut everywhere: Vec<&Bound> = Vec::new();
    // A key of everywhere is listed where no place has it for itself.
    let all = keymap.places.iter().flatten();
    for bound in all.filter(|bound| bound.places.is_empty() && !bound.keys.is_empty()) {
        match everywhere.iter_mut().find(|other| other.action == bound.action) {
            Some(known) if known.keys.len() < bound.keys.len() => *known = bound,
            Some(_) => {}
            None => everywhere.push(bound),
        }
    }
    everywhere.sort_by_key(|bound| position(bound.action));
    groups.insert(0, ("everywhere".to_owned(), everywhere));
    groups.retain(|(_, bound)| !bound.is_empty());
    groups
}

fn position(action: Action) -> Option<usize> {
    BINDINGS.iter().position(|binding| binding.action == action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> Keymap {
        Keymap::new(Some(&("keys.toml".to_owned(), text.to_owned())))
    }

    fn key_of(keymap: &Keymap, place: Place, action: Action) -> &str {
        keymap.at(place).iter().find(|bound| bound.action == action).map_or("", Bound::key)
    }

    #[test]
    fn the_operators_keys_go_before_those_that_the_deck_comes_with() {
        let keymap = own("[keys.everywhere]\ndown = \"ctrl-n\"\n[keys.log]\nfollow = \"F\"\n");
        assert_eq!(keymap.problems, []);
        assert_eq!(key_of(&keymap, Place::Dags, Action::Down), "ctrl-n");
        assert_eq!(key_of(&keymap, Place::Log, Action::Follow), "F");
        let none = own("[keys.dags]\npause = \"none\"\n");
        assert_eq!(key_of(&none, Place::Dags, Action::Pause), "");
        assert_eq!(key_of(&none, Place::DagPage, Action::Pause), "p");
    }

    #[test]
    fn a_key_of_a_place_hides_the_same_key_of_everywhere_only_there() {
        let keymap = own("[keys.dags]\npause = \"a\"\n");
        assert_eq!(keymap.problems, []);
        assert_eq!(key_of(&keymap, Place::Dags, Action::Approvals), "");
        assert_eq!(key_of(&keymap, Place::Models, Action::Approvals), "a");
    }

    #[test]
    fn conflicts_are_told_and_the_line_is_left_out() {
        let keymap = own("[keys.dags]\npause = \"t\"\nversions = \"g\"\n");
        let told: Vec<String> = keymap.problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"));
        assert_eq!(key_of(&keymap, Place::Dags, Action::Pause), "p");
        assert_eq!(key_of(&keymap, Place::Dags, Action::Versions), "V");
    }

    #[test]
    fn every_action_has_a_key_and_a_line_of_help() {
        for binding in BINDINGS {
            assert!(!binding.keys.is_empty(), "{:?} has no key", binding.action);
            assert!(binding.help.len() > 3, "{:?} has no help", binding.action);
            for key in binding.keys {
                assert_eq!(stroke::read(key).as_deref(), Ok(*key), "{:?}", binding.action);
            }
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for place in Place::ALL {
            let own = |binding: &&Binding| binding.places.contains(place);
            let everywhere = |binding: &&Binding| binding.places.is_empty();
            let of = |bindings: Vec<&'static Binding>| -> Vec<(&str, &Binding)> {
                bindings.into_iter().flat_map(|b| b.keys.iter().map(move |key| (*key, b))).collect()
            };
            let own = of(BINDINGS.iter().filter(own).collect());
            let everywhere = of(BINDINGS.iter().filter(everywhere).collect());
            for keys in [&own, &everywhere] {
                for (at, (key, one)) in keys.iter().enumerate() {
                    for (other, two) in &keys[at + 1..] {
                        let (one, two) = (one.action, two.action);
                        let is_free = !stroke::collide(key, other);
                        assert!(is_free, "`{key}` in {place:?}: {one:?}, {two:?} (`{other}`)");
                    }
                }
            }
            // A place may give a key of everywhere another meaning, but not take chords away.
            for (key, one) in &own {
                for (other, two) in &everywhere {
                    let is_free = key == other || !stroke::collide(key, other);
                    assert!(is_free, "`{key}` in {place:?}: {:?}, {:?}", one.action, two.action);
                }
            }
        }
    }
}
