//! States of runs in a row, a letter each: a thousand DAGs send thirty of them.

use serde::{Deserialize, Deserializer, Serializer};

use crate::state::DagRunState;

/// Writes them as a text, oldest first.
pub(crate) fn serialize<S: Serializer>(
    states: &[DagRunState],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let letter = |state: &DagRunState| match state {
        DagRunState::Queued => 'q',
        DagRunState::Running => 'r',
        DagRunState::Success => 's',
        DagRunState::Failed => 'f',
    };
    serializer.serialize_str(&states.iter().map(letter).collect::<String>())
}

/// Reads them; a letter of a later version is left out.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<DagRunState>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let state = |letter| match letter {
        'q' => Some(DagRunState::Queued),
        'r' => Some(DagRunState::Running),
        's' => Some(DagRunState::Success),
        'f' => Some(DagRunState::Failed),
        _ => None,
    };
    Ok(text.chars().filter_map(state).collect())
}
