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

use crate::connection::{OpenConnection, dataset};
use crate::dag::Deck;
use crate::dag::spec::AssetUri;
use crate::types::AssetName;
use crate::types::io::{ASSETS, DATASETS, DatasetRef, ENDPOINTS, MODELS, RUN_TABLES, TRACKED};
use crate::types::view::DatasetName;

/// Of what is known only here.
const OURS: &str = RUN_TABLES;

/// Names the data set that an asset is; one that nobody declared goes by its own name.
pub(super) fn of_asset(deck: &Deck, asset: &AssetName) -> DatasetName {
    let Some(spec) = deck.assets.get(asset) else { return of_text(asset.as_str()) };
    let known = match &spec.uri {
        AssetUri::File(path) => Some(dataset::of_file(&deck.project.join(path))),
        AssetUri::Connection { connection, path } => {
            let connection = deck.connections.get(connection).map(OpenConnection::of);
            connection.and_then(|open| dataset::of_connection(&open, path, &deck.project))
        }
        AssetUri::Model { .. } => None,
        AssetUri::Other(text) => Some(of_text(text)),
    };
    known.unwrap_or_else(|| ours(spec.uri.as_text()))
}

/// Names what an attempt saw. Names that only dagdeck gives keep what they are of.
pub(super) fn of_seen(deck: &Deck, seen: &DatasetRef) -> DatasetName {
    match seen.namespace.as_str() {
        ASSETS => of_asset(deck, &AssetName::from(seen.name.as_str())),
        kind @ (DATASETS | MODELS | ENDPOINTS | TRACKED) => ours(format!("{kind}:{}", seen.name)),
        _ => DatasetName { namespace: seen.namespace.clone(), name: seen.name.clone() },
    }
}

fn ours(name: String) -> DatasetName {
    DatasetName { namespace: OURS.to_owned(), name }
}

fn of_text(uri: &str) -> DatasetName {
    let Some((scheme, rest)) = uri.split_once("://") else { return ours(uri.to_owned()) };
    match rest.split_once('/') {
        Some((authority, path)) if !authority.is_empty() && !path.is_empty() => {
            let namespace = format!("{scheme}://{authority}");
            DatasetName { namespace, name: path.to_owned() }
        }
        Some(("", path)) => DatasetName { namespace: scheme.to_owned(), name: format!("/{path}") },
        _ => ours(uri.to_owned()),
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
            let DatasetName { namespace, name } = of_asset(&deck, &asset.into());
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
        let seen = |namespace: &str, name: &str| {
            let DatasetName { namespace, name } = of_seen(&deck, &DatasetRef::new(namespace, name));
            format!("{namespace} {name}")
        };
        assert_eq!(seen("asset", "object"), "s3://bucket raw/c.csv");
        assert_eq!(seen("model", "iris/3"), "dagdeck model:iris/3");
        assert_eq!(seen("dagdeck", "etl.people"), "dagdeck etl.people");
    }
}
