//! A lake that is open: a folder, or a bucket. Keys are below the lake's own folder or prefix.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt, stream::BoxStream};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};

use super::bucket::Bucket;
use super::error::{LakeError, LakeFault};
use crate::types::Timestamp;

/// So many objects are told at once; as many as S3 tells.
const PAGE_LEN: usize = 1000;

/// An object, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Below the lake.
    pub key: String,
    pub size: u64,
    pub e_tag: Option<String>,
    pub modified: Option<Timestamp>,
}

/// A lake that is open.
#[derive(Debug, Clone)]
pub struct Lake {
    /// The connection, or `file`.
    pub(super) name: String,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Folder(PathBuf),
    Bucket(Arc<Bucket>),
}

impl Lake {
    pub(super) fn of_folder(name: &str, root: &Path) -> object_store::Result<Self> {
        let store = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        let kind = Kind::Folder(root.to_path_buf());
        Ok(Self { name: name.to_owned(), store: Arc::new(store), kind })
    }

    pub(super) fn of_bucket(name: &str, bucket: Bucket) -> Self {
        let store = Arc::new(bucket.s3.clone());
        Self { name: name.to_owned(), store, kind: Kind::Bucket(Arc::new(bucket)) }
    }

    /// Returns the URI of a key.
    pub fn uri(&self, key: &str) -> String {
        let slash = match &self.kind {
            Kind::Folder(root) if self.name == "file" && root == Path::new("/") => "/",
            _ => "",
        };
        format!("{}:{slash}{key}", self.name)
    }

    /// Says whether the other one is the same folder or bucket, asked with the same rights.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Folder(one), Kind::Folder(other)) => one == other,
            (Kind::Bucket(one), Kind::Bucket(other)) => one.spec == other.spec,
            _ => false,
        }
    }

    /// Returns how people know it.
    pub fn place(&self) -> String {
        match &self.kind {
            Kind::Folder(root) => root.display().to_string(),
            Kind::Bucket(bucket) => bucket.spec.shown(),
        }
    }

    /// Returns what the store calls a key.
    pub(super) fn path(&self, key: &str) -> Result<Key, LakeError> {
        let full = match &self.kind {
            Kind::Bucket(bucket) => bucket.below(key),
            Kind::Folder(_) => key.to_owned(),
        };
        Key::parse(full).map_err(|error| {
            LakeError::new(
                format!("take `{}`", self.uri(key)),
                error.to_string(),
                LakeFault::Refused,
            )
        })
    }

    pub(super) fn failed(&self, verb: &str, key: &str, error: &object_store::Error) -> LakeError {
        LakeError::named(format!("{verb} `{}`", self.uri(key)), &self.place(), error)
    }

    fn object(&self, meta: ObjectMeta) -> Object {
        let location = String::from(meta.location);
        let key = match &self.kind {
            Kind::Bucket(bucket) => bucket.above(&location).to_owned(),
            Kind::Folder(_) => location,
        };
        let nanos = meta.last_modified.timestamp_nanos_opt();
        let modified = nanos.and_then(|at| Timestamp::from_nanosecond(at.into()).ok());
        Object { key, size: meta.size, e_tag: meta.e_tag, modified }
    }

    /// Looks for one object; `None`: there is none. A bucket that is not there is an error, and
    /// so is a look that was not allowed.
    pub async fn head(&self, key: &str) -> Result<Option<Object>, LakeError> {
        let path = self.path(key)?;
        let error = match self.store.head(&path).await {
            Ok(meta) => return Ok(Some(self.object(meta))),
            Err(error) => error,
        };
        let missing = matches!(error, object_store::Error::NotFound { .. });
        if let Kind::Bucket(bucket) = &self.kind
            && (missing || matches!(error, object_store::Error::PermissionDenied { .. }))
        {
            // An answer to HEAD has no body that would say why: a listing's has.
            let options = PaginatedListOptions { max_keys: Some(1), ..Default::default() };
            if let Err(told) = bucket.s3.list_paginated(Some(path.as_ref()), options).await {
                return Err(self.failed("look at", key, &told));
            }
        }
        if missing { Ok(None) } else { Err(self.failed("look at", key, &error)) }
    }

    /// Says whether what was listed is no object but the mark of a folder: consoles of S3 make empty
    /// objects whose keys end with `/`, which a listing cannot tell from objects without it.
    pub async fn is_mark(&self, listed: &Object) -> Result<bool, LakeError> {
        let may_be = listed.size == 0 && !self.is_folder();
        Ok(may_be && self.head(&listed.key).await?.is_none())
    }

    /// Lists what lies below `folder` (empty, or ending with `/`) and begins with `prefix`; deep,
    /// or only what lies in it. With `after` only the keys behind that one.
    pub fn list(&self, reach: &Reach, after: Option<String>) -> Listing {
        let rest = match &self.kind {
            Kind::Bucket(_) => Rest::First(after.clone()),
            Kind::Folder(_) if !reach.deep => Rest::Shallow,
            Kind::Folder(_) => {
                let folder = Key::parse(reach.folder.trim_end_matches('/')).unwrap_or_default();
                let prefix = (!reach.folder.is_empty()).then_some(&folder);
                Rest::Stream(self.store.list(prefix))
            }
        };
        Listing { lake: self.clone(), reach: reach.clone(), after, rest, requests: 0 }
    }

    /// Takes an object away; one that is not there is none of our business.
    pub async fn delete(&self, key: &str) -> Result<(), LakeError> {
        match self.store.delete(&self.path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("delete", key, &error)),
        }
    }

    /// Says whether it is a folder.
    pub const fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder(_))
    }

    /// Gives an object of a folder another name.
    pub async fn rename(&self, from: &str, to: &str, overwrite: bool) -> Result<(), LakeError> {
        let (source, target) = (self.path(from)?, self.path(to)?);
        let renamed = match overwrite {
            true => self.store.rename(&source, &target).await,
            false => self.store.rename_if_not_exists(&source, &target).await,
        };
        renamed.map_err(|error| {
            let verb = format!("rename `{}` to", self.uri(from));
            self.failed(&verb, to, &error)
        })
    }

    /// Ends an upload that was begun and will not be completed; one that is not known is ended.
    pub async fn end_upload(&self, key: &str, id: &str) -> Result<(), LakeError> {
        let Kind::Bucket(bucket) = &self.kind else { return Ok(()) };
        let ended = bucket.s3.abort_multipart(&self.path(key)?, &id.to_owned()).await;
        match ended {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("end an upload of", key, &error)),
        }
    }

    /// Asks whether it can be read at all, and returns whether anything lies in it.
    pub async fn ask(&self) -> Result<bool, LakeError> {
        let Kind::Bucket(bucket) = &self.kind else { return Ok(true) };
        let options = PaginatedListOptions { max_keys: Some(1), ..Default::default() };
        let prefix = bucket.below("");
        let told = bucket.s3.list_paginated(Some(&prefix), options).await;
        match told {
            Ok(page) => Ok(!page.result.objects.is_empty()),
            Err(error) => {
                Err(LakeError::named(format!("list `{}`", self.place()), &self.place(), &error))
            }
        }
    }

    /// Reads an object as it was seen, from `offset` on.
    pub(super) async fn read(
        &self,
        seen: &Object,
        offset: u64,
    ) -> Result<BoxStream<'static, object_store::Result<bytes::Bytes>>, LakeError> {
        let range = (offset > 0).then(|| (offset..seen.size).into());
        let options = GetOptions { if_match: seen.e_tag.clone(), range, ..Default::default() };
        let got = self.store.get_opts(&self.path(&seen.key)?, options).await;
        got.map(object_store::GetResult::into_stream)
            .map_err(|error| self.failed("read", &seen.key, &error))
    }
}

/// How far a listing reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Empty, or ending with `/`.
    pub folder: String,
    /// What the names in it begin with.
    pub prefix: String,
    /// Folders below it too.
    pub deep: bool,
}

impl Reach {
    /// Returns the least that holds all that fits a pattern: parts with `*` (or `{…}`) in them.
    pub fn of<S: AsRef<str>>(pattern: &[S]) -> Self {
        const MARKS: [char; 2] = ['*', '{'];
        let parts: Vec<&str> = pattern.iter().map(AsRef::as_ref).collect();
        let last = parts.len().saturating_sub(1);
        let fixed = parts.iter().position(|part| part.contains(MARKS)).unwrap_or(last);
        let folder = parts[..fixed].iter().map(|part| format!("{part}/")).collect();
        let first = parts.get(fixed).copied().unwrap_or_default();
        let prefix = first.split(MARKS).next().unwrap_or_default().to_owned();
        Self { folder, prefix, deep: fixed < last || first == "**" }
    }
}

/// A listing, page by page.
pub struct Listing {
    lake: Lake,
    reach: Reach,
    after: Option<String>,
    rest: Rest,
    /// How often the store was asked.
    pub requests: u32,
}

enum Rest {
    /// The first page of a bucket, behind a key.
    First(Option<String>),
    /// The next one.
    Next(String),
    /// All that lies in one folder.
    Shallow,
    Stream(BoxStream<'static, object_store::Result<ObjectMeta>>),
    End,
}

impl Listing {
    /// Returns the next objects; `None`: there are no more. Those of a bucket come in order.
    pub async fn next(&mut self) -> Result<Option<Vec<Object>>, LakeError> {
        let failed = |lake: &Lake, reach: &Reach, error: &object_store::Error| {
            lake.failed("list", &reach.folder, error)
        };
        let found = match std::mem::replace(&mut self.rest, Rest::End) {
            Rest::End => return Ok(None),
            Rest::First(after) => self.page(after, None).await?,
            Rest::Next(token) => self.page(None, Some(token)).await?,
            Rest::Shallow => {
                self.requests += 1;
                let folder = self.reach.folder.trim_end_matches('/');
                let folder = Key::parse(folder).unwrap_or_default();
                let found = self.lake.store.list_with_delimiter(Some(&folder)).await;
                found.map_err(|error| failed(&self.lake, &self.reach, &error))?.objects
            }
            Rest::Stream(mut stream) => {
                self.requests += 1;
                let mut found = Vec::new();
                while found.len() < PAGE_LEN {
                    match stream.next().await {
                        Some(Ok(meta)) => found.push(meta),
                        Some(Err(error)) => return Err(failed(&self.lake, &self.reach, &error)),
                        None => break,
                    }
                }
                if found.is_empty() {
                    return Ok(None);
                }
                self.rest = Rest::Stream(stream);
                found
            }
        };
        let begins = format!("{}{}", self.reach.folder, self.reach.prefix);
        let found = found.into_iter().map(|meta| self.lake.object(meta));
        let behind = |key: &str| self.after.as_deref().is_none_or(|after| key > after);
        let found = found.filter(|one| one.key.starts_with(&begins) && behind(&one.key));
        Ok(Some(found.collect()))
    }

    async fn page(
        &mut self,
        after: Option<String>,
        page_token: Option<String>,
    ) -> Result<Vec<ObjectMeta>, LakeError> {
        let Kind::Bucket(bucket) = &self.lake.kind else { return Ok(Vec::new()) };
        self.requests += 1;
        let prefix = bucket.below(&format!("{}{}", self.reach.folder, self.reach.prefix));
        let options = PaginatedListOptions {
            offset: after.map(|key| bucket.below(&key)),
            delimiter: (!self.reach.deep).then_some("/".into()),
            max_keys: Some(PAGE_LEN),
            page_token,
            ..Default::default()
        };
        let told = bucket.s3.list_paginated((!prefix.is_empty()).then_some(&prefix), options).await;
        let page = told.map_err(|error| self.lake.failed("list", &self.reach.folder, &error))?;
        if let Some(token) = page.page_token {
            self.rest = Rest::Next(token);
        }
        Ok(page.result.objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(pattern: &str) -> (String, String, bool) {
        let parts: Vec<&str> = pattern.split('/').collect();
        let reach = Reach::of(&parts);
        (reach.folder, reach.prefix, reach.deep)
    }

    #[test]
    fn a_listing_reaches_no_further_than_its_pattern() {
        let told = |folder: &str, prefix: &str, deep| (folder.to_owned(), prefix.to_owned(), deep);
        assert_eq!(reach("a/b/*.csv"), told("a/b/", "", false));
        assert_eq!(reach("a/2026-*.csv"), told("a/", "2026-", false));
        assert_eq!(reach("a/**"), told("a/", "", true));
        assert_eq!(reach("a/*/b.csv"), told("a/", "", true));
        assert_eq!(reach("{date}/x.csv"), told("", "", true));
        assert_eq!(reach("a/b.csv"), told("a/", "b.csv", false));
    }
}
