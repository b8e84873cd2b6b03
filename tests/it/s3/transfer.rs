//! Objects from one place to another: whole or not at all, whatever happens on the way.

use std::sync::Mutex;

use dagdeck::connection::object::{
    Arrived, Hooks, Lake, LakeError, LakeFault, Manner, Patience, Reach, Root, Transfer,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::server::{Line, Server, Way, block_on};

/// Larger than two parts of an upload.
const LARGE: usize = 20 << 20;

fn large() -> Vec<u8> {
    (0..LARGE).map(|at| (at % 251) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A folder with `large.bin` in it.
fn folder(server: &Server) -> Lake {
    let root = server.folder().join("files");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("large.bin"), large()).unwrap();
    let manner = Manner { project: &root, patience: Patience::Work, memory: None };
    Root::Folder(root.clone()).open("files", manner).unwrap()
}

#[derive(Default)]
struct Heard {
    warned: Mutex<Vec<String>>,
    uploads: Mutex<Vec<String>>,
}

impl Heard {
    async fn carry(
        &self,
        (from, source): (&Lake, &str),
        (to, key): (&Lake, &str),
        overwrite: bool,
    ) -> Result<Arrived, LakeError> {
        let source = &from.head(source).await?.expect("the source is there");
        let hooks = Hooks {
            warn: &|text| self.warned.lock().unwrap().push(text.to_owned()),
            upload_began: &|id| self.uploads.lock().unwrap().push(id.to_owned()),
        };
        Transfer { from, source, to, key, overwrite, tag: "t" }.carry_out(&hooks).await
    }
}

fn carry(from: (&Lake, &str), to: (&Lake, &str), overwrite: bool) -> Result<Arrived, LakeError> {
    block_on(Heard::default().carry(from, to, overwrite))
}

#[test]
fn what_goes_up_in_parts_comes_down_the_same() {
    let Some(server) = Server::start("what_goes_up_in_parts_comes_down_the_same") else { return };
    let (files, lake) = (folder(&server), server.lake(&[]));
    let (heard, content) = (Heard::default(), large());
    let up = block_on(heard.carry((&files, "large.bin"), (&lake, "raw/large.bin"), false)).unwrap();
    assert_eq!((up.size, up.sha256.as_deref()), (LARGE as u64, Some(sha256(&content).as_str())));
    assert!(up.e_tag.unwrap().contains("-3"), "three parts");
    assert_eq!(heard.uploads.lock().unwrap().len(), 1);
    assert_eq!(*heard.warned.lock().unwrap(), [""; 0], "the server honours conditional writes");

    let error = carry((&files, "large.bin"), (&lake, "raw/large.bin"), false).unwrap_err();
    assert_eq!(error.fault, LakeFault::Exists, "{error}");
    assert_eq!(server.uploads(), 0, "nothing is left behind");

    let copied = carry((&lake, "raw/large.bin"), (&lake, "copy.bin"), false).unwrap();
    assert_eq!((copied.size, copied.sha256), (LARGE as u64, None), "the server did it");
    let error = carry((&lake, "raw/large.bin"), (&lake, "copy.bin"), false).unwrap_err();
    assert_eq!(error.fault, LakeFault::Exists, "{error}");

    let down = carry((&lake, "copy.bin"), (&files, "down.bin"), false).unwrap();
    assert_eq!(down.sha256.unwrap(), sha256(&content));
    assert_eq!(std::fs::read(server.folder().join("files/down.bin")).unwrap(), content);
    assert_eq!(server.keys(), ["copy.bin", "raw/large.bin"], "and no probe");
}

#[test]
fn what_is_small_is_written_only_where_there_is_none() {
    let test = "what_is_small_is_written_only_where_there_is_none";
    let Some(server) = Server::start(test) else { return };
    let (files, lake) = (folder(&server), server.lake(&[]));
    std::fs::write(server.folder().join("files/a.csv"), "x\n1\n").unwrap();
    std::fs::write(server.folder().join("files/empty.csv"), "").unwrap();
    for name in ["a.csv", "empty.csv"] {
        carry((&files, name), (&lake, name), false).unwrap();
        let error = carry((&files, name), (&lake, name), false).unwrap_err();
        assert_eq!(error.fault, LakeFault::Exists, "{error}");
        carry((&files, name), (&lake, name), true).unwrap();
        carry((&lake, name), (&lake, &format!("copy-{name}")), false).unwrap();
    }
    assert_eq!(server.get("copy-a.csv"), "x\n1\n");
    assert_eq!(server.get("copy-empty.csv"), "");
    let told = server.call("head_object", json!({ "Bucket": "lake", "Key": "a.csv" }));
    assert_eq!(told["Metadata"]["dagdeck-sha256"], sha256(b"x\n1\n"));

    // Whoever wrote something else under the same hash: it is not what was written.
    let metadata = json!({ "dagdeck-sha256": sha256(b"x\n1\n") });
    let put = json!({ "Bucket": "lake", "Key": "a.csv", "Body": "y\n1\n", "Metadata": metadata });
    server.call("put_object", put);
    let error = carry((&lake, "a.csv"), (&files, "b.csv"), false).unwrap_err();
    assert_eq!(error.fault, LakeFault::Changed, "{error}");
    assert!(!server.folder().join("files/b.csv").exists());
}

#[test]
fn a_server_that_is_deaf_to_conditions_is_found_out_and_said() {
    let test = "a_server_that_is_deaf_to_conditions_is_found_out_and_said";
    let Some(server) = Server::with(test, &["--open", "--deaf"]) else { return };
    let (files, lake) = (folder(&server), server.lake(&[]));
    std::fs::write(server.folder().join("files/a.csv"), "x\n1\n").unwrap();
    let heard = Heard::default();
    for name in ["a.csv", "large.bin"] {
        block_on(heard.carry((&files, name), (&lake, name), false)).unwrap();
        let warned = std::mem::take(&mut *heard.warned.lock().unwrap());
        assert!(warned[0].contains("does not honour conditional writes"), "{warned:?}");
        let error = block_on(heard.carry((&files, name), (&lake, name), false)).unwrap_err();
        assert_eq!(error.fault, LakeFault::Exists, "looked first: {error}");
    }
    assert_eq!((server.keys(), server.uploads()), (vec!["a.csv".into(), "large.bin".into()], 0));
}

#[test]
fn a_download_goes_on_where_its_line_was_cut() {
    let Some(server) = Server::start("a_download_goes_on_where_its_line_was_cut") else { return };
    let (files, content) = (folder(&server), large());
    carry((&files, "large.bin"), (&server.lake(&[]), "large.bin"), true).unwrap();
    let line = Line::new(&server, Way::Down, 12 << 20);
    let lake = server.lake(&[("endpoint", &line.endpoint)]);
    let down = carry((&lake, "large.bin"), (&files, "down.bin"), false).unwrap();
    assert_eq!(line.cuts(), 1);
    assert_eq!(down.sha256.unwrap(), sha256(&content));
}

#[test]
fn a_later_try_goes_on_where_an_earlier_one_died() {
    let Some(server) = Server::start("a_later_try_goes_on_where_an_earlier_one_died") else {
        return;
    };
    let (files, content) = (folder(&server), large());
    let lake = server.lake(&[]);
    carry((&files, "large.bin"), (&lake, "large.bin"), true).unwrap();
    // As a process that is killed leaves it.
    let part = server.folder().join("files/.down.bin.t.dagdeck-part");
    std::fs::write(&part, &content[..7_000_000]).unwrap();
    let other = server.folder().join("files/.down.bin.u.dagdeck-part");
    std::fs::write(&other, "of another version").unwrap();
    let down = carry((&lake, "large.bin"), (&files, "down.bin"), false).unwrap();
    assert_eq!((down.resumed_at, down.sha256.unwrap()), (7_000_000, sha256(&content)));
    assert!(!part.exists() && !other.exists());

    // What is left is longer than the whole: it is of something else.
    std::fs::write(&part, vec![0; LARGE + 1]).unwrap();
    let down = carry((&lake, "large.bin"), (&files, "down.bin"), true).unwrap();
    assert_eq!((down.resumed_at, down.sha256.unwrap()), (0, sha256(&content)));
}

#[test]
fn a_listing_reaches_as_far_as_its_pattern_and_goes_on_behind_a_key() {
    let test = "a_listing_reaches_as_far_as_its_pattern_and_goes_on_behind_a_key";
    let Some(server) = Server::start(test) else { return };
    for key in ["p/in/a.csv", "p/in/b.csv", "p/in/deep/c.csv", "p/index.csv", "q/d.csv"] {
        server.put(key, key);
    }
    let mut connection = server.connection(&[]);
    connection.url = "s3://lake/p".into();
    let lake = server.open(&connection, Patience::Look);
    let list = |pattern: &str, after: Option<&str>| {
        let parts: Vec<&str> = pattern.split('/').collect();
        block_on(async {
            let mut listing = lake.list(&Reach::of(&parts), after.map(str::to_owned));
            let mut keys = Vec::new();
            while let Some(page) = listing.next().await.unwrap() {
                keys.extend(page.into_iter().map(|object| object.key));
            }
            keys
        })
    };
    assert_eq!(list("in/*", None), ["in/a.csv", "in/b.csv"]);
    assert_eq!(list("in/**", None), ["in/a.csv", "in/b.csv", "in/deep/c.csv"]);
    assert_eq!(list("in*", None), ["index.csv"]);
    assert_eq!(list("in/**", Some("in/a.csv")), ["in/b.csv", "in/deep/c.csv"]);
    assert_eq!(list("none/*", None), [""; 0]);
    // As consoles of S3 mark a folder.
    server.put("p/marked/", "");
    let marked = block_on(async {
        let page = lake.list(&Reach::of(&["**"]), Some("marke".into())).next().await;
        let marked = page.unwrap().unwrap().remove(0);
        (marked.key.clone(), lake.is_mark(&marked).await.unwrap())
    });
    assert_eq!(marked, ("marked".to_owned(), true));
    let seen = block_on(lake.head("in/a.csv")).unwrap().unwrap();
    assert_eq!((seen.key.as_str(), seen.size), ("in/a.csv", 10));
}
