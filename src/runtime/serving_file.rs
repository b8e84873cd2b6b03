//! `[serving]` of a project as a file of its own: for a server that runs without the project, and
//! for replicas, which keep to what was written when the daemon started. References to secrets
//! stay references.

use std::fs;
use std::path::Path;

use crate::types::Fault;

/// Returns `[serving]` of a project's `dags.toml`, without the keys of `left_out`. Blocks.
pub fn of_project(project: &Path, left_out: &[&str]) -> Result<String, Fault> {
    let path = project.join("dags.toml");
    let fail = |error: &(dyn std::error::Error + 'static)| {
        Fault::invalid(format!("read `[serving]` of `{}`", path.display())).caused_by(Some(error))
    };
    let text = fs::read_to_string(&path).map_err(|error| fail(&error))?;
    let mut all: toml::Table = text.parse().map_err(|error: toml::de::Error| fail(&error))?;
    let mut file = toml::Table::new();
    if let Some(toml::Value::Table(mut serving)) = all.remove("serving") {
        serving.retain(|key, _| !left_out.contains(&key));
        file.insert("serving".into(), serving.into());
    }
    toml::to_string(&file).map_err(|error| fail(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_model_servers_settings_are_taken_and_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let text = "[serving]\nlisten = \"a:1\"\nmax_rows = 7\n\
            api_keys = { web = \"${env:WEB_KEY}\" }\n[dag.a]\n";
        fs::write(dir.path().join("dags.toml"), text).unwrap();
        let taken = of_project(dir.path(), &["listen"]).unwrap();
        assert_eq!(
            taken,
            "[serving]\nmax_rows = 7\n\n[serving.api_keys]\nweb = \"${env:WEB_KEY}\"\n"
        );
        fs::write(dir.path().join("dags.toml"), "").unwrap();
        assert_eq!(of_project(dir.path(), &[]).unwrap(), "");
        fs::write(dir.path().join("dags.toml"), "[serving").unwrap();
        assert!(of_project(dir.path(), &[]).is_err());
    }
}
