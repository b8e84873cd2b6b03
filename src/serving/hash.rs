//! A hash that is the same on every machine and in every version: what was divided by it stays
//! divided so.

/// Returns the hash of some bytes under a seed: Fowler, Noll and Vo's (1a), stirred as SplitMix64
/// does, since its high bits are poor on short texts.
pub(crate) fn of(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ stirred(seed);
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    stirred(hash)
}

/// Finishes as SplitMix64 does (Steele, Lea and Flood, 2014): different numbers stay different.
pub(crate) fn stirred(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns a hash as a number above 0 and below 1.
#[allow(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
pub(crate) fn unit(hash: u64) -> f64 {
    ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_stay_what_they_are_and_spread_evenly() {
        assert_ne!(of(1, b"ada"), of(2, b"ada"));
        // By a second implementation: what is divided by it must not move.
        assert_eq!(of(1, b"ada"), 0x820b_e0f1_a85f_3891);
        let mut tenths = [0_u32; 10];
        for n in 0..10_000_u32 {
            tenths[(unit(of(7, n.to_string().as_bytes())) * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
    }
}
