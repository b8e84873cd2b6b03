//! `object.move`: an object from one place of a lake to another, or to another lake.
//!
//! Within one lake it is one rename. What is to be moved is noted in the run's folder first, so
//! that a try after a crash knows a finished move from an object that was never there.

use std::collections::BTreeMap;

use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::args::Args;
use super::error::{OperatorError, chain};
use crate::connection::object::Location;
use crate::runtime::attempt::{Order, Private, folder};
use crate::runtime::layout::file_name;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::asset::{AssetEventSource, AssetEventSpec};

struct Move {
    source: Location,
    target: Location,
    overwrite: bool,
}

/// What is about to be moved.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Intent {
    source: String,
    target: String,
    size: u64,
}

impl Move {
    fn read(order: &Order, private: &Private) -> Result<Self, OperatorError> {
        let args = Args(&order.args);
        let place = |uri: &str| Location::parse(uri, &private.connections, &order.project);
        let source = place(&args.text("source")?)?;
        if source.is_folder() {
            return Err(OperatorError::Fatal(format!(
                "`source` is `{}`, a folder; one object is moved",
                source.uri()
            )));
        }
        let mut target = place(&args.text("target")?)?;
        if target.is_folder() {
            target = target.join(source.file_name());
        }
        Ok(Self { source, target, overwrite: args.flag("overwrite", false)? })
    }

    /// Moves and returns the object's size; `None`: there is no such object.
    async fn carry_out(
        &self,
        note: impl Fn(u64) -> Result<(), OperatorError>,
    ) -> Result<Option<u64>, OperatorError> {
        let (from, to) = (key(&self.source)?, key(&self.target)?);
        let lake = self.source.open()?;
        let size = match lake.head(&from).await {
            Ok(found) => found.size,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        note(size)?;
        if self.source.root == self.target.root {
            if from == to {
                return Ok(Some(size));
            }
            let moved = if self.overwrite {
                lake.rename(&from, &to).await
            } else {
                lake.rename_if_not_exists(&from, &to).await
            };
            moved.map_err(|error| self.failed(&error))?;
            return Ok(Some(size));
        }
        let mode = if self.overwrite { PutMode::Overwrite } else { PutMode::Create };
        let copied = async {
            let bytes = lake.get(&from).await?.bytes().await?;
            let other = self.target.open().map_err(|error| object_store::Error::Generic {
                store: "LocalFileSystem",
                source: error.into(),
            })?;
            other.put_opts(&to, bytes.into(), mode.into()).await?;
            lake.delete(&from).await
        };
        copied.await.map_err(|error| self.failed(&error))?;
        Ok(Some(size))
    }

    fn failed(&self, error: &object_store::Error) -> OperatorError {
        let (source, target) = (self.source.uri(), self.target.uri());
        match error {
            object_store::Error::AlreadyExists { .. } => OperatorError::Fatal(format!(
                "`{target}` exists already; `overwrite = true` would replace it"
            )),
            error => {
                OperatorError::Passing(format!("move `{source}` to `{target}`: {}", chain(error)))
            }
        }
    }
}

fn key(location: &Location) -> Result<Key, OperatorError> {
    Key::parse(&location.key)
        .map_err(|error| OperatorError::Fatal(format!("`{}`: {error}", location.uri())))
}

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let wish = Move::read(order, private)?;
    let (source, target) = (wish.source.uri(), wish.target.uri());
    let name = format!(
        "{}.{}.move.json",
        file_name(order.key.task.task_id.as_str()),
        order.key.task.map_index
    );
    let note_path = order.run_folder.join(&name);
    let note = |size| {
        let intent = Intent { source: source.clone(), target: target.clone(), size };
        folder::keep(&order.run_folder, &name, &intent)
            .map_err(|error| OperatorError::io("note what is to be moved", &error))
    };
    let size = match block_on(wish.carry_out(note))?? {
        Some(size) => size,
        None => moved_before(&wish, &note_path)
            .ok_or_else(|| OperatorError::Fatal(format!("there is no object `{source}`")))?,
    };
    log.say(&format!("moved `{source}` to `{target}`, {size} bytes"));
    Ok(Outcome::Success {
        output: json!({ "source": source, "target": target, "size": size }),
        outputs: BTreeMap::new(),
        chosen: None,
        skip_all_downstream: false,
        asset_events: asset_events(order, &target, &source, size),
    })
}

/// Returns the size where an earlier try has moved the object and then was lost.
fn moved_before(wish: &Move, note_path: &std::path::Path) -> Option<u64> {
    let intent: Intent = serde_json::from_slice(&std::fs::read(note_path).ok()?).ok()?;
    let size = std::fs::metadata(wish.target.path()).ok()?.len();
    let meant = Intent { source: wish.source.uri(), target: wish.target.uri(), size };
    (intent == meant).then_some(size)
}

fn asset_events(order: &Order, target: &str, source: &str, size: u64) -> Vec<AssetEventSpec> {
    let mut extra = Map::new();
    extra.insert("uri".into(), json!(target));
    extra.insert("size".into(), json!(size));
    extra.insert("source".into(), json!(source));
    order
        .outlets
        .iter()
        .map(|outlet| AssetEventSpec {
            name: Some(outlet.clone()),
            extra: extra.clone(),
            dedupe_key: Some(format!("{}:{outlet}", order.token)),
            ..AssetEventSpec::new(target, AssetEventSource::Task(order.key.task.clone()))
        })
        .collect()
}

/// Waits for an object store's future, which never needs more than the thread it is on; on a
/// thread of its own, so that it does not matter where the operator was called.
fn block_on<R: Send>(work: impl Future<Output = R> + Send) -> Result<R, OperatorError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| OperatorError::io("start a runtime", &error))?;
    std::thread::scope(|scope| scope.spawn(move || runtime.block_on(work)).join())
        .map_err(|_| OperatorError::fatal("the object store gave up in a way it should not"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::runtime::operator::tests::Bench;
    use crate::sched::Outcome;

    fn bench() -> Bench {
        let mut bench = Bench::new("object.move");
        bench.connect("lake", "file:data/lake");
        bench.connect("vault", "file:data/vault");
        bench.write("data/lake/incoming/a b.csv", "x\n1\n");
        bench
    }

    fn args(target: &str) -> Value {
        json!({ "source": "lake:incoming/a b.csv", "target": target })
    }

    fn read(bench: &Bench, path: &str) -> Option<String> {
        std::fs::read_to_string(bench.project().join(path)).ok()
    }

    #[test]
    fn a_target_that_ends_with_a_slash_keeps_the_name() {
        let mut bench = bench();
        bench.order.outlets.push("lake_readings".into());
        let Outcome::Success { output, asset_events, .. } = bench.run(args("lake:readings/"))
        else {
            panic!("it must succeed");
        };
        let target = "lake:readings/a b.csv";
        let expected = json!({ "source": "lake:incoming/a b.csv", "target": target, "size": 4 });
        assert_eq!(output, expected);
        assert_eq!(asset_events.len(), 1);
        assert_eq!(asset_events[0].extra["uri"], json!(target));
        assert_eq!(asset_events[0].extra["size"], json!(4));
        assert_eq!(read(&bench, "data/lake/readings/a b.csv").unwrap(), "x\n1\n");
        assert_eq!(read(&bench, "data/lake/incoming/a b.csv"), None);
    }

    #[test]
    fn a_move_to_another_lake_copies_and_deletes() {
        let bench = bench();
        assert!(matches!(bench.run(args("vault:b.csv")), Outcome::Success { .. }));
        assert_eq!(read(&bench, "data/vault/b.csv").unwrap(), "x\n1\n");
        assert_eq!(read(&bench, "data/lake/incoming/a b.csv"), None);
    }

    #[test]
    fn what_exists_is_replaced_only_when_told() {
        let bench = bench();
        bench.write("data/lake/readings/a b.csv", "old");
        bench.write("data/vault/a b.csv", "old");
        for target in ["lake:readings/", "vault:"] {
            bench.is_fatal(args(target), "a b.csv` exists already; `overwrite = true`");
        }
        assert_eq!(read(&bench, "data/lake/readings/a b.csv").unwrap(), "old");
        let mut overwrite = args("lake:readings/");
        overwrite["overwrite"] = json!(true);
        assert!(matches!(bench.run(overwrite), Outcome::Success { .. }));
        assert_eq!(read(&bench, "data/lake/readings/a b.csv").unwrap(), "x\n1\n");
    }

    #[test]
    fn a_try_after_a_finished_move_succeeds_with_the_same_result() {
        let bench = bench();
        let first = bench.run(args("lake:readings/"));
        assert!(matches!(first, Outcome::Success { .. }));
        assert_eq!(bench.run(args("lake:readings/")), first);
    }

    #[test]
    fn what_is_not_there_or_climbs_out_is_fatal() {
        let bench = bench();
        let from = |source: &str| json!({ "source": source, "target": "lake:readings/" });
        bench.is_fatal(
            from("lake:incoming/none.csv"),
            "there is no object `lake:incoming/none.csv`",
        );
        bench.is_fatal(from("lake:../../dags.toml"), "climbs out");
        bench.is_fatal(from("lake:incoming/"), "one object is moved");
        bench.is_fatal(args("lake:../x"), "climbs out");
        bench.is_fatal(args("pond:x"), "there is no connection `pond`");
    }
}
