//! Tasks that are forks of a warm interpreter: they must be what a cold start would be.

use std::time::Duration;

use super::*;
use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;
use crate::types::time;

const FILE: &str = r#"
import os, sys

def who():
    print("hello")
    print("oh", file=sys.stderr)
    return [os.getpid(), os.getsid(0), os.environ["MINE"], os.getcwd(), "colorsys" in sys.modules]

def fail():
    raise ValueError("no rows")

def die():
    os.kill(os.getpid(), 9)

def leave():
    sys.exit(99)

def wait(path):
    import time
    with open(path, "w") as file:
        file.write("%d %d" % (os.getpid(), os.getppid()))
    time.sleep(600)
"#;

fn bench() -> Bench {
    let mut bench = Bench::new("python");
    bench.write("dags/basic.py", FILE);
    bench.order.env.insert("MINE".into(), "my own".into());
    bench
}

#[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
fn call(bench: &Bench, function: &str, warm: Value) -> Outcome {
    bench.run(json!({ "callable": format!("dags/basic.py:{function}"), "warm": warm }))
}

fn output(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Success { output, .. } => output,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fork_is_the_tasks_own_process() {
    let bench = bench();
    let first = output(call(&bench, "who", json!(["colorsys"])));
    let second = output(call(&bench, "who", json!(["colorsys"])));
    assert_ne!(first[0], second[0]);
    assert_eq!(first[0], first[1], "it leads a session");
    let (mine, cwd) = (json!("my own"), json!(bench.project()));
    assert_eq!([&first[2], &first[3], &first[4]], [&mine, &cwd, &json!(true)]);
    let log = bench.log();
    assert!(log.contains("out  hello") && log.contains("err  oh"), "{log}");
    assert_eq!(log.matches("starts the warm interpreter").count(), 1, "{log}");

    assert!(matches!(call(&bench, "leave", json!(true)), Outcome::Skipped { .. }));
    let Outcome::Failed { error, exit_code, .. } = call(&bench, "fail", json!(true)) else {
        panic!("it fails");
    };
    assert_eq!((error.as_str(), exit_code), ("ValueError: no rows", Some(1)));
    let Outcome::Failed { error, .. } = call(&bench, "die", json!(true)) else {
        panic!("it fails");
    };
    assert!(error.starts_with("killed by signal 9"), "{error}");
}

#[test]
fn imports_that_start_threads_or_fail_lead_to_a_cold_start_that_says_so() {
    let bench = bench();
    bench.write(
        "dags/threaded.py",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
    );
    let found = output(call(&bench, "who", json!(["no_such_module_here"])));
    assert_eq!(found[2], json!("my own"));
    assert!(bench.log().contains("a cold start: the warm interpreter refused: import"));
    let mut bench = bench;
    let dags = bench.project().join("dags");
    // The server inherits the environment of the process, not the task's: the module is found by
    // way of a program that sets the path.
    let program = bench.project().join("python");
    let text = format!("#!/bin/sh\nPYTHONPATH={} exec python3 \"$@\"\n", dags.display());
    std::fs::write(&program, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&program, mode).unwrap();
    bench.order.env.insert("MINE".into(), "other".into());
    let args =
        json!({ "callable": "dags/basic.py:who", "warm": ["threaded"], "python": "./python" });
    assert_eq!(output(bench.run(args))[2], json!("other"));
    assert!(bench.log().contains("a process with threads must not fork"), "{}", bench.log());
}

/// Waits until the file holds two numbers.
fn pids(path: &Path) -> (u32, u32) {
    let started = time::instant();
    while started.elapsed() < Duration::from_secs(60) {
        let text = fs::read_to_string(path).unwrap_or_default();
        if let Some((own, parent)) = text.split_once(' ')
            && let (Ok(own), Ok(parent)) = (own.parse(), parent.parse())
        {
            return (own, parent);
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("no task began");
}

fn until_gone(pid: u32) {
    let started = time::instant();
    let is_there = || crate::runtime::executor::process_table::find(pid).is_some();
    while is_there() && started.elapsed() < Duration::from_secs(60) {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    assert!(!is_there(), "process {pid} is still there");
}

#[test]
fn a_task_goes_with_its_attempt_and_fails_with_its_server() {
    let bench = bench();
    let interpreter = Interpreter { program: None };
    let server = Server::new(&interpreter, &[], &bench.order.project);
    let log = Arc::new(TaskLog::open(&bench.order.folder, Vec::new()).unwrap());
    let path = bench.project().join("pids");
    let wish = json!({
        "file": bench.project().join("dags/basic.py"), "function": "wait", "op_args": [&path],
        "kwargs": {}, "multiple_outputs": false, "context": {"dates": {}},
        "result": bench.project().join("r"), "project": bench.project(),
        "modules": {"dagdeck": super::super::MODULE, "_dagdeck_context": super::super::CONTEXT},
    });
    let stream = server.reach(&bench.order, &log).unwrap();
    let (_out, out_end) = io::pipe().unwrap();
    let text = request(&bench.order, &bench.private, &wish).unwrap();
    send(&stream, &text, &out_end, &out_end).unwrap();
    let (task, _) = pids(&path);
    drop(stream);
    until_gone(task);

    fs::remove_file(&path).unwrap();
    let killer = {
        std::thread::spawn(move || {
            let (task, server) = pids(&path);
            let pid = rustix::process::Pid::from_raw(i32::try_from(server).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            until_gone(task);
        })
    };
    let order = &bench.order;
    let ended = run(&interpreter, &[], order, &bench.private, &wish, &log);
    killer.join().unwrap();
    let Err(OperatorError::Passing(error)) = ended else { panic!("{ended:?}") };
    assert_eq!(error, "the warm interpreter ended while the task ran");
    // The next one starts another.
    let found = output(call(&bench, "who", json!(true)));
    assert_eq!(found[2], json!("my own"));
    assert_eq!(bench.log().matches("starts the warm interpreter").count(), 2);
}
