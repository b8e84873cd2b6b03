//! `sensor.object` of buckets: an object, a folder with an object in it, or objects of a pattern.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Look, OperatorError, Poke};
use crate::connection::object::{Lake, Location, Manner, Object, Patience, Reach};
use crate::runtime::operator::args::Args;
use crate::runtime::watch::matches;

/// More objects than these are not told.
const TOLD_MAX: usize = 1000;

/// More pages than these are not looked through at once: a look must come to an end.
const PAGES_MAX: u32 = 100;

/// Looks: one request where there is no pattern, else a listing of what begins as it does.
pub(super) async fn poke(look: &Look<'_>) -> Result<Poke, OperatorError> {
    let args = Args(look.args);
    let shown = args.text("uri")?;
    let min_age = args.duration_or_none("min_age")?.unwrap_or_default();
    let place = Location::parse(&shown, &look.private.connections, look.project)?;
    let manner = Manner { project: look.project, patience: Patience::Look, memory: None };
    let lake = place.open(manner)?;
    let mut found = find(&lake, &place).await?;
    let all = found.len();
    found.retain(|object| is_quiet(object, look, min_age));
    if found.is_empty() {
        return Ok(Poke::waits(match all {
            0 => format!("`{shown}` is not there yet"),
            1 => format!("`{shown}` is there, but has just changed"),
            n => format!("`{shown}`: {n} objects are there, but have just changed"),
        }));
    }
    Ok(Poke::Found(told(&lake, &found)))
}

async fn find(lake: &Lake, place: &Location) -> Result<Vec<Object>, OperatorError> {
    let mut pattern = place.parts();
    if place.is_folder() {
        pattern.push("**".to_owned());
    } else if !place.key.contains('*') {
        return Ok(lake.head(&place.key).await?.into_iter().collect());
    }
    let mut listing = lake.list(&Reach::of(&pattern), None);
    let mut found = Vec::new();
    while let Some(page) = listing.next().await? {
        let fits = |object: &Object| matches(&pattern, &object.key.split('/').collect::<Vec<_>>());
        for object in page.into_iter().filter(fits) {
            if !lake.is_mark(&object).await? {
                found.push(object);
            }
        }
        if listing.requests >= PAGES_MAX && !found.is_empty() {
            break;
        }
    }
    Ok(found)
}

fn is_quiet(object: &Object, look: &Look<'_>, min_age: Duration) -> bool {
    let Some(modified) = object.modified.filter(|_| !min_age.is_zero()) else { return true };
    Duration::try_from(look.now.duration_since(modified)).is_ok_and(|age| age >= min_age)
}

fn told(lake: &Lake, found: &[Object]) -> Value {
    let one = |object: &Object| {
        json!({
            "uri": lake.uri(&object.key),
            "size": object.size,
            "modified": object.modified,
            "e_tag": object.e_tag,
        })
    };
    let first = found.first().map(|object| lake.uri(&object.key));
    let files: Vec<Value> = found.iter().take(TOLD_MAX).map(one).collect();
    json!({ "uri": first, "count": found.len(), "files": files })
}
