//! A bundle, run from another place with nothing else: as the root of its own, behind a real nginx,
//! and judged by those who read its files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::support::{Project, http, peer, until};

const FLOWER: &str = "[[5.1,3.5,1.4,0.2]]";

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The sample project with iris in production, and a bundle of it.
fn bundled() -> Project {
    let project = Project::sample();
    project.run(&["run", "mlops_pipeline", "-p", "model=logistic_regression"]).ok();
    let target = project.path("out/iris");
    let told = project.json(&["bundle", "iris@production", "--to", target.to_str().unwrap()]);
    assert_eq!((&told["model"], &told["version"]), (&"iris".into(), &1.into()), "{told}");
    project
}

/// Starts the bundle's own program in a root that holds nothing but the bundle.
fn in_its_root(root: &Path) -> (Running, String) {
    let mut command = match rustix::process::geteuid().is_root() {
        true => {
            let mut chroot = Command::new("/usr/sbin/chroot");
            chroot.arg(root);
            chroot
        }
        false => {
            let mut unshare = Command::new("unshare");
            unshare.arg("--map-root-user").arg("--root").arg(root);
            unshare
        }
    };
    command.args(["/dagdeck", "serve", "/srv", "--listen", "127.0.0.1:0"]).env_clear();
    listening(command.current_dir("/"))
}

/// Starts a server and returns where it listens.
fn listening(command: &mut Command) -> (Running, String) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("serves http://").unwrap_or_else(|| panic!("{line}"));
    (Running(child), address.to_owned())
}

#[test]
fn a_bundle_runs_where_there_is_nothing_else() {
    let project = bundled();
    // Elsewhere: nothing in it leads back.
    let elsewhere = tempfile::tempdir().unwrap();
    let root = elsewhere.path().join("rootfs");
    fs::rename(project.path("out/iris/rootfs"), &root).unwrap();
    drop(project);
    let (server, address) = in_its_root(&root);
    let answer = http(&address, "POST", "/predict", Some(FLOWER));
    assert_eq!(answer.json()[0]["label"], "setosa", "{}", answer.body);
    for path in ["/models/iris@production/predict", "/models/iris/versions/1/predict"] {
        assert_eq!(http(&address, "POST", path, Some(FLOWER)).status, 200, "{path}");
    }
    for path in ["/readyz", "/metrics", "/docs.json", "/docs", "/schema.json", "/v2/models/iris"] {
        assert_eq!(http(&address, "GET", path, None).status, 200, "{path}");
    }
    // Nobody changes what it serves.
    let unload = "/v2/repository/models/iris/unload";
    assert_eq!(http(&address, "POST", unload, Some("{}")).status, 401);
    let probe = |address: &str| {
        let mut probe = Command::new(crate::support::binary());
        probe.args(["serve", "--probe", address]).status().unwrap().code()
    };
    assert_eq!(probe(&address), Some(0));
    let pid = rustix::process::Pid::from_child(&server.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut server = server;
    let ended = until(|| server.0.try_wait().unwrap()).unwrap();
    assert!(ended.success(), "{ended}");
    assert_eq!(probe(&address), Some(1));
}

#[test]
fn a_bundle_that_was_changed_and_a_place_that_is_taken_are_refused() {
    let project = bundled();
    let target = project.path("out/iris");
    let target = target.to_str().unwrap();
    // Made again it is the same, and is left as it is: a task may be run again.
    project.run(&["bundle", "iris@production", "--to", target]).ok();
    let out = project.path("out");
    let refused = project.run(&["bundle", "iris@production", "--to", out.to_str().unwrap()]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("is not empty"), "{}", refused.stderr);
    for (model, said) in
        [("iris", "names no model"), ("iris@staging", "iris"), ("tulip/1", "tulip")]
    {
        let to = project.path("other");
        let refused = project.run(&["bundle", model, "--to", to.to_str().unwrap()]);
        assert_ne!(refused.code, 0);
        assert!(refused.stderr.contains(said), "{model}: {}", refused.stderr);
        assert!(!to.exists());
    }
    let left: Vec<_> =
        fs::read_dir(project.dir()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".bundle")), "{left:?}");
    let model = project.path("out/iris/rootfs/srv/model/model.json");
    let text = fs::read_to_string(&model).unwrap();
    fs::write(&model, text + " ").unwrap();
    let serve = |folder: &Path| {
        let ran = Command::new(crate::support::binary()).arg("serve").arg(folder).output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let (code, said) = serve(&project.path("out/iris/rootfs/srv"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("`model.json` of the bundle's model is not what was bundled"), "{said}");
    let (code, said) = serve(&project.path("nowhere"));
    assert_ne!(code, Some(0));
    assert!(said.contains("nowhere"), "{said}");
    let settings = project.path("out/iris/rootfs/srv/serving.toml");
    fs::write(settings, "[serving]\nmax_row = 1\n").unwrap();
    let (code, said) = serve(&project.path("out/iris/rootfs/srv"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("max_rows"), "{said}");
}

#[test]
fn the_bundles_nginx_keeps_answering_when_a_replica_dies() {
    let test = "the_bundles_nginx_keeps_answering_when_a_replica_dies";
    let Some(nginx) = peer("DAGDECK_TEST_NGINX", test) else { return };
    let project = bundled();
    let served = project.path("out/iris/rootfs/srv");
    let start = || {
        let mut command = Command::new(project.path("out/iris/rootfs/dagdeck"));
        listening(command.arg("serve").arg(&served).args(["--listen", "127.0.0.1:0"]))
    };
    let ((first, a), (_second, b)) = (start(), start());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let front = free.local_addr().unwrap().to_string();
    drop(free);
    let text = fs::read_to_string(project.path("out/iris/nginx.conf")).unwrap();
    // The names that compose gives, and the place of a container's files.
    let text = text.replace("replica-1:3000", &a).replace("replica-2:3000", &b);
    let text = text.replace("0.0.0.0:8080", &front);
    let folder = project.path("nginx");
    fs::create_dir(&folder).unwrap();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {what};\n"))
        .concat();
    fs::write(
        folder.join("nginx.conf"),
        text.replace("http {\n", &format!("http {{\n{temporary}")),
    )
    .unwrap();
    let child = Command::new(nginx)
        .args(["-e", "error.log", "-c", "nginx.conf", "-g", "daemon off; pid nginx.pid;", "-p"])
        .arg(&folder)
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let ready = || std::net::TcpStream::connect(&front).ok().map(drop);
    until(ready).unwrap_or_else(|| panic!("{:?}", running.0.try_wait()));
    let ask = |count: usize| {
        for _ in 0..count {
            let answer = http(&front, "POST", "/predict", Some(FLOWER));
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    };
    ask(50);
    drop(first);
    ask(200);
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::QUIT).unwrap();
    until(|| running.0.try_wait().unwrap()).unwrap();
}

fn yaml(project: &Project, name: &str) -> Vec<Yaml> {
    let text = fs::read_to_string(project.path("out/iris").join(name)).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
}

#[test]
fn the_files_of_containers_say_what_they_should() {
    let project = bundled();
    let compose = &yaml(&project, "compose.yaml")[0];
    let services = compose["services"].as_hash().unwrap();
    assert_eq!(services.len(), 3, "two replicas and nginx");
    let needs = &compose["services"]["nginx"]["depends_on"];
    assert_eq!(needs["replica-2"]["condition"].as_str(), Some("service_healthy"));
    let kinds = yaml(&project, "kubernetes.yaml");
    let names: Vec<_> = kinds.iter().map(|found| found["kind"].as_str().unwrap()).collect();
    assert_eq!(names, ["Deployment", "Service", "PodDisruptionBudget"]);
    let pod = &kinds[0]["spec"]["template"];
    let server = &pod["spec"]["containers"][0];
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/livez")] {
        assert_eq!(server[probe]["httpGet"]["path"].as_str(), Some(path));
    }
    let image = format!("dagdeck-iris:{}", 1);
    assert_eq!(server["image"].as_str(), Some(image.as_str()));
    let label = "app.kubernetes.io/name";
    let meant = pod["metadata"]["labels"][label].as_str();
    assert_eq!(kinds[0]["spec"]["selector"]["matchLabels"][label].as_str(), meant);
    assert_eq!(kinds[1]["spec"]["selector"][label].as_str(), meant);
    assert_eq!(kinds[2]["spec"]["selector"]["matchLabels"][label].as_str(), meant);
    let dockerfile = fs::read_to_string(project.path("out/iris/Dockerfile")).unwrap();
    let from: Vec<_> = dockerfile.lines().filter(|line| line.starts_with("FROM")).collect();
    assert_eq!(from, ["FROM scratch"]);
    // What stands in ENTRYPOINT is there.
    let entry = dockerfile.lines().find_map(|line| line.strip_prefix("ENTRYPOINT ")).unwrap();
    let entry: Value = serde_json::from_str(entry).unwrap();
    assert!(project.path("out/iris/rootfs").join(&entry[0].as_str().unwrap()[1..]).exists());
    let manifest = fs::read(project.path("out/iris/rootfs/srv/bundle.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["alias"], "production");
}

#[test]
fn systemd_understands_the_unit() {
    let Some(systemd) = peer("DAGDECK_TEST_SYSTEMD", "systemd_understands_the_unit") else {
        return;
    };
    let project = bundled();
    let text = fs::read_to_string(project.path("out/iris/dagdeck-iris.service")).unwrap();
    assert!(text.contains("RootDirectory=/opt/dagdeck-iris/rootfs"));
    // It looks for the program in this machine's root, not in the unit's.
    let program = project.path("out/iris/rootfs/dagdeck");
    let text = text.replace("ExecStart=/dagdeck", &format!("ExecStart={}", program.display()));
    let unit = project.path("dagdeck-iris.service");
    fs::write(&unit, text).unwrap();
    let output = Command::new(&systemd).arg("verify").arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("dagdeck-iris"), "{said}");
}

#[test]
fn a_bundle_answers_soon_after_its_start() {
    let project = bundled();
    let served = project.path("out/iris/rootfs/srv");
    let start = Instant::now();
    let mut command = Command::new(crate::support::binary());
    let (_server, address) =
        listening(command.arg("serve").arg(&served).args(["--listen", "127.0.0.1:0"]));
    assert_eq!(http(&address, "POST", "/predict", Some(FLOWER)).status, 200);
    // The figure that is promised is of a release build on a quiet machine: `cargo xtask measure`.
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}
