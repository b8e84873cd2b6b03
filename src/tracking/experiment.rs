//! Experiments.

use rusqlite::{Connection, params};

use crate::dag::suggest;
use crate::store::{Store, StoreError, row};
use crate::types::view::ExperimentView;
use crate::types::{Fault, time};

/// Returns the id of the experiment, making it where there is none.
pub fn ensure(store: &Store, name: &str) -> Result<String, StoreError> {
    if name.trim().is_empty() {
        return Err(Fault::invalid("the name of an experiment is empty").into());
    }
    if let Some(id) = store.read_blocking(|conn| find(conn, name))? {
        return Ok(id.to_string());
    }
    let name = name.to_owned();
    let id = store.write_blocking(move |tx| {
        let sql = "INSERT OR IGNORE INTO experiments (name, creation_time) VALUES (?1, ?2)";
        row::execute(tx, sql, params![name, row::micros(time::now())])?;
        // Another process may have made it in the meantime.
        require(tx, &name)
    })?;
    Ok(id.to_string())
}

/// Lists all active experiments, by name.
pub fn list(store: &Store) -> Result<Vec<ExperimentView>, StoreError> {
    let sql = "SELECT e.experiment_id, e.name, e.last_update_time,
            (SELECT count(*) FROM runs AS r WHERE r.experiment_id = e.experiment_id
                AND r.lifecycle_stage = 'active') AS run_count
        FROM experiments AS e WHERE e.lifecycle_stage = 'active' ORDER BY e.name";
    store.read_blocking(|conn| {
        row::all(conn, sql, [], |row| {
            let run_count: i64 = row.get("run_count")?;
            Ok(ExperimentView {
                experiment_id: row.get::<_, i64>("experiment_id")?.to_string(),
                name: row.get("name")?,
                run_count: u64::try_from(run_count).unwrap_or(0),
                last_update_time: row::opt_time(row, "last_update_time")?,
            })
        })
    })
}

/// Returns the id of an experiment; refuses with `NotFound`, naming one of a like name.
pub(crate) fn require(conn: &Connection, name: &str) -> Result<i64, StoreError> {
    if let Some(id) = find(conn, name)? {
        return Ok(id);
    }
    let names =
        row::all(
            conn,
            "SELECT name FROM experiments",
            [],
            |row| Ok(row.get::<_, String>("name")?),
        )?;
    let fault = Fault::not_found(format!("there is no experiment `{name}`"));
    let hint = match suggest::closest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`dagdeck experiments list` shows what there is".to_owned(),
    };
    Err(fault.hint(hint).into())
}

fn find(conn: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT experiment_id FROM experiments WHERE name = ?1";
    row::first(conn, sql, [name], |row| Ok(row.get(0)?))
}

pub mod record;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;
    use crate::types::FaultKind;

    #[test]
    fn experiments_are_made_once_and_the_default_one_is_there() {
        let (_dir, store) = sample::store();
        assert_eq!(ensure(&store, "Default").unwrap(), "0");
        let iris = ensure(&store, "iris").unwrap();
        assert_eq!(ensure(&store, "iris").unwrap(), iris);
        assert_ne!(ensure(&store, "titanic").unwrap(), iris);
        let names: Vec<String> = list(&store).unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["Default", "iris", "titanic"]);
    }

    #[test]
    fn an_unknown_experiment_is_refused_with_the_one_meant() {
        let (_dir, store) = sample::store();
        ensure(&store, "titanic").unwrap();
        let error = store.read_blocking(|conn| require(conn, "titanik")).unwrap_err();
        let StoreError::Refused(fault) = error else { panic!("{error:?}") };
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert_eq!(fault.hint.as_deref(), Some("did you mean `titanic`?"));
        let error = store.read_blocking(|conn| require(conn, "zzz")).unwrap_err();
        let StoreError::Refused(fault) = error else { panic!("{error:?}") };
        assert!(fault.hint.unwrap().contains("experiments list"));
    }

    #[test]
    fn an_experiment_needs_a_name() {
        let (_dir, store) = sample::store();
        assert!(matches!(ensure(&store, " "), Err(StoreError::Refused(_))));
    }
}
