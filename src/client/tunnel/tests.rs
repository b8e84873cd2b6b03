//! Lines without a network: a program in ssh's place.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn tunnels(folder: &Path, script: &str) -> Tunnels {
    let program = folder.join("ssh");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    Tunnels { program, runtime_dir: folder.to_owned() }
}

fn target() -> SshTarget {
    "ana@far:/srv/p".parse().unwrap()
}

fn left_over(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("dagdeck-")
        })
        .count()
}

#[test]
fn what_could_be_an_option_or_is_no_path_is_refused() {
    for text in ["-oProxyCommand=x:/p", "far", "far:relative", ":/p", "a b:/p", "far:/p:/q"] {
        assert!(text.parse::<SshTarget>().unwrap_err().contains("[user@]host:/path"), "{text}");
    }
    assert_eq!(target().name(), "ana@far:/srv/p");
}

#[tokio::test]
async fn a_system_without_ssh_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let tunnels = Tunnels { program: "/nowhere/ssh".into(), runtime_dir: folder.path().into() };
    let fault = tunnels.open(&target(), false).await.unwrap_err();
    assert!(fault.hint.unwrap().contains("openssh-client"));
    assert_eq!(left_over(folder.path()), 0);
}

#[tokio::test]
async fn an_ssh_that_ends_says_why_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let tunnels = tunnels(folder.path(), "echo 'Host key verification failed.' >&2; exit 255");
    let fault = tunnels.open(&target(), false).await.unwrap_err();
    assert!(fault.message.contains("Host key verification failed."), "{fault}");
    assert_eq!(left_over(folder.path()), 0);
}

#[tokio::test]
async fn the_arguments_reach_ssh_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("printf '%s\\n' \"$@\" > '{}/args'; exit 1", folder.path().display());
    let tunnels = tunnels(folder.path(), &script);
    let target = SshTarget { args: vec!["-p".to_owned(), "$(id) 2".to_owned()], ..target() };
    let _ = tunnels.open(&target, false).await.unwrap_err();
    let args = std::fs::read_to_string(folder.path().join("args")).unwrap();
    let args: Vec<&str> = args.lines().collect();
    assert!(args.contains(&"BatchMode=yes") && args.contains(&"$(id) 2"), "{args:?}");
    assert!(args.iter().any(|arg| arg.ends_with("d.sock:/srv/p/.dagdeck/daemon.sock")));
    assert_eq!(args[args.len() - 2..], ["--", "ana@far"]);
}
