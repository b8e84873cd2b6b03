//! The process of a replica: the model server over a socket of its own, with what the store keeps in
//! force. The daemon says when that has changed; without the daemon it goes on as it is.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::dag::serving::ServingSpec;
use crate::ml::{Predictor, Profile};
use crate::runtime::Layout;
use crate::runtime::promotion::off_thread;
use crate::runtime::publish::Publisher;
use crate::runtime::worker::wire;
use crate::serving::replicas::wire::{Ask, Told};
use crate::serving::shared::Shared;
use crate::serving::source::{Registry, Source};
use crate::serving::{drift, orders, replicas};
use crate::store::Store;
use crate::store::serving::policy::Policy;
use crate::types::{Clock, Fault};
use crate::web::bind::Accept as _;
use crate::web::{Door, Limits, PrivateSocket, Threads, Token, bind};

/// What a replica is made of.
pub struct ReplicaParts {
    pub layout: Layout,
    /// From 1.
    pub replica: u32,
    /// Names this process among those of its place.
    pub id: String,
    pub spec: ServingSpec,
    pub clock: Arc<dyn Clock>,
}

/// Serves until the daemon says to end, or `stop` resolves.
pub async fn run(parts: ReplicaParts, stop: impl Future<Output = ()>) -> Result<(), Fault> {
    let ReplicaParts { layout, replica, id, mut spec, clock } = parts;
    // Each of them sees its part of the requests.
    let count = spec.replicas.as_ref().map_or(1, |replicas| replicas.count);
    spec.rate_limit = spec.rate_limit.map(|rate| rate.div_ceil(count));
    let token = Token::load_or_create(&layout.token())
        .map_err(|error| Fault::unavailable(format!("read the token: {error}")))?;
    let database = layout.database();
    let store = off_thread(move || Ok(Store::open(&database)?)).await?;
    let folder = layout.serving_dir();
    let source = Arc::new(Kept(Registry { store, layout })) as Arc<dyn Source>;
    let shared = Arc::new(Shared::new(source, Publisher::default(), clock, spec, token)?);
    orders::restore(&shared).await?;
    let threads = Threads::start().map_err(|error| Fault::internal(&error))?;
    let door = Door::open(
        bind::unix(&replicas::fresh_socket(&folder, replica, &id)).await?,
        super::service(&shared),
        Limits { connections_max: CONNECTIONS_MAX, ..Limits::default() },
        Some(&Arc::new(threads)),
    );
    let path = replicas::questions_socket(&folder, replica, &id);
    let (ending, mut ended) = watch::channel(false);
    let tasks = [
        tokio::spawn(questions(Arc::clone(&shared), bind::unix(&path).await?, ending)),
        tokio::spawn(orders::follow(Arc::clone(&shared))),
    ];
    tracing::info!(replica, id, "the replica answers");
    tokio::select! {
        () = stop => {}
        // An error says that nobody can ask any more.
        _ = ended.wait_for(|ended| *ended) => {}
    }
    door.close().await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    clean_up(&[path, replicas::fresh_socket(&folder, replica, &id)]);
    Ok(())
}

/// nginx holds its connections open: more than a door has for clients.
const CONNECTIONS_MAX: usize = 4096;

/// What is served is changed by the daemon alone.
struct Kept(Registry);

impl Source for Kept {
    fn load(&self, model: &str, version: u32) -> Result<Arc<dyn Predictor>, Fault> {
        self.0.load(model, version)
    }

    fn profile(&self, model: &str, version: u32) -> Option<Profile> {
        self.0.profile(model, version)
    }

    fn by_alias(&self, model: &str, alias: &str) -> Result<Option<u32>, Fault> {
        self.0.by_alias(model, alias)
    }

    fn kept_traffic(&self) -> Result<Vec<(String, u32, u8)>, Fault> {
        self.0.kept_traffic()
    }

    fn keep_traffic(&self, _: &str, _: &[(u32, u8)]) -> Result<(), Fault> {
        Err(Fault::invalid("a replica does not change what is served: the daemon does"))
    }

    fn kept_policies(&self) -> Result<Vec<(String, Policy)>, Fault> {
        self.0.kept_policies()
    }
}

async fn questions(shared: Arc<Shared>, socket: PrivateSocket, ending: watch::Sender<bool>) {
    let ending = Arc::new(ending);
    let mut answers = JoinSet::new();
    loop {
        let arrival = match socket.accept().await {
            Ok(arrival) => arrival,
            Err(error) => {
                tracing::warn!(%error, "accept a question");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let (shared, ending) = (Arc::clone(&shared), Arc::clone(&ending));
        answers.spawn(async move {
            let Ok(mut stream) = arrival() else { return };
            let Ok(Some(question)) = wire::receive::<Ask>(&mut stream).await else { return };
            let told = answer(&shared, question).await;
            if wire::send(&mut stream, &told).await.is_ok() {
                let _ = stream.shutdown().await;
            }
            if matches!(question, Ask::Stop) {
                ending.send_replace(true);
            }
        });
        while answers.try_join_next().is_some() {}
    }
}

async fn answer(shared: &Arc<Shared>, question: Ask) -> Told {
    match question {
        Ask::Sync => match orders::sync(shared).await {
            Ok(()) => Told::Done,
            Err(fault) => Told::Refused(fault),
        },
        Ask::Status => Told::Status(Box::new(shared.status())),
        Ask::Metrics => match shared.metrics.text(&shared.table.get()) {
            Ok(text) => Told::Metrics(String::from_utf8_lossy(&text).into_owned()),
            Err(error) => Told::Refused(Fault::internal(&error)),
        },
        Ask::Drained => Told::Drained(drift::drain(shared)),
        Ask::Stop => Told::Done,
    }
}

fn clean_up(sockets: &[PathBuf]) {
    for socket in sockets {
        // Linked to its place, the first one is not there any more.
        let _ = std::fs::remove_file(socket);
    }
}
