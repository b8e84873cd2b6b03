//! The text of one DAG out of a file.

use super::load_text;

const TEXT: &str = "\
# The first one,
# in two lines.
[dag.a]
schedule = \"@daily\"  # each day

# its task
[dag.a.task.one]
operator = \"command\"
command = '''
[dag.b]
echo
'''

[dag.b.task.x]
operator = \"empty\"

# far from the rest
[dag.a.task.two]
operator = \"command\"
argv = [
  \"echo\",
]
# of nobody
";

#[test]
fn a_definition_is_its_lines_and_the_comments_among_them() {
    let deck = load_text(TEXT).unwrap();
    let (first, rest) = TEXT.split_once("\n[dag.b.task.x]").unwrap();
    let (_, last) = rest.split_once("\"empty\"\n\n").unwrap();
    let last = last.strip_suffix("# of nobody\n").unwrap();
    assert_eq!(deck.dags["a"].source, format!("{first}{last}"));
    assert_eq!(deck.dags["b"].source, "[dag.b.task.x]\noperator = \"empty\"\n");
}
