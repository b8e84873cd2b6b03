//! A registered model, told: its versions that come of runs of pipelines, and the aliases that they
//! bear. Versions have numbers of their own there, for that server may have given some already.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::runtime::mirror::remote::{Refusal, gone_is_good, pairs, read_pairs, said};
use crate::runtime::mirror::run::{Desk, RUN_ID, own};
use crate::tracking::mirror::{self, Copy, Kind};
use crate::tracking::registry::record::RegisteredModel;
use crate::tracking::registry::version::Version;

/// The tag there that says which version it is here.
const VERSION: &str = "dagdeck.version";

/// How far the copy of a model is; it goes by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct ModelState {
    /// From the number of a version here to that there.
    versions: BTreeMap<u32, String>,
    /// Aliases that were told, with the number there.
    aliases: BTreeMap<String, String>,
    /// Keys of the tags that were told.
    tags: BTreeSet<String>,
    /// Of each version.
    version_tags: BTreeMap<u32, BTreeSet<String>>,
}

type ModelCopy = Copy<ModelState>;

impl Desk {
    /// Brings the copy of a model to what it is here.
    pub(super) async fn tell_model(&self, name: &str) -> Result<(), Refusal> {
        let own_name = name.to_owned();
        let read = self.store.read(move |conn| {
            let copy: Option<ModelCopy> = mirror::copy(conn, Kind::Model, &own_name)?;
            Ok((mirror::model_facts(conn, &own_name)?, copy))
        });
        let (facts, copy) = read.await.map_err(|error| own(&error))?;
        let Some((model, versions)) = facts else {
            let Some(copy) = copy else { return Ok(()) };
            return self.take_away(name, copy).await;
        };
        let mut runs = Vec::new();
        for version in versions {
            let id = version.run_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
            if let Some(run) = self.tell_run(&id).await? {
                runs.push((version, run));
            }
        }
        let mut copy = match copy {
            Some(copy) => copy,
            // What comes of no pipeline is not told.
            None if runs.is_empty() => return Ok(()),
            None => self.make_model(name).await?,
        };
        if copy.remote != name {
            let body = json!({"name": copy.remote, "new_name": name});
            self.remote.post("registered-models/rename", &body).await?;
            name.clone_into(&mut copy.remote);
            self.keep(Kind::Model, name, &copy).await?;
        }
        for (version, run) in &runs {
            if copy.state.versions.contains_key(&version.version) {
                continue;
            }
            let source = format!("{}{}", run.state.artifact_uri, within(version));
            let number = self.make_version(version, &run.remote, &source).await?;
            copy.state.versions.insert(version.version, number);
            self.keep(Kind::Model, name, &copy).await?;
        }
        let there: BTreeSet<u32> = runs.iter().map(|(version, _)| version.version).collect();
        self.describe(&model, &mut copy).await?;
        for (version, _) in &runs {
            self.describe_version(version, &mut copy).await?;
        }
        self.aliases(&model, &mut copy).await?;
        self.take_versions_away(name, &mut copy, |version| there.contains(version)).await
    }

    async fn make_model(&self, name: &str) -> Result<ModelCopy, Refusal> {
        match self.remote.post("registered-models/create", &json!({"name": name})).await {
            // Made without our hearing of it, or by others: versions of both stand side by side.
            Ok(_) | Err(Refusal::Exists(_)) => {}
            Err(refusal) => return Err(refusal),
        }
        tracing::trace!(step = "mirror model made");
        let copy = Copy { remote: name.to_owned(), state: ModelState::default() };
        self.keep(Kind::Model, name, &copy).await?;
        Ok(copy)
    }

    /// Makes a version, or finds the one that was made without our hearing of it; returns its number
    /// there.
    async fn make_version(
        &self,
        version: &Version,
        run: &str,
        source: &str,
    ) -> Result<String, Refusal> {
        let number = version.version.to_string();
        let id = version.run_id.as_ref().map(|id| id.as_str()).unwrap_or_default();
        let filter = format!("name = '{}' AND run_id = '{run}'", version.name.replace('\'', "''"));
        let found = self.remote.get("model-versions/search", &[("filter", &filter)]).await?;
        for found in found["model_versions"].as_array().into_iter().flatten() {
            if read_pairs(&found["tags"]).contains(&(VERSION.to_owned(), number.clone())) {
                return said(found, "/version");
            }
        }
        let tags = [(VERSION.to_owned(), number), (RUN_ID.to_owned(), id.to_owned())];
        let mut body = json!({
            "name": version.name, "source": source, "run_id": run, "tags": pairs(&tags),
        });
        if let Some(text) = &version.description {
            body["description"] = json!(text);
        }
        let made = self.remote.post("model-versions/create", &body).await?;
        tracing::trace!(step = "mirror version made");
        said(&made, "/model_version/version")
    }

    async fn describe(&self, model: &RegisteredModel, copy: &mut ModelCopy) -> Result<(), Refusal> {
        let name = model.name.as_str();
        let there = self.remote.get("registered-models/get", &[("name", name)]).await?;
        let there = &there["registered_model"];
        if let Some(text) = news(model.description.as_deref(), &there["description"]) {
            let body = json!({"name": name, "description": text});
            self.remote.patch("registered-models/update", &body).await?;
        }
        let tagged = read_pairs(&there["tags"]);
        for (key, value) in model.tags.iter().filter(|tag| !tagged.contains(tag)) {
            let body = json!({"name": name, "key": key, "value": value});
            self.remote.post("registered-models/set-tag", &body).await?;
        }
        let here: BTreeSet<String> = model.tags.iter().map(|(key, _)| key.clone()).collect();
        for key in copy.state.tags.difference(&here) {
            let body = json!({"name": name, "key": key});
            gone_is_good(self.remote.delete("registered-models/delete-tag", &body).await)?;
        }
        if copy.state.tags != here {
            copy.state.tags = here;
            self.keep(Kind::Model, name, copy).await?;
        }
        Ok(())
    }

    async fn describe_version(
        &self,
        version: &Version,
        copy: &mut ModelCopy,
    ) -> Result<(), Refusal> {
        let (name, own_number) = (version.name.as_str(), version.version);
        let Some(number) = copy.state.versions.get(&own_number).cloned() else { return Ok(()) };
        let there =
            self.remote.get("model-versions/get", &[("name", name), ("version", &number)]).await?;
        let there = &there["model_version"];
        if let Some(text) = news(version.description.as_deref(), &there["description"]) {
            let body = json!({"name": name, "version": number, "description": text});
            self.remote.patch("model-versions/update", &body).await?;
        }
        if there["current_stage"].as_str().unwrap_or("None") != version.current_stage {
            let body = json!({"name": name, "version": number, "stage": version.current_stage,
                "archive_existing_versions": false});
            self.remote.post("model-versions/transition-stage", &body).await?;
        }
        let tagged = read_pairs(&there["tags"]);
        for (key, value) in version.tags.iter().filter(|tag| !tagged.contains(tag)) {
            let body = json!({"name": name, "version": number, "key": key, "value": value});
            self.remote.post("model-versions/set-tag", &body).await?;
        }
        let here: BTreeSet<String> = version.tags.iter().map(|(key, _)| key.clone()).collect();
        let told = copy.state.version_tags.get(&own_number).cloned().unwrap_or_default();
        for key in told.difference(&here) {
            let body = json!({"name": name, "version": number, "key": key});
            gone_is_good(self.remote.delete("model-versions/delete-tag", &body).await)?;
        }
        if told != here {
            copy.state.version_tags.insert(own_number, here);
            self.keep(Kind::Model, name, copy).await?;
        }
        Ok(())
    }

    /// Has the aliases stand where they stand here; one that others gave there stays.
    async fn aliases(&self, model: &RegisteredModel, copy: &mut ModelCopy) -> Result<(), Refusal> {
        let name = model.name.as_str();
        let numbers = &copy.state.versions;
        let here: BTreeMap<String, String> = model
            .aliases
            .iter()
            .filter_map(|(alias, version)| Some((alias.clone(), numbers.get(version)?.clone())))
            .collect();
        if copy.state.aliases == here {
            return Ok(());
        }
        for (alias, number) in &here {
            if copy.state.aliases.get(alias) != Some(number) {
                let body = json!({"name": name, "alias": alias, "version": number});
                self.remote.post("registered-models/alias", &body).await?;
                tracing::trace!(step = "mirror alias told");
            }
        }
        for alias in copy.state.aliases.keys().filter(|alias| !here.contains_key(*alias)) {
            let body = json!({"name": name, "alias": alias});
            gone_is_good(self.remote.delete("registered-models/alias", &body).await)?;
        }
        copy.state.aliases = here;
        self.keep(Kind::Model, name, copy).await
    }

    /// Deletes versions that are not here any more.
    async fn take_versions_away(
        &self,
        name: &str,
        copy: &mut ModelCopy,
        stays: impl Fn(&u32) -> bool,
    ) -> Result<(), Refusal> {
        let gone: Vec<u32> =
            copy.state.versions.keys().filter(|version| !stays(version)).copied().collect();
        for version in gone {
            let body = json!({"name": copy.remote, "version": copy.state.versions[&version]});
            gone_is_good(self.remote.delete("model-versions/delete", &body).await)?;
            copy.state.versions.remove(&version);
            copy.state.version_tags.remove(&version);
            self.keep(Kind::Model, name, copy).await?;
        }
        Ok(())
    }

    /// Deletes what was told of a model that is gone here: the model, too, where nobody else has a
    /// version of it.
    async fn take_away(&self, name: &str, mut copy: ModelCopy) -> Result<(), Refusal> {
        // First the aliases: a deck there keeps a version that bears one.
        for alias in copy.state.aliases.keys() {
            let body = json!({"name": copy.remote, "alias": alias});
            gone_is_good(self.remote.delete("registered-models/alias", &body).await)?;
        }
        self.take_versions_away(name, &mut copy, |_| false).await?;
        let filter = format!("name = '{}'", copy.remote.replace('\'', "''"));
        let left = self.remote.get("model-versions/search", &[("filter", &filter)]).await?;
        if left["model_versions"].as_array().is_none_or(Vec::is_empty) {
            let body = json!({"name": copy.remote});
            gone_is_good(self.remote.delete("registered-models/delete", &body).await)?;
        }
        let name = name.to_owned();
        let forget = move |tx: &rusqlite::Transaction<'_>| mirror::forget(tx, Kind::Model, &name);
        self.store.write(forget).await.map_err(|error| own(&error))
    }
}

/// Where among its run's artifacts a version lies: `/model`.
fn within(version: &Version) -> &str {
    version
        .source
        .split_once("/artifacts/")
        .map_or("", |(before, _)| &version.source[before.len() + "/artifacts".len()..])
}

/// Returns a description that is not there yet.
fn news<'a>(here: Option<&'a str>, there: &Value) -> Option<&'a str> {
    let here = here.unwrap_or_default();
    (here != there.as_str().unwrap_or_default()).then_some(here)
}
