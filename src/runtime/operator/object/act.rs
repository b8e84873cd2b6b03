//! Copies, moves and deletes what was found: small objects several at once, large ones one after
//! the other.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sha2::{Digest, Sha256};

use super::OperatorError;
use super::journal::Journal;
use super::place::Place;
use super::told::{Carried, SAID_MAX};
use crate::connection::object::{Hooks, Lake, LakeError, LakeFault, Object, Transfer};
use crate::runtime::executor::process_table::boot_id;
use crate::runtime::task_log::TaskLog;

/// So many small objects are on their way at once; what each holds in memory is no more than it
/// is large.
const AT_ONCE_MAX: usize = 8;

/// A larger object goes alone: it fills several parts of memory by itself.
const SMALL_LEN_MAX: u64 = 4 << 20;

/// What is wanted.
pub(super) struct Wish {
    pub(super) moves: bool,
    pub(super) overwrite: bool,
    pub(super) source: Place,
    pub(super) target: Place,
}

/// One object and where it goes.
struct Pair {
    object: Object,
    key: String,
    source: String,
    target: String,
}

impl Wish {
    const fn verb(&self) -> &'static str {
        if self.moves { "moved" } else { "copied" }
    }

    fn pair(&self, object: Object) -> Result<Pair, OperatorError> {
        let key = self.target.key_for(&self.source, &object)?;
        let source = self.source.lake.uri(&object.key);
        Ok(Pair { source, target: self.target.lake.uri(&key), object, key })
    }

    fn is_within_a_folder(&self) -> bool {
        let lake = &self.source.lake;
        lake.is_folder() && lake.is_same(&self.target.lake)
    }
}

/// Carries the wish out and returns what was carried, in order of the sources; with what earlier
/// tries did.
pub(super) async fn carry(
    wish: &Wish,
    journal: &Journal,
    log: &TaskLog,
) -> Result<Vec<Carried>, OperatorError> {
    end_uploads(wish, journal).await;
    let found = wish.source.find().await?;
    if found.is_empty() && !wish.source.is_pattern() {
        return moved_before(wish, journal).await.map(|one| vec![one]);
    }
    let pairs = found.into_iter().map(|object| wish.pair(object)).collect::<Result<Vec<_>, _>>()?;
    let mut carried: Vec<Carried> = match wish.moves && wish.source.is_pattern() {
        true => journal.done().to_vec(),
        false => Vec::new(),
    };
    carried.retain(|one| pairs.iter().all(|pair| pair.target != one.target));
    let names = |pair: &Pair| (pair.source.clone(), pair.target.clone(), pair.object.size);
    let meant: Vec<_> = pairs.iter().map(names).collect();
    journal.mean(
        meant.iter().map(|(source, target, size)| (source.as_str(), target.as_str(), *size)),
    )?;
    carried.extend(each(wish, journal, log, pairs).await?);
    carried.sort_by(|a, b| a.source.cmp(&b.source));
    if carried.is_empty() {
        log.say(&format!("nothing fits `{}`", wish.source.shown()));
    }
    Ok(carried)
}

/// Several at once, where they are small. After a failure nothing new is begun, and what is on
/// its way is waited for: it must leave nothing behind.
async fn each(
    wish: &Wish,
    journal: &Journal,
    log: &TaskLog,
    pairs: Vec<Pair>,
) -> Result<Vec<Carried>, OperatorError> {
    let mut waiting = pairs.into_iter().peekable();
    let mut under_way = FuturesUnordered::new();
    let (mut carried, mut failed, mut alone) = (Vec::new(), None, false);
    loop {
        while failed.is_none() && !alone && under_way.len() < AT_ONCE_MAX {
            let is_large = |pair: &Pair| pair.object.size > SMALL_LEN_MAX;
            let Some(next) = waiting.peek() else { break };
            if is_large(next) && !under_way.is_empty() {
                break;
            }
            let Some(pair) = waiting.next() else { break };
            alone = is_large(&pair);
            under_way.push(carry_one(wish, journal, log, pair));
        }
        let Some(done) = under_way.next().await else { break };
        alone = false;
        match done {
            Ok(one) => {
                if carried.len() < SAID_MAX {
                    let Carried { source, target, size, .. } = &one;
                    log.say(&format!("{} `{source}` to `{target}`, {size} bytes", wish.verb()));
                }
                carried.push(one);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        None => Ok(carried),
        Some(error) => Err(error),
    }
}

async fn carry_one(
    wish: &Wish,
    journal: &Journal,
    log: &TaskLog,
    pair: Pair,
) -> Result<Carried, OperatorError> {
    let (from, to) = (&wish.source.lake, &wish.target.lake);
    if from.is_same(to) && pair.object.key == pair.key {
        return Ok(Carried::of(&pair.source, &pair.target, &pair.object));
    }
    let carried = if wish.moves && wish.is_within_a_folder() {
        let renamed = from.rename(&pair.object.key, &pair.key, wish.overwrite).await;
        renamed.map(|()| Carried::of(&pair.source, &pair.target, &pair.object))
    } else {
        copy(wish, journal, log, &pair).await
    };
    let carried = match carried {
        Ok(carried) => carried,
        Err(error) if error.fault == LakeFault::Exists => {
            brought_before(journal, to, &pair, error).await?
        }
        Err(error) => return Err(error.into()),
    };
    if wish.moves && !wish.is_within_a_folder() {
        take_away(from, &pair.object).await?;
    }
    journal.add(&carried)?;
    Ok(carried)
}

async fn copy(
    wish: &Wish,
    journal: &Journal,
    log: &TaskLog,
    pair: &Pair,
) -> Result<Carried, LakeError> {
    let hooks = Hooks {
        warn: &|text| log.say(text),
        upload_began: &|id| {
            // Without its line an upload that is left stays until the bucket's own rule takes it.
            if let Err(error) = journal.begin_upload(&pair.target, id) {
                log.say(&error.to_string());
            }
        },
    };
    let tag = tag(pair);
    let transfer = Transfer {
        from: &wish.source.lake,
        source: &pair.object,
        to: &wish.target.lake,
        key: &pair.key,
        overwrite: wish.overwrite,
        tag: &tag,
    };
    let arrived = transfer.carry_out(&hooks).await?;
    if arrived.resumed_at > 0 {
        log.say(&format!("`{}`: went on at byte {}", pair.source, arrived.resumed_at));
    }
    Ok(Carried {
        source: pair.source.clone(),
        target: pair.target.clone(),
        size: arrived.size,
        e_tag: arrived.e_tag,
        sha256: arrived.sha256,
    })
}

/// What exists may be what an earlier try has brought, and could not say any more.
async fn brought_before(
    journal: &Journal,
    to: &Lake,
    pair: &Pair,
    error: LakeError,
) -> Result<Carried, OperatorError> {
    let found = to.head(&pair.key).await?;
    let meant = journal.has_meant(&pair.source, &pair.target);
    match found.filter(|found| meant == Some(found.size) && found.size == pair.object.size) {
        Some(found) => Ok(match journal.done_with(&pair.source, &pair.target) {
            Some(known) => known.clone(),
            None => Carried::of(&pair.source, &pair.target, &found),
        }),
        None => {
            journal.refuse(&pair.target)?;
            Err(error.into())
        }
    }
}

/// Deletes what was moved, unless it has changed since it was read.
async fn take_away(lake: &Lake, seen: &Object) -> Result<(), OperatorError> {
    let now = lake.head(&seen.key).await?;
    if now.is_some_and(|now| now.e_tag != seen.e_tag) {
        return Err(OperatorError::Passing(format!(
            "`{}` has changed while it was moved: it stays",
            lake.uri(&seen.key)
        )));
    }
    Ok(lake.delete(&seen.key).await?)
}

/// Where there is no source: an earlier try has moved it, or there never was one.
async fn moved_before(wish: &Wish, journal: &Journal) -> Result<Carried, OperatorError> {
    let source = wish.source.shown();
    let missing = || OperatorError::Fatal(format!("there is no object `{source}`"));
    let object = Object { key: wish.source.key().to_owned(), size: 0, e_tag: None, modified: None };
    let pair = wish.pair(object)?;
    let size = journal.has_meant(&pair.source, &pair.target).ok_or_else(missing)?;
    if !wish.moves {
        return Err(missing());
    }
    let found = wish.target.lake.head(&pair.key).await?;
    let found = found.filter(|found| found.size == size).ok_or_else(missing)?;
    Ok(match journal.done_with(&pair.source, &pair.target) {
        Some(known) => known.clone(),
        None => Carried::of(&pair.source, &pair.target, &found),
    })
}

/// Ends the uploads that a try which died has left.
async fn end_uploads(wish: &Wish, journal: &Journal) {
    for (target, id) in journal.uploads() {
        let lake = &wish.target.lake;
        let begins = lake.uri("");
        let Some(key) = target.strip_prefix(&begins) else { continue };
        if let Err(error) = lake.end_upload(key, id).await {
            tracing::debug!(%error, "an upload that was left could not be ended");
        }
    }
}

/// Deletes several at once; one that has gone meanwhile is gone.
pub(super) async fn delete(source: &Place, found: &[Object]) -> Result<(), OperatorError> {
    let mut waiting = found.iter();
    let mut under_way = FuturesUnordered::new();
    loop {
        for object in waiting.by_ref().take(AT_ONCE_MAX - under_way.len()) {
            under_way.push(source.lake.delete(&object.key));
        }
        match under_way.next().await {
            Some(done) => done?,
            None => return Ok(()),
        }
    }
}

/// What is left of a transfer can be gone on with when it is the same version of the same object,
/// and this machine has not been started anew: what was written before may not be on disk.
fn tag(pair: &Pair) -> String {
    let mut hash = Sha256::new();
    for part in [
        pair.source.as_str(),
        pair.object.e_tag.as_deref().unwrap_or_default(),
        &pair.object.size.to_string(),
        &boot_id().unwrap_or_default(),
    ] {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
