//! Where in a file the row of an id stands: hashes in order, each with the place of its line.
//! Hashes are spread evenly, so that one read near the place where it must be finds nearly all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::serving::hash;

/// Bytes of an entry: the hash and the place.
const ENTRY: usize = 16;
/// Entries that are read at once.
const NEAR: u64 = 512;

/// What is hashed of a row.
pub(super) fn key(id: &str, row: u32) -> u64 {
    hash::of(u64::from(row), id.as_bytes())
}

/// Writes an index as a whole or not at all, for its owner only.
pub(super) fn write(path: &Path, mut entries: Vec<(u64, u64)>) -> io::Result<()> {
    entries.sort_unstable();
    let bytes: Vec<u8> = entries
        .iter()
        .flat_map(|(key, place)| [key.to_be_bytes(), place.to_be_bytes()].concat())
        .collect();
    let beside = path.with_extension("tmp");
    let mut options = OpenOptions::new();
    let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&bytes)?;
    fs::rename(&beside, path)
}

/// Returns the places of all rows with a key, in order.
pub(super) fn find(path: &Path, key: u64) -> io::Result<Vec<u64>> {
    let file = File::open(path)?;
    let count = file.metadata()?.len() / ENTRY as u64;
    let guess = (u128::from(key) * u128::from(count)) >> 64;
    let first = u64::try_from(guess).unwrap_or(0).saturating_sub(NEAR / 2);
    let near = read(&file, first, NEAR.min(count - first))?;
    let covers = (first == 0 || near.first().is_some_and(|entry| entry.0 < key))
        && (first + NEAR >= count || near.last().is_some_and(|entry| entry.0 > key));
    if covers {
        return Ok(of(&near, key));
    }
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        match read(&file, middle, 1)?.first() {
            Some(entry) if entry.0 < key => from = middle + 1,
            _ => to = middle,
        }
    }
    // An id that somebody sends with every request has more rows; the first of them will do.
    Ok(of(&read(&file, from, NEAR.min(count - from))?, key))
}

fn of(entries: &[(u64, u64)], key: u64) -> Vec<u64> {
    entries.iter().filter(|entry| entry.0 == key).map(|entry| entry.1).collect()
}

fn read(file: &File, first: u64, count: u64) -> io::Result<Vec<(u64, u64)>> {
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * ENTRY];
    file.read_exact_at(&mut bytes, first * ENTRY as u64)?;
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
    Ok(bytes.chunks_exact(ENTRY).map(|entry| (number(&entry[..8]), number(&entry[8..]))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_however_the_keys_lie() {
        let folder = tempfile::tempdir().unwrap();
        let even: Vec<u64> = (0..3000).map(|n| key(&format!("id-{n}"), n % 3)).collect();
        // What no hash does: all keys at one end.
        let crowded: Vec<u64> = (0..3000).map(|n| n * 2).collect();
        for (name, keys) in [("even", even), ("crowded", crowded), ("none", Vec::new())] {
            let path = folder.path().join(name);
            let entries = keys.iter().enumerate().map(|(at, key)| (*key, at as u64)).collect();
            write(&path, entries).unwrap();
            for (at, key) in keys.iter().enumerate() {
                assert_eq!(find(&path, *key).unwrap(), [at as u64], "{name} {at}");
            }
            assert_eq!(find(&path, 1).unwrap(), [0_u64; 0]);
            assert_eq!(find(&path, u64::MAX).unwrap(), [0_u64; 0]);
        }
        let path = folder.path().join("twice");
        write(&path, vec![(5, 100), (5, 7), (9, 1)]).unwrap();
        assert_eq!(find(&path, 5).unwrap(), [7, 100]);
    }
}
