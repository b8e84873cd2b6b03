//! The same rows in each format: `id, name, a, b, c, day, flag, x, y, z`; `y` is always empty.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// Days since 1970 of the first of January 2026.
const FIRST_DAY: i32 = 20_454;

const GROUP_ROWS: u64 = 200_000;

const SCHEMA: &str = "message t {
    required int64 id; required binary name (STRING); required int64 a; required int64 b;
    required int64 c; required int32 day (DATE); required boolean flag; required double x;
    optional binary y (STRING); required binary z (STRING);
}";

fn day(n: u64) -> u64 {
    n % 28 + 1
}

fn name(n: u64) -> String {
    format!("n{}", n % 97)
}

fn flag(n: u64) -> bool {
    n.is_multiple_of(3)
}

fn half(n: u64) -> f64 {
    n as f64 / 8.0
}

/// About 46 bytes a row.
pub(crate) fn write_csv(path: &Path, rows: u64) {
    let mut text = String::from("id,name,a,b,c,day,flag,x,y,z\n");
    for n in 0..rows {
        let (name, day, flag, half) = (name(n), day(n), flag(n), half(n));
        let (a, b, c) = (n % 97, n % 7, n % 13);
        writeln!(text, "{n},{name},{a},{b},{c},2026-01-{day:02},{flag},{half},,z").unwrap();
    }
    std::fs::write(path, text).unwrap();
}

pub(crate) fn write_json(path: &Path, rows: u64) {
    let mut text = String::new();
    for n in 0..rows {
        let (name, day, flag, half) = (name(n), day(n), flag(n), half(n));
        let (a, b, c) = (n % 97, n % 7, n % 13);
        write!(text, "{{\"id\":{n},\"name\":\"{name}\",\"a\":{a},\"b\":{b},\"c\":{c},").unwrap();
        write!(text, "\"day\":\"2026-01-{day:02}\",\"flag\":{flag},\"x\":{half},").unwrap();
        text.push_str("\"y\":null,\"z\":\"z\"}\n");
    }
    std::fs::write(path, text).unwrap();
}

pub(crate) fn write_parquet(path: &Path, rows: u64) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    for first in (0..rows).step_by(usize::try_from(GROUP_ROWS).unwrap()) {
        let of = first..rows.min(first + GROUP_ROWS);
        let mut group = writer.next_row_group().unwrap();
        put::<Int64Type>(&mut group, of.clone().map(|n| n.cast_signed()));
        put::<ByteArrayType>(&mut group, of.clone().map(|n| name(n).into_bytes().into()));
        for modulus in [97, 7, 13] {
            put::<Int64Type>(&mut group, of.clone().map(|n| (n % modulus).cast_signed()));
        }
        let days = of.clone().map(|n| FIRST_DAY + i32::try_from(day(n)).unwrap() - 1);
        put::<Int32Type>(&mut group, days);
        put::<BoolType>(&mut group, of.clone().map(flag));
        put::<DoubleType>(&mut group, of.clone().map(half));
        let mut column = group.next_column().unwrap().unwrap();
        let nothing = vec![0; usize::try_from(of.end - of.start).unwrap()];
        column.typed::<ByteArrayType>().write_batch(&[], Some(&nothing), None).unwrap();
        column.close().unwrap();
        put::<ByteArrayType>(&mut group, of.map(|_| ByteArray::from("z")));
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: impl Iterator<Item = T::T>,
) {
    let values: Vec<T::T> = values.collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
}
