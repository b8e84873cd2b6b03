//! Damaged bodies for every parser of the wire: whatever is sent, the answer is one to the client
//! (never a 500) and the server lives. `PROPTEST_CASES=100000` goes on for longer.

use std::io::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// A request that is answered, before it is damaged.
struct Seed {
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
}

fn seeds() -> Vec<Seed> {
    let json = |path, body: &str| Seed { path, headers: &[], body: body.as_bytes().to_vec() };
    let records = r#"{"dataframe_records": [{"length": 1.5, "kind": "a"}]}"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"[[1.5, \"a\"], [2, null]]").unwrap();
    let tensors = r#"{"inputs": [{"name": "length", "shape": [1], "datatype": "FP64",
        "parameters": {"binary_data_size": 8}}, {"name": "kind", "shape": [1],
        "datatype": "BYTES", "data": ["a"]}]}"#;
    let mut binary = tensors.as_bytes().to_vec();
    binary.extend(1.5_f64.to_le_bytes());
    assert_eq!(tensors.len(), 189, "the length that the header says");
    let parquet = std::fs::read("tests/golden/rows.parquet").unwrap();
    vec![
        json("/predict", r#"[[1.5, "a"], {"length": 2e3, "kind": "\u00e4"}, [3, null]]"#),
        json("/predict", r#"{"columns": {"length": [1, 2], "kind": ["a", null]}}"#),
        json("/models/iris/versions/1/predict", r#"{"rows": [[1.5, "a"]]}"#),
        json("/invocations", records),
        json("/invocations", r#"{"dataframe_split": {"columns": ["length"], "data": [[1]]}}"#),
        json("/invocations", r#"{"inputs": {"length": [1, 2], "kind": ["x", "y"]}}"#),
        Seed {
            path: "/invocations",
            headers: &[("content-type", "text/csv")],
            body: b"length,kind\n1.5,a\n2,\"b \"\"c\"\"\"\n".to_vec(),
        },
        Seed {
            path: "/invocations",
            headers: &[("content-type", "application/vnd.apache.parquet")],
            body: parquet,
        },
        json(
            "/v2/models/iris/infer",
            r#"{"id": "x", "inputs": [{"name": "length", "shape": [2], "datatype": "INT64",
                "data": [1, 2]}], "outputs": [{"name": "value"}]}"#,
        ),
        Seed {
            path: "/v2/models/iris/infer",
            headers: &[("inference-header-content-length", "189")],
            body: binary,
        },
        Seed {
            path: "/predict",
            headers: &[("content-encoding", "gzip")],
            body: gzip.finish().unwrap(),
        },
    ]
}

/// A piece of damage.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Put(Index, Vec<u8>),
    Replace(Index, u8),
    /// A piece of the body, so many times more.
    Repeat(Index, usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let token = prop::sample::select(vec![
        &b"["[..],
        b"{",
        b"]",
        b"}",
        b"\"",
        b"\\u",
        b"1e999",
        b"-0",
        b"NaN",
        b",",
        b":",
        b"\0",
        b"\xff",
        b"null",
        b"99999999999999999999",
        b"\r\n",
        b"{\"inputs\":",
        b"true",
    ]);
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), token).prop_map(|(at, token)| Damage::Put(at, token.to_vec())),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, bytes)| Damage::Put(at, bytes)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (any::<Index>(), 1..40_usize, 1..300_usize)
            .prop_map(|(at, length, times)| Damage::Repeat(at, length, times)),
    ]
}

fn damaged(mut body: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let place = |at: &Index| at.index(body.len() + 1);
        match damage {
            Damage::Cut(at) => body.truncate(place(at)),
            Damage::Put(at, bytes) => {
                let at = place(at);
                body.splice(at..at, bytes.iter().copied());
            }
            Damage::Replace(at, byte) => {
                let at = place(at);
                if let Some(place) = body.get_mut(at) {
                    *place = *byte;
                }
            }
            Damage::Repeat(at, length, times) => {
                let at = place(at);
                let piece = body[at..(at + length).min(body.len())].repeat(*times);
                body.splice(at..at, piece);
            }
        }
    }
    body
}

async fn status_of(seed: &Seed, body: Vec<u8>) -> u16 {
    let running = Running::serving_iris().await;
    let mut asked = request(Method::POST, seed.path, body);
    for (name, value) in seed.headers {
        asked.headers_mut().insert(*name, value.parse().unwrap());
    }
    running.send(asked).await.status().as_u16()
}

#[tokio::test]
async fn what_is_damaged_is_answered_before() {
    for seed in seeds() {
        // The table in Parquet has other columns than the model.
        let expected = if seed.body.starts_with(b"PAR1") { 400 } else { 200 };
        let begin = String::from_utf8_lossy(&seed.body).chars().take(60).collect::<String>();
        assert_eq!(status_of(&seed, seed.body.clone()).await, expected, "{} {begin}", seed.path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_body_makes_it_fail(
        at in any::<Index>(),
        damages in prop::collection::vec(damage(), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seeds = seeds();
        let seed = at.get(&seeds);
        let body = damaged(seed.body.clone(), &damages);
        let status = runtime.block_on(status_of(seed, body));
        prop_assert!(status == 200 || (400..500).contains(&status), "{status}");
    }
}
