//! Percents of a model's traffic: always whole, always 100 together.

/// Gives `version` its percent and divides the rest among the others as they stand to each
/// other now. Without others it gets all.
pub(super) fn give(present: &[(u32, u8)], version: u32, percent: u8) -> Vec<(u32, u8)> {
    let others: Vec<_> =
        present.iter().copied().filter(|(v, weight)| *v != version && *weight > 0).collect();
    if others.is_empty() || percent >= 100 {
        return vec![(version, 100)];
    }
    let mut shares = divide(&others, 100 - percent);
    if percent > 0 {
        shares.push((version, percent));
    }
    shares
}

/// Divides `whole` in proportion to the weights; what rounding leaves goes to the largest.
fn divide(weights: &[(u32, u8)], whole: u8) -> Vec<(u32, u8)> {
    let total: u32 = weights.iter().map(|(_, weight)| u32::from(*weight)).sum();
    let mut shares: Vec<_> = weights
        .iter()
        .map(|(version, weight)| {
            let share = u32::from(*weight) * u32::from(whole) / total;
            (*version, u8::try_from(share).expect("a share of at most 100"))
        })
        .collect();
    let given: u8 = shares.iter().map(|(_, share)| share).sum();
    if let Some(largest) = shares.iter_mut().max_by_key(|(_, share)| *share) {
        largest.1 += whole - given;
    }
    shares.retain(|(_, share)| *share > 0);
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_version_takes_its_percent_from_the_others() {
        assert_eq!(give(&[(1, 100)], 2, 10), [(1, 90), (2, 10)]);
        assert_eq!(give(&[(1, 90), (2, 10)], 2, 50), [(1, 50), (2, 50)]);
        assert_eq!(give(&[(1, 50), (2, 50)], 2, 100), [(2, 100)]);
    }

    #[test]
    fn without_others_it_gets_all_and_with_nothing_it_goes() {
        assert_eq!(give(&[], 1, 10), [(1, 100)]);
        assert_eq!(give(&[(2, 100)], 2, 10), [(2, 100)]);
        assert_eq!(give(&[(1, 60), (2, 40)], 2, 0), [(1, 100)]);
    }

    proptest! {
        #[test]
        fn shares_are_always_100_together(
            weights in proptest::collection::vec(1_u8..=50, 1..5), percent in 0_u8..=100,
        ) {
            let present: Vec<_> = (1_u32..).zip(weights).collect();
            let shares = give(&present, 99, percent);
            let sum: u32 = shares.iter().map(|(_, share)| u32::from(*share)).sum();
            prop_assert_eq!(sum, 100);
            prop_assert!(shares.iter().all(|(_, share)| *share > 0));
        }
    }
}
