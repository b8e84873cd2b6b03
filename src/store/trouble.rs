//! What is wrong with served versions, while it is.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::trouble::{Trouble, TroubleKey};

/// Inserts or replaces.
pub(crate) fn put(conn: &Connection, trouble: &Trouble) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO serving_trouble (model, version, kind, column_name, text, since, told_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO UPDATE SET text = excluded.text, since = excluded.since,
            told_at = excluded.told_at";
    let TroubleKey { model, version, kind, column } = &trouble.key;
    let (since, told_at) = (row::micros(trouble.since), row::micros(trouble.told_at));
    let values = params![model, version, kind.as_str(), column, trouble.text, since, told_at];
    row::execute(conn, sql, values).map(drop)
}

/// Removes what is over.
pub(crate) fn delete(conn: &Connection, key: &TroubleKey) -> Result<(), StoreError> {
    let sql = "DELETE FROM serving_trouble
        WHERE model = ?1 AND version = ?2 AND kind = ?3 AND column_name = ?4";
    let values = params![key.model, key.version, key.kind.as_str(), key.column];
    row::execute(conn, sql, values).map(drop)
}

/// Returns all there is, by model and version.
pub fn list(conn: &Connection) -> Result<Vec<Trouble>, StoreError> {
    let sql = "SELECT * FROM serving_trouble ORDER BY model, version, kind, column_name";
    row::all(conn, sql, [], read)
}

fn read(row: &Row<'_>) -> Result<Trouble, StoreError> {
    Ok(Trouble {
        key: TroubleKey {
            model: row.get("model")?,
            version: row.get("version")?,
            kind: row::word(row, "kind")?,
            column: row.get("column_name")?,
        },
        text: row.get("text")?,
        since: row::time(row, "since")?,
        told_at: row::time(row, "told_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sched::Change;
    use crate::store::sample::{self, at};
    use crate::types::trouble::TroubleKind;

    #[test]
    fn a_trouble_is_there_until_it_is_over() {
        let (_dir, store) = sample::store();
        let key = |column: &str| TroubleKey {
            model: "iris".into(),
            version: 3,
            kind: TroubleKind::Drift,
            column: column.into(),
        };
        let trouble = |column: &str, told: i64| Trouble {
            key: key(column),
            text: "psi 0.8 > 0.2".into(),
            since: at(1),
            told_at: at(told),
        };
        let put = |column: &str, told| Change::PutTrouble(trouble(column, told));
        let apply = |changes: Vec<Change>| {
            store.write_blocking(move |tx| crate::store::apply::apply(tx, changes)).unwrap();
            store.read_blocking(list).unwrap()
        };
        assert_eq!(apply(vec![put("a", 1), put("b", 1)]).len(), 2);
        assert_eq!(apply(vec![put("a", 9)]), [trouble("a", 9), trouble("b", 1)]);
        assert_eq!(apply(vec![Change::DeleteTrouble(key("a"))]), [trouble("b", 1)]);
    }
}
