//! Good rows, bad rows, and files that cannot be read.

use serde_json::{Value, json};

use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;

const CSV: &str = "\
id,name,salary,hired_on,note
1,Ada,10.5,2026-01-02,x
2,Bob,lots,2026-01-03,y
3,\"Cy, Jr.\",,2026-01-04,
4,Dee,7
5,Eve,8,2026-13-01,z
";

fn args() -> Value {
    json!({
        "source": "file:data/e.csv",
        "schema": { "id": "int", "name": "text", "salary": "float", "hired_on": "date" },
    })
}

fn bench(csv: &str) -> Bench {
    let bench = Bench::new("csv.extract");
    bench.write("data/e.csv", csv);
    bench
}

#[test]
fn good_rows_become_a_table_and_bad_ones_are_kept_counted_and_told() {
    let bench = bench(CSV);
    let outcome = bench.run(args());
    assert_eq!(
        outcome,
        Outcome::output(json!({
            "table": "work", "rows": 2, "rejected": 3,
            "schema": { "id": "int", "name": "text", "salary": "float", "hired_on": "date" },
        }))
    );
    assert_eq!(
        bench.rows("select * from work"),
        ["1|Ada|10.5|2026-01-02", "3|Cy, Jr.||2026-01-04"]
    );
    let rejected = std::fs::read_to_string(bench.order.folder.join("rejected.csv")).unwrap();
    let lines: Vec<_> = rejected.lines().collect();
    assert_eq!(lines[0], "line,reason,id,name,salary,hired_on,note");
    assert_eq!(lines[1], "3,\"`salary` is `lots`, not a float\",2,Bob,lots,2026-01-03,y");
    assert_eq!(lines[2], "5,3 fields where the header has 5,4,Dee,7");
    let log = bench.log();
    assert!(log.contains("rejected line 6: `hired_on` is `2026-13-01`, not a date"), "{log}");
    assert!(log.contains("left out, not in the schema: note"), "{log}");
}

#[test]
fn on_bad_row_fail_ends_with_the_line_and_leaves_no_table() {
    let bench = bench(CSV);
    let mut args = args();
    args["on_bad_row"] = json!("fail");
    bench.is_fatal(args, "`file:data/e.csv`, line 3: `salary` is `lots`, not a float");
    assert_eq!(bench.rows("select count(*) from sqlite_schema"), ["0"]);
}

#[test]
fn without_a_schema_types_are_inferred() {
    let bench = bench("a,b,c,d\n1,1.5,2026-01-01,true\n2,2,2026-01-02,false\n");
    bench.run(json!({ "source": "file:data/e.csv" }));
    let types = "select group_concat(type) from pragma_table_info('work')";
    assert_eq!(bench.rows(types), ["INTEGER,REAL,DATE,BOOLEAN"]);
    assert_eq!(bench.rows("select * from work")[0], "1|1.5|2026-01-01|1");
}

#[test]
fn a_second_try_replaces_what_the_first_left() {
    let bench = bench(CSV);
    assert_eq!(bench.run(args()), bench.run(args()));
    assert_eq!(bench.rows("select count(*) from work"), ["2"]);
}

#[test]
fn a_lake_a_byte_order_mark_and_another_delimiter_are_read() {
    let mut bench = Bench::new("csv.extract");
    bench.connect("lake", "file:data/lake");
    bench.write("data/lake/in/e.csv", "\u{feff}id;name\n1;a\n");
    let args = json!({ "source": "lake:in/e.csv", "delimiter": ";", "schema": { "id": "int" } });
    let schema = json!({ "id": "int" });
    let expected = json!({ "table": "work", "rows": 1, "rejected": 0, "schema": schema });
    assert_eq!(bench.run(args), Outcome::output(expected));
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    let outcome = bench("id,name,salary,hired_on\n").run(args());
    let schema = args()["schema"].clone();
    let expected = json!({ "table": "work", "rows": 0, "rejected": 0, "schema": schema });
    assert_eq!(outcome, Outcome::output(expected));
}

#[test]
fn only_the_first_rejected_rows_are_told_one_by_one() {
    let csv = format!("id,name,salary,hired_on\n{}", "x,a,1,2026-01-01\n".repeat(25));
    let bench = bench(&csv);
    bench.run(args());
    assert_eq!(bench.log().matches("rejected line").count(), 20);
    assert!(bench.log().contains("… and 5 more, all in rejected.csv"));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    bench("").is_fatal(args(), "`file:data/e.csv` is empty: it has no header");
    bench("id,id\n").is_fatal(args(), "the header names `id` twice");
    bench("id,,x\n").is_fatal(args(), "column 2 of the header has no name");
    let none = Bench::new("csv.extract");
    none.is_fatal(args(), "open `file:data/e.csv`: No such file");
    std::fs::create_dir_all(none.project().join("data/e.csv")).unwrap();
    none.is_fatal(args(), "is a folder, not a file");
}

#[test]
fn a_file_that_is_not_utf8_is_refused_with_the_line() {
    let bench = bench("");
    std::fs::write(
        bench.project().join("data/e.csv"),
        b"id,name,salary,hired_on\n1,a,1,2026-01-01\n2,\xe9,1,2026-01-01\n",
    )
    .unwrap();
    bench.is_fatal(args(), "`file:data/e.csv` is not UTF-8 at line 3");
}

#[test]
fn a_schema_that_does_not_fit_the_header_is_told_with_what_was_meant() {
    let bench = bench("id,nmae,salary,hired_on\n");
    bench.is_fatal(args(), "has no column `name` (did you mean `nmae`?)");
    let schema = json!({ "id": "integr" });
    let args = json!({ "source": "file:data/e.csv", "schema": schema });
    bench.is_fatal(args, "type of `id` is \"integr\"; expected one of int, float");
    bench.is_fatal(json!({ "source": "data/e.csv" }), "names no place");
    let climbs = json!({ "source": "file:../e.csv" });
    bench.is_fatal(climbs, "climbs out of its folder");
}

#[test]
fn all_files_of_a_folder_or_a_pattern_are_read_in_order() {
    let mut bench = Bench::new("csv.extract");
    bench.connect("lake", "file:data/lake");
    bench.write("data/lake/in/b.csv", "name,id\nb,2\n");
    bench.write("data/lake/in/a.csv", "id,name\n1,a\nx,y\n");
    bench.write("data/lake/in/.c.csv", "nothing");
    bench.write("data/lake/in/d.txt", "id,name\n3,d\n");
    let args =
        |source: &str| json!({ "source": source, "schema": { "id": "int", "name": "text" } });
    bench.run(args("lake:in/"));
    assert_eq!(bench.rows("select * from work"), ["1|a", "2|b", "3|d"]);
    bench.run(args("lake:in/*.csv"));
    assert_eq!(bench.rows("select * from work"), ["1|a", "2|b"]);
    let rejected = std::fs::read_to_string(bench.order.folder.join("rejected.csv")).unwrap();
    assert!(rejected.contains("lake:in/a.csv,3,\"`id` is `x`, not an int\",x,y"), "{rejected}");
    bench.is_fatal(args("lake:in/*.tsv"), "there is no file for `lake:in/*.tsv`");
    bench.write("data/lake/in/e.csv", "id\n1\n");
    bench.is_fatal(args("lake:in/*.csv"), "`lake:in/e.csv` has no column `name`");
}

#[test]
fn nulls_quotes_encodings_and_files_without_a_header_are_read() {
    let bench = bench("");
    let latin = b"1;'Z\xfcrich; CH';NA\n2;x;7\n";
    std::fs::write(bench.project().join("data/e.csv"), latin).unwrap();
    bench.run(json!({
        "source": "file:data/e.csv", "delimiter": ";", "quote": "'", "encoding": "latin-1",
        "header": false, "null_values": ["NA"],
    }));
    assert_eq!(bench.rows("select * from work"), ["1|Zürich; CH|", "2|x|7"]);
    let types = "select group_concat(name || ' ' || type) from pragma_table_info('work')";
    assert_eq!(bench.rows(types), ["column_1 INTEGER,column_2 TEXT,column_3 INTEGER"]);
    let args = json!({ "source": "file:data/e.csv", "encoding": "koi8" });
    bench.is_fatal(args, "`encoding` is `koi8`; expected one of utf-8");
}

#[test]
fn json_lines_and_lists_become_tables() {
    let lines = "{\"id\": 1, \"at\": \"2026-01-31T08:00:00Z\", \"tags\": [1, \"a\"]}\n\n\
                 {\"id\": 2.5, \"ok\": true, \"at\": null}\n{broken\n[1]\n";
    let list = "[ {\"id\": 1, \"s\": \"a]}\\\"\"},\n {\"id\": 2}, 7 ]\n";
    let bench = Bench::new("json.extract");
    bench.write("lines.json", lines);
    bench.write("list.json", list);
    let outcome = bench.run(json!({ "source": "file:lines.json" }));
    let schema = json!({ "id": "float", "at": "timestamptz", "tags": "text", "ok": "bool" });
    let expected = json!({ "table": "work", "rows": 2, "rejected": 2, "schema": schema });
    assert_eq!(outcome, Outcome::output(expected));
    let rows = bench.rows("select * from work");
    assert_eq!(rows, ["1.0|2026-01-31T08:00:00Z|[1,\"a\"]|", "2.5|||1"]);
    let log = bench.log();
    assert!(log.contains("rejected line 4: it is no JSON: key must be a string"), "{log}");
    assert!(log.contains("rejected line 5: it is no table"), "{log}");

    let schema = json!({ "id": "int", "s": "text" });
    bench.run(json!({ "source": "file:list.json", "schema": schema }));
    assert_eq!(bench.rows("select * from work"), ["1|a]}\"", "2|"]);
    let args = json!({ "source": "file:list.json", "on_bad_row": "fail", "schema": schema });
    bench.is_fatal(args, "`file:list.json`, line 3: it is no table");
    bench.write("cut.json", "[{\"id\": 1}, {\"id\":");
    let args = json!({ "source": "file:cut.json", "schema": schema });
    bench.is_fatal(args, "the file ends at document 2 of the list");
    bench.write("none.json", "[]");
    bench.is_fatal(json!({ "source": "file:none.json" }), "has no fields to make columns of");
}
