//! A cancel at every point of a swap: prompt and undone before commit, too late after it.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

use super::cancel_file;
use super::deploy::run;
use super::paths::AppPaths;
use super::tests::{deployed, image, plan};
use crate::host::sim::{Behaviour, Death, SimHost};
use crate::host::{Clock as _, Files as _};
use crate::protocol::event::Happening;
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::{Plan, Target};
use crate::protocol::wire::Reply;

/// What an undo may take: it drains for a second, and two clocks of the simulation run at once.
const PROMPT_MS: u64 = 4_000;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

/// The outcome of a plan that is cancelled at a point, and how long it took from there.
async fn cancelled_at(host: &SimHost, plan: &Plan, at: Option<usize>) -> (Outcome, u64) {
    let flag = AppPaths::new(&plan.site.app).cancel(&plan.deployment);
    let cancel = Cell::new(false);
    let (listener, mut replies) = unbounded_channel();
    let mut work = pin!(run(host, plan, None, listener, &cancel));
    let mut watch = pin!(async {
        cancel_file::watch(host, &flag, &cancel).await;
        std::future::pending::<()>().await;
    });
    host.crash_at.set(at);
    let mut asked = host.now_ms();
    loop {
        tokio::select! {
            biased;
            () = &mut work => break,
            () = host.crashed() => {
                host.world.borrow_mut().files.insert(flag.clone(), Vec::new().into());
                asked = host.now_ms();
                host.resume();
            }
            () = &mut watch => {}
        }
    }
    let took = host.now_ms() - asked;
    let mut outcome = None;
    while let Ok(reply) = replies.try_recv() {
        if let Reply::Event(event) = reply
            && let Happening::Finished(finished) = event.what
        {
            outcome = Some(finished.outcome);
        }
    }
    (outcome.unwrap(), took)
}

#[test]
fn a_cancel_is_prompt_and_undone_before_commit_and_too_late_after_it() {
    let begin = SimHost::new();
    let first = plan(1, Target::Image(image(1)));
    let (outcome, _) = block_on(cancelled_at(&begin, &first, None));
    assert_eq!(outcome, Outcome::Deployed);
    let slow = Behaviour::HealthyAfter(9_000);
    let digest = image(2).digest.to_string();
    begin.world.borrow_mut().behaviours.insert(digest, slow);
    let second = plan(2, Target::Image(image(2)));
    let calm = begin.after(Death::Kill);
    block_on(cancelled_at(&calm, &second, None));
    let mut outcomes = Vec::new();
    for at in 0..calm.points() {
        let host = begin.after(Death::Kill);
        let (outcome, took) = block_on(cancelled_at(&host, &second, Some(at)));
        assert_eq!(host.world.borrow().broken, Vec::<String>::new());
        let serves = match outcome {
            Outcome::Cancelled => image(1),
            Outcome::Deployed => image(2),
            other => panic!("point {at}: {other}"),
        };
        assert_eq!(host.serves(), Some(serves), "point {at}");
        assert!(took < PROMPT_MS, "point {at}: {outcome} took {took} ms");
        outcomes.push(outcome);
    }
    let turn = outcomes
        .iter()
        .position(|outcome| *outcome == Outcome::Deployed)
        .unwrap();
    let (before, after) = outcomes.split_at(turn);
    assert!(before.len() > 40 && after.len() > 20, "{outcomes:?}");
    assert!(after.iter().all(|outcome| *outcome == Outcome::Deployed));
}

#[test]
fn a_cancel_ends_the_wait_for_the_lock() {
    let host = SimHost::new();
    let mut waiting = plan(1, Target::Image(image(1)));
    waiting.site.lock_wait = "300s".parse().unwrap();
    block_on(async {
        let lock = AppPaths::new(&waiting.site.app).lock();
        let held = host.try_lock(&lock, "deployment 0 by jo").await.unwrap();
        let (outcome, took) = cancelled_at(&host, &waiting, Some(1)).await;
        assert_eq!(outcome, Outcome::Cancelled);
        assert!(took < PROMPT_MS, "{took} ms");
        drop(held);
    });
    assert_eq!(host.running(), Vec::<String>::new());
}

#[test]
fn a_deploy_that_waits_says_who_holds_the_lock() {
    let host = SimHost::new();
    let waiting = plan(1, Target::Image(image(1)));
    let (listener, mut replies) = unbounded_channel();
    block_on(async {
        let lock = AppPaths::new(&waiting.site.app).lock();
        let held = host.try_lock(&lock, "deployment 0 by jo").await.unwrap();
        run(&host, &waiting, None, listener, &Cell::new(false)).await;
        drop(held);
    });
    let mut said = Vec::new();
    while let Ok(Reply::Event(event)) = replies.try_recv() {
        said.push(event.what);
    }
    let Some(Happening::LockWaiting { holder }) = said.first() else {
        panic!("{said:?}");
    };
    assert_eq!(holder, "deployment 0 by jo");
    let Some(Happening::Finished(finished)) = said.last() else {
        panic!("{said:?}");
    };
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::Failed, "locked")
    );
    let (_, failure) = finished.failed.clone().unwrap();
    assert!(failure.chain[0].contains("deployment 0 by jo"));
}

#[test]
fn a_deploy_that_may_not_wait_is_refused_at_once_and_in_words() {
    let host = SimHost::new();
    deployed(&host, 1);
    let mut hasty = plan(2, Target::Image(image(2)));
    hasty.site.lock_wait = "0s".parse().unwrap();
    let lock = AppPaths::new(&hasty.site.app).lock();
    let began = host.elapsed_ms();
    let (listener, mut replies) = unbounded_channel();
    block_on(async {
        let held = host.try_lock(&lock, "deployment 0 by jo").await.unwrap();
        run(&host, &hasty, None, listener, &Cell::new(false)).await;
        drop(held);
    });
    assert_eq!(host.elapsed_ms(), began, "it waits for nothing");
    let Ok(Reply::Event(only)) = replies.try_recv() else {
        panic!("it said nothing");
    };
    assert!(replies.try_recv().is_err(), "it says that it waits");
    let Happening::Finished(finished) = only.what else {
        panic!("{only:?}");
    };
    assert_eq!(finished.outcome, Outcome::Failed);
    let (_, failure) = finished.failed.unwrap();
    assert_eq!(failure.reason.as_str(), "locked");
    assert_eq!(
        failure.chain,
        ["another deploy holds the lock: deployment 0 by jo"]
    );
    assert!(failure.hints[0].contains("`lock-wait`"), "{failure:?}");
    assert_eq!(host.serves(), Some(image(1)));
}

#[test]
fn a_cancel_of_a_refused_run_makes_nothing_and_waits_for_the_folder_of_a_new_app() {
    let host = SimHost::new();
    let flag = AppPaths::new(&"app".parse().unwrap()).cancel(&plan(1, Target::Previous).deployment);
    // As on a host without the app's folder.
    host.faults.always.set(Some("replace"));
    let before = host.world.borrow().files.clone();
    block_on(async {
        let mut passing = pin!(cancel_file::pass_on(&host, &flag));
        tokio::select! {
            biased;
            () = &mut passing => panic!("there is no folder"),
            () = host.sleep(Duration::from_secs(3)) => {}
        }
        assert_eq!(host.world.borrow().files, before);
        assert!(!host.world.borrow().done.contains(&"make_folder"));
        host.faults.always.set(None);
        passing.await;
    });
    assert!(host.world.borrow().files.contains_key(&flag));
}

#[test]
fn cancels_that_nobody_waits_for_any_more_are_removed_by_the_next_run() {
    let host = SimHost::new();
    let paths = AppPaths::new(&"app".parse().unwrap());
    let never = paths.cancel(&"20250101T000000Z-000000".parse().unwrap());
    let put = || {
        let mut world = host.world.borrow_mut();
        world.files.insert(never.clone(), Vec::new().into());
    };
    put();
    deployed(&host, 1);
    assert!(
        host.world.borrow().files.contains_key(&never),
        "its run may wait for the lock"
    );
    host.world.borrow_mut().now_ms += 26 * 60 * 60 * 1000;
    deployed(&host, 2);
    assert!(!host.world.borrow().files.contains_key(&never));
}
