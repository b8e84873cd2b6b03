//! Which attempts were handed to Slurm in which job, on disk before `sbatch` is asked: so a crash
//! right after it finds the job again by the batch's name in its comment.
//!
//! ```text
//! .dagdeck/slurm/BATCH.json   whose attempts, in the order of the array; secrets sealed
//!                BATCH.job    the job's id, once Slurm has said it
//!                BATCH.out    what the nodes say outside of the attempts' folders
//! ```
//! The files go when the last attempt of the batch has ended. A node that comes later than that
//! finds nothing to run.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::runtime::attempt::{AttemptFolder, folder};
use crate::types::LaunchToken;

/// What the comments of our jobs begin with.
const MARK: &str = "dagdeck:";

/// `BATCH.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) name: String,
    pub(super) is_array: bool,
    pub(super) members: Vec<Member>,
    /// What is handed over, sealed.
    pub(super) handovers: Vec<String>,
    /// Of the munge that opens them.
    pub(super) munge_socket: Option<String>,
}

/// One attempt of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) folder: PathBuf,
    pub(super) token: LaunchToken,
    /// Which of the handovers is its; `None`: it is handed nothing.
    pub(super) handover: Option<usize>,
}

/// Where an attempt is to be found in Slurm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) batch: String,
    /// `None`: a job of its own.
    pub(super) index: Option<u32>,
    /// As `scancel` takes it; `None` until Slurm has said it.
    pub(super) job: Option<String>,
}

/// All batches with attempts under way.
pub(super) struct Batches {
    dir: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// More than one where a crash left open whether the first was submitted.
    places: HashMap<LaunchToken, Vec<(String, Option<u32>)>>,
    jobs: HashMap<String, String>,
    /// Who of a batch has not ended, with its folder.
    open: HashMap<String, HashMap<LaunchToken, PathBuf>>,
}

impl Batch {
    pub(super) fn comment(&self) -> String {
        comment(&self.name)
    }

    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }
}

/// Returns the comment that a batch's job carries.
pub(super) fn comment(batch: &str) -> String {
    format!("{MARK}{batch}")
}

impl Batches {
    /// Reads what an earlier daemon left in `dir`, and removes what nobody needs any more.
    pub(super) fn load(dir: PathBuf) -> Self {
        let mut known = Known::default();
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|ext| ext != "json") {
                continue;
            }
            match Batch::read(&path) {
                Ok(batch) if batch.members.iter().all(has_ended) => remove(&dir, &batch.name),
                // One whose report is not in the store yet is adopted by the report.
                Ok(batch) => {
                    let job = fs::read_to_string(dir.join(format!("{}.job", batch.name)));
                    let job = job.ok().and_then(|text| serde_json::from_str(&text).ok());
                    known.jobs.extend(job.map(|job| (batch.name.clone(), job)));
                    known.add(&batch, |member| !has_ended(member));
                }
                Err(error) => {
                    let path = path.display();
                    tracing::warn!(%path, %error, "a batch of Slurm jobs cannot be read");
                }
            }
        }
        Self { dir, known: Mutex::new(known) }
    }

    /// Keeps a batch; durable when it returns.
    pub(super) fn keep(&self, batch: &Batch) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        folder::keep(&self.dir, &format!("{}.json", batch.name), batch)?;
        self.known().add(batch, |_| true);
        Ok(())
    }

    /// Keeps the id of a batch's job.
    pub(super) fn keep_job(&self, batch: &str, job: &str) -> io::Result<()> {
        self.known().jobs.insert(batch.to_owned(), job.to_owned());
        folder::keep(&self.dir, &format!("{batch}.job"), &job)
    }

    /// Takes back a batch that Slurm refused.
    pub(super) fn drop_batch(&self, batch: &Batch) {
        for member in &batch.members {
            self.known().leave(&batch.name, &member.token);
        }
        self.known().open.remove(&batch.name);
        remove(&self.dir, &batch.name);
    }

    pub(super) fn path(&self, batch: &str) -> PathBuf {
        self.dir.join(format!("{batch}.json"))
    }

    pub(super) fn output(&self, batch: &str) -> PathBuf {
        self.dir.join(format!("{batch}.out"))
    }

    /// Says where an attempt may be found; empty where it was never handed to Slurm.
    pub(super) fn places(&self, token: &LaunchToken) -> Vec<Place> {
        let known = self.known();
        let place = |(batch, index): &(String, Option<u32>)| Place {
            batch: batch.clone(),
            index: *index,
            job: known.jobs.get(batch).map(|job| match index {
                Some(index) => format!("{job}_{index}"),
                None => job.clone(),
            }),
        };
        known.places.get(token).into_iter().flatten().map(place).collect()
    }

    /// Says whether a job with this comment is of a batch that has not ended.
    pub(super) fn has(&self, comment: &str) -> bool {
        comment.strip_prefix(MARK).is_some_and(|batch| self.known().open.contains_key(batch))
    }

    /// Returns the folders of all attempts that have not ended.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let known = self.known();
        let all: BTreeSet<&PathBuf> = known.open.values().flat_map(HashMap::values).collect();
        all.into_iter().cloned().collect()
    }

    /// Forgets an attempt that has ended, with the batches that it was the last of.
    pub(super) fn forget(&self, token: &LaunchToken) {
        let batches = self.known().places.remove(token).unwrap_or_default();
        for (batch, _) in batches {
            if self.known().leave(&batch, token) {
                remove(&self.dir, &batch);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn add(&mut self, batch: &Batch, is_open: impl Fn(&Member) -> bool) {
        let mut open = HashMap::new();
        for (index, member) in batch.members.iter().enumerate() {
            if !is_open(member) {
                continue;
            }
            let index = u32::try_from(index).ok().filter(|_| batch.is_array);
            let places = self.places.entry(member.token.clone()).or_default();
            places.push((batch.name.clone(), index));
            open.insert(member.token.clone(), member.folder.clone());
        }
        self.open.insert(batch.name.clone(), open);
    }

    /// Says whether it was the last of the batch.
    fn leave(&mut self, batch: &str, token: &LaunchToken) -> bool {
        if let Some(places) = self.places.get_mut(token) {
            places.retain(|(name, _)| name != batch);
        }
        let Some(open) = self.open.get_mut(batch) else { return false };
        open.remove(token);
        let is_last = open.is_empty();
        if is_last {
            self.open.remove(batch);
            self.jobs.remove(batch);
        }
        is_last
    }
}

/// An attempt without its folder was removed with its run.
fn has_ended(member: &Member) -> bool {
    let folder = AttemptFolder::new(&member.folder);
    let is_another = folder.order().map_or(true, |order| order.token != member.token);
    is_another || folder.report(&member.token).is_some()
}

fn remove(dir: &Path, batch: &str) {
    for kind in ["json", "job", "out"] {
        // What is not there, or will not go, is tried again at the next start.
        let _ = fs::remove_file(dir.join(format!("{batch}.{kind}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(dir: &Path, name: &str, tokens: &[&str]) -> Batch {
        let member = |token: &&str| {
            let folder = dir.join(token);
            let mut order = crate::runtime::act::tests::order(&folder);
            order.token = (*token).into();
            AttemptFolder::new(&folder).begin(&order).unwrap();
            Member { folder, token: (*token).into(), handover: None }
        };
        Batch {
            name: name.into(),
            is_array: tokens.len() > 1,
            members: tokens.iter().map(member).collect(),
            handovers: Vec::new(),
            munge_socket: None,
        }
    }

    #[test]
    fn a_batch_is_found_again_with_and_without_its_job() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("slurm");
        let batches = Batches::load(at.clone());
        batches.keep(&batch(dir.path(), "one", &["a", "b"])).unwrap();
        batches.keep(&batch(dir.path(), "two", &["c"])).unwrap();
        batches.keep_job("one", "12").unwrap();

        let found = Batches::load(at);
        let job = |token: &str| found.places(&token.into()).pop().unwrap();
        assert_eq!((job("b").index, job("b").job.as_deref()), (Some(1), Some("12_1")));
        assert_eq!((job("c").index, job("c").job), (None, None));
        assert_eq!(found.places(&"d".into()), []);
    }

    #[test]
    fn its_files_go_with_its_last_attempt() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("slurm");
        let batches = Batches::load(at.clone());
        batches.keep(&batch(dir.path(), "one", &["a", "b"])).unwrap();
        batches.forget(&"a".into());
        assert!(batches.path("one").exists());
        batches.forget(&"b".into());
        assert!(!batches.path("one").exists());

        batches.keep(&batch(dir.path(), "two", &["c"])).unwrap();
        // Its attempt was removed with its run.
        fs::remove_dir_all(dir.path().join("c")).unwrap();
        Batches::load(at);
        assert!(!batches.path("two").exists());
    }

    #[test]
    fn a_second_try_of_a_launch_is_found_in_both_places() {
        let dir = tempfile::tempdir().unwrap();
        let batches = Batches::load(dir.path().join("slurm"));
        let first = batch(dir.path(), "one", &["a"]);
        batches.keep(&first).unwrap();
        batches.keep(&batch(dir.path(), "two", &["a"])).unwrap();
        let names = |token: &str| -> Vec<String> {
            batches.places(&token.into()).into_iter().map(|place| place.batch).collect()
        };
        assert_eq!(names("a"), ["one", "two"]);
        batches.drop_batch(&first);
        assert_eq!(names("a"), ["two"]);
    }
}
