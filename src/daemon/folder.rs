//! The state folder `.dagdeck`, and what keeps it from being written.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use crate::runtime::Layout;
use crate::types::{Fault, FaultKind};

/// Checks that there is a project and makes its state folder, for the owner only.
pub(crate) fn prepare(layout: &Layout) -> Result<(), Fault> {
    let definitions = layout.project().join("dags.toml");
    match fs::metadata(&definitions) {
        Ok(found) if found.is_file() => {}
        Ok(_) => {
            return Err(Fault::invalid(format!("`{}` is not a file", definitions.display())));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let project = layout.project().display();
            return Err(Fault::invalid(format!("there is no `dags.toml` in `{project}`"))
                .hint("go to a project's folder, or name it with --project DIR"));
        }
        Err(error) => {
            return Err(io_fault(&format!("read `{}`", definitions.display()), &error));
        }
    }
    make(&layout.state_dir())?;
    make(&layout.log_dir())
}

fn make(folder: &Path) -> Result<(), Fault> {
    let fail = |error| io_fault(&format!("make `{}`", folder.display()), &error);
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = fs::metadata(folder).map_err(fail)?.permissions().mode() & 0o777;
            if mode != 0o700 {
                fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(fail)?;
            }
            Ok(())
        }
        Err(error) => Err(fail(error)),
    }
}

/// Says what keeps the disk from being used, and what helps.
pub(crate) fn io_fault(what: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Fault::unavailable(format!("{what}: the disk is full"))
                .hint("make room, then try again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Fault::new(FaultKind::Denied, format!("{what}: the folder cannot be written"))
                .hint("a project's state lies in `.dagdeck` beside its `dags.toml`")
                .caused_by(Some(error))
        }
        _ => Fault::unavailable(what.to_owned()).caused_by(Some(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_without_definitions_is_left_alone() {
        let project = tempfile::tempdir().unwrap();
        let fault = prepare(&Layout::new(project.path())).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(fault.message.starts_with("there is no `dags.toml` in"), "{fault}");
        assert!(!project.path().join(".dagdeck").exists());
    }

    #[test]
    fn the_state_folder_is_for_its_owner_only() {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("dags.toml"), "").unwrap();
        let layout = Layout::new(project.path());
        fs::create_dir(layout.state_dir()).unwrap();
        fs::set_permissions(layout.state_dir(), Permissions::from_mode(0o755)).unwrap();
        prepare(&layout).unwrap();
        prepare(&layout).unwrap();
        assert_eq!((mode(&layout.state_dir()), mode(&layout.log_dir())), (0o700, 0o700));
    }

    #[test]
    fn a_full_disk_and_a_read_only_folder_are_told_apart() {
        let full = io_fault("make `x`", &io::ErrorKind::StorageFull.into());
        assert_eq!(full.to_string(), "make `x`: the disk is full");
        let denied = io_fault("make `x`", &io::ErrorKind::ReadOnlyFilesystem.into());
        assert_eq!(denied.kind, FaultKind::Denied);
    }

    #[test]
    fn what_stands_in_the_way_of_the_folder_is_named() {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("dags.toml"), "").unwrap();
        fs::write(project.path().join(".dagdeck"), "a file").unwrap();
        let fault = prepare(&Layout::new(project.path())).unwrap_err();
        assert!(fault.message.contains(".dagdeck"), "{fault}");
    }
}
