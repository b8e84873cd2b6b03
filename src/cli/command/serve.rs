//! `serve`: one model from a folder, without a project, a daemon or a database. It logs to the
//! standard error, as containers and systemd expect.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;

use crate::cli::args::ServeArgs;
use crate::cli::command::daemon::told_to_stop;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::{env, logging};
use crate::connection::http;
use crate::dag::load_serving;
use crate::dag::serving::ServingSpec;
use crate::runtime::bundle::SETTINGS;
use crate::serving::{FolderParts, start_folder};
use crate::types::Fault;
use crate::types::time::SystemClock;

/// How long a server may take to say whether it is ready.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves until it is told to stop; or asks whether another server is ready.
pub async fn serve(args: &ServeArgs, output: &mut Output) -> Result<u8, CliError> {
    if let Some(address) = &args.probe {
        return Ok(u8::from(!is_ready(address).await));
    }
    let Some(folder) = &args.folder else {
        return Err(Fault::invalid("there is no folder to serve").into());
    };
    logging::to_standard_error();
    let server = start_folder(FolderParts {
        folder: folder.clone(),
        name: args.name.clone(),
        listen: args.listen.clone(),
        socket: args.socket.clone(),
        spec: settings(folder)?,
        clock: Arc::new(SystemClock),
    })
    .await?;
    let listen = server.listen.clone().unwrap_or_default();
    output.answer(&serde_json::json!({ "listen": listen }), |_| format!("serves http://{listen}"));
    told_to_stop().await;
    server.stop().await;
    Ok(0)
}

/// Reads the settings beside the model; where there are none the usual ones count.
fn settings(folder: &Path) -> Result<ServingSpec, CliError> {
    let path = folder.join(SETTINGS);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(ServingSpec::default());
        }
        Err(error) => return Err(CliError::io(&format!("read `{}`", path.display()), &error)),
    };
    let lookup = env::lookup();
    let read = load_serving(folder, &path, &text, &*lookup);
    read.map_err(|wrong| Fault::invalid(format!("read `{}`\n\n{wrong}", path.display())).into())
}

async fn is_ready(address: &str) -> bool {
    let url = format!("http://{address}/readyz");
    let answer = http::send_with(Method::GET, &url, &[], None, PROBE_TIMEOUT).await;
    answer.is_ok_and(|answer| answer.status == 200)
}
