//! The files beside `rootfs`: how systemd, containers and Kubernetes start it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::Manifest;
use crate::runtime::nginx::Front;

/// Where nginx of the compose file listens, and each replica.
const FRONT: &str = "0.0.0.0:8080";
const PORT: u16 = 3000;

/// Of a packed body; each replica counts what it unpacks to by its own settings.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// Returns each file's name and text.
pub(super) fn all(
    manifest: &Manifest,
    replicas: u32,
    libraries: &[PathBuf],
) -> Vec<(String, String)> {
    let name = plain_name(&manifest.model);
    let version = manifest.version.to_string();
    let replicas_text = replicas.to_string();
    let linked = linked(libraries);
    let port = PORT.to_string();
    let values = [
        ("@MODEL@", one_line(&manifest.model)),
        ("@NAME@", name.clone()),
        ("@VERSION@", version),
        ("@REPLICAS@", replicas_text),
        ("@PORT@", port),
        ("@LINKED@", linked),
        ("@ARCHITECTURE@", manifest.architecture.clone()),
        ("@SERVICES@", services(replicas)),
        ("@DEPENDS@", depends(replicas)),
    ];
    let filled = |text: &str| {
        values.iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value))
    };
    vec![
        ("README.md".to_owned(), filled(include_str!("files/README.md"))),
        ("Dockerfile".to_owned(), filled(include_str!("files/Dockerfile"))),
        ("compose.yaml".to_owned(), filled(include_str!("files/compose.yaml"))),
        ("kubernetes.yaml".to_owned(), filled(include_str!("files/kubernetes.yaml"))),
        (format!("dagdeck-{name}.service"), filled(include_str!("files/unit.service"))),
        ("nginx.conf".to_owned(), front(replicas).text()),
    ]
}

/// A name that Kubernetes and systemd take: small letters, digits, `-`.
fn plain_name(model: &str) -> String {
    let plain: String = model
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    match plain.trim_matches('-') {
        "" => "model".to_owned(),
        plain => plain.to_owned(),
    }
}

/// What stands in a comment or in quotes must not end them.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "\"\\%$`".contains(c) { ' ' } else { c }).collect()
}

fn linked(libraries: &[PathBuf]) -> String {
    if libraries.is_empty() {
        return "It is linked statically and needs nothing beside itself.".to_owned();
    }
    let mut text = "It is linked dynamically; these libraries were taken from the machine that \
                    made the bundle, and lie in `rootfs` where its loader looks for them:\n"
        .to_owned();
    for library in libraries {
        // Writing to a string cannot fail, here and below.
        let _ = write!(text, "\n- `{}`", library.display());
    }
    text
}

fn services(replicas: u32) -> String {
    (1..=replicas).fold(String::new(), |mut text, n| {
        let _ = write!(text, "  replica-{n}:\n    <<: *replica\n");
        text
    })
}

fn depends(replicas: u32) -> String {
    (1..=replicas).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "      replica-{n}: {{ condition: service_healthy }}");
        text
    })
}

fn front(replicas: u32) -> Front {
    Front {
        listen: FRONT.to_owned(),
        replicas: (1..=replicas).map(|n| (format!("replica-{n}:{PORT}"), 1)).collect(),
        main: None,
        tls: None,
        body_bytes_max: BODY_BYTES_MAX,
        timeout: Duration::from_mins(1),
        is_ours: false,
        is_root: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mark_is_left_and_names_are_harmless() {
        let manifest = Manifest {
            format: 1,
            model: "My \"iris\"\nExecStart=/bin/sh".into(),
            version: 3,
            alias: None,
            kind: "tree".into(),
            dagdeck: "0.1.0".into(),
            architecture: "x86_64".into(),
            files: Default::default(),
        };
        let mark = regex::Regex::new("@[A-Z]+@").unwrap();
        for libraries in [vec![], vec![PathBuf::from("/lib/libc.so.6")]] {
            for (name, text) in all(&manifest, 3, &libraries) {
                assert!(!mark.is_match(&text), "{name}: {text}");
                assert!(!text.lines().any(|line| line.starts_with("ExecStart=/bin")), "{name}");
            }
        }
        assert_eq!(plain_name("My Iris/ä"), "my-iris");
        assert_eq!(plain_name("ä"), "model");
    }
}
