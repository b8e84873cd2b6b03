//! The model server: predictions over HTTP, versions swapped by pointer.
//!
//! ```text
//! request ─► route ─► resolve (table: models, shares, aliases) ─► protocol ─► answer
//!                        ▲ swapped whole                          body ─► batch ─► model
//! orders: load ─ smoke ──┤
//!         set traffic ───┘ kept first, then in force
//! ```
//! | request | answer |
//! |---|---|
//! | `POST /predict` | the default model |
//! | `POST /models/{name}/predict` | by the traffic among its versions |
//! | `POST /models/{name}@{alias}/predict` | the version that bears the alias |
//! | `POST /models/{name}/versions/{version}/predict` | that version |
//! | `POST …/invocations` in the place of `…/predict` | the same, as MLflow's scoring server |
//! | `POST /v2/models/{name}[/versions/{version}]/infer` | the same, in the Open Inference Protocol |
//! | `POST /outcomes` | what came of predictions, joined to them |
//! | `GET` and `POST /v2/…` | the rest of that protocol |
//! | `GET /schema.json` | what BentoML's clients ask first |
//! | `GET /models` `/docs` `/docs.json` `/metrics` `/healthz` `/livez` `/readyz` `/` | about the server |
//!
//! A version is loaded before requests go to it, and freed when the last request that holds it
//! has ended: no promote, rollback or reload drops a request.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::dag::serving::{ReplicasSpec, ServingSpec, TlsSpec};
use crate::runtime::Layout;
use crate::runtime::engine::Live;
use crate::runtime::handle::Handle;
use crate::runtime::promotion::off_thread;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::{ServingOrder, channel};
use crate::serving::drift::Watch;
use crate::serving::folder::FolderModel;
use crate::serving::replicas::{Fleet, FleetParts};
use crate::serving::shared::Shared;
use crate::serving::source::{Registry, Source};
use crate::store::Store;
use crate::types::{Clock, Fault};
use crate::web::{Door, Limits, Threads, Tls, Token, bind};

mod ask;
mod bento;
mod cors;
mod docs;
mod drift;
mod encoding;
#[cfg(test)]
mod fake;
mod folder;
mod guard;
mod hash;
mod http;
mod lane;
mod load;
mod log;
mod metrics;
mod oip;
mod orders;
mod outcomes;
mod policy;
mod prediction;
mod predictor;
mod protocol;
mod read;
mod refusal;
mod replica;
mod replicas;
mod request_id;
mod resolve;
mod route;
mod shadow;
mod shared;
mod source;
mod stats;
mod sticky;
mod table;
mod tap;
#[cfg(test)]
mod tests;
mod traffic_view;

pub use replica::{ReplicaParts, run as run_replica};
pub use replicas::SETTINGS as REPLICA_SETTINGS;

/// What the model server is made of.
#[derive(Clone)]
pub struct ServingParts {
    /// Such as `127.0.0.1:3000`; port 0 takes a free one.
    pub listen: String,
    pub spec: ServingSpec,
    pub layout: Layout,
    pub store: Store,
    pub publisher: Publisher,
    pub clock: Arc<dyn Clock>,
    /// To whom it is handed in what is in trouble; `None`: nobody watches.
    pub engine: Option<(Handle, watch::Receiver<Arc<Live>>)>,
    /// This program: replicas are run as `executable replica …`.
    pub executable: PathBuf,
}

/// A running model server.
pub struct Server {
    /// Where it listens; `None` where it could not (it takes orders all the same).
    pub listen: Option<String>,
    /// Why it does not listen.
    pub problem: Option<String>,
    doors: Vec<Door>,
    tasks: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Restores the traffic that was in force, listens, and takes orders until `stop`.
pub async fn start(
    parts: ServingParts,
    orders: mpsc::Receiver<ServingOrder>,
) -> Result<Server, Fault> {
    let token = Token::load_or_create(&parts.layout.token())
        .map_err(|error| Fault::unavailable(format!("read the token: {error}")))?;
    let places = Places::of(&parts.spec, &parts.listen, parts.layout.project());
    let predictions = parts.layout.predictions_dir();
    let store = parts.store.clone();
    let watch = parts.engine.map(|(handle, live)| Watch { handle, live, store });
    let source = Arc::new(Registry { store: parts.store, layout: parts.layout.clone() });
    let source = source as Arc<dyn Source>;
    let (spec, publisher) = (parts.spec.clone(), parts.publisher.clone());
    let shared = Shared::new(source, parts.publisher, parts.clock, parts.spec, token)?;
    let shared = Arc::new(shared.with_log(&predictions)?);
    let mut server = match spec.replicas.clone() {
        None => {
            Fleet::sweep(&parts.layout).await;
            start_with(Arc::clone(&shared), &places, orders).await?
        }
        Some(replicas) => {
            let fleet = FleetParts {
                layout: parts.layout,
                executable: parts.executable,
                listen: parts.listen,
                spec,
                publisher,
            };
            let socket = places.socket.as_deref();
            start_fleet(Arc::clone(&shared), fleet, &replicas, socket, orders).await?
        }
    };
    server.tasks.extend(watch.map(|watch| tokio::spawn(drift::run(shared, watch))));
    Ok(server)
}

/// Starts replicas; this server itself listens for nginx and its owner only.
async fn start_fleet(
    shared: Arc<Shared>,
    fleet: FleetParts,
    replicas: &ReplicasSpec,
    socket: Option<&Path>,
    orders: mpsc::Receiver<ServingOrder>,
) -> Result<Server, Fault> {
    orders::restore(&shared).await?;
    let folder = fleet.layout.serving_dir();
    let started = async {
        replicas::make_folder(&folder).map_err(|error| {
            Fault::unavailable(format!("make `{}`", folder.display())).caused_by(Some(&error))
        })?;
        let mut doors = Vec::new();
        let main = Some(folder.join(replicas::MAIN));
        for path in [main, socket.map(Path::to_owned)].into_iter().flatten() {
            let listener = bind::unix(&path).await?;
            doors.push(Door::open(listener, service(&shared), Limits::default(), None));
        }
        Ok::<_, Fault>((doors, Fleet::start(fleet, replicas).await?))
    };
    let (doors, listening) = match started.await {
        Ok((doors, fleet)) => {
            let listen = fleet.listen().to_owned();
            shared.fleet.get_or_init(|| fleet);
            (doors, Ok(listen))
        }
        Err(fault) => {
            let problem = fault.to_string();
            tracing::error!(problem, "the model server does not listen");
            (Vec::new(), Err(problem))
        }
    };
    Ok(Server::of(shared, doors, listening, orders))
}

/// What a model server is made of that serves one folder, without a project.
pub struct FolderParts {
    /// A bundle's `srv`, or a model's folder.
    pub folder: PathBuf,
    /// What it is called where the folder does not say; else the folder's own name.
    pub name: Option<String>,
    pub listen: String,
    pub socket: Option<PathBuf>,
    pub spec: ServingSpec,
    pub clock: Arc<dyn Clock>,
}

/// Serves one model. Refuses where it cannot be read, is not what was bundled, does not answer its
/// own examples, or the address cannot be had.
pub async fn start_folder(parts: FolderParts) -> Result<Server, Fault> {
    let FolderParts { folder, name, listen, socket, spec, clock } = parts;
    let places = Places::of(&spec, &listen, &folder);
    let places = Places { socket: socket.or(places.socket.clone()), ..places };
    let model = off_thread(move || FolderModel::open(&folder, name)).await?;
    let (name, version) = (model.name.clone(), model.version);
    let source = Arc::new(model) as Arc<dyn Source>;
    // What is served cannot be changed: nobody has the token.
    let shared = Shared::new(source, Publisher::default(), clock, spec, Token::unknown())?;
    let shared = Arc::new(shared);
    load::load(&shared, &name, version).await?;
    let (_, orders) = channel();
    let server = start_with(shared, &places, orders).await?;
    match server.problem.clone() {
        Some(problem) => Err(Fault::unavailable(problem)),
        None => Ok(server),
    }
}

/// Where to listen.
struct Places {
    address: String,
    socket: Option<PathBuf>,
    tls: Option<TlsSpec>,
}

impl Places {
    /// Takes what is written, relative to the project.
    fn of(spec: &ServingSpec, address: &str, project: &Path) -> Self {
        Self {
            address: address.to_owned(),
            socket: spec.socket.as_ref().map(|socket| project.join(socket)),
            tls: spec.tls.as_ref().map(|tls| TlsSpec {
                certificate: project.join(&tls.certificate),
                key: project.join(&tls.key),
            }),
        }
    }
}

async fn start_with(
    shared: Arc<Shared>,
    places: &Places,
    orders: mpsc::Receiver<ServingOrder>,
) -> Result<Server, Fault> {
    orders::restore(&shared).await?;
    let (doors, listening) = match open(&shared, places).await {
        Ok((doors, address)) => (doors, Ok(address)),
        Err(problem) => {
            let problem = problem.to_string();
            tracing::error!(problem, "the model server does not listen");
            (Vec::new(), Err(problem))
        }
    };
    Ok(Server::of(shared, doors, listening, orders))
}

/// What answers a door's requests.
fn service(
    shared: &Arc<Shared>,
) -> impl Service<Request<Incoming>, Response = http::Answer, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let shared = Arc::clone(shared);
    service_fn(move |request: Request<Incoming>| http::serve(Arc::clone(&shared), request))
}

async fn open(shared: &Arc<Shared>, places: &Places) -> Result<(Vec<Door>, String), Fault> {
    let listener = bind::tcp(&places.address).await.map_err(|error| Fault {
        message: format!("{error}; start with --serving ADDR"),
        ..Fault::from(error)
    })?;
    let address =
        listener.local_addr().map_or_else(|_| places.address.clone(), |at| at.to_string());
    let service = service(shared);
    let limits = Limits { http2: true, half_close: true, ..Limits::default() };
    let threads = Threads::start().map_err(|error| Fault::internal(&error))?;
    let threads = Some(&Arc::new(threads));
    let mut doors = Vec::new();
    if let Some(path) = &places.socket {
        doors.push(Door::open(bind::unix(path).await?, service.clone(), limits, threads));
    }
    doors.push(match &places.tls {
        None => Door::open(listener, service, limits, threads),
        Some(TlsSpec { certificate, key }) => {
            Door::open(Tls::over(listener, certificate, key)?, service, limits, threads)
        }
    });
    Ok((doors, address))
}

impl Server {
    fn of(
        shared: Arc<Shared>,
        doors: Vec<Door>,
        listening: Result<String, String>,
        orders: mpsc::Receiver<ServingOrder>,
    ) -> Self {
        shared.listening.get_or_init(|| listening.clone());
        Self {
            listen: listening.clone().ok(),
            problem: listening.err(),
            doors,
            tasks: vec![
                tokio::spawn(orders::run(Arc::clone(&shared), orders)),
                tokio::spawn(orders::follow(Arc::clone(&shared))),
            ],
            shared,
        }
    }

    /// Stops listening, lets requests in flight end (at most 10 s), and returns.
    pub async fn stop(self) {
        if let Some(fleet) = self.shared.fleet.get() {
            fleet.stop().await;
        }
        for door in self.doors {
            door.close().await;
        }
        for task in self.tasks {
            task.abort();
            // Cancelled, as it should be.
            let _ = task.await;
        }
    }
}
