//! What ssh says when it fails, and what is to be done then.

use crate::client::tunnel::SshTarget;
use crate::types::{Fault, FaultKind};

/// Says whether a line tells that the other end could not be connected with the daemon's socket.
pub(super) fn is_refused(line: &str) -> bool {
    line.contains("open failed") || line.contains("administratively prohibited")
}

/// Makes a fault of the last lines that ssh said.
pub(super) fn fault(said: &[String], target: &SshTarget) -> Fault {
    let SshTarget { host, folder, .. } = target;
    let has = |part: &str| said.iter().any(|line| line.contains(part));
    let last = said.last().map_or("it ended without a word", |line| line.trim());
    if has("administratively prohibited") {
        return Fault::new(FaultKind::Denied, format!("`{host}` does not forward sockets")).hint(
            "its sshd needs `AllowStreamLocalForwarding yes`, and `AllowTcpForwarding` as well",
        );
    }
    if has("open failed") {
        return Fault::unavailable(format!("no daemon runs for `{folder}` on `{host}`"))
            .hint(format!("start it there: `ssh {host} 'cd {folder} && dagdeck up'`"));
    }
    let fault = Fault::unavailable(format!("reach `{host}` by ssh: {last}"));
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return fault.hint(format!(
            "its host key is another than before: find out why, then `ssh-keygen -R {host}`"
        ));
    }
    if has("Host key verification failed") {
        return fault.hint(format!("`ssh {host}` once shows its key and asks whether to trust it"));
    }
    if has("Permission denied") {
        return fault.hint(format!(
            "`ssh {host}` must let you in without a question: load a key with ssh-add"
        ));
    }
    if has("Could not resolve hostname") {
        return fault.hint("is the name right? ~/.ssh/config may hold short ones");
    }
    fault.hint(format!("try `ssh {host}` by itself"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_fail_says_what_to_do() {
        let target: SshTarget = "ana@far:/srv/p/".parse().unwrap();
        let hint = |line: &str| fault(&[line.to_owned()], &target).hint.unwrap();
        let refused = "channel 2: open failed: connect failed: No such file or directory";
        assert!(is_refused(refused));
        assert!(hint(refused).contains("ssh ana@far 'cd /srv/p && dagdeck up'"));
        assert!(hint("Host key verification failed.").contains("asks whether to trust"));
        assert!(hint("ana@far: Permission denied (publickey).").contains("ssh-add"));
        assert!(hint("ssh: Could not resolve hostname far: x").contains("~/.ssh/config"));
        let closed = fault(&[], &target);
        assert!(closed.message.contains("without a word"), "{closed}");
    }
}
