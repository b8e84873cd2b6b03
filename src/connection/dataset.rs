//! The names that data of a connection goes by, as OpenLineage has them: what an attempt saw, what
//! `dags.toml` calls an asset, and what a program elsewhere tells of are found to be the same.

use std::collections::BTreeMap;
use std::path::Path;

use crate::connection::OpenConnection;
use crate::connection::sql::{postgres, sqlite};
use crate::types::view::DatasetName;

/// The namespace of this machine's files.
pub const FILES: &str = "file";

/// The schema of a PostgreSQL table that names none.
const SCHEMA: &str = "public";

/// Names what lies at `path` of a connection: a table, a key of a lake; either may be a pattern.
/// `None`: nothing lies there (a channel of messages), or its URL cannot be read.
pub fn of_connection(
    connection: &OpenConnection,
    path: &str,
    project: &Path,
) -> Option<DatasetName> {
    let name = |namespace: String, name: String| DatasetName { namespace, name };
    match connection.scheme() {
        "sqlite" => {
            let file = sqlite::path(connection, project).ok()?;
            Some(name(format!("sqlite:{}", file.display()), path.to_owned()))
        }
        "postgres" | "postgresql" => {
            let place = postgres::place(connection)?;
            let table = match path.contains('.') {
                true => path.to_owned(),
                false => format!("{SCHEMA}.{path}"),
            };
            Some(name(place.namespace, format!("{}.{table}", place.database)))
        }
        "file" => {
            let folder = connection.url.strip_prefix("file:")?;
            let folder = folder.strip_prefix("//").filter(|f| f.starts_with('/')).unwrap_or(folder);
            Some(of_file(&project.join(folder).join(path)))
        }
        "s3" => {
            let rest = connection.url.strip_prefix("s3://")?;
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/');
            let key = if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
            Some(name(format!("s3://{bucket}"), key))
        }
        _ => None,
    }
}

/// Names what lies at a URI: `file:PATH` or `CONNECTION:PATH`; `None`: no data set does.
pub fn of_uri(
    uri: &str,
    connections: &BTreeMap<String, OpenConnection>,
    project: &Path,
) -> Option<DatasetName> {
    let (scheme, path) = uri.split_once(':')?;
    match connections.get(scheme) {
        Some(connection) => of_connection(connection, path, project),
        None if scheme == "file" => Some(of_file(&project.join(path))),
        None => None,
    }
}

/// Names a file of this machine.
pub fn of_file(path: &Path) -> DatasetName {
    // `./data/x.csv` and `data/x.csv` are one file.
    let plain: std::path::PathBuf = path.components().collect();
    DatasetName { namespace: FILES.to_owned(), name: plain.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str, path: &str) -> Option<(String, String)> {
        let connection =
            OpenConnection { name: "c".into(), url: url.into(), options: BTreeMap::new() };
        let found = of_connection(&connection, path, Path::new("/p"))?;
        Some((found.namespace, found.name))
    }

    #[test]
    fn each_kind_of_connection_has_its_names() {
        let both = |namespace: &str, name: &str| Some((namespace.to_owned(), name.to_owned()));
        assert_eq!(named("sqlite:data/w.db", "t"), both("sqlite:/p/data/w.db", "t"));
        assert_eq!(named("sqlite:///x/w.db", "t"), both("sqlite:/x/w.db", "t"));
        let server = "postgres://h:5432";
        assert_eq!(named("postgres://u:pw@h/db", "t"), both(server, "db.public.t"));
        assert_eq!(named("postgres://u:pw@h/db?sslmode=require", "s.t"), both(server, "db.s.t"));
        assert_eq!(named("postgres://u@h:5433/db", "t"), both("postgres://h:5433", "db.public.t"));
        assert_eq!(named("file:data/lake", "a/*.csv"), both("file", "/p/data/lake/a/*.csv"));
        assert_eq!(named("file:///data/./lake/", "a.csv"), both("file", "/data/lake/a.csv"));
        assert_eq!(named("s3://bucket", "a.csv"), both("s3://bucket", "a.csv"));
        assert_eq!(named("s3://bucket/in/", "a.csv"), both("s3://bucket", "in/a.csv"));
        assert_eq!(named("nats://h", "subject"), None, "messages lie nowhere");
        assert_eq!(named("postgres://", "t"), None);
    }
}
