//! Environments of requirements: made once, and only where something is required.

use serde_json::json;

use super::failure;
use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;

/// Packs a wheel: what an index would give, without one.
const WHEEL: &str = r#"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/demo-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("demo.py", "WORTH = 42\n")
    info = "demo-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
"#;

#[test]
fn requirements_are_installed_once_and_a_file_may_name_its_own() {
    let bench = Bench::new("python");
    let made = std::process::Command::new("python3")
        .args(["-c", WHEEL])
        .arg(bench.project())
        .status()
        .unwrap();
    assert!(made.success());
    bench.write("a.py", "import demo\ndef f():\n    return demo.WORTH\n");
    let wheel = "./demo-1.0-py3-none-any.whl";
    let args = json!({ "callable": "a.py:f", "requirements": [wheel] });
    assert_eq!(bench.run(args.clone()), Outcome::output(json!(42)), "{}", bench.log());
    assert_eq!(bench.run(args), Outcome::output(json!(42)));
    // The same set, named by the file itself.
    let script = format!("# /// script\n# dependencies = [\"{wheel}\"]\n# ///\n");
    bench.write("b.py", &format!("{script}import demo\ndef f():\n    return demo.WORTH + 1\n"));
    assert_eq!(bench.run(json!({ "callable": "b.py:f" })), Outcome::output(json!(43)));
    assert_eq!(bench.log().matches("makes a venv").count(), 1, "{}", bench.log());
}

#[test]
fn what_cannot_be_installed_fails_the_attempt_and_the_log_says_why() {
    let bench = Bench::new("python");
    bench.write("a.py", "# /// script\n# dependencies = 3\n# ///\ndef f():\n    return 1\n");
    bench.is_fatal(json!({ "callable": "a.py:f" }), "its block `# /// script`");
    bench.write("a.py", "def f():\n    return 1\n");
    let args = json!({ "callable": "a.py:f", "requirements": ["./none-1.0-py3-none-any.whl"],
                       "python": "/bin/false" });
    let (error, retryable) = failure(bench.run(args));
    assert_eq!(error, "make a venv: exit code 1; the log says why");
    assert!(retryable);
}
