//! Committing: how many decisions a second become durable.

use std::time::Duration;

use dagdeck::store::{Store, meta};

use crate::{Sheet, time};

const ALONE: u32 = 500;
const TOGETHER: u32 = 20_000;

pub(crate) fn measure(sheet: &mut Sheet) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("dagdeck.db")).unwrap();
    let ((), took) = time(|| {
        for number in 0..ALONE {
            store.write_blocking(move |tx| meta::put(tx, "alone", &number.to_string())).unwrap();
        }
    });
    rate(sheet, "commits one after the other", ALONE, took);
    let ((), took) = time(|| {
        std::thread::scope(|scope| {
            for writer in 0..64 {
                let store = &store;
                scope.spawn(move || {
                    for number in 0..TOGETHER / 64 {
                        let key = format!("w{writer}");
                        let text = number.to_string();
                        store.write_blocking(move |tx| meta::put(tx, &key, &text)).unwrap();
                    }
                });
            }
        });
    });
    rate(sheet, "commits of 64 writers at once", TOGETHER, took);
}

fn rate(sheet: &mut Sheet, what: &str, count: u32, took: Duration) {
    let text = format!("{:.0} a second", f64::from(count) / took.as_secs_f64());
    sheet.figure(what, &text);
}
