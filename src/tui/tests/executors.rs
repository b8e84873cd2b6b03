//! Where attempts run: the part of the system view, and a task in full.

use crate::tests::Driver;
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::executor::{
    ExecutorKind, ExecutorsView, Silence, SlurmHeard, SlurmView, TryPlace, WorkersHeard,
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
fn a_task_in_full_says_where_its_tries_were_and_who_adopted_them() {
    let answer = |request: &Request| match request {
        Request::ShowTask { key } => {
            let request = Request::ShowTask { key: key.clone() };
            let Ok(Answer::Task(mut detail)) = crate::sample::answer(&request) else {
                return None;
            };
            detail.task.place = TryPlace {
                hostname: Some("n7".into()),
                external_executor_id: Some("12_3".into()),
                adopted: Some("after a restart of the daemon".into()),
                ..TryPlace::of(ExecutorKind::Slurm)
            };
            let mut before = detail.tries[0].clone();
            before.key.try_number = 0;
            before.place = detail.task.place.clone();
            detail.tries.insert(0, before);
            Some(Ok(Answer::Task(detail)))
        }
        _ => None,
    };
    let mut driver = Driver::with(crate::DeckOptions::default(), 120, 40, answer);
    driver.keys("2<enter>i");
    let text = driver.text();
    assert!(text.contains("executor    slurm · job 12_3 · on n7"), "{text}");
    assert!(text.contains("adopted     after a restart of the daemon"), "{text}");
    let tried = "slurm · job 12_3 · on n7 · pid 99 · adopted after a restart of the daemon";
    assert!(text.contains(tried), "{text}");
}

#[test]
fn a_worker_is_listed_shown_in_full_and_replaced_after_a_question() {
    let mut driver = system(|_| None);
    let text = driver.text();
    assert!(text.contains("1 running, 2 workers"), "{text}");
    assert!(text.contains("3 attempts, takes new ones, up 3h"), "{text}");
    assert!(text.contains("2 attempts, finishes what it has, up 3d"), "{text}");
    assert!(text.contains("! 1 death, worker 4001"), "{text}");
    driver.keys("Gki");
    let text = driver.text();
    assert!(text.contains("Worker 4242") && text.contains("It takes no new attempts"), "{text}");
    assert!(text.contains("worker 4001 4m ago: the 4 attempts"), "{text}");
    driver.keys("<esc>k<enter>");
    assert!(driver.text().contains("It takes new attempts."), "{}", driver.text());
    driver.keys("<esc>R");
    assert!(driver.text().contains("Replace worker 4711?"), "{}", driver.text());
    driver.wait(400);
    driver.keys("y");
    assert_eq!(driver.mutations, [Request::ReplaceWorker]);
    assert_eq!(driver.said(), "a new worker takes new attempts");
}

#[test]
fn a_worker_that_cannot_be_started_stands_out() {
    let driver = system(|request| {
        matches!(request, Request::ListExecutors).then(|| {
            let trouble = Some(Silence { since: crate::sample::now(), why: "no such file".into() });
            let workers = WorkersHeard { trouble, ..WorkersHeard::default() };
            Ok(Answer::Executors(ExecutorsView { workers, ..ExecutorsView::default() }))
        })
    });
    assert!(driver.text().contains("✗ none starts for"), "{}", driver.text());
}
