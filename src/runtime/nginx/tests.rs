//! What nginx says of the configuration.

use super::*;
use crate::runtime::operator::tests::peer::peer;

fn front() -> Front {
    Front {
        listen: "127.0.0.1:39999".into(),
        replicas: vec![("unix:r1.sock".into(), 1), ("127.0.0.1:39998".into(), 3)],
        main: Some("unix:main.sock".into()),
        tls: None,
        body_bytes_max: 1 << 20,
        timeout: Duration::from_mins(1),
        is_ours: true,
        is_root: false,
    }
}

#[test]
fn nginx_accepts_what_is_written() {
    let Some(nginx) = peer("DAGDECK_TEST_NGINX", "nginx_accepts_what_is_written") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let tested = |text: &str| {
        std::fs::write(dir.path().join("nginx.conf"), text).unwrap();
        let output = std::process::Command::new(&nginx)
            .args(["-t", "-e", "nginx.log", "-c", "nginx.conf", "-p"])
            .arg(dir.path())
            .current_dir(dir.path())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for front in [front(), Front { main: None, ..front() }] {
        let (is_fine, said) = tested(&front.text());
        assert!(is_fine, "{said}\n{}", front.text());
    }
    let (is_fine, said) = tested(&front().text().replace("least_conn;", "least_con;"));
    assert!(!is_fine && said.contains("least_con"), "{said}");
}

#[test]
fn what_is_no_plain_text_is_known() {
    assert!(is_plain("/srv/a b/key.pem") && is_plain("[::1]:3000"));
    for text in ["", "a;b", "a\nb", "$x", "a\"b", "{"] {
        assert!(!is_plain(text), "{text:?}");
    }
}
