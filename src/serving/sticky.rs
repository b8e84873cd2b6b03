//! Which version answers whoever must always get the same one.
//!
//! Rendezvous hashing by weight: a version's score is `-ln(u) / weight`, with u made of the value
//! and the version, and the least wins. So each version gets its percents of the values, and a
//! version that gains percents takes values from the others and never gives one away: who has seen
//! the canary stays with it while it grows.

use crate::serving::hash;
use crate::serving::table::Share;
use crate::types::serving::Sticky;

use hyper::HeaderMap;

use crate::serving::guard::Guard;

/// Returns the value that a request sticks by; `None` where it has none.
pub(crate) fn value<'a>(
    sticky: &Sticky,
    headers: &'a HeaderMap,
    guard: &'a Guard,
) -> Option<&'a [u8]> {
    let value = match sticky {
        Sticky::Header(name) => headers.get(name)?.as_bytes(),
        Sticky::ApiKey => guard.key_of(headers)?.as_bytes(),
    };
    (!value.is_empty()).then_some(value)
}

/// Picks the share that a value belongs to; `None` where nobody has a percent.
pub(crate) fn pick<'a>(shares: &'a [Share], value: &[u8]) -> Option<&'a Share> {
    let score = |share: &Share| {
        let unit = hash::unit(hash::of(u64::from(share.loaded.version), value));
        -unit.ln() / f64::from(share.weight)
    };
    let with_weight = shares.iter().filter(|share| share.weight > 0);
    with_weight.min_by(|a, b| score(a).total_cmp(&score(b)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::serving::fake::Fake;
    use crate::serving::table::Loaded;
    use crate::types::time::now;

    fn shares(weights: &[(u32, u8)]) -> Vec<Share> {
        let share = |(version, weight): &(u32, u8)| {
            let predictor = Arc::new(Fake::of_version(*version));
            let loaded = Arc::new(Loaded::new("iris", *version, predictor, None, now()));
            Share { loaded, weight: *weight }
        };
        weights.iter().map(share).collect()
    }

    fn picked(weights: &[(u32, u8)]) -> Vec<u32> {
        let shares = shares(weights);
        let user = |n: u32| format!("user-{n}");
        let of = |n| pick(&shares, user(n).as_bytes()).unwrap().loaded.version;
        (0..10_000).map(of).collect()
    }

    fn percent(picked: &[u32], version: u32) -> f64 {
        picked.iter().filter(|v| **v == version).count() as f64 / picked.len() as f64 * 100.0
    }

    #[test]
    fn each_version_gets_its_percents_of_the_users() {
        let picked = picked(&[(1, 60), (2, 30), (3, 10)]);
        for (version, expected) in [(1, 60.0), (2, 30.0), (3, 10.0)] {
            let found = percent(&picked, version);
            // Four standard deviations of 10,000 draws are 2 % at most.
            assert!((found - expected).abs() < 2.0, "version {version}: {found}");
        }
    }

    #[test]
    fn a_canary_that_grows_moves_nobody_back_and_no_more_than_it_must() {
        let steps: Vec<Vec<u32>> = [[(1, 90), (2, 10)], [(1, 50), (2, 50)], [(1, 0), (2, 100)]]
            .iter()
            .map(|weights| picked(weights))
            .collect();
        for pair in steps.windows(2) {
            let back = pair[0].iter().zip(&pair[1]).filter(|(a, b)| **a == 2 && **b == 1);
            assert_eq!(back.count(), 0);
        }
        let three = picked(&[(1, 60), (2, 40), (3, 0)]);
        let grown = picked(&[(1, 48), (2, 32), (3, 20)]);
        let moved: Vec<_> = three.iter().zip(&grown).filter(|(a, b)| a != b).collect();
        assert!(moved.iter().all(|(_, to)| **to == 3), "only the one that gains takes users");
        let moved = moved.len() as f64 / 100.0;
        assert!((moved - 20.0).abs() < 2.0, "{moved} % moved");
    }

    #[test]
    fn without_a_share_nobody_is_picked() {
        assert!(pick(&shares(&[(1, 0)]), b"ada").is_none());
        assert!(pick(&[], b"ada").is_none());
    }
}
