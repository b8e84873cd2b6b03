//! Real models, out of the project's own registry.

use serde_json::Map;

use super::*;
use crate::dag::spec::{LearningTask, TableSpec};
use crate::ml::dataset::read_csv;
use crate::ml::{TrainSpec, train};
use crate::tracking::{artifact, experiment, registry, run};
use crate::types::time::now;

/// A project with a registry in it.
struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        std::fs::create_dir(layout.state_dir()).unwrap();
        Self { store: Store::open(&layout.database()).unwrap(), folder }
    }

    fn layout(&self) -> Layout {
        Layout::new(self.folder.path())
    }

    /// Trains on a table of the sample project and registers the model.
    fn register(&self, table: &str, target: &str, task: LearningTask, model: &str) -> u32 {
        let path = format!("{}/data/{table}.csv", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let dataset = read_csv(table, &TableSpec::new(task, target), &bytes).unwrap();
        let spec = TrainSpec {
            model: model.to_owned(),
            hyperparameters: Map::new(),
            seed: 1,
            test_size: 0.2,
            folds: 2,
        };
        let trained = train(&dataset, &spec, &mut |_| {}).unwrap();
        let experiment_id = experiment::ensure(&self.store, table).unwrap();
        let new = run::NewRun {
            experiment_id: experiment_id.clone(),
            run_name: model.to_owned(),
            user_id: "test".to_owned(),
            start_time: now(),
            tags: Vec::new(),
            attempt_token: None,
        };
        let run_id = run::create(&self.store, new).unwrap().run_id;
        let folder = artifact::folder(&self.layout().state_dir(), &experiment_id, &run_id);
        let bytes = trained.model.to_bytes();
        artifact::write(&folder, "model/model.json", &bytes).unwrap();
        artifact::record(&self.store, &run_id, "model/model.json", &bytes).unwrap();
        registry::register(&self.store, table, &run_id, now()).unwrap().version
    }

    async fn serve(&self) -> (Server, ServingHandle) {
        let (handle, orders) = channel();
        let parts = ServingParts {
            engine: None,
            listen: "127.0.0.1:0".to_owned(),
            spec: ServingSpec::default(),
            layout: self.layout(),
            store: self.store.clone(),
            publisher: Publisher::default(),
            clock: Arc::new(SystemClock),
            executable: PathBuf::new(),
        };
        (start(parts, orders).await.unwrap(), handle)
    }
}

async fn post(server: &Server, path: &str, body: &'static str) -> (u16, Value) {
    let stream = tokio::net::TcpStream::connect(server.listen.as_ref().unwrap()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request(Method::POST, path, body)).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_registered_model_is_loaded_checked_served_and_restored() {
    let home = Home::new();
    let trained =
        |model: &str| home.register("iris", "species", LearningTask::Classification, model);
    assert_eq!((trained("logistic_regression"), trained("xgboost")), (1, 2));
    let (server, handle) = home.serve().await;
    for version in [1, 2] {
        let check = handle.load("iris", version).await.unwrap();
        assert!(check.rows > 0, "the model has examples of its own");
        handle.set_traffic("iris", vec![(version, 100)]).await.unwrap();
        let (status, answer) = post(&server, "/predict", "[[5.1,3.5,1.4,0.2]]").await;
        assert_eq!((status, &answer[0]["label"]), (200, &json!("setosa")), "{answer}");
        let sum: f64 = answer[0]["probabilities"]
            .as_object()
            .unwrap()
            .values()
            .map(|p| p.as_f64().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }
    for (body, says) in [
        ("[[5.1,3.5]]", "2 values where the model takes 4"),
        (r#"[[5.1,3.5,1.4,"x"]]"#, "column `petal_width`"),
        (r#"{"sepal_length":1,"sepal_width":1,"petal_length":1}"#, "`petal_width` is missing"),
        (
            r#"{"sepal_length":1,"sepal_width":1,"petal_length":1,"petal_widht":1}"#,
            "did you mean `petal_width`?",
        ),
    ] {
        let (status, answer) = post(&server, "/predict", body).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(says), "{body}: {answer}");
    }
    server.stop().await;

    let (again, _handle) = home.serve().await;
    let (status, answer) = post(&again, "/models/iris/versions/2/predict", "[6.7,3,5.2,2.3]").await;
    assert_eq!((status, &answer[0]["label"]), (200, &json!("virginica")), "{answer}");
    again.stop().await;
}

#[tokio::test]
async fn a_regression_answers_values() {
    let home = Home::new();
    home.register("housing", "medv", LearningTask::Regression, "linear_regression");
    let (server, handle) = home.serve().await;
    handle.load("housing", 1).await.unwrap();
    handle.set_traffic("housing", vec![(1, 100)]).await.unwrap();
    let row = "[0.00632,18,2.31,0,0.538,6.575,65.2,4.09,1,296,15.3,4.98]";
    let (status, answer) = post(&server, "/predict", row).await;
    let value = answer[0]["value"].as_f64().unwrap();
    assert!(status == 200 && (15.0..45.0).contains(&value), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_model_file_that_was_changed_is_not_served() {
    let home = Home::new();
    home.register("iris", "species", LearningTask::Classification, "logistic_regression");
    let source = registry::version(&home.store, "iris", 1).unwrap().source;
    let below = source.strip_prefix("mlflow-artifacts:/").unwrap();
    let file = home.layout().state_dir().join("artifacts").join(below).join("model.json");
    let (_server, handle) = home.serve().await;
    std::fs::write(&file, "{}").unwrap();
    let fault = handle.load("iris", 1).await.unwrap_err();
    assert!(fault.message.contains("load version 1 of `iris`"), "{fault}");
    std::fs::remove_file(&file).unwrap();
    let fault = handle.load("iris", 1).await.unwrap_err();
    assert!(fault.message.contains("model.json"), "{fault}");
    assert_eq!(handle.load("nobody", 1).await.unwrap_err().kind, FaultKind::NotFound);
}
