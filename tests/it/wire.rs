//! TLS by a certificate that openssl made, and HTTP/2 beside HTTP/1.1, asked by curl and Python.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Project, peer};

const FLOWER: &str = "[[5.1,3.5,1.4,0.2]]";

/// Makes an authority and a certificate of it for `127.0.0.1`.
fn certify(openssl: &Path, folder: &Path) {
    let run = |args: &[&str]| {
        let output = Command::new(openssl).args(args).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let mut authority = vec!["req", "-x509", "-days", "2", "-subj", "/CN=test authority"];
    authority.extend(key);
    authority.extend(["-keyout", "ca.key", "-out", "ca.pem"]);
    run(&authority);
    let mut request = vec!["req", "-subj", "/CN=model server"];
    request.extend(key);
    request.extend(["-keyout", "server.key", "-out", "server.csr"]);
    run(&request);
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    run(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-days",
        "2",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ]);
}

/// Asks for a prediction; returns the version of HTTP and the answer.
fn curl(curl: &Path, args: &[&str], url: &str) -> Result<(String, String), i32> {
    let output = Command::new(curl)
        .args([
            "--silent",
            "--max-time",
            "30",
            "--data",
            FLOWER,
            "--write-out",
            "\n%{http_version}",
        ])
        .args(args)
        .arg(format!("{url}/predict"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => {
            let (body, version) = said.rsplit_once('\n').unwrap();
            Ok((version.to_owned(), body.to_owned()))
        }
        code => Err(code.unwrap_or(-1)),
    }
}

fn with_iris(project: &mut Project) -> String {
    project.up();
    project.run(&["run", "mlops_pipeline", "-p", "model=logistic_regression"]).ok();
    let runs = project.wait_for_runs("model_serving_pipeline", 1);
    assert!(runs.iter().all(|run| run["state"] == "success"), "{runs:?}");
    project.serving()
}

#[test]
fn tls_is_spoken_by_a_real_certificate_with_both_versions_of_http() {
    let test = "tls_is_spoken_by_a_real_certificate_with_both_versions_of_http";
    let Some(openssl) = peer("DAGDECK_TEST_OPENSSL", test) else { return };
    let Some(program) = peer("DAGDECK_TEST_CURL", test) else { return };
    let mut project = Project::sample();
    certify(&openssl, project.dir());
    let text = fs::read_to_string(project.path("dags.toml")).unwrap();
    let tls = "[serving]\ntls_certificate = \"server.pem\"\ntls_key = \"server.key\"\n";
    project.write("dags.toml", text.replace("[serving]\n", tls));
    let address = with_iris(&mut project);
    let url = format!("https://{address}");
    let authority = project.path("ca.pem");
    let authority = ["--cacert", authority.to_str().unwrap()];
    let ask = |args: &[&str]| curl(&program, &[&authority[..], args].concat(), &url);
    for (args, version) in [(&["--http1.1"][..], "1.1"), (&["--http2"], "2"), (&[], "2")] {
        let (spoken, body) = ask(args).unwrap();
        assert!(spoken == version && body.contains("setosa"), "{args:?}: {spoken} {body}");
    }
    for args in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        assert!(ask(args).is_ok(), "{args:?}");
    }
    // 60: the certificate is of nobody that is known; 56, 52 or 1: there is no plain HTTP.
    assert_eq!(curl(&program, &[], &url), Err(60));
    assert!(curl(&program, &[], &format!("http://{address}")).is_err());
    project.down();
}

#[test]
fn http2_is_spoken_without_tls_by_whoever_begins_with_it() {
    let test = "http2_is_spoken_without_tls_by_whoever_begins_with_it";
    let Some(program) = peer("DAGDECK_TEST_CURL", test) else { return };
    let mut project = Project::sample();
    let url = format!("http://{}", with_iris(&mut project));
    for (args, version) in [(&["--http2-prior-knowledge"][..], "2"), (&[], "1.1")] {
        let (spoken, body) = curl(&program, args, &url).unwrap();
        assert!(spoken == version && body.contains("setosa"), "{args:?}: {spoken} {body}");
    }
    project.down();
}
