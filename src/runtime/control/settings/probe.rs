//! Tries a connection: whether what it leads to can be used. Makes and changes nothing there.

use std::time::Duration;

use hyper::Method;
use rusqlite::{Connection, OpenFlags};

use crate::connection::queue::Server;
use crate::connection::sql::postgres::Target;
use crate::connection::sql::sqlite;
use crate::connection::{OpenConnection, chain, http, mail, object};
use crate::dag::spec::ConnectionKind;
use crate::dag::{Deck, suggest};
use crate::runtime::promotion::off_thread;
use crate::types::Fault;
use crate::types::settings::ConnectionTest;

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tries it.
pub(super) async fn probe(deck: &Deck, conn_id: &str) -> Result<ConnectionTest, Fault> {
    if let Some(problem) = deck.overlay.connection_problems.get(conn_id)
        && !deck.connections.contains_key(conn_id)
    {
        return Ok(found(conn_id, Err(problem.clone())));
    }
    let spec = deck.connections.get(conn_id).ok_or_else(|| no_connection(deck, conn_id))?;
    let result = match spec.kind {
        ConnectionKind::Log => Ok("messages go to the event feed".to_owned()),
        ConnectionKind::Webhook => webhook(spec.url.reveal()).await,
        ConnectionKind::Smtp => {
            let open = OpenConnection::of(spec);
            mail::reach(&open, &deck.project, TIMEOUT).await.map_err(|error| error.to_string())
        }
        ConnectionKind::Postgres => postgres(&OpenConnection::of(spec), &deck.project).await,
        ConnectionKind::Bucket => bucket(&OpenConnection::of(spec), &deck.project).await,
        ConnectionKind::Redis | ConnectionKind::Nats | ConnectionKind::Mqtt => {
            match Server::parse(spec.url.reveal()) {
                Ok(server) => server.reach().await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        }
        ConnectionKind::Sqlite | ConnectionKind::Folder => {
            let (open, kind, project) = (OpenConnection::of(spec), spec.kind, deck.project.clone());
            off_thread(move || {
                Ok(match kind {
                    ConnectionKind::Sqlite => file(&open, &project),
                    _ => folder(&open, &project),
                })
            })
            .await?
        }
    };
    Ok(found(conn_id, result))
}

fn found(conn_id: &str, result: Result<String, String>) -> ConnectionTest {
    let ok = result.is_ok();
    let (Ok(message) | Err(message)) = result;
    ConnectionTest { conn_id: conn_id.to_owned(), ok, message }
}

fn no_connection(deck: &Deck, conn_id: &str) -> Fault {
    let hint = match suggest::closest(conn_id, deck.connections.keys().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`dagdeck connections list` shows what there is".to_owned(),
    };
    Fault::not_found(format!("there is no connection `{conn_id}`")).hint(hint)
}

fn file(connection: &OpenConnection, project: &std::path::Path) -> Result<String, String> {
    let path = sqlite::path(connection, project).map_err(|error| error.to_string())?;
    if !path.exists() {
        return Ok("there is no file yet: the first task that writes makes it".to_owned());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let tables = Connection::open_with_flags(&path, flags).and_then(|database| {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
        database.query_row(sql, [], |row| row.get::<_, i64>(0))
    });
    match tables {
        Ok(tables) => Ok(format!("it is a database of {tables} tables")),
        Err(error) => Err(format!("open the database: {error}")),
    }
}

async fn postgres(
    connection: &OpenConnection,
    project: &std::path::Path,
) -> Result<String, String> {
    let told = |error: &dyn std::error::Error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let target = Target::read(connection, project, "dagdeck").map_err(|error| told(&error))?;
    let session = target.connect().await.map_err(|error| told(&error))?;
    let asked = "select current_user::text, current_database()::text, \
                 current_setting('server_version')";
    let row = session.client.query_one(asked, &[]).await.map_err(|error| told(&error))?;
    let text = |at| row.try_get::<_, String>(at).map_err(|error| told(&error));
    let (user, database, version) = (text(0)?, text(1)?, text(2)?);
    session.end().await;
    Ok(format!("`{user}` may use `{database}` (PostgreSQL {version})"))
}

fn folder(connection: &OpenConnection, project: &std::path::Path) -> Result<String, String> {
    let path = object::folder(connection, project).map_err(|error| error.to_string())?;
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err("it is a file, not a folder".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok("there is no folder yet: the first task that writes makes it".to_owned());
        }
        Err(error) => return Err(format!("look at the folder: {error}")),
    }
    let wanted = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    match rustix::fs::access(&path, wanted) {
        Ok(()) => Ok("it is a folder that can be read and written".to_owned()),
        Err(error) => Err(format!("use the folder: {error}")),
    }
}

/// Lists at most one object: whether the bucket is there, and the keys may read it.
async fn bucket(connection: &OpenConnection, project: &std::path::Path) -> Result<String, String> {
    let root = object::Root::of(connection, project).map_err(|error| error.to_string())?;
    let manner = object::Manner { project, patience: object::Patience::Look, memory: None };
    let lake = root.open(&connection.name, manner).map_err(|error| chain(&error))?;
    let asked = tokio::time::timeout(TIMEOUT, lake.ask()).await;
    match asked {
        Ok(Ok(true)) => Ok(format!("`{}` can be read", lake.place())),
        Ok(Ok(false)) => Ok(format!("`{}` can be read, and is empty", lake.place())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    }
}

async fn webhook(url: &str) -> Result<String, String> {
    match http::send(Method::HEAD, url, None, TIMEOUT).await {
        Ok(answer) if answer.status < 500 => Ok(format!("it answers ({})", answer.status)),
        Ok(answer) => Err(format!("it answers {}", answer.status)),
        Err(error) => Err(Fault::internal(&error).to_string()),
    }
}
