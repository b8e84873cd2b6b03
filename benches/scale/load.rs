//! Loading: what `dagdeck check` takes for a deck of many DAGs.

use std::fmt::Write;

use crate::decide::load;
use crate::{Sheet, time};

const TASKS: usize = 5;

pub(crate) fn measure(sheet: &mut Sheet) {
    for count in [500, 5_000] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dags.toml"), deck(count)).unwrap();
        let (found, took) = time(|| load(folder.path()));
        assert_eq!(found.dags.len(), count);
        sheet.took(&format!("load {count} DAGs of {TASKS} tasks"), took);
    }
}

fn deck(count: usize) -> String {
    let mut text = String::from("[variable]\nregion = \"north\"\n[pool.small]\nslots = 3\n");
    for dag in 0..count {
        writeln!(text, "[dag.pipeline_{dag}]\nschedule = \"{} 2 * * *\"", dag % 60).unwrap();
        writeln!(text, "start_date = 2026-01-01\ntags = [\"a\", \"b\"]").unwrap();
        writeln!(text, "[dag.pipeline_{dag}.param.day]\ntype = \"string\"\ndefault = \"x\"")
            .unwrap();
        for task in 0..TASKS {
            writeln!(text, "[dag.pipeline_{dag}.task.t{task}]\noperator = \"command\"").unwrap();
            let upstream = task.checked_sub(1).map(|up| format!("{{{{ output.t{up} }}}}"));
            let upstream = upstream.unwrap_or_default();
            writeln!(
                text,
                "command = \"echo {{{{ ds }}}} {{{{ params.day }}}} {{{{ var.value.region }}}} \
                 {upstream}\"\npool = \"small\"\nretries = 2"
            )
            .unwrap();
        }
    }
    text
}
