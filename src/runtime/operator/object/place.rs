//! What `source` and `target` name: a lake, and a key, a pattern or a folder of it.

use super::OperatorError;
use crate::connection::object::{Lake, Location, Manner, Object, Patience, Reach};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::watch::matches;

/// More objects one task does not take in hand: what is known of them is in memory.
const OBJECTS_LEN_MAX: usize = 100_000;

/// A place in a lake that is open.
pub(super) struct Place {
    pub(super) lake: Lake,
    location: Location,
    pattern: Vec<String>,
}

impl Place {
    pub(super) fn read(order: &Order, private: &Private, uri: &str) -> Result<Self, OperatorError> {
        let location = Location::parse(uri, &private.connections, &order.project)?;
        let memory = order.project.join(".dagdeck/lakes");
        let manner =
            Manner { project: &order.project, patience: Patience::Work, memory: Some(&memory) };
        let lake = location.open(manner)?;
        Ok(Self { pattern: location.parts(), lake, location })
    }

    /// Returns the URI as it was written.
    pub(super) fn shown(&self) -> String {
        self.location.uri()
    }

    pub(super) fn is_pattern(&self) -> bool {
        self.location.key.contains('*')
    }

    pub(super) fn is_folder(&self) -> bool {
        self.location.is_folder()
    }

    /// The key, where it is one.
    pub(super) fn key(&self) -> &str {
        &self.location.key
    }

    /// Returns what is there and fits, in order. Hidden names fit no star: programs give them to
    /// what they have not finished.
    pub(super) async fn find(&self) -> Result<Vec<Object>, OperatorError> {
        if !self.is_pattern() {
            if self.is_folder() {
                let shown = self.shown();
                return Err(OperatorError::Fatal(format!(
                    "`source` is `{shown}`, a folder: write `{shown}*` for what lies in it, \
                     `{shown}**` for all that lies below it"
                )));
            }
            return Ok(self.lake.head(self.key()).await?.into_iter().collect());
        }
        let mut found = Vec::new();
        let mut listing = self.lake.list(&Reach::of(&self.pattern), None);
        while let Some(page) = listing.next().await? {
            for object in page.into_iter().filter(|object| self.fits(&object.key)) {
                if !self.lake.is_mark(&object).await? {
                    found.push(object);
                }
            }
            if found.len() > OBJECTS_LEN_MAX {
                return Err(OperatorError::Fatal(format!(
                    "more than {OBJECTS_LEN_MAX} objects fit `{}`: take a narrower pattern",
                    self.shown()
                )));
            }
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn fits(&self, key: &str) -> bool {
        let parts: Vec<&str> = key.split('/').collect();
        let is_hidden = parts.last().is_none_or(|name| name.starts_with('.'));
        !is_hidden && matches(&self.pattern, &parts)
    }

    /// Returns the key that an object of `source` gets here.
    pub(super) fn key_for(&self, source: &Self, object: &Object) -> Result<String, OperatorError> {
        let below = if source.is_pattern() {
            let folder = Reach::of(&source.pattern).folder;
            object.key.strip_prefix(&folder).unwrap_or(&object.key).to_owned()
        } else {
            source.location.file_name().to_owned()
        };
        match (self.is_folder(), source.is_pattern()) {
            (true, _) => Ok(self.location.key_of(&below)),
            (false, false) => Ok(self.key().to_owned()),
            (false, true) => Err(OperatorError::Fatal(format!(
                "`target` is `{}`, one object, and `source` is a pattern: end it with `/`",
                self.shown()
            ))),
        }
    }
}

/// Takes a path of this machine: `file:PATH` or `PATH`.
pub(super) fn as_local(key: &str, text: &str, private: &Private) -> Result<String, OperatorError> {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    if private.connections.contains_key(scheme) {
        return Err(OperatorError::Fatal(format!(
            "`{key}` is `{text}`; expected a path of this machine: `object.copy` goes from one \
             lake to another"
        )));
    }
    if scheme == "file" { Ok(text.to_owned()) } else { Ok(format!("file:{text}")) }
}
