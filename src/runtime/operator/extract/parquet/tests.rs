//! Files as pyarrow writes them (`fixtures/make.py`), and what is left of them when they break.

use std::path::Path;

use serde_json::{Value, json};

use crate::runtime::operator::tests::Bench;
use crate::sched::Outcome;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder.join("src/runtime/operator/extract/parquet/fixtures");
    std::fs::read(folder.join(format!("{name}.parquet"))).unwrap()
}

/// A bench with these files in its folder.
fn bench(names: &[&str]) -> Bench {
    let bench = Bench::new("parquet.extract");
    for name in names {
        put(&bench, name, &fixture(name));
    }
    bench
}

fn put(bench: &Bench, name: &str, bytes: &[u8]) {
    std::fs::write(bench.project().join(format!("{name}.parquet")), bytes).unwrap();
}

fn args(name: &str) -> Value {
    json!({ "source": format!("file:{name}.parquet") })
}

#[test]
fn each_type_is_taken_as_the_file_has_it() {
    let bench = bench(&["types"]);
    let outcome = bench.run(args("types"));
    let schema = json!({
        "id": "int", "small": "int", "unsigned": "int", "big": "decimal(20,0)", "half": "float",
        "single": "float", "double": "float", "price": "decimal(10,2)", "long": "decimal(38,10)",
        "day": "date", "time": "text", "ms": "timestamp", "us": "timestamptz",
        "ns": "timestamptz", "text": "text", "word": "text", "ok": "bool", "raw": "bytes",
        "fixed": "bytes", "none": "text",
    });
    let expected = json!({ "table": "work", "rows": 3, "rejected": 0, "schema": schema });
    assert_eq!(outcome, Outcome::output(expected));
    let rows = bench.rows(
        "select id, small, unsigned, big, half, single, double, price, long, day, time from work",
    );
    let first = "1|1|1|1|0.5|0.25|0.1|12.5|0.0000000001|2026-01-31|08:00:00.5";
    let second = "-9223372036854775808|-128|4294967295|18446744073709551615|-65504.0|-1.5|1e300|\
                  -99999999.99|-9.9999999999|0001-01-01|23:59:59";
    assert_eq!(rows, [first, second, "||||||||||"]);
    let rows =
        bench.rows("select ms, us, ns, text, word, ok, hex(raw), hex(fixed), none from work");
    let at = "2026-01-31T08:00:00.5";
    assert_eq!(rows[0], format!("{at}|{at}Z|{at}Z|Zürich|x|1|00FF|6162|"));
    assert_eq!(rows[1], "1969-12-31T23:59:59|0001-01-02T00:00:00Z||a,\"b\"\n|x|0|616263|FEFF|");
    assert_eq!(rows[2], "||||||||");
}

#[test]
fn each_codec_and_encoding_is_read_across_groups_and_batches() {
    let bench = bench(&["none", "snappy", "gzip", "zstd", "lz4", "delta", "empty"]);
    for name in ["none", "snappy", "gzip", "zstd", "lz4", "delta"] {
        bench.run(args(name));
        let sums = "select count(*), count(name), sum(id), sum(score), max(rowid = id + 1), \
                    min(name is null or name = 'name ' || (id % 13)) from work";
        assert_eq!(bench.rows(sums), ["3000|2571|4498500|1124625.0|1|1"], "{name}");
    }
    bench.run(args("empty"));
    assert_eq!(bench.rows("select count(*) from work"), ["0"]);
}

#[test]
fn a_schema_takes_its_columns_in_its_order_as_its_types() {
    let bench = bench(&["types", "nested"]);
    let mut args = args("types");
    args["schema"] = json!({ "us": "text", "price": "float", "id": "text", "text": "bytes" });
    bench.run(args);
    let rows = bench.rows("select us, price, id, hex(text) from work");
    assert_eq!(rows[0], "2026-01-31T08:00:00.5Z|12.5|1|5AC3BC72696368");
    assert!(bench.log().contains("left out, not in the schema: small, unsigned, big"));

    let mut args = self::args("nested");
    args["schema"] = json!({ "id": "int" });
    bench.run(args);
    assert_eq!(bench.rows("select * from work"), ["1", "2"]);
    let mut args = self::args("nested");
    args["schema"] = json!({ "tag": "text" });
    bench.is_fatal(args, "has no column `tag` (did you mean `tags`?)");
}

#[test]
fn what_cannot_be_a_column_is_refused_with_what_to_do() {
    let bench = bench(&["nested", "brotli"]);
    bench.is_fatal(
        args("nested"),
        "`file:nested.parquet`: column `tags` is a list; name the columns to take in `schema`",
    );
    let refused = |column: &str, why: &str| {
        let mut args = args("nested");
        args["schema"] = json!({ column: "text" });
        bench.is_fatal(args, &format!("column `{column}` {why}; name the columns"));
    };
    refused("place", "is a struct");
    refused("props", "is a map");
    refused("long", "is a decimal of 60 digits, 2 of them behind the point; up to 38 are read");
    bench.is_fatal(args("brotli"), "column `id` is compressed with Brotli; write the file with");
}

#[test]
fn rows_that_do_not_fit_are_kept_with_their_number() {
    let bench = bench(&["old"]);
    let mut args = args("old");
    args["schema"] = json!({ "at": "timestamp", "name": "text", "x": "float" });
    let rejected = |args: &Value| match bench.run(args.clone()) {
        Outcome::Success { output, .. } => output.get("rejected").cloned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rejected(&args), Some(json!(2)));
    let kept = std::fs::read_to_string(bench.order.folder.join("rejected.csv")).unwrap();
    let lines: Vec<_> = kept.lines().collect();
    assert_eq!(lines[0], "row,reason,at,name,x");
    assert_eq!(lines[1], "1,\"`x` is `NaN`, not a float\",2026-01-31T08:00:00.5,Ada,NaN");
    assert_eq!(lines[2], "2,\"`name` is `\\xe9`, not a text\",,\\xe9,1");
    args["null_values"] = json!(["NaN"]);
    assert_eq!(rejected(&args), Some(json!(1)));
    assert_eq!(bench.rows("select at, name, x from work"), ["2026-01-31T08:00:00.5|Ada|"]);
    args["on_bad_row"] = json!("fail");
    bench.is_fatal(args, "`file:old.parquet`, row 2: `name` is `\\xe9`, not a text");
}

#[test]
fn files_of_a_pattern_must_agree_or_widen() {
    let bench = bench(&["old", "wider"]);
    let source = json!({ "source": "file:*.parquet", "null_values": ["NaN"] });
    bench.run(source.clone());
    let rows = bench.rows("select at, hex(name), x, typeof(x) from work");
    assert_eq!(rows[2], "2026-01-31T08:00:00.5|426F62|7.0|real");
    put(&bench, "other", &fixture("delta"));
    bench.is_fatal(source, "`file:other.parquet`: column `name` is text, and bytes in");
}

#[test]
fn what_is_no_whole_file_is_told_apart() {
    let bench = bench(&["encrypted", "encrypted-columns"]);
    let whole = fixture("snappy");
    put(&bench, "csv", b"id,name\n1,a\n2,b\n");
    bench.is_fatal(args("csv"), "`file:csv.parquet` is no Parquet file: it does not begin with");
    put(&bench, "nothing", b"");
    bench.is_fatal(args("nothing"), "is no Parquet file");
    put(&bench, "cut", &whole[..whole.len() / 2]);
    bench.is_fatal(args("cut"), "`file:cut.parquet` is cut off: it begins as Parquet does");
    bench.is_fatal(args("encrypted"), "`file:encrypted.parquet` is encrypted");
    bench.is_fatal(args("encrypted-columns"), "is broken, or has columns that are encrypted");
    bench.is_fatal(args("missing"), "open `file:missing.parquet`: No such file");
    let mut footer = whole;
    let end = footer.len() - 8;
    footer[end..end + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    put(&bench, "footer", &footer);
    bench.is_fatal(args("footer"), "`file:footer.parquet` is broken");
    // The table of a whole file that was read before is not there any more either.
    assert_eq!(bench.rows("select count(*) from sqlite_schema"), ["0"]);
}

/// Whatever byte is wrong, an attempt ends with a word or with a table, and never otherwise.
#[test]
fn no_broken_byte_ends_an_attempt_without_a_word() {
    let bench = bench(&[]);
    let whole = fixture("types");
    let mut refused = 0;
    for at in (0..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[at] ^= 1 << (at % 8);
        put(&bench, "broken", &broken);
        match bench.run(args("broken")) {
            Outcome::Success { .. } => {}
            Outcome::Failed { error, retryable: false, .. } => {
                assert!(error.contains("`file:broken.parquet`"), "byte {at}: {error}");
                refused += 1;
            }
            other => panic!("byte {at}: {other:?}"),
        }
    }
    assert!(refused > 100, "only {refused} of the changes were noticed");
}
