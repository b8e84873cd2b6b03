//! What a Python file says it needs (PEP 723):
//!
//! ```python
//! # /// script
//! # requires-python = ">=3.11"
//! # dependencies = ["pandas==2.2"]
//! # ///
//! ```

use serde::Deserialize;

/// The block's keys that matter here; it may have others.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Script {
    #[serde(default, rename = "requires-python")]
    pub(super) requires_python: Option<String>,
    #[serde(default)]
    pub(super) dependencies: Vec<String>,
}

/// Reads the block of a file; a file without one needs nothing.
pub(super) fn read(text: &str) -> Result<Script, String> {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "# /// script");
    if lines.next().is_none() {
        return Ok(Script::default());
    }
    let mut block = String::new();
    let mut is_closed = false;
    for line in lines {
        match line.strip_prefix('#') {
            Some(rest) if rest.trim() == "///" => {
                is_closed = true;
                break;
            }
            Some(rest) => {
                block.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                block.push('\n');
            }
            None => break,
        }
    }
    if !is_closed {
        return Err("its block `# /// script` has no end `# ///`".to_owned());
    }
    toml::from_str(&block).map_err(|error| format!("its block `# /// script`: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_says_what_a_file_needs() {
        let text = "#!/usr/bin/env python\n# /// script\n# requires-python = \">=3.11\"\n\
                    # dependencies = [\n#   \"a==1\",\n# ]\n# ///\nimport a\n";
        let script = read(text).unwrap();
        assert_eq!(script.requires_python.as_deref(), Some(">=3.11"));
        assert_eq!(script.dependencies, ["a==1"]);
        assert_eq!(read("import os\n"), Ok(Script::default()));
    }

    #[test]
    fn a_broken_block_says_so() {
        assert!(
            read("# /// script\n# dependencies = []\nimport a\n").unwrap_err().contains("no end")
        );
        let error = read("# /// script\n# dependencies = 3\n# ///\n").unwrap_err();
        assert!(error.starts_with("its block"), "{error}");
    }
}
