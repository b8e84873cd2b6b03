//! Asks a cluster what it would say to the jobs of a deck, without submitting any.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::dag::Deck;
use crate::dag::slurm::SlurmOptions;
use crate::runtime::executor::Launcher;
use crate::runtime::executor::slurm::cluster::{Cluster, Failure};

/// What became of one way of asking, and who asks so.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Trial {
    /// `DAG.TASK`.
    pub(crate) tasks: Vec<String>,
    /// As `sbatch` takes them.
    pub(crate) arguments: Vec<String>,
    /// Why Slurm would not run it; `None`: it would.
    pub(crate) problem: Option<String>,
}

/// Asks once for all tasks that ask for the same; says first what is wrong with the cluster itself.
pub(crate) async fn trials(deck: Arc<Deck>, launcher: Launcher) -> Result<Vec<Trial>, String> {
    let mut asked: BTreeMap<SlurmOptions, Vec<String>> = BTreeMap::new();
    for dag in deck.dags.values() {
        for (task_id, task) in &dag.tasks {
            if let Some(options) = task.slurm.as_deref() {
                asked.entry(options.clone()).or_default().push(format!("{}.{task_id}", dag.dag_id));
            }
        }
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    // The sender may go: nobody changes the definitions meanwhile.
    let cluster = Cluster { launcher, deck: watch::channel(deck).1 };
    let said = |(Failure::Silent(why) | Failure::Refused(why))| why;
    cluster.config().await.map_err(said)?;
    let mut trials = Vec::new();
    for (options, tasks) in asked {
        let problem = cluster.test(&options).await.err().map(said);
        trials.push(Trial { tasks, arguments: options.arguments(), problem });
    }
    Ok(trials)
}
