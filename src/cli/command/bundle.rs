//! `bundle`: writes a version with its server into a folder that runs anywhere, with or without a
//! daemon.

use std::path::absolute;

use crate::cli::args::BundleArgs;
use crate::cli::command::daemon;
use crate::cli::error::CliError;
use crate::cli::output::{Output, bytes};
use crate::runtime::Layout;
use crate::runtime::bundle::{self, Bundled, Wish};

/// Writes a bundle.
pub fn bundle(layout: &Layout, args: &BundleArgs, output: &mut Output) -> Result<u8, CliError> {
    daemon::require_project(layout)?;
    let target =
        absolute(&args.to).map_err(|source| CliError::io("find the bundle's place", &source))?;
    let wish = Wish { model: &args.model, target: &target, replicas: args.replicas };
    let bundled = bundle::write(layout, &wish)?;
    output.answer(&bundled, summary);
    Ok(0)
}

fn summary(bundled: &Bundled) -> String {
    let folder = bundled.folder.display();
    let linked = match bundled.libraries.len() {
        0 => "a static program".to_owned(),
        1 => "the program and 1 library".to_owned(),
        count => format!("the program and {count} libraries"),
    };
    format!(
        "`{}` version {} is bundled in {folder} ({}, {linked})\n\
         try it: {folder}/rootfs/dagdeck serve {folder}/rootfs/srv\n\
         how else it starts: {folder}/README.md",
        bundled.model,
        bundled.version,
        bytes(bundled.bytes),
    )
}
