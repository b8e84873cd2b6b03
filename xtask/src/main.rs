//! `cargo xtask test`: all the set-up that the tests need on a fresh Debian machine, then all of
//! the tests. `cargo xtask check`: format and lints. `cargo xtask measure`: the figures.
//! `cargo xtask simulate`: the engine under as many seeds as one likes.
#![expect(clippy::disallowed_methods, reason = "a build task is told by its environment")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

mod measure;

/// Debian packages with the program that each is wanted for.
const PACKAGES: &[(&str, &str)] = &[
    ("gcc", "gcc"),
    ("python3", "python3"),
    ("python3-venv", ""),
    ("prometheus", "promtool"),
    ("openssh-server", "sshd"),
    ("munge", "munged"),
    ("slurmctld", "slurmctld"),
    ("slurmd", "slurmd"),
    ("slurm-client", "sbatch"),
    ("slurm-wlm-basic-plugins", ""),
    ("postgresql", "initdb"),
    ("redis-server", "redis-server"),
    ("nats-server", "nats-server"),
    ("mosquitto", "mosquitto"),
    ("nginx-light", "nginx"),
    ("systemd", "systemd-analyze"),
    ("curl", "curl"),
    ("openssl", "openssl"),
];

/// Python packages of the clients and validators, and of a mail server; pinned.
const PYTHON_PACKAGES: &[&str] = &[
    "openapi-spec-validator==0.9.0",
    "schemathesis==4.32.5",
    "openlineage-python==1.54.0",
    "aiosmtpd==1.4.6",
];

/// Those of the server of S3: in an environment of their own, for both have much that they want
/// in one version only.
const S3_PACKAGES: &[&str] = &["moto[server]==5.2.5", "boto3==1.44.8"];

/// MLflow's client and server, what its scripts log, and the libraries whose models are served.
const MLFLOW_PACKAGES: &[&str] = &[
    "mlflow==3.17.2",
    "scikit-learn==1.9.1",
    "matplotlib==3.11.2",
    "xgboost-cpu==3.2.0",
    "lightgbm==4.7.0",
    "skl2onnx==1.20.0",
    "onnxruntime==1.32.0",
];

/// Clients of the model server: Triton's and BentoML's.
const SERVING_PACKAGES: &[&str] = &["tritonclient[http]==2.73.0", "bentoml==1.4.40"];

fn main() -> ExitCode {
    let task = env::args().nth(1).unwrap_or_default();
    let result = match task.as_str() {
        "test" => test(),
        "check" => check(),
        "measure" => measure::measure(&root(), env::args_os().nth(2).map(PathBuf::from)),
        "measure-waiting" => {
            measure::measure_waiting(&root(), env::args_os().nth(2).map(PathBuf::from))
        }
        "simulate" => simulate(&env::args().skip(2).collect::<Vec<_>>()),
        _ => {
            Err("usage: cargo xtask test | check | measure [BINARY] | measure-waiting [BINARY] | \
                  simulate [--seeds N] [--from S]"
                .to_owned())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    let lints = ["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(&lints, &[])
}

fn test() -> Result<(), String> {
    let root = root();
    let folder = root.join("target/test-setup");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    install_packages();
    let mut variables = Vec::new();
    if let Some(python) = venv(&folder.join("venv"), PYTHON_PACKAGES) {
        variables.push(("DAGDECK_TEST_PYTHON", python));
    }
    if let Some(python) = venv(&folder.join("s3"), S3_PACKAGES) {
        variables.push(("DAGDECK_TEST_MOTO", python));
    }
    if let Some(python) = venv(&folder.join("mlflow"), MLFLOW_PACKAGES) {
        variables.push(("DAGDECK_TEST_MLFLOW", python));
    }
    if let Some(python) = venv(&folder.join("serving"), SERVING_PACKAGES) {
        variables.push(("DAGDECK_TEST_SERVING", python));
    }
    if let Some(promtool) = on_path("promtool") {
        variables.push(("DAGDECK_TEST_PROMTOOL", promtool));
    }
    if let Some(sshd) = for_administrators("sshd") {
        variables.push(("DAGDECK_TEST_SSHD", sshd));
    }
    let programs = [
        ("DAGDECK_TEST_REDIS", "redis-server"),
        ("DAGDECK_TEST_NATS", "nats-server"),
        ("DAGDECK_TEST_MOSQUITTO", "mosquitto"),
        ("DAGDECK_TEST_NGINX", "nginx"),
        ("DAGDECK_TEST_SYSTEMD", "systemd-analyze"),
        ("DAGDECK_TEST_CURL", "curl"),
        ("DAGDECK_TEST_OPENSSL", "openssl"),
    ];
    for (variable, program) in programs {
        variables.extend(for_administrators(program).map(|path| (variable, path)));
    }
    let daemons = ["slurmctld", "slurmd", "munged"].map(for_administrators);
    if let ([Some(slurmctld), Some(_), Some(_)], Some(_)) = (daemons, on_path("sbatch")) {
        variables.push(("DAGDECK_TEST_SLURMCTLD", slurmctld));
    }
    if let Some(initdb) = for_administrators("initdb") {
        variables.push(("DAGDECK_TEST_POSTGRES", initdb));
    }
    let skipped = folder.join("skipped.txt");
    let _ = fs::remove_file(&skipped);
    variables.push(("DAGDECK_TEST_SKIPPED", skipped.clone()));
    cargo(&["test", "--release", "--workspace"], &variables)?;
    report_skipped(&skipped)
}

/// Tries seeds in the simulation; the first one that fails is played again with its history.
fn simulate(args: &[String]) -> Result<(), String> {
    let mut variables = Vec::new();
    for pair in args.chunks(2) {
        let variable = match pair[0].as_str() {
            "--seeds" => "DAGDECK_SIMULATE_SEEDS",
            "--from" => "DAGDECK_SIMULATE_FROM",
            other => return Err(format!("`{other}` is neither `--seeds` nor `--from`")),
        };
        let number = pair.get(1).filter(|text| text.parse::<u64>().is_ok());
        let number = number.ok_or_else(|| format!("`{}` takes a number", pair[0]))?;
        variables.push((variable, PathBuf::from(number)));
    }
    let test = "runtime::simulation::every_seed_keeps_the_promises";
    let lib = ["test", "--release", "-p", "dagdeck", "--lib", test, "--", "--exact", "--nocapture"];
    cargo(&lib, &variables)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Says which tests were skipped for want of a peer; with `CI=true` that is a failure.
fn report_skipped(list: &Path) -> Result<(), String> {
    let Ok(skipped) = fs::read_to_string(list) else { return Ok(()) };
    println!("\nskipped for want of what they need:");
    for line in skipped.lines() {
        println!("  {line}");
    }
    match env::var("CI").as_deref() {
        Ok("true") => Err("with CI=true nothing may be skipped".to_owned()),
        _ => Ok(()),
    }
}

fn cargo(args: &[&str], variables: &[(&str, PathBuf)]) -> Result<(), String> {
    println!("$ cargo {}", args.join(" "));
    let mut command = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.args(args).current_dir(root());
    for (name, value) in variables {
        command.env(name, value);
    }
    let status = command.status().map_err(|error| format!("start cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed", args.join(" "))) }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Finds what only administrators run: not every PATH leads there.
fn for_administrators(program: &str) -> Option<PathBuf> {
    let usual = Path::new("/usr/sbin").join(program);
    on_path(program).or(Some(usual)).filter(|path| path.is_file()).or_else(|| of_postgres(program))
}

/// Debian keeps the programs of each version of PostgreSQL in a folder of its own; the newest counts.
fn of_postgres(program: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let newest = versions.max_by_key(|version| {
        version.file_name().to_string_lossy().parse::<u32>().unwrap_or_default()
    })?;
    Some(newest.path().join("bin").join(program)).filter(|path| path.is_file())
}

/// Installs what is missing, where we may; says what.
fn install_packages() {
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(_, program)| !program.is_empty() && for_administrators(program).is_none())
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return;
    }
    if on_path("apt-get").is_none() || !is_root() {
        println!("missing, and not installed (that needs root on Debian): {}", missing.join(" "));
        return;
    }
    println!("installing Debian packages: {}", missing.join(" "));
    let lock = "DPkg::Lock::Timeout=300";
    run("apt-get", &["-o", lock, "-qq", "update"]);
    let mut args = vec!["-o", lock, "-qq", "-y", "--no-install-recommends", "install"];
    args.extend(&missing);
    run("apt-get", &args);
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}

/// Makes a virtual environment with these packages; `None` where that cannot be.
fn venv(venv: &Path, packages: &[&str]) -> Option<PathBuf> {
    let python = venv.join("bin/python");
    let stamp = venv.join("packages.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Some(python);
    }
    println!("making a Python environment with {}", packages.join(" "));
    let path = venv.to_string_lossy().into_owned();
    if !run("python3", &["-m", "venv", "--clear", &path]) {
        if is_root() && on_path("apt-get").is_some() {
            run(
                "apt-get",
                &["-o", "DPkg::Lock::Timeout=300", "-qq", "-y", "install", "python3-venv"],
            );
        }
        if !run("python3", &["-m", "venv", "--clear", &path]) {
            return None;
        }
    }
    let mut args = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    args.extend(packages);
    if !run(&python.to_string_lossy(), &args) {
        return None;
    }
    fs::write(&stamp, wanted).ok()?;
    Some(python)
}

fn run(program: &str, args: &[&str]) -> bool {
    println!("$ {program} {}", args.join(" "));
    match Command::new(program).args(args).env("DEBIAN_FRONTEND", "noninteractive").status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("xtask: start {program}: {error}");
            false
        }
    }
}
