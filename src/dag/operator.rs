//! The operators: their names, where each runs, and the table of their keys, from which the
//! check and its hints are made.

use serde::{Deserialize, Serialize};

/// Where an operator's work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Inside the daemon: waits and decisions that cost next to nothing.
    Daemon,
    /// In a process of its own, which can be killed.
    Process,
}

/// What a key may hold; a template (`{{ … }}`) is allowed wherever text could give the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Text,
    Integer,
    Number,
    Bool,
    /// A list of texts.
    TextList,
    /// A table of texts.
    TextTable,
    /// Any table.
    Table,
    /// Any value.
    Any,
    /// `10s`, `5m`, `1h`, or a number of seconds.
    Duration,
    /// The id of a task of the same DAG.
    TaskId,
    /// The name of a connection.
    Connection,
    /// The name of a data set.
    Dataset,
}

/// A key of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    pub name: &'static str,
    pub kind: KeyKind,
    pub required: bool,
}

macro_rules! operators {
    ($($variant:ident = $name:literal, $placement:ident, [$($key:literal $kind:ident $need:ident),* $(,)?];)*) => {
        /// An operator.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Operator { $(#[serde(rename = $name)] $variant,)* }

        impl Operator {
            /// Every operator.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name as `dags.toml` has it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Says where it runs.
            pub const fn placement(self) -> Placement {
                match self { $(Self::$variant => Placement::$placement,)* }
            }

            /// Returns its own keys, beside those that every task has.
            pub const fn keys(self) -> &'static [KeySpec] {
                match self { $(Self::$variant => &[
                    $(KeySpec { name: $key, kind: KeyKind::$kind, required: need!($need) },)*
                ],)* }
            }
        }
    };
}

/// The keys that every sensor has beside its own.
pub const SENSOR_KEYS: &[KeySpec] = &[
    KeySpec { name: "poke_interval", kind: KeyKind::Duration, required: false },
    KeySpec { name: "timeout", kind: KeyKind::Duration, required: false },
    KeySpec { name: "soft_fail", kind: KeyKind::Bool, required: false },
    KeySpec { name: "silent_fail", kind: KeyKind::Bool, required: false },
    KeySpec { name: "never_fail", kind: KeyKind::Bool, required: false },
    KeySpec { name: "exponential_backoff", kind: KeyKind::Bool, required: false },
    KeySpec { name: "max_wait", kind: KeyKind::Duration, required: false },
];

impl Operator {
    /// Says whether it waits for something outside, as Airflow's sensors do.
    pub const fn is_sensor(self) -> bool {
        matches!(
            self,
            Self::SensorFile
                | Self::SensorObject
                | Self::SensorHttp
                | Self::SensorSql
                | Self::SensorTime
                | Self::SensorTask
        )
    }

    /// Says whether it works on objects of lakes.
    pub const fn is_object(self) -> bool {
        matches!(
            self,
            Self::ObjectList
                | Self::ObjectCopy
                | Self::ObjectMove
                | Self::ObjectDelete
                | Self::ObjectDownload
                | Self::ObjectUpload
        )
    }

    /// Finds an operator by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.name() == name)
    }

    /// Says whether it tells what it read, wrote and checked.
    pub const fn observes(self) -> bool {
        matches!(
            self,
            Self::CsvExtract
                | Self::JsonExtract
                | Self::ParquetExtract
                | Self::TableTransform
                | Self::TableCheck
                | Self::SqlExtract
                | Self::SqlLoad
                | Self::ObjectCopy
                | Self::ObjectMove
                | Self::ObjectDownload
                | Self::ObjectUpload
                | Self::DatasetValidate
                | Self::MlTrain
                | Self::Predict
                | Self::ModelRegister
                | Self::ServingDeploy
        )
    }

    /// Says whether all it does is to look at its arguments: run again with the same ones it comes
    /// to the same, so that nothing of it needs to be kept but its result.
    pub const fn only_decides(self) -> bool {
        matches!(self, Self::Branch | Self::ShortCircuit)
    }

    /// Returns its own keys and those of its kind.
    pub fn all_keys(self) -> impl Iterator<Item = &'static KeySpec> {
        let common = if self.is_sensor() { SENSOR_KEYS } else { &[] };
        self.keys().iter().chain(common)
    }
}

macro_rules! need {
    (needed) => {
        true
    };
    (optional) => {
        false
    };
}

operators! {
    Empty = "empty", Daemon, [];
    LatestOnly = "latest_only", Daemon, [];
    Command = "command", Process, [
        "command" Text optional, "argv" TextList optional, "cwd" Text optional,
        "skip_on_exit_code" Integer optional,
    ];
    Python = "python", Process, [
        "callable" Text needed, "args" Table optional, "op_args" Any optional,
        "op_kwargs" Table optional, "multiple_outputs" Bool optional, "python" Text optional,
        "requirements" TextList optional, "warm" Any optional,
    ];
    Branch = "branch", Daemon, ["choose" Any needed];
    ShortCircuit = "short_circuit", Daemon, [
        "condition" Any needed, "ignore_downstream_trigger_rules" Bool optional,
    ];
    Approval = "approval", Daemon, [
        "question" Text needed, "body" Text optional, "choices" TextList optional,
        "then" Table optional, "multiple" Bool optional, "form" Table optional,
        "timeout" Duration optional, "default" Any optional, "assignees" TextList optional,
        "fail_on_reject" Bool optional, "ignore_downstream_trigger_rules" Bool optional,
    ];
    TriggerDagRun = "trigger_dag_run", Daemon, [
        "dag_id" Text needed, "conf" Table optional, "logical_date" Any optional,
        "dag_run_id" Text optional, "wait" Bool optional, "allowed_states" TextList optional,
        "failed_states" TextList optional, "reset_dag_run" Bool optional,
        "skip_when_already_exists" Bool optional,
    ];
    Http = "http", Daemon, [
        "url" Text optional, "connection" Connection optional, "path" Text optional,
        "method" Text optional, "headers" TextTable optional, "body" Any optional,
        "expect" Any optional, "timeout" Duration optional,
    ];
    SensorFile = "sensor.file", Daemon, ["path" Text needed, "min_age" Duration optional];
    SensorObject = "sensor.object", Daemon, ["uri" Text needed, "min_age" Duration optional];
    SensorHttp = "sensor.http", Daemon, [
        "url" Text optional, "connection" Connection optional, "path" Text optional,
        "method" Text optional, "headers" TextTable optional, "body" Any optional,
        "expect" Any optional,
    ];
    SensorSql = "sensor.sql", Daemon, [
        "connection" Connection needed, "sql" Text needed, "expect" Text optional,
    ];
    SensorTime = "sensor.time", Daemon, [
        "at" Text optional, "until" Any optional, "delta" Duration optional,
    ];
    SensorTask = "sensor.task", Daemon, [
        "dag_id" Text needed, "task_id" Text optional, "task_ids" TextList optional,
        "task_group_id" Text optional,
        "logical_date" Any optional, "execution_delta" Duration optional,
        "dag_run_id" Text optional, "allowed_states" TextList optional,
        "failed_states" TextList optional, "skipped_states" TextList optional,
    ];
    Notify = "notify", Daemon, [
        "connection" Connection needed, "message" Text needed, "title" Text optional,
    ];
    CsvExtract = "csv.extract", Process, [
        "source" Text needed, "schema" TextTable optional, "on_bad_row" Text optional,
        "null_values" TextList optional, "encoding" Text optional, "delimiter" Text optional,
        "quote" Text optional, "header" Bool optional,
    ];
    JsonExtract = "json.extract", Process, [
        "source" Text needed, "schema" TextTable optional, "on_bad_row" Text optional,
        "null_values" TextList optional, "encoding" Text optional,
    ];
    ParquetExtract = "parquet.extract", Process, [
        "source" Text needed, "schema" TextTable optional, "on_bad_row" Text optional,
        "null_values" TextList optional,
    ];
    TableTransform = "table.transform", Process, ["input" Text needed, "sql" Text needed];
    TableCheck = "table.check", Process, [
        "input" Text needed, "expect" TextList needed, "on_fail" Text optional,
    ];
    SqlLoad = "sql.load", Process, [
        "input" Text needed, "connection" Connection needed, "table" Text needed,
        "mode" Text optional, "key" TextList optional,
    ];
    SqlRun = "sql.run", Process, [
        "connection" Connection needed, "sql" Text needed, "transaction" Bool optional,
    ];
    SqlExtract = "sql.extract", Process, ["connection" Connection needed, "sql" Text needed];
    ObjectList = "object.list", Process, ["source" Text needed];
    ObjectCopy = "object.copy", Process, [
        "source" Text needed, "target" Text needed, "overwrite" Bool optional,
    ];
    ObjectMove = "object.move", Process, [
        "source" Text needed, "target" Text needed, "overwrite" Bool optional,
    ];
    ObjectDelete = "object.delete", Process, ["source" Text needed];
    ObjectDownload = "object.download", Process, [
        "source" Text needed, "target" Text needed, "overwrite" Bool optional,
    ];
    ObjectUpload = "object.upload", Process, [
        "source" Text needed, "target" Text needed, "overwrite" Bool optional,
    ];
    DatasetValidate = "dataset.validate", Process, ["dataset" Dataset needed];
    MlTrain = "ml.train", Process, [
        "dataset" Dataset needed, "model" Text needed, "hyperparameters" Table optional,
        "experiment" Text optional, "seed" Integer optional, "test_size" Number optional,
        "folds" Integer optional, "trials" Integer optional, "search" Table optional,
        "sampler" Text optional, "metric" Text optional, "prune" Bool optional,
    ];
    Predict = "predict", Process, [
        "model" Text needed, "input" Text needed, "output" Text optional,
        "on_bad_row" Text optional,
    ];
    MlGate = "ml.gate", Daemon, [
        "run" Text needed, "require" Table needed, "then" TaskId needed,
        "otherwise" TaskId optional, "name" Text optional, "alias" Text optional,
    ];
    ModelRegister = "model.register", Daemon, ["run" Text needed, "name" Text needed];
    ModelPromote = "model.promote", Daemon, [
        "name" Text needed, "version" Integer needed, "alias" Text optional,
    ];
    ModelRollback = "model.rollback", Daemon, ["name" Text needed, "alias" Text optional];
    ServingDeploy = "serving.deploy", Daemon, ["model" Text needed, "strategy" Table optional];
    ServingCheck = "serving.check", Daemon, ["model" Text optional];
    ServingMonitor = "serving.monitor", Daemon, [
        "model" Text optional, "window" Duration optional, "fail_if" Table optional,
    ];
    ServingBundle = "serving.bundle", Process, ["model" Text needed, "output" Text needed];
}
