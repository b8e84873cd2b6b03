//! Loose matching: the typed letters in their order, the closer together and the nearer to the
//! beginnings of words the better.

/// How well something fits, and which of its characters (by index) are the typed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) score: i32,
    pub(crate) letters: Vec<usize>,
}

/// What a letter is worth: at the beginning of the name, of a word, right after the one before.
const FIRST: i32 = 12;
const WORD: i32 = 8;
const NEXT: i32 = 6;

/// What was typed, made ready to be looked for in many names. Upper and lower case are alike, and
/// blanks count for nothing.
pub(crate) struct Sought {
    typed: Vec<char>,
    /// The name that is looked at: its room is used again.
    name: Vec<char>,
}

impl Sought {
    pub(crate) fn new(typed: &str) -> Self {
        let typed = typed.chars().filter(|c| !c.is_whitespace()).map(lower).collect();
        Self { typed, name: Vec::new() }
    }

    /// Says how well they fit; `None` where they do not.
    pub(crate) fn score(&mut self, name: &str) -> Option<i32> {
        self.find(name).map(|found| match found {
            Found::Together(from) => self.score_of(from..from + self.typed.len()),
            Found::Apart(letters) => self.score_of(letters.into_iter()),
        })
    }

    /// Says how well they fit, and where.
    pub(crate) fn fit(&mut self, name: &str) -> Option<Fit> {
        let letters: Vec<usize> = match self.find(name)? {
            Found::Together(from) => (from..from + self.typed.len()).collect(),
            Found::Apart(letters) => letters,
        };
        Some(Fit { score: self.score_of(letters.iter().copied()), letters })
    }

    fn find(&mut self, name: &str) -> Option<Found> {
        // Most names do not have the letters at all, which is told without making anything.
        if !in_order(name, self.typed.iter().copied()) {
            return None;
        }
        self.name.clear();
        self.name.extend(name.chars().map(lower));
        let (name, typed) = (&self.name, &self.typed);
        if typed.is_empty() {
            return Some(Found::Apart(Vec::new()));
        }
        // The typed letters together, where they occur so, beat the same letters apart.
        let whole = name.windows(typed.len()).enumerate().filter(|(_, part)| part == typed);
        let best = whole.max_by_key(|(at, _)| worth(name, *at..at + typed.len()));
        match best {
            Some((at, _)) => Some(Found::Together(at)),
            None => apart(name, typed).map(Found::Apart),
        }
    }

    fn score_of(&self, letters: impl Iterator<Item = usize>) -> i32 {
        if self.typed.is_empty() {
            return 0;
        }
        let long = i32::try_from(self.name.len() / 8).unwrap_or(0);
        let all = if self.name.len() == self.typed.len() { 100 } else { 0 };
        worth(&self.name, letters) - long + all
    }
}

/// Says whether a name has the letters in their order.
pub(crate) fn has(name: &str, typed: &str) -> bool {
    in_order(name, typed.chars().filter(|c| !c.is_whitespace()).map(lower))
}

fn in_order(name: &str, mut typed: impl Iterator<Item = char>) -> bool {
    let mut there = name.chars().map(lower);
    typed.all(|c| there.any(|other| other == c))
}

/// Where the letters are: from a place on, or each somewhere.
enum Found {
    Together(usize),
    Apart(Vec<usize>),
}

fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    c.to_lowercase().next().unwrap_or(c)
}

/// Finds the letters one after the other, each at the beginning of a word where it can.
fn apart(name: &[char], typed: &[char]) -> Option<Vec<usize>> {
    let mut letters = Vec::with_capacity(typed.len());
    let mut from = 0;
    for (at, c) in typed.iter().enumerate() {
        let follows = |index: &usize| name.get(*index) == Some(c);
        let here = letters.last().map(|last| last + 1).filter(follows);
        let word = || (from..name.len()).find(|i| name[*i] == *c && begins_word(name, *i));
        // A word further on may leave too little for the letters that are still to come.
        let word = || word().filter(|i| is_within(&name[i + 1..], &typed[at + 1..]));
        let any = || (from..name.len()).find(|i| name[*i] == *c);
        let found = here.or_else(word).or_else(any)?;
        letters.push(found);
        from = found + 1;
    }
    Some(letters)
}

fn is_within(name: &[char], typed: &[char]) -> bool {
    let mut left = name.iter();
    typed.iter().all(|c| left.any(|other| other == c))
}

fn begins_word(name: &[char], at: usize) -> bool {
    at == 0 || !name[at - 1].is_alphanumeric()
}

fn worth(name: &[char], letters: impl Iterator<Item = usize>) -> i32 {
    let (mut score, mut before) = (0, None);
    for at in letters {
        score += 1;
        if at == 0 {
            score += FIRST;
        } else if begins_word(name, at) {
            score += WORD;
        }
        if before.is_some_and(|before| before + 1 == at) {
            score += NEXT;
        }
        before = Some(at);
    }
    score
}

/// Counts the letters to change, add or leave out to make one of the other.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().map(lower).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().map(lower).enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (n, d) in other.iter().enumerate() {
            let changed = before + usize::from(c != *d);
            before = row[n + 1];
            row[n + 1] = changed.min(row[n] + 1).min(before + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(name: &str, typed: &str) -> Option<Fit> {
        let fit = Sought::new(typed).fit(name);
        assert_eq!(Sought::new(typed).score(name), fit.as_ref().map(|fit| fit.score));
        fit
    }

    fn best<'a>(names: &[&'a str], typed: &str) -> &'a str {
        let score = |name: &&&str| fit(name, typed).map_or(i32::MIN, |fit| fit.score);
        names.iter().max_by_key(score).unwrap()
    }

    #[test]
    fn the_whole_word_beats_its_beginning_and_that_beats_letters_apart() {
        assert_eq!(best(&["runs etl", "runs", "returns"], "runs"), "runs");
        assert_eq!(best(&["dag etl_example", "dag model_example"], "etl"), "dag etl_example");
        assert_eq!(best(&["mlops_pipeline", "minio_producer"], "mlp"), "mlops_pipeline");
        assert_eq!(fit("mlops_pipeline", "mpi").unwrap().letters, [0, 6, 7]);
        assert_eq!(fit("Runs", "RN").unwrap().letters, [0, 2]);
        assert!(fit("runs", "rx").is_none());
        assert!(fit("runs", "").is_some());
    }

    #[test]
    fn a_word_further_on_does_not_take_letters_from_those_to_come() {
        assert_eq!(fit("abc b", "abc").unwrap().letters, [0, 1, 2]);
        assert_eq!(fit("xb_b", "xbb").unwrap().letters, [0, 1, 3]);
        assert_eq!(fit("a1bxc b", "abc").unwrap().letters, [0, 2, 4]);
    }

    #[test]
    fn a_slip_of_the_keys_is_near() {
        assert_eq!(distance("rnus", "runs"), 2);
        assert_eq!(distance("run", "runs"), 1);
        assert_eq!(distance("", "runs"), 4);
    }
}
