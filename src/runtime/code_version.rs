//! Which commit of git a project stands at, read from its files: no `git` is started for it.

use std::fs;
use std::path::{Path, PathBuf};

/// How many symbolic references may lead from one to the next.
const HOPS_MAX: usize = 5;

/// Returns the commit that the work tree around a folder has checked out; `None` where there is no
/// work tree, or no commit yet.
pub(crate) fn commit(folder: &Path) -> Option<String> {
    let git = folder.ancestors().map(|at| at.join(".git")).find(|git| git.exists())?;
    let own = match git.is_dir() {
        true => git,
        // A further work tree has a file that says where its own things lie.
        false => {
            let text = fs::read_to_string(&git).ok()?;
            git.parent()?.join(text.trim().strip_prefix("gitdir:")?.trim())
        }
    };
    let shared = match fs::read_to_string(own.join("commondir")) {
        Ok(text) => own.join(text.trim()),
        Err(_) => own.clone(),
    };
    let mut text = fs::read_to_string(own.join("HEAD")).ok()?;
    for _ in 0..HOPS_MAX {
        let Some(name) = text.trim().strip_prefix("ref:").map(str::trim) else { break };
        text = reference(&[&own, &shared], name)?;
    }
    let commit = text.trim();
    let is_commit = commit.len() >= 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
    is_commit.then(|| commit.to_owned())
}

fn reference(folders: &[&PathBuf], name: &str) -> Option<String> {
    if let Some(text) = folders.iter().find_map(|at| fs::read_to_string(at.join(name)).ok()) {
        return Some(text);
    }
    let packed = folders.iter().find_map(|at| fs::read_to_string(at.join("packed-refs")).ok())?;
    let of_name = |line: &str| {
        let (commit, of) = line.split_once(' ')?;
        (of == name).then(|| commit.to_owned())
    };
    packed.lines().find_map(of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_commit_is_found_however_git_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let (root, project) = (dir.path(), dir.path().join("a/b"));
        fs::create_dir_all(&project).unwrap();
        write(root.join(".git/HEAD"), "ref: refs/heads/main\n");
        assert_eq!(commit(&project), None, "no commit yet");
        let packed = format!("# pack-refs\n{COMMIT} refs/heads/main\n");
        write(root.join(".git/packed-refs"), &packed);
        assert_eq!(commit(&project).as_deref(), Some(COMMIT));
        let newer = COMMIT.replace('0', "f");
        write(root.join(".git/refs/heads/main"), &format!("{newer}\n"));
        assert_eq!(commit(&project), Some(newer));
        write(root.join(".git/HEAD"), COMMIT);
        assert_eq!(commit(root).as_deref(), Some(COMMIT), "detached");
        write(root.join(".git/HEAD"), "ref: HEAD");
        assert_eq!(commit(root), None, "it leads in a circle");
    }

    #[test]
    fn a_further_work_tree_has_a_commit_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path().join("main/.git/HEAD"), "ref: refs/heads/main");
        write(dir.path().join("main/.git/refs/heads/other"), COMMIT);
        let own = dir.path().join("main/.git/worktrees/other");
        write(own.join("HEAD"), "ref: refs/heads/other");
        write(own.join("commondir"), "../..\n");
        write(dir.path().join("other/.git"), &format!("gitdir: {}\n", own.display()));
        assert_eq!(commit(&dir.path().join("other")).as_deref(), Some(COMMIT));
    }
}
