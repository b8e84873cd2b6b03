//! How editors are told the line at which they are to open a file.

use std::path::Path;

/// Makes the program and the arguments that open `file` at `line` (from 1) in an editor, which is
/// a program with arguments of its own. Of one that is not known only the file is named.
pub(crate) fn command(
    editor: &[String],
    file: &str,
    line: Option<usize>,
) -> Option<(String, Vec<String>)> {
    let (program, own) = editor.split_first()?;
    let name = Path::new(program).file_name()?.to_str()?;
    let mut args = own.to_vec();
    let line = line.filter(|line| *line > 0);
    match (name, line) {
        (
            "vi" | "vim" | "nvim" | "view" | "nano" | "emacs" | "emacsclient" | "hx" | "helix"
            | "kak" | "micro" | "joe" | "mg" | "ne" | "jed",
            Some(line),
        ) => args.extend([format!("+{line}"), file.to_owned()]),
        ("code" | "code-insiders" | "codium" | "cursor" | "windsurf", line) => {
            // Without this they return at once, and the file would be looked at too early.
            if !own.iter().any(|arg| arg == "--wait" || arg == "-w") {
                args.push("--wait".to_owned());
            }
            match line {
                Some(line) => args.extend(["-g".to_owned(), format!("{file}:{line}")]),
                None => args.push(file.to_owned()),
            }
        }
        ("subl" | "zed" | "zeditor", line) => {
            if !own.iter().any(|arg| arg == "--wait" || arg == "-w") {
                args.push("--wait".to_owned());
            }
            args.push(line.map_or(file.to_owned(), |line| format!("{file}:{line}")));
        }
        _ => args.push(file.to_owned()),
    }
    Some((program.clone(), args))
}

/// Returns the line at which a table stands in a file, such as `asset.orders`.
pub(crate) fn line_of(text: &str, table: &str) -> Option<usize> {
    let is_header = |line: &str| {
        let line = line.trim_start();
        let name = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        name.is_some_and(|(name, _)| name.replace(['"', '\'', ' '], "") == table)
    };
    text.lines().position(is_header).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_editor_gets_the_line_as_it_takes_it() {
        let told = |editor: &[&str], line| {
            let editor: Vec<String> = editor.iter().map(|word| (*word).to_owned()).collect();
            let (program, args) = command(&editor, "/p/a b.toml", line).unwrap();
            format!("{program} {}", args.join("|"))
        };
        for editor in ["vi", "nvim", "nano", "emacs", "hx", "kak", "/usr/bin/vim"] {
            assert_eq!(told(&[editor], Some(7)), format!("{editor} +7|/p/a b.toml"));
        }
        assert_eq!(told(&["vim", "-n"], Some(7)), "vim -n|+7|/p/a b.toml");
        assert_eq!(told(&["code"], Some(7)), "code --wait|-g|/p/a b.toml:7");
        assert_eq!(told(&["code", "-w"], None), "code -w|/p/a b.toml");
        assert_eq!(told(&["subl"], Some(7)), "subl --wait|/p/a b.toml:7");
        assert_eq!(told(&["ed"], Some(7)), "ed /p/a b.toml");
        assert_eq!(told(&["vi"], Some(0)), "vi /p/a b.toml");
        assert_eq!(command(&[], "x", None), None);
    }

    #[test]
    fn a_table_is_found_by_its_header_alone() {
        let text = "# [asset.a]\n[asset.ab]\nx = \"[asset.a]\"\n [ asset.\"a\" ] # here\n";
        assert_eq!(line_of(text, "asset.a"), Some(4));
        assert_eq!(line_of(text, "asset.b"), None);
    }
}
