//! A run, told: made there once, then brought to what it is here. Each step notes how far it is, so
//! that what was told is not told again; told again it would be the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::runtime::mirror::remote::{
    Refusal, Remote, gone_is_good, number, pairs, read_pairs, said,
};
use crate::runtime::promotion::off_thread;
use crate::store::{Store, StoreError};
use crate::tracking::artifact;
use crate::tracking::mirror::{self, Copy, Kind, RunFacts};
use crate::tracking::run::PARENT;
use crate::types::{Fault, Timestamp};

/// The tag there that says which run it is here.
pub(super) const RUN_ID: &str = "dagdeck.run_id";

/// As many as MLflow takes at once.
const METRICS_MAX: u32 = 1_000;
const PAIRS_MAX: usize = 100;

/// MLflow's limit of a digest of data; ours are longer, and begin the same.
const DIGEST_LEN_MAX: usize = 36;

/// A file is read whole before it is sent: pipelines write models from memory, too.
const ARTIFACT_BYTES_MAX: u64 = 2 << 30;

/// How far the copy of a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RunState {
    /// Where its artifacts go there.
    pub(super) artifact_uri: String,
    /// The number of the last point that was told.
    points: i64,
    /// Keys of the tags that were told.
    tags: BTreeSet<String>,
    /// Path and digest of those that were told.
    artifacts: BTreeMap<String, String>,
    inputs: usize,
    /// Whether one was looked for that was made twice, after it was over.
    is_single: bool,
}

pub(super) type RunCopy = Copy<RunState>;

/// With what things are told.
pub(super) struct Desk {
    pub(super) store: Store,
    /// The project's folder of artifacts.
    pub(super) artifacts: std::path::PathBuf,
    pub(super) remote: Remote,
}

/// A failure of our own: it is tried again, and nothing else is told meanwhile.
pub(super) fn own(error: &StoreError) -> Refusal {
    Refusal::Away(format!("read what is to be told: {error}"))
}

impl Desk {
    /// Brings the copy of a run to what it is here; returns it, `None` where there is none to be.
    pub(super) async fn tell_run(&self, id: &str) -> Result<Option<RunCopy>, Refusal> {
        let Some((facts, mut copy)) = self.run_there(id).await? else { return Ok(None) };
        match self.bring(&facts, &mut copy).await {
            // Somebody deleted it for good, or another database is there: it is made anew.
            Err(Refusal::Gone(why)) => {
                tracing::warn!(run = id, why, "the copy of a run is gone: it is made again");
                self.forget(Kind::Run, id).await?;
                self.forget(Kind::Experiment, &facts.run.experiment_id).await?;
                let Some((facts, mut copy)) = self.run_there(id).await? else { return Ok(None) };
                self.bring(&facts, &mut copy).await?;
                Ok(Some(copy))
            }
            told => told.map(|()| Some(copy)),
        }
    }

    async fn forget(&self, kind: Kind, id: &str) -> Result<(), Refusal> {
        let id = id.to_owned();
        self.store.write(move |tx| mirror::forget(tx, kind, &id)).await.map_err(|e| own(&e))
    }

    /// Returns what a run is here, and its copy, which is made where there is none yet, after that of
    /// the run that it hangs under.
    async fn run_there(&self, id: &str) -> Result<Option<(RunFacts, RunCopy)>, Refusal> {
        let own_id = id.to_owned();
        let read = self.store.read(move |conn| {
            Ok((mirror::run_facts(conn, &own_id)?, mirror::copy(conn, Kind::Run, &own_id)?))
        });
        let (facts, copy) = read.await.map_err(|error| own(&error))?;
        let Some(mut facts) = facts else { return Ok(None) };
        if let Some(parent) = facts.parent.clone()
            && let Some((_, parent)) = Box::pin(self.run_there(&parent)).await?
        {
            for (key, value) in &mut facts.run.tags {
                if key == PARENT {
                    value.clone_from(&parent.remote);
                }
            }
        }
        let copy = match copy {
            Some(copy) => copy,
            None => self.make(&facts).await?,
        };
        Ok(Some((facts, copy)))
    }

    async fn make(&self, facts: &RunFacts) -> Result<RunCopy, Refusal> {
        let (run, experiment) = (&facts.run, self.experiment(facts).await?);
        // It may have been made without our hearing of it.
        let made = match self.find(&experiment, run.run_id.as_str()).await?.into_iter().next() {
            Some(found) => found,
            None => {
                let mut tags = run.tags.clone();
                tags.truncate(PAIRS_MAX - 1);
                tags.push((RUN_ID.to_owned(), run.run_id.to_string()));
                let body = json!({
                    "experiment_id": experiment, "run_name": run.run_name,
                    "user_id": run.user_id, "start_time": run.start_time.as_millisecond(),
                    "tags": pairs(&tags),
                });
                self.remote.post("runs/create", &body).await?["run"].clone()
            }
        };
        tracing::trace!(step = "mirror run made");
        let state =
            RunState { artifact_uri: said(&made, "/info/artifact_uri")?, ..RunState::default() };
        let copy = Copy { remote: said(&made, "/info/run_id")?, state };
        self.keep(Kind::Run, run.run_id.as_str(), &copy).await?;
        Ok(copy)
    }

    /// Returns the runs there that are the one of this id here, whether deleted or not.
    async fn find(&self, experiment: &str, id: &str) -> Result<Vec<Value>, Refusal> {
        let body = json!({
            "experiment_ids": [experiment], "filter": format!("tags.`{RUN_ID}` = '{id}'"),
            "run_view_type": "ALL", "max_results": 100, "order_by": ["attributes.start_time ASC"],
        });
        let found = self.remote.post("runs/search", &body).await?;
        Ok(found["runs"].as_array().cloned().unwrap_or_default())
    }

    async fn experiment(&self, facts: &RunFacts) -> Result<String, Refusal> {
        let id = facts.run.experiment_id.clone();
        let read = self.store.read(move |conn| mirror::copy::<()>(conn, Kind::Experiment, &id));
        if let Some(copy) = read.await.map_err(|error| own(&error))? {
            return Ok(copy.remote);
        }
        let by_name = [("experiment_name", facts.experiment.as_str())];
        let remote = match self.remote.get("experiments/get-by-name", &by_name).await {
            Ok(found) => said(&found, "/experiment/experiment_id")?,
            Err(Refusal::Gone(_)) => {
                let body = json!({"name": facts.experiment});
                match self.remote.post("experiments/create", &body).await {
                    Ok(made) => said(&made, "/experiment_id")?,
                    // Somebody else was quicker.
                    Err(Refusal::Exists(_)) => {
                        let found = self.remote.get("experiments/get-by-name", &by_name).await?;
                        said(&found, "/experiment/experiment_id")?
                    }
                    Err(refusal) => return Err(refusal),
                }
            }
            Err(refusal) => return Err(refusal),
        };
        let copy = Copy { remote: remote.clone(), state: () };
        self.keep(Kind::Experiment, &facts.run.experiment_id, &copy).await?;
        Ok(remote)
    }

    pub(super) async fn keep<S: Serialize + Clone + Send + 'static>(
        &self,
        kind: Kind,
        id: &str,
        copy: &Copy<S>,
    ) -> Result<(), Refusal> {
        let (id, copy) = (id.to_owned(), copy.clone());
        let kept = self.store.write(move |tx| mirror::keep(tx, kind, &id, &copy)).await;
        tracing::trace!(step = "mirror noted");
        kept.map_err(|error| own(&error))
    }

    async fn bring(&self, facts: &RunFacts, copy: &mut RunCopy) -> Result<(), Refusal> {
        let there = self.remote.get("runs/get", &[("run_id", &copy.remote)]).await?;
        let there = &there["run"];
        let is_deleted = there["info"]["lifecycle_stage"] == "deleted";
        let shall_be = facts.run.lifecycle_stage == "deleted";
        let by_id = json!({"run_id": copy.remote});
        if is_deleted && shall_be {
            return Ok(());
        }
        if is_deleted {
            self.remote.post("runs/restore", &by_id).await?;
        }
        self.points(facts, copy).await?;
        self.pairs(facts, copy, &there["data"]).await?;
        self.inputs(facts, copy).await?;
        let files = self.files(facts, copy).await;
        if let Err(refusal @ (Refusal::Away(_) | Refusal::Gone(_))) = files {
            return Err(refusal);
        }
        // A file that it will not have does not keep the run from its end.
        self.standing(facts, copy, &there["info"]).await?;
        if shall_be {
            self.remote.post("runs/delete", &by_id).await?;
        }
        files
    }

    /// Tells the points that came since.
    async fn points(&self, facts: &RunFacts, copy: &mut RunCopy) -> Result<(), Refusal> {
        loop {
            let (id, after) = (facts.run.run_id.clone(), copy.state.points);
            let read = self
                .store
                .read(move |conn| mirror::points_after(conn, id.as_str(), after, METRICS_MAX));
            let (points, last) = read.await.map_err(|error| own(&error))?;
            if points.is_empty() {
                return Ok(());
            }
            let points: Vec<Value> = points
                .iter()
                .map(|point| {
                    json!({"key": point.key, "value": number(point.value), "step": point.step,
                        "timestamp": point.timestamp.as_millisecond()})
                })
                .collect();
            let body = json!({"run_id": copy.remote, "metrics": points});
            self.remote.post("runs/log-batch", &body).await?;
            tracing::trace!(step = "mirror points told");
            copy.state.points = last;
            self.keep(Kind::Run, facts.run.run_id.as_str(), copy).await?;
        }
    }

    /// Tells params and tags that are not there, and takes tags off that are not here any more.
    async fn pairs(
        &self,
        facts: &RunFacts,
        copy: &mut RunCopy,
        there: &Value,
    ) -> Result<(), Refusal> {
        let (known, tagged) = (read_pairs(&there["params"]), read_pairs(&there["tags"]));
        // A param is written once: what a search that went on wrote anew stays as it was first.
        let is_new = |(key, _): &&(String, String)| !known.iter().any(|(name, _)| name == key);
        let params: Vec<_> = facts.run.params.iter().filter(is_new).cloned().collect();
        let tags = facts.run.tags.iter().filter(|tag| !tagged.contains(tag));
        let tags: Vec<_> = tags.cloned().collect();
        for some in params.chunks(PAIRS_MAX) {
            let body = json!({"run_id": copy.remote, "params": pairs(some)});
            self.remote.post("runs/log-batch", &body).await?;
        }
        for some in tags.chunks(PAIRS_MAX) {
            let body = json!({"run_id": copy.remote, "tags": pairs(some)});
            self.remote.post("runs/log-batch", &body).await?;
        }
        let here: BTreeSet<String> = facts.run.tags.iter().map(|(key, _)| key.clone()).collect();
        for key in copy.state.tags.difference(&here) {
            let body = json!({"run_id": copy.remote, "key": key});
            gone_is_good(self.remote.post("runs/delete-tag", &body).await)?;
        }
        if copy.state.tags != here {
            copy.state.tags = here;
            self.keep(Kind::Run, facts.run.run_id.as_str(), copy).await?;
        }
        Ok(())
    }

    async fn inputs(&self, facts: &RunFacts, copy: &mut RunCopy) -> Result<(), Refusal> {
        if facts.run.datasets.len() <= copy.state.inputs {
            return Ok(());
        }
        let mut datasets = facts.run.datasets.clone();
        for input in &mut datasets {
            if let Some(digest) = input["dataset"]["digest"].as_str() {
                let short: String = digest.chars().take(DIGEST_LEN_MAX).collect();
                input["dataset"]["digest"] = Value::String(short);
            }
        }
        let body = json!({"run_id": copy.remote, "datasets": datasets});
        self.remote.post("runs/log-inputs", &body).await?;
        copy.state.inputs = facts.run.datasets.len();
        self.keep(Kind::Run, facts.run.run_id.as_str(), copy).await
    }

    async fn files(&self, facts: &RunFacts, copy: &mut RunCopy) -> Result<(), Refusal> {
        let told = &copy.state.artifacts;
        let is_news = |(path, digest): &&(String, String)| told.get(path) != Some(digest);
        let news: Vec<(String, String)> = facts.artifacts.iter().filter(is_news).cloned().collect();
        if news.is_empty() {
            return Ok(());
        }
        let there = below(&copy.state.artifact_uri)?;
        for (path, digest) in news {
            let bytes = self.file(&facts.run.artifact_uri, &path).await?;
            // Its row says what was written last; a file that is gone was pruned meanwhile.
            if let Some(bytes) = bytes {
                self.remote.put_artifact(&format!("{there}/{path}"), bytes).await?;
                tracing::trace!(step = "mirror artifact told");
            }
            copy.state.artifacts.insert(path, digest);
            self.keep(Kind::Run, facts.run.run_id.as_str(), copy).await?;
        }
        Ok(())
    }

    async fn file(&self, artifact_uri: &str, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(folder) = artifact::place(&self.artifacts, artifact_uri) else { return Ok(None) };
        let own_path = path.to_owned();
        let read = move || match artifact::read(&folder, &own_path, ARTIFACT_BYTES_MAX + 1) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::unavailable(error.to_string())),
        };
        let bytes = off_thread(read)
            .await
            .map_err(|fault| Refusal::Refused(format!("read artifact `{path}`: {fault}")))?;
        let is_long = |bytes: &Vec<u8>| bytes.len() as u64 > ARTIFACT_BYTES_MAX;
        if bytes.as_ref().is_some_and(is_long) {
            let text = format!("artifact `{path}` weighs more than 2 GiB: it is not carried over");
            return Err(Refusal::Refused(text));
        }
        Ok(bytes)
    }

    /// Tells the name, the status and the end, and looks for one that was made twice.
    async fn standing(
        &self,
        facts: &RunFacts,
        copy: &mut RunCopy,
        there: &Value,
    ) -> Result<(), Refusal> {
        let run = &facts.run;
        let end_time = run.end_time.map(Timestamp::as_millisecond);
        let is_same = there["status"] == run.status
            && there["end_time"].as_i64() == end_time
            && there["run_name"] == run.run_name;
        if !is_same {
            let mut body =
                json!({"run_id": copy.remote, "status": run.status, "run_name": run.run_name});
            if let Some(end_time) = end_time {
                body["end_time"] = json!(end_time);
            }
            self.remote.post("runs/update", &body).await?;
            tracing::trace!(step = "mirror status told");
        }
        if run.status == "RUNNING" || copy.state.is_single {
            return Ok(());
        }
        // A server that was away when it was asked may have made one after we had looked.
        let experiment = said(there, "/experiment_id")?;
        for found in self.find(&experiment, run.run_id.as_str()).await? {
            let other = said(&found, "/info/run_id")?;
            if other != copy.remote && found["info"]["lifecycle_stage"] != "deleted" {
                self.remote.post("runs/delete", &json!({"run_id": other})).await?;
            }
        }
        copy.state.is_single = true;
        self.keep(Kind::Run, run.run_id.as_str(), copy).await
    }
}

/// Returns where below the server's folder of artifacts a URI leads.
pub(super) fn below(artifact_uri: &str) -> Result<String, Refusal> {
    let path = artifact_uri.strip_prefix("mlflow-artifacts:").map(|rest| {
        // `mlflow-artifacts://HOST/…` names the server itself.
        rest.strip_prefix("//").and_then(|rest| rest.split_once('/')).map_or(rest, |(_, path)| path)
    });
    path.map(|path| path.trim_matches('/').to_owned()).ok_or_else(|| {
        Refusal::Refused(format!(
            "the server has artifacts lie at `{artifact_uri}`, where it takes none from us: start \
             it with --serve-artifacts and an `mlflow-artifacts:` root"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_go_where_the_server_keeps_them() {
        assert_eq!(below("mlflow-artifacts:/1/ab/artifacts").unwrap(), "1/ab/artifacts");
        assert_eq!(below("mlflow-artifacts://h:5000/1/ab/artifacts").unwrap(), "1/ab/artifacts");
        let refusal = below("s3://bucket/1").unwrap_err();
        assert!(refusal.text().contains("s3://bucket/1"), "{refusal:?}");
    }

    #[test]
    fn a_state_of_an_earlier_version_is_read() {
        let state: RunState = serde_json::from_str(r#"{"points": 7}"#).unwrap();
        assert_eq!(state, RunState { points: 7, ..RunState::default() });
    }
}
