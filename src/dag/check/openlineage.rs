//! `[openlineage]`, with what the environment says of it.

use crate::check::fields::Fields;
use crate::check::report::Reporter;
use crate::check::system::Secrets;
use crate::openlineage::{NAMESPACE, OpenLineageSpec, Surroundings, Wish};

/// Checks to whom runs are told.
pub(super) fn of_deck(secrets: Secrets<'_>, mut fields: Fields<'_>) -> OpenLineageSpec {
    let report = secrets.report;
    let mut resolved = |key| {
        let written = fields.text(key)?;
        secrets.resolve(written)
    };
    let (url, api_key) = (resolved("url"), resolved("api_key"));
    let wish = Wish {
        url: url.map(|url| url.reveal().to_owned()),
        endpoint: fields.owned_text("endpoint"),
        api_key,
        timeout: fields.duration("timeout"),
        file: fields.owned_text("file"),
    };
    let namespace = fields.owned_text("namespace").filter(|name| !name.trim().is_empty());
    let is_disabled = fields.flag("disabled").unwrap_or(false);
    let surroundings = Surroundings::read(secrets.lookup);
    let written = match wish.judge() {
        Ok(transport) => transport,
        Err(problem) => {
            let place = fields.node(problem.key).map_or(fields.place(), |node| node.span);
            report.error(place, "bad-value", problem.message, problem.help.to_owned());
            None
        }
    };
    let transport = match surroundings.transport {
        None => written,
        Some(Ok(transport)) => transport,
        Some(Err(_)) if surroundings.is_disabled => None,
        Some(Err(problem)) => {
            warn(report, &fields, &problem);
            None
        }
    };
    fields.finish();
    OpenLineageSpec {
        namespace: surroundings.namespace.or(namespace).unwrap_or_else(|| NAMESPACE.to_owned()),
        transport: transport.filter(|_| !is_disabled && !surroundings.is_disabled),
    }
}

/// What the environment says wrongly is no fault of the file: the deck runs, and tells nobody.
fn warn(report: &Reporter, fields: &Fields<'_>, problem: &crate::openlineage::Problem) {
    let message =
        format!("the environment's transport of OpenLineage is passed over: {}", problem.message);
    let help = format!("look at OPENLINEAGE_URL and OPENLINEAGE__TRANSPORT__…: {}", problem.help);
    report.warning(fields.place(), "bad-environment", message, help);
}
