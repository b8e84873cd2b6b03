//! Gives arguments that were kept in the store their secrets again.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::connection::OpenConnection;
use crate::dag::Deck;
use crate::runtime::act::order::connections;
use crate::runtime::act::secrets;
use crate::runtime::attempt::Private;
use crate::runtime::executor::Handover;
use crate::sched::Outcome;

/// Fills rendered arguments with the variables, and opens the connections, of the definitions
/// now in force.
pub(crate) fn hand_again(
    deck: &Deck,
    args: &Map<String, Value>,
) -> Result<(Map<String, Value>, Private), Outcome> {
    let variables = secrets::Variables::new(deck);
    let connections = connections(deck, args)?;
    let mut mask = variables.mask;
    mask.extend(connections.iter().flat_map(|spec| secrets::of_connection(spec)));
    let connections =
        connections.iter().map(|spec| (spec.name.clone(), OpenConnection::of(spec))).collect();
    let private = Private { connections, env: BTreeMap::new(), mask };
    let handover = Handover { private, secrets: variables.secrets };
    let mut args = args.clone();
    handover.fill_args(&mut args);
    Ok((args, handover.private))
}
