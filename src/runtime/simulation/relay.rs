//! Between the executors and the engine: here reports are dropped, delayed, repeated and put out
//! of order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::world::World;
use crate::runtime::handle::Asked;
use crate::sched::{Input, Report};

/// What becomes of one report.
enum Fate {
    Dropped,
    After(Duration),
    Twice(Duration),
}

/// Hands on what actors tell.
pub(super) async fn relay(
    world: Arc<World>,
    mut from: mpsc::Receiver<Asked>,
    to: mpsc::Sender<Asked>,
) {
    while let Some(asked) = from.recv().await {
        let Input::Report(report) = &asked.input else {
            // An error says that the engine has stopped.
            let _ = to.send(asked).await;
            continue;
        };
        match fate(&world, report) {
            Fate::Dropped => {}
            Fate::After(time) => later(&to, asked, time).await,
            Fate::Twice(time) => {
                let again = Asked { seen: asked.seen, ..Asked::of(asked.input.clone()) };
                later(&to, asked, Duration::ZERO).await;
                later(&to, again, time).await;
            }
        }
    }
}

fn fate(world: &World, report: &Report) -> Fate {
    let mut inner = world.lock();
    inner.reports.push(Input::Report(report.clone()));
    let percent = inner.dice.below(100);
    let (dropped, delayed, twice) =
        (inner.rates.report_dropped, inner.rates.report_delayed, inner.rates.report_twice);
    let time = inner.dice.millis(1, 4_000);
    let (how, fate) = match percent {
        _ if inner.is_calm => ("", Fate::After(Duration::ZERO)),
        n if n < dropped => ("dropped: ", Fate::Dropped),
        n if n < dropped + delayed => ("late: ", Fate::After(time)),
        n if n < dropped + delayed + twice => ("twice: ", Fate::Twice(time)),
        _ => ("", Fate::After(Duration::ZERO)),
    };
    inner.say(|| format!("  report {how}{}", short(report)));
    fate
}

async fn later(to: &mpsc::Sender<Asked>, asked: Asked, time: Duration) {
    if time.is_zero() {
        let _ = to.send(asked).await;
        return;
    }
    let to = to.clone();
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        let _ = to.send(asked).await;
    });
}

/// Names a report in the history.
pub(super) fn short(report: &Report) -> String {
    match report {
        Report::Started { key, token, .. } => format!("started {key} {token}"),
        Report::Noted { key, token, note } => format!("noted {key} {token}: {note}"),
        Report::Deferred { key, token, .. } => format!("deferred {key} {token}"),
        Report::Finished { key, token, outcome } => format!("finished {key} {token} {outcome:?}"),
        Report::Lost { key, token, reason } => format!("lost {key} {token}: {reason}"),
    }
}
