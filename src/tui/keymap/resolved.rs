//! The keys as they hold in each place: what the table says, a place's own before those that are
//! valid everywhere.

use std::ops::Deref;

use crate::keymap::{BINDINGS, Binding, Place, stroke};

/// A line of the table with the keys that it has in one place.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) binding: &'static Binding,
    /// The one to show first; none where another has them all.
    pub(crate) keys: Vec<String>,
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
}

impl Keymap {
    /// Makes the keys that the deck comes with.
    pub(crate) fn new() -> Self {
        Self { places: Place::ALL.iter().map(|place| resolve(*place)).collect() }
    }

    /// Returns the lines that are valid at `place` and have a key there.
    pub(crate) fn at(&self, place: Place) -> &[Bound] {
        &self.places[place as usize]
    }
}

fn resolve(place: Place) -> Vec<Bound> {
    let bound = |binding: &'static Binding| Bound {
        binding,
        keys: binding.keys.iter().map(|key| (*key).to_owned()).collect(),
    };
    let own = BINDINGS.iter().filter(|binding| binding.places.contains(&place));
    let mut found: Vec<Bound> = own.map(bound).collect();
    let taken: Vec<String> = found.iter().flat_map(|bound| bound.keys.clone()).collect();
    for binding in BINDINGS.iter().filter(|binding| binding.places.is_empty()) {
        let mut everywhere = bound(binding);
        everywhere.keys.retain(|key| !taken.iter().any(|other| stroke::collide(key, other)));
        found.push(everywhere);
    }
    found.retain(|bound| !bound.keys.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

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
