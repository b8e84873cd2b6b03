//! Data sets by the names that OpenLineage gives them.
//!
//! | asset | namespace | name |
//! |---|---|---|
//! | `file:data/a.csv`, `lake:a.csv` of a folder | `file` | the whole path |
//! | `lake:a.csv` of a bucket, `s3://BUCKET/a.csv` | `s3://BUCKET` | the key |
//! | `db:people` of SQLite | `sqlite:/PATH` | `people` |
//! | `db:people` of PostgreSQL | `postgres://HOST:PORT` | `DATABASE.public.people` |
//! | `models:/iris@production` | `dagdeck` | the URI |
//! | any other `SCHEME://AUTHORITY/PATH` | `SCHEME://AUTHORITY` | the path |

use std::path::Path;

use crate::connection::OpenConnection;
use crate::connection::sql::postgres::Target;
use crate::dag::Deck;
use crate::dag::s3::S3Spec;
use crate::dag::secret::Secret;
use crate::dag::spec::{AssetUri, ConnectionKind, ConnectionSpec};
use crate::types::AssetName;

/// Of what is known only here.
const OURS: &str = "dagdeck";

/// The schema of a table that names none.
const SCHEMA: &str = "public";

/// Names the data set that an asset is; one that nobody declared goes by its own name.
pub(crate) fn named(deck: &Deck, asset: &AssetName) -> (String, String) {
    match deck.assets.get(asset) {
        Some(spec) => of_uri(deck, &spec.uri),
        None => of_text(asset.as_str()),
    }
}

fn of_uri(deck: &Deck, uri: &AssetUri) -> (String, String) {
    match uri {
        AssetUri::File(path) => file(&deck.project, path),
        AssetUri::Connection { connection, path } => match deck.connections.get(connection) {
            Some(spec) => of_connection(&deck.project, spec, path),
            None => (OURS.to_owned(), uri.as_text()),
        },
        AssetUri::Model { .. } => (OURS.to_owned(), uri.as_text()),
        AssetUri::Other(text) => of_text(text),
    }
}

fn of_connection(project: &Path, spec: &ConnectionSpec, path: &str) -> (String, String) {
    let (url, unknown) = (spec.url.reveal(), || (OURS.to_owned(), format!("{}:{path}", spec.name)));
    let below = |scheme: &str| url.strip_prefix(scheme).unwrap_or_default().to_owned();
    match spec.kind {
        ConnectionKind::Folder => file(&project.join(below("file:")), path),
        ConnectionKind::Sqlite => {
            let database = project.join(below("sqlite:"));
            (format!("sqlite:{}", database.display()), path.to_owned())
        }
        ConnectionKind::Postgres => {
            let (schema, table) = path.split_once('.').unwrap_or((SCHEMA, path));
            let target = Target::read(&OpenConnection::of(spec), project, OURS);
            target.map_or_else(|_| unknown(), |target| target.dataset(schema, table))
        }
        ConnectionKind::Bucket => {
            match S3Spec::read(url, |key| spec.options.get(key).map(Secret::reveal)) {
                Ok(s3) if s3.prefix.is_empty() => (format!("s3://{}", s3.bucket), path.to_owned()),
                Ok(s3) => (format!("s3://{}", s3.bucket), format!("{}/{path}", s3.prefix)),
                Err(_) => unknown(),
            }
        }
        _ => unknown(),
    }
}

fn file(folder: &Path, path: &str) -> (String, String) {
    ("file".to_owned(), folder.join(path).display().to_string())
}

fn of_text(uri: &str) -> (String, String) {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return (OURS.to_owned(), uri.to_owned());
    };
    match rest.split_once('/') {
        Some((authority, path)) if !authority.is_empty() && !path.is_empty() => {
            (format!("{scheme}://{authority}"), path.to_owned())
        }
        Some(("", path)) => (scheme.to_owned(), format!("/{path}")),
        _ => (OURS.to_owned(), uri.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_go_by_the_names_that_others_give_them() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"
[connection.lake]
url = "file:lake"
[connection.db]
url = "sqlite:w.db"
[connection.pg]
url = "postgres://u@h:5433/shop"
[connection.s3]
url = "s3://bucket/raw"
endpoint = "http://h"
anonymous = true
[asset.file]
uri = "file:a.csv"
[asset.lake]
uri = "lake:in/b.csv"
[asset.table]
uri = "db:people"
[asset.pg]
uri = "pg:people"
[asset.schema]
uri = "pg:sales.orders"
[asset.object]
uri = "s3:c.csv"
[asset.model]
uri = "models:/iris@production"
[asset.other]
uri = "gs://b/x/y.csv"
"#;
        std::fs::write(dir.path().join("dags.toml"), text).unwrap();
        let deck = crate::dag::load(dir.path(), &|_| None, &Default::default()).unwrap();
        let project = dir.path().display();
        let named = |asset: &str| {
            let (namespace, name) = named(&deck, &asset.into());
            format!("{namespace} {name}")
        };
        assert_eq!(named("file"), format!("file {project}/a.csv"));
        assert_eq!(named("lake"), format!("file {project}/lake/in/b.csv"));
        assert_eq!(named("table"), format!("sqlite:{project}/w.db people"));
        assert_eq!(named("pg"), "postgres://h:5433 shop.public.people");
        assert_eq!(named("schema"), "postgres://h:5433 shop.sales.orders");
        assert_eq!(named("object"), "s3://bucket raw/c.csv");
        assert_eq!(named("model"), "dagdeck models:/iris@production");
        assert_eq!(named("other"), "gs://b x/y.csv");
        assert_eq!(named("s3://b/k"), "s3://b k");
        assert_eq!(named("nobody"), "dagdeck nobody");
    }
}
