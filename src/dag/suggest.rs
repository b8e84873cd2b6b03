//! "Did you mean …?"

/// Returns the candidate that `name` is most likely a misspelling of.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    // A third of the letters may be wrong: more than that is another word.
    let distance_max = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, _)| *distance <= distance_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Makes a hint: the name that was probably meant, then all that there are.
pub fn hint<'a>(name: &str, what: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let listed = match candidates.as_slice() {
        [] => format!("there are no {what}"),
        all => format!("{what}: {}", list(all)),
    };
    match closest(name, candidates.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? {listed}"),
        None => listed,
    }
}

/// Puts names in backticks, with commas.
pub(crate) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert_eq!(closest("retires", ["retries", "pool"]), Some("retries"));
        assert_eq!(closest("Iris", ["iris", "titanic"]), Some("iris"));
        assert_eq!(closest("poool", ["retries", "pool"]), Some("pool"));
    }

    #[test]
    fn another_word_is_no_misspelling() {
        assert_eq!(closest("banana", ["retries", "pool"]), None);
        assert_eq!(hint("banana", "pools", []), "there are no pools");
        assert_eq!(hint("b", "pools", ["pool"]), "pools: `pool`");
    }
}
