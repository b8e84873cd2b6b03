//! Where attempts run: the part of the system view, and a task in full.

use crate::tests::Driver;
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::executor::{
    AttemptPlace, ExecutorKind, ExecutorsView, Silence, SlurmHeard, SlurmView,
};

fn system(answer: fn(&Request) -> Option<Result<Answer, Fault>>) -> Driver {
    let mut driver = Driver::with(crate::DeckOptions::default(), 200, 60, answer);
    driver.keys("8");
    driver
}

#[test]
fn the_system_view_says_what_executors_hold_and_why_jobs_wait() {
    let text = system(|_| None).text();
    assert!(text.contains("2 running, 3 pending, 0 held"), "{text}");
    assert!(text.contains("3 wait: Resources"), "{text}");
}

#[test]
fn a_silent_cluster_stands_out_and_an_unused_one_says_how_it_is_used() {
    let silent = system(|request| {
        matches!(request, Request::ListExecutors).then(|| {
            let silence = Some(Silence {
                since: crate::sample::now() - jiff::SignedDuration::from_secs(180),
                why: "timed out".into(),
            });
            let heard = SlurmHeard { is_asked: true, silence, ..SlurmHeard::default() };
            let slurm = Some(SlurmView { heard, ..SlurmView::default() });
            Ok(Answer::Executors(ExecutorsView { slurm, ..ExecutorsView::default() }))
        })
    });
    let text = silent.text();
    assert!(text.contains("✗ has not answered for"), "{text}");
    let unused = system(|request| {
        matches!(request, Request::ListExecutors)
            .then(|| Ok(Answer::Executors(ExecutorsView::default())))
    });
    let text = unused.text();
    assert!(text.contains("no task has executor = \"slurm\""), "{text}");
}

#[test]
fn a_task_in_full_says_where_its_attempt_is() {
    let answer = |request: &Request| match request {
        Request::ShowTask { key } => {
            let request = Request::ShowTask { key: key.clone() };
            let Ok(Answer::Task(mut detail)) = crate::sample::answer(&request) else {
                return None;
            };
            detail.place = AttemptPlace {
                executor: ExecutorKind::Slurm,
                node: Some("n7".into()),
                job: Some("12_3".into()),
                pid: None,
                is_adopted: true,
            };
            Some(Ok(Answer::Task(detail)))
        }
        _ => None,
    };
    let mut driver = Driver::with(crate::DeckOptions::default(), 120, 40, answer);
    driver.keys("2<enter>i");
    let text = driver.text();
    assert!(text.contains("slurm · job 12_3 · on n7 · taken up after a restart"), "{text}");
}
