//! `init`: makes a project, the sample or an empty one. Nothing that is there is written over.

use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;

use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::types::{Fault, FaultKind};

/// The files of the sample project.
const SAMPLE: &[(&str, &[u8])] = &[
    ("dags.toml", include_bytes!("../../../dags.toml")),
    ("dags/basic.py", include_bytes!("../../../dags/basic.py")),
    ("dags/readings.py", include_bytes!("../../../dags/readings.py")),
    ("dags/stations.py", include_bytes!("../../../dags/stations.py")),
    ("data/README.md", include_bytes!("../../../data/README.md")),
    ("data/employees.csv", include_bytes!("../../../data/employees.csv")),
    ("data/housing.csv", include_bytes!("../../../data/housing.csv")),
    ("data/iris.csv", include_bytes!("../../../data/iris.csv")),
    ("data/titanic.csv", include_bytes!("../../../data/titanic.csv")),
    ("data/lake/incoming/.gitkeep", b""),
    ("data/lake/readings/.gitkeep", b""),
];

/// A project without a DAG.
const EMPTY: &[(&str, &[u8])] = &[("dags.toml", include_bytes!("init/empty.toml"))];

/// Makes a project in `folder`, which is made where it is not there.
pub fn init(folder: &Path, empty: bool, output: &mut Output) -> Result<u8, CliError> {
    let files = if empty { EMPTY } else { SAMPLE };
    write(folder, files)?;
    let body = serde_json::json!({
        "project": folder,
        "files": files.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    output.answer(&body, |_| {
        let place = folder.display();
        let what = if empty { "an empty project" } else { "the sample project" };
        let next = match folder == Path::new(".") {
            true => "dagdeck".to_owned(),
            false => format!("dagdeck --project {place}"),
        };
        format!("made {what} in {place}: {}\nopen it with `{next}`", count(files.len()))
    });
    Ok(0)
}

fn count(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// Asks, on a terminal, whether to make the sample project where there is none; says whether
/// there is a project now.
pub fn offer(folder: &Path, output: &mut Output) -> Result<bool, CliError> {
    if !folder.is_dir() || folder.join("dags.toml").exists() {
        return Ok(true);
    }
    let place = match folder.canonicalize() {
        Ok(folder) => folder.display().to_string(),
        Err(_) => folder.display().to_string(),
    };
    output.line(&format!("There is no project in {place}: it has no dags.toml."));
    let mut out = io::stdout();
    let _ = write!(out, "Make the sample project here? [y]es, [e]mpty one, [N]o: ");
    let _ = out.flush();
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|source| CliError::io("read the answer", &source))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => write(folder, SAMPLE)?,
        "e" | "empty" => write(folder, EMPTY)?,
        _ => {
            output.line("Nothing was made. `dagdeck --project DIR` opens another folder.");
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes the files; where one of them is there already, none is written.
fn write(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), Fault> {
    let there = files.iter().find(|(name, _)| folder.join(name).symlink_metadata().is_ok());
    if let Some((name, _)) = there {
        let message = format!("`{}` is there already", folder.join(name).display());
        return Err(Fault::new(FaultKind::Exists, message)
            .hint("nothing was written; name another folder: `dagdeck init FOLDER`"));
    }
    for (name, content) in files {
        let path = folder.join(name);
        let fail = |error: io::Error| {
            Fault::unavailable(format!("write `{}`", path.display())).caused_by(Some(&error))
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(fail)?;
        }
        // Not even what came into being meanwhile is written over.
        let mut file = fs::File::create_new(&path).map_err(fail)?;
        file.write_all(content).map_err(fail)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;

    #[test]
    fn both_projects_are_right_and_nothing_is_written_over() {
        for (empty, dags) in [(false, 1), (true, 0)] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("new/place");
            let mut output = Output::new(Format::Json);
            init(&place, empty, &mut output).unwrap();
            let settings = crate::types::settings::Settings::default();
            let deck = crate::dag::load(&place, &|_| None, &settings).unwrap();
            assert!(deck.dags.len() >= dags && (dags > 0 || deck.dags.is_empty()));
            fs::remove_file(place.join("dags.toml")).unwrap();
            let again = init(&place, empty, &mut output);
            if empty {
                assert!(again.is_ok());
            } else {
                let fault = again.unwrap_err().fault;
                assert_eq!(fault.kind, FaultKind::Exists);
                assert!(!place.join("dags.toml").exists(), "nothing at all was written");
            }
        }
    }

    #[test]
    fn the_dag_that_the_empty_project_shows_is_right_without_its_hash_marks() {
        let folder = tempfile::tempdir().unwrap();
        let (_, content) = EMPTY[0];
        let text = std::str::from_utf8(content).unwrap();
        let (_, shown) = text.split_once("triggers:\n").unwrap();
        let shown = shown.replace("\n# ", "\n").replace("\n#\n", "\n\n");
        let shown = shown.trim_start_matches("#\n");
        fs::write(folder.path().join("dags.toml"), shown).unwrap();
        let settings = crate::types::settings::Settings::default();
        let deck = crate::dag::load(folder.path(), &|_| None, &settings).unwrap();
        assert_eq!(deck.dags["hello"].tasks.len(), 2);
    }

    #[test]
    fn the_sample_is_all_of_the_sample() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for entry in fs::read_dir(root.join("dags")).unwrap() {
            let name = format!("dags/{}", entry.unwrap().file_name().to_string_lossy());
            let is_source = name.ends_with(".py") || name.ends_with(".toml");
            assert!(!is_source || SAMPLE.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}
