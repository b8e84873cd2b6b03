//! This program, and the libraries that the kernel and the loader need to start it: found by what
//! its file says and by what is mapped into this very process, so that no tool is needed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The running program, even where another was put in its place meanwhile.
pub(super) fn own() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// Returns the files that it cannot start without: the place of each, and the file to copy there.
/// None of a static program.
pub(super) fn needed() -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let Some(loader) = loader_of(&own())? else { return Ok(Vec::new()) };
    let loaded = fs::canonicalize(&loader)?;
    let mut needed = vec![(loader, loaded.clone())];
    for library in mapped(&fs::read("/proc/self/maps")?)? {
        if library != loaded {
            needed.push((library.clone(), library));
        }
    }
    Ok(needed)
}

/// Lists the libraries in the kernel's table of what is mapped.
fn mapped(maps: &[u8]) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for line in maps.split(|byte| *byte == b'\n') {
        // `FROM-TO MODE OFFSET DEVICE INODE          PATH`
        let Some(at) = line.iter().position(|byte| *byte == b'/') else { continue };
        let (fields, path) = line.split_at(at);
        let is_code = fields.split(|byte| *byte == b' ').nth(1).is_some_and(|m| m.contains(&b'x'));
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let name = path.file_name().map(|name| name.as_bytes()).unwrap_or_default();
        if !is_code || !name.windows(3).any(|three| three == b".so") {
            continue;
        }
        if name.ends_with(b" (deleted)") {
            let text = format!("{}: the system was upgraded; start dagdeck again", path.display());
            return Err(io::Error::other(text));
        }
        found.insert(path.to_owned());
    }
    Ok(found)
}

/// Returns the loader that an ELF file of 64 bits asks for (`PT_INTERP`).
fn loader_of(program: &Path) -> io::Result<Option<PathBuf>> {
    const HEADER: usize = 64;
    const ENTRY: usize = 56;
    const INTERPRETER: u32 = 3;
    let strange = || io::Error::other("this program's file is no ELF file of 64 bits");
    let file = fs::File::open(program)?;
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0)?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return Err(strange());
    }
    let (table, count) = (u64_at(&header, 32), u16::from_le_bytes([header[56], header[57]]));
    for i in 0..u64::from(count) {
        let mut entry = [0; ENTRY];
        file.read_exact_at(&mut entry, table + i * ENTRY as u64)?;
        if u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]) != INTERPRETER {
            continue;
        }
        let length = usize::try_from(u64_at(&entry, 32)).ok().filter(|length| *length <= 4096);
        let mut path = vec![0; length.ok_or_else(strange)?];
        file.read_exact_at(&mut path, u64_at(&entry, 8))?;
        let path = path.strip_suffix(b"\0").unwrap_or(&path);
        return Ok(Some(PathBuf::from(std::ffi::OsStr::from_bytes(path))));
    }
    Ok(None)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_those_whose_code_is_mapped() {
        let maps = b"55d0-55d1 r-xp 0000 08:01 1   /usr/bin/dagdeck\n\
            7f00-7f01 r--p 0000 08:01 2   /usr/lib/x/only-data.so\n\
            7f00-7f01 r-xp 0000 08:01 2   /usr/lib/x/libc.so.6\n\
            7f00-7f01 r-xp 0000 00:00 0   [vdso]\n";
        let found: Vec<_> = mapped(maps).unwrap().into_iter().collect();
        assert_eq!(found, [PathBuf::from("/usr/lib/x/libc.so.6")]);
        let gone = b"7f00-7f01 r-xp 0000 08:01 2   /usr/lib/x/libc.so.6 (deleted)\n";
        assert!(mapped(gone).unwrap_err().to_string().contains("upgraded"));
    }

    #[test]
    fn a_file_that_is_no_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, [b'x'; 100]).unwrap();
        assert!(loader_of(&path).is_err());
        fs::write(&path, b"short").unwrap();
        assert!(loader_of(&path).is_err());
    }

    #[test]
    fn this_test_program_needs_its_loader() {
        for (place, file) in needed().unwrap() {
            assert!(place.is_absolute() && file.is_file(), "{place:?} {file:?}");
        }
    }
}
