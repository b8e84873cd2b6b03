//! Listing 100,000 objects: of a folder, beside what `find` takes for it in the same run; and of
//! a bucket, where `DAGDECK_TEST_MOTO` names the Python that can run a server (as `cargo xtask
//! test` makes it). What the server itself takes for a page is in its figure.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dagdeck::connection::OpenConnection;
use dagdeck::connection::object::{Lake, Manner, Patience, Reach, Root};

use crate::{Sheet, time};

const OBJECTS: usize = 100_000;

/// How often each is listed; the median counts.
const TIMES: usize = 5;

pub(crate) fn measure(sheet: &mut Sheet) {
    folder(sheet);
    match std::env::var_os("DAGDECK_TEST_MOTO") {
        Some(python) => bucket(sheet, Path::new(&python)),
        None => sheet.figure("list a bucket", "skipped: DAGDECK_TEST_MOTO is not set"),
    }
}

fn folder(sheet: &mut Sheet) {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("in");
    std::fs::create_dir(&inside).unwrap();
    for at in 0..OBJECTS {
        std::fs::write(inside.join(name(at)), "x").unwrap();
    }
    let root = Root::Folder(folder.path().to_path_buf());
    let lake = root.open("lake", manner(folder.path())).unwrap();
    let ours = crate::median(TIMES, || assert_eq!(list(&lake, None), OBJECTS));
    let find = crate::median(TIMES, || {
        let args = ["-type", "f", "-printf", "%s %T@ %p\n"];
        let found = Command::new("find").arg(&inside).args(args).output().unwrap();
        assert_eq!(found.stdout.split(|byte| *byte == b'\n').count(), OBJECTS + 1);
    });
    sheet.took("list 100,000 objects of a folder", ours);
    sheet.took("  `find` of the same", find);
    sheet.figure("  ratio", &format!("{:.2}", ours.as_secs_f64() / find.as_secs_f64()));
}

fn bucket(sheet: &mut Sheet, python: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/s3/server.py");
    let fill = format!("--fill={OBJECTS}");
    let server = Command::new(python)
        .args([script.as_os_str(), "--open".as_ref(), fill.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut server = Ends(server.unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: BTreeMap<String, Option<String>> = serde_json::from_str(&line).unwrap();
    let options = said.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let connection = OpenConnection {
        name: "lake".into(),
        url: "s3://lake".into(),
        options: options.filter(|(key, _)| key != "ca_file").collect(),
    };
    let project = Path::new(".");
    let root = Root::of(&connection, project).unwrap();
    let lake = root.open("lake", manner(project)).unwrap();
    let (found, took) = time(|| list(&lake, None));
    assert_eq!(found, OBJECTS);
    sheet.took("list 100,000 objects of a bucket, 100 requests", took);
    let behind = format!("in/{}", name(OBJECTS - 11));
    let (found, took) = time(|| list(&lake, Some(behind)));
    assert_eq!(found, 10);
    sheet.took("list the 10 behind a key, 1 request", took);
}

/// A server that ends with this value.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn name(at: usize) -> String {
    format!("{at:06}.csv")
}

fn manner(project: &Path) -> Manner<'_> {
    Manner { project, patience: Patience::Work, memory: None }
}

fn list(lake: &Lake, after: Option<String>) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut listing = lake.list(&Reach::of(&["in", "*.csv"]), after);
        let mut found = 0;
        while let Some(page) = listing.next().await.unwrap() {
            found += page.len();
        }
        found
    })
}
