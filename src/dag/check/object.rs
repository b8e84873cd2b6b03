//! What the `object.*` operators want of their places.

use crate::check::fields::{Fields, Text};
use crate::check::operator::literal;
use crate::check::{Context, asset};
use crate::operator::Operator;
use crate::spec::ConnectionKind;

/// Checks `source` and `target` as far as they are no templates.
pub(super) fn check(context: Context<'_>, operator: Operator, fields: &mut Fields<'_>) {
    let source = literal(fields, "source");
    let target = literal(fields, "target");
    for (at, is_local) in [
        (source, operator == Operator::ObjectUpload),
        (target, operator == Operator::ObjectDownload),
    ] {
        let Some(at) = at else { continue };
        if is_local {
            local(context, at);
        } else {
            lake(context, at);
        }
        if at.text.split(['/', ':']).any(|part| part == "..") {
            let message = format!("`{}` climbs out of its folder", at.text);
            context.report.error(at.span, "bad-uri", message, None);
        }
    }
    if let Some(at) = source.filter(|at| at.text.ends_with('/')) {
        let message = format!("`{}` is a folder", at.text);
        let help = format!("write `{0}*` for what lies in it, `{0}**` for all below it", at.text);
        context.report.error(at.span, "bad-uri", message, help);
    }
    if let (Some(source), Some(target)) = (source, target)
        && source.text.contains('*')
        && !target.text.ends_with(['/', ':'])
    {
        let message = format!("`{}` is one object, and `source` is a pattern", target.text);
        let help = "end it with `/`: a folder".to_owned();
        context.report.error(target.span, "bad-uri", message, help);
    }
    if let Some(at) = target.filter(|at| at.text.contains('*')) {
        let message = format!("`{}` is a pattern: a target is an object or a folder", at.text);
        context.report.error(at.span, "bad-uri", message, None);
    }
}

fn lake(context: Context<'_>, at: Text<'_>) {
    asset::place(context, at);
    let scheme = at.text.split_once(':').map_or("", |(scheme, _)| scheme);
    if let Some(Some(kind)) = context.names.connections.get(scheme)
        && !ConnectionKind::is_lake(*kind)
    {
        let message = format!("connection `{scheme}` holds no objects");
        let span = context.report.within(at.span, scheme);
        context.report.error(span, "wrong-connection", message, None);
    }
}

fn local(context: Context<'_>, at: Text<'_>) {
    let scheme = at.text.split_once(':').map_or("", |(scheme, _)| scheme);
    if context.names.connections.contains_key(scheme) {
        let message = format!("`{}` is no path of this machine", at.text);
        let help = "write `data/x.csv` or `file:data/x.csv`; `object.copy` goes from one lake to \
                    another"
            .to_owned();
        context.report.error(at.span, "bad-uri", message, help);
    }
}
