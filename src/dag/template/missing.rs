//! Which name was not there, and why, or what there is instead.

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::suggest;
use crate::template::{Names, references_in};

/// Looks every name of the template up, and explains the first that is missing.
pub(super) fn explain(text: &str, context: &Names) -> Option<String> {
    references_in(text).ok()?.iter().find_map(|name| look_up(name, context))
}

fn look_up(name: &str, context: &Names) -> Option<String> {
    let mut found = context.root.clone();
    let mut walked = String::new();
    for part in name.split('.') {
        let next = found.get_attr(part).unwrap_or_default();
        if next.is_undefined() {
            return describe(&walked, part, &found, context);
        }
        found = next;
        if !walked.is_empty() {
            walked.push('.');
        }
        walked.push_str(part);
    }
    None
}

fn describe(walked: &str, part: &str, found: &Value, context: &Names) -> Option<String> {
    if walked.is_empty() {
        return Some(match context.absent.get(part) {
            Some(reason) => format!("`{part}` is undefined: {reason}"),
            None => format!("`{part}` is undefined"),
        });
    }
    let kind = match found.kind() {
        ValueKind::None => "empty",
        ValueKind::Bool => "true or false",
        ValueKind::Number => "a number",
        ValueKind::String => "text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => {
            let keys: Vec<String> =
                found.try_iter().map(|keys| keys.map(|key| key.to_string()).collect()).ok()?;
            let hint = suggest::hint(part, "it has", keys.iter().map(String::as_str));
            return Some(format!("`{walked}.{part}` is undefined; {hint}"));
        }
        // What it has are methods, too: whether this is one is not known here.
        _ => return None,
    };
    Some(format!("`{walked}.{part}` is undefined: `{walked}` is {kind}"))
}
