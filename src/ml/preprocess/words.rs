//! Free text as numbers: its words, hashed into a few places.
//!
//! Nothing is learnt: the same text has the same numbers in every model, and a word that was
//! never seen has its place.

/// Places that words fall into.
pub(crate) const BUCKETS: usize = 64;
/// Fewer words on average are names of things.
const WORDS_MIN: usize = 3;
/// Fewer different texts are categories, however long.
const DISTINCT_MIN: usize = 50;

/// Says whether texts are sentences, not categories.
pub(crate) fn is_free<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let (mut distinct, mut words, mut count) = (std::collections::HashSet::new(), 0, 0);
    for text in texts {
        distinct.insert(text);
        words += text.split_whitespace().count();
        count += 1;
    }
    distinct.len() > DISTINCT_MIN && words >= WORDS_MIN * count
}

/// Adds the words of a text to [`BUCKETS`] places: some count up, some down, so that two words in
/// one place do not always look alike; then the whole is brought to length 1.
pub(crate) fn hash(text: &str, out: &mut [f64]) {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        let hash = fnv(word);
        let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
        // Below BUCKETS.
        out[(hash % BUCKETS as u64) as usize] += sign;
    }
    let length = out.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 {
        out.iter_mut().for_each(|value| *value /= length);
    }
}

/// Fowler, Noll and Vo's hash (1a) of a word in small letters, with a last stir: its high bits
/// are poor on short words.
fn fnv(word: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in word.chars().flat_map(char::to_lowercase).collect::<String>().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ hash >> 29
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(text: &str) -> Vec<f64> {
        let mut out = vec![0.0; BUCKETS];
        hash(text, &mut out);
        out
    }

    #[test]
    fn the_same_words_are_the_same_numbers_whatever_stands_around_them() {
        assert_eq!(hashed("Late, again!"), hashed("again LATE"));
        assert_ne!(hashed("late"), hashed("early"));
        let length: f64 = hashed("a b c d e").iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-12);
        assert!(hashed("…").iter().all(|value| *value == 0.0));
    }

    #[test]
    fn sentences_are_free_and_names_are_not() {
        let texts = |of: fn(usize) -> String| (0..100).map(of).collect::<Vec<_>>();
        let free = |texts: &[String]| is_free(texts.iter().map(String::as_str));
        assert!(free(&texts(|n| format!("the parcel {n} came late"))));
        assert!(!free(&texts(|n| format!("name{n}"))));
        assert!(!free(&texts(|n| format!("one of few sentences {}", n % 5))));
    }
}
