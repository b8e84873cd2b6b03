//! Webhooks of MLflow's clients: whom they want told of the registry, and what is still to be told. What
//! happens to models, versions, tags and aliases is written down for each of them in the
//! transaction of the change; who sends it is `runtime::webhook`.

use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use crate::store::{StoreError, row};
use crate::types::{Fault, Timestamp, time};

/// Deliveries that wait for one webhook at most: the oldest go.
const WAITING_LEN_MAX: i64 = 10_000;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    ModelCreated,
    VersionCreated,
    VersionTagSet,
    VersionTagDeleted,
    AliasCreated,
    AliasDeleted,
}

impl Happening {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ModelCreated,
        Self::VersionCreated,
        Self::VersionTagSet,
        Self::VersionTagDeleted,
        Self::AliasCreated,
        Self::AliasDeleted,
    ];

    /// As MLflow writes it: the entity and the action.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ModelCreated => ("registered_model", "created"),
            Self::VersionCreated => ("model_version", "created"),
            Self::VersionTagSet => ("model_version_tag", "set"),
            Self::VersionTagDeleted => ("model_version_tag", "deleted"),
            Self::AliasCreated => ("model_version_alias", "created"),
            Self::AliasDeleted => ("model_version_alias", "deleted"),
        }
    }

    /// As it is kept.
    pub fn name(self) -> String {
        let (entity, action) = self.words();
        format!("{entity}.{action}")
    }

    /// What MLflow sends of it to try a webhook.
    pub fn example(self) -> Value {
        let (name, tags) = ("example_model", json!({"example_key": "example_value"}));
        match self {
            Self::ModelCreated => json!({"name": name, "tags": tags,
                "description": "An example registered model"}),
            Self::VersionCreated => json!({"name": name, "version": "1", "source": "models:/123",
                "run_id": "abcd1234abcd5678", "tags": tags,
                "description": "An example model version"}),
            Self::VersionTagSet => json!({"name": name, "version": "1", "key": "example_key",
                "value": "example_value"}),
            Self::VersionTagDeleted => {
                json!({"name": name, "version": "1", "key": "example_key"})
            }
            Self::AliasCreated => {
                json!({"name": name, "alias": "example_alias", "version": "1"})
            }
            Self::AliasDeleted => json!({"name": name, "alias": "example_alias"}),
        }
    }

    /// Writes what is sent of it.
    pub fn body(self, data: &Value, now: Timestamp) -> String {
        let (entity, action) = self.words();
        let timestamp = now.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
        json!({"entity": entity, "action": action, "timestamp": timestamp, "data": data})
            .to_string()
    }
}

/// A webhook. Its secret is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub webhook_id: String,
    pub name: String,
    pub url: String,
    pub events: Vec<String>,
    pub description: Option<String>,
    /// `ACTIVE` or `DISABLED`.
    pub status: String,
    pub secret: Option<String>,
    pub creation_timestamp: Timestamp,
    pub last_updated_timestamp: Timestamp,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({} {})", self.webhook_id, self.name)
    }
}

/// What is said of a webhook: all of a new one, or what is to be changed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Wish {
    pub name: Option<String>,
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    pub description: Option<String>,
    pub status: Option<String>,
    pub secret: Option<String>,
}

/// Makes a webhook.
pub fn create(tx: &Connection, wish: Wish, now: Timestamp) -> Result<Webhook, StoreError> {
    let made = Webhook {
        webhook_id: uuid::Uuid::new_v4().to_string(),
        name: wish.name.unwrap_or_default(),
        url: wish.url.unwrap_or_default(),
        events: wish.events.unwrap_or_default(),
        description: wish.description.filter(|text| !text.is_empty()),
        status: wish.status.unwrap_or_else(|| "ACTIVE".to_owned()),
        secret: wish.secret.filter(|secret| !secret.is_empty()),
        creation_timestamp: now,
        last_updated_timestamp: now,
    };
    put(tx, &made)?;
    Ok(made)
}

/// Changes a webhook.
pub fn update(
    tx: &Connection,
    webhook_id: &str,
    wish: Wish,
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let found = of(tx, webhook_id)?;
    let changed = Webhook {
        name: wish.name.unwrap_or(found.name),
        url: wish.url.unwrap_or(found.url),
        events: wish.events.unwrap_or(found.events),
        description: wish.description.or(found.description),
        status: wish.status.unwrap_or(found.status),
        secret: wish.secret.or(found.secret).filter(|secret| !secret.is_empty()),
        last_updated_timestamp: now,
        ..found
    };
    put(tx, &changed)?;
    Ok(changed)
}

fn put(conn: &Connection, one: &Webhook) -> Result<(), StoreError> {
    // Not replaced: what waits for it would go with it.
    let sql = "INSERT INTO webhook (webhook_id, name, url, events, description, status, secret,
            creation_timestamp, last_updated_timestamp)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (webhook_id) DO UPDATE SET name = ?2, url = ?3, events = ?4, description = ?5,
            status = ?6, secret = ?7, last_updated_timestamp = ?9";
    let values = params![
        one.webhook_id,
        one.name,
        one.url,
        row::json_text(&one.events, "events")?,
        one.description,
        one.status,
        one.secret,
        row::micros(one.creation_timestamp),
        row::micros(one.last_updated_timestamp),
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Deletes a webhook, and what waits for it.
pub fn delete(tx: &Connection, webhook_id: &str) -> Result<(), StoreError> {
    match row::execute(tx, "DELETE FROM webhook WHERE webhook_id = ?1", [webhook_id])? {
        0 => Err(unknown(webhook_id)),
        _ => Ok(()),
    }
}

/// Returns a webhook; refuses with `NotFound`.
pub fn of(conn: &Connection, webhook_id: &str) -> Result<Webhook, StoreError> {
    let sql = "SELECT * FROM webhook WHERE webhook_id = ?1";
    row::first(conn, sql, [webhook_id], read)?.ok_or_else(|| unknown(webhook_id))
}

/// Returns a page of them, the newest first: its length, and how many come before.
pub fn list(conn: &Connection, (limit, offset): (u32, u32)) -> Result<Vec<Webhook>, StoreError> {
    let sql =
        "SELECT * FROM webhook ORDER BY creation_timestamp DESC, webhook_id LIMIT ?1 OFFSET ?2";
    row::all(conn, sql, [limit, offset], read)
}

fn read(row: &Row<'_>) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        webhook_id: row.get("webhook_id")?,
        name: row.get("name")?,
        url: row.get("url")?,
        events: row::json(row, "events")?,
        description: row.get("description")?,
        status: row.get("status")?,
        secret: row.get("secret")?,
        creation_timestamp: row::time(row, "creation_timestamp")?,
        last_updated_timestamp: row::time(row, "last_updated_timestamp")?,
    })
}

fn unknown(webhook_id: &str) -> StoreError {
    Fault::not_found(format!("Webhook with ID {webhook_id} not found.")).into()
}

/// Writes down what happened, for each active webhook that wants to know; the oldest of too many go.
pub(crate) fn tell(tx: &Connection, what: Happening, data: &Value) -> Result<(), StoreError> {
    let sql = "SELECT webhook_id FROM webhook WHERE status = 'ACTIVE'
        AND EXISTS (SELECT 1 FROM json_each(events) WHERE value = ?1)";
    let wanted: Vec<String> = row::all(tx, sql, [what.name()], |row| Ok(row.get(0)?))?;
    if wanted.is_empty() {
        return Ok(());
    }
    let body = what.body(data, time::now());
    for id in wanted {
        let sql = "INSERT INTO webhook_delivery (webhook_id, body) VALUES (?1, ?2)";
        row::execute(tx, sql, [&id, &body])?;
        let sql = "DELETE FROM webhook_delivery WHERE webhook_id = ?1 AND id <=
            (SELECT id FROM webhook_delivery WHERE webhook_id = ?1
                ORDER BY id DESC LIMIT 1 OFFSET ?2)";
        row::execute(tx, sql, params![id, WAITING_LEN_MAX])?;
    }
    Ok(())
}

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    pub webhook: Webhook,
    pub body: String,
    /// How often it was tried.
    pub tries: u32,
}

/// Returns the first delivery of each webhook, where it is due: they are told in order.
pub fn due(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    let sql = "SELECT w.*, d.id, d.body, d.tries FROM webhook_delivery AS d
        JOIN webhook AS w ON w.webhook_id = d.webhook_id
        WHERE d.next_try <= ?1 AND w.status = 'ACTIVE' AND d.id =
            (SELECT min(id) FROM webhook_delivery WHERE webhook_id = d.webhook_id)
        ORDER BY d.id LIMIT ?2";
    row::all(conn, sql, params![row::micros(now), limit], |row| {
        Ok(Delivery {
            id: row.get("id")?,
            webhook: read(row)?,
            body: row.get("body")?,
            tries: row.get("tries")?,
        })
    })
}

/// Notes that a delivery is over: taken, or given up.
pub fn settled(conn: &Connection, id: i64) -> Result<(), StoreError> {
    row::execute(conn, "DELETE FROM webhook_delivery WHERE id = ?1", [id]).map(drop)
}

/// Notes when a delivery is to be tried again.
pub fn later(conn: &Connection, id: i64, next_try: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_delivery SET tries = tries + 1, next_try = ?2 WHERE id = ?1";
    row::execute(conn, sql, params![id, row::micros(next_try)]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::sample::{self, at};
    use crate::tracking::registry::record;

    fn made(store: &Store, events: &[Happening], status: &str) -> Webhook {
        let wish = Wish {
            name: Some("w".into()),
            url: Some("http://h/".into()),
            events: Some(events.iter().map(|event| event.name()).collect()),
            status: Some(status.to_owned()),
            secret: Some("tiger".into()),
            ..Wish::default()
        };
        store.write_blocking(move |tx| create(tx, wish, at(1))).unwrap()
    }

    fn now_due(store: &Store, secs: i64) -> Vec<Delivery> {
        store.read_blocking(|conn| due(conn, at(secs), 10)).unwrap()
    }

    #[test]
    fn each_who_wants_to_know_is_told_in_order_once() {
        let (_dir, store) = sample::store();
        let one = made(&store, &[Happening::ModelCreated], "ACTIVE");
        made(&store, &[Happening::ModelCreated], "DISABLED");
        made(&store, &[Happening::AliasCreated], "ACTIVE");
        for name in ["a", "b"] {
            store.write_blocking(move |tx| record::create(tx, name, None, &[], at(2))).unwrap();
        }
        let name = |delivery: &Delivery| {
            let body: Value = serde_json::from_str(&delivery.body).unwrap();
            (body["entity"].clone(), body["action"].clone(), body["data"]["name"].clone())
        };
        let first = now_due(&store, 5);
        assert_eq!(first.len(), 1);
        assert_eq!(name(&first[0]), (json!("registered_model"), json!("created"), json!("a")));
        assert!(!format!("{first:?}").contains("tiger"));
        let id = first[0].id;
        store.write_blocking(move |tx| later(tx, id, at(9))).unwrap();
        assert_eq!(now_due(&store, 8), [], "the second waits for the first");
        assert_eq!(now_due(&store, 9)[0].tries, 1);
        store.write_blocking(move |tx| settled(tx, id)).unwrap();
        assert_eq!(name(&now_due(&store, 9)[0]).2, json!("b"));
        let id = one.webhook_id;
        store.write_blocking(move |tx| delete(tx, &id)).unwrap();
        assert_eq!(now_due(&store, 9), []);
    }

    #[test]
    fn what_is_changed_keeps_the_rest_and_what_waits() {
        let (_dir, store) = sample::store();
        let one = made(&store, &[Happening::ModelCreated], "ACTIVE");
        store.write_blocking(|tx| record::create(tx, "a", None, &[], at(2))).unwrap();
        let (id, wish) =
            (one.webhook_id.clone(), Wish { name: Some("other".into()), ..Wish::default() });
        let changed = store.write_blocking(move |tx| update(tx, &id, wish, at(7))).unwrap();
        let expected = Webhook { name: "other".into(), last_updated_timestamp: at(7), ..one };
        assert_eq!(changed, expected);
        assert_eq!(now_due(&store, 9)[0].webhook, expected);
        assert!(store.read_blocking(|conn| of(conn, "none")).is_err());
        assert_eq!(store.read_blocking(|conn| list(conn, (10, 0))).unwrap(), [changed]);
    }
}
