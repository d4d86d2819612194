//! An older run that comes late, and one that goes on after another has taken over from it.

use std::cell::Cell;
use std::path::Path;
use std::pin::pin;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::deploy::run;
use super::paths::AppPaths;
use super::tests::{image, plan};
use super::{fence, recover};
use crate::host::sim::{Death, SimHost};
use crate::protocol::event::Happening;
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::{Plan, Target};
use crate::protocol::wire::Reply;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

fn paths() -> AppPaths {
    AppPaths::new(&"app".parse().unwrap())
}

fn numbered(n: u8, fence: Option<u64>) -> Plan {
    Plan {
        fence,
        ..plan(n, Target::Image(image(n)))
    }
}

fn last_word(mut replies: UnboundedReceiver<Reply>) -> Finished {
    let mut last = Vec::new();
    while let Ok(reply) = replies.try_recv() {
        if let Reply::Event(event) = reply
            && let Happening::Finished(finished) = event.what
        {
            last.push(*finished);
        }
    }
    assert_eq!(last.len(), 1, "exactly one last word");
    last.remove(0)
}

async fn carry_out(host: &SimHost, plan: &Plan) -> Finished {
    let (listener, replies) = unbounded_channel();
    run(host, plan, None, listener, &Cell::new(false)).await;
    last_word(replies)
}

fn file(host: &SimHost, path: &Path) -> Option<Vec<u8>> {
    host.world
        .borrow()
        .files
        .get(path)
        .map(|bytes| bytes.to_vec())
}

fn said(finished: &Finished) -> (Outcome, &str) {
    (finished.outcome, finished.reason.as_str())
}

#[test]
fn an_older_plan_that_comes_late_is_refused_and_touches_nothing() {
    let (host, paths) = (SimHost::new(), paths());
    block_on(async {
        let older = fence::issue(&host, &paths).await.unwrap();
        let newer = fence::issue(&host, &paths).await.unwrap();
        let first = carry_out(&host, &numbered(2, Some(newer))).await;
        assert_eq!(said(&first), (Outcome::Deployed, "deployed"));
        let before = host.world.borrow().clone();
        let late = carry_out(&host, &numbered(1, Some(older))).await;
        assert_eq!(said(&late), (Outcome::Failed, "superseded"));
        let (_, failure) = late.failed.unwrap();
        assert!(failure.hints.iter().any(|hint| hint.contains("again")));
        let after = host.world.borrow();
        let without_log = |mut files: crate::host::sim::Disk| {
            files.remove(&paths.event_log(&numbered(1, None).deployment));
            files
        };
        assert_eq!(without_log(after.files.clone()), before.files);
        assert_eq!(after.images, before.images);
    });
    assert_eq!(host.serves(), Some(image(2)));
    // Going back asks for no number before, and is newer than all that wait.
    let back = block_on(carry_out(&host, &numbered(3, None)));
    assert_eq!(back.outcome, Outcome::Deployed);
}

/// How an older run stood when the newer one came.
#[derive(Debug, PartialEq, Eq)]
enum Stood {
    /// With the journal in its hand: the newer one cannot take over.
    Writing,
    /// In the middle of a step or of its undo.
    InStep,
    Between,
}

/// The older run stands still at a point, a newer one takes over and ends, the older one goes on.
async fn overtaken(host: &SimHost, at: usize) -> Stood {
    let (paths, older, newer) = (paths(), numbered(2, None), numbered(3, None));
    let (listener, replies) = unbounded_channel();
    let cancel = Cell::new(false);
    let mut old = pin!(run(host, &older, None, listener, &cancel));
    host.crash_at.set(Some(at));
    tokio::select! {
        biased;
        () = host.crashed() => {}
        () = &mut old => panic!("it never came to point {at}"),
    }
    let journal = file(host, &paths.journal());
    // Somebody removes the lock of a run that seems to hang.
    host.forget_lock(&paths.lock());
    host.crash_at.set(None);
    let finished = tokio::select! {
        finished = carry_out(host, &newer) => finished,
        () = &mut old => panic!("it did not stand still at {at}"),
    };
    if finished.reason == "locked" {
        host.resume();
        old.await;
        assert_eq!(said(&last_word(replies)), (Outcome::Deployed, "deployed"));
        assert_eq!(host.serves(), Some(image(2)), "point {at}");
        return Stood::Writing;
    }
    assert_eq!(said(&finished), (Outcome::Deployed, "deployed"), "{at}");
    assert_eq!(host.serves(), Some(image(3)), "point {at}");
    let archives = [&older, &newer].map(|plan| paths.archived(&plan.deployment));
    let closed = archives.each_ref().map(|path| file(host, path));
    let log = || file(host, &paths.event_log(&older.deployment)).unwrap_or_default();
    let begun = |log: &[u8]| String::from_utf8_lossy(log).matches("_started\"").count();
    let steps = begun(&log());
    host.resume();
    old.await;
    let word = last_word(replies);
    assert_eq!(file(host, &paths.journal()), None, "point {at}: {word:?}");
    assert_eq!(
        archives.each_ref().map(|path| file(host, path)),
        closed,
        "point {at}: it wrote into a closed journal"
    );
    assert_eq!(begun(&log()), steps, "point {at}: it began something");
    let journal = journal.unwrap_or_default();
    let last = String::from_utf8_lossy(&journal);
    let last = last.lines().last().unwrap_or_default().to_owned();
    if last.contains("\"started\"") || last.contains("\"undo_started\"") {
        return Stood::InStep;
    }
    let expected: &[&str] = if closed[0].is_some() && journal.is_empty() {
        &["deployed"]
    } else {
        &["superseded", "cleanup-incomplete", "deployed"]
    };
    assert!(expected.contains(&word.reason.as_str()), "{at}: {word:?}");
    assert_eq!(host.serves(), Some(image(3)), "point {at}: {word:?}");
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    Stood::Between
}

#[test]
fn an_older_run_does_nothing_more_once_a_newer_one_has_taken_over() {
    let begin = SimHost::new();
    assert_eq!(
        block_on(carry_out(&begin, &numbered(1, None))).outcome,
        Outcome::Deployed
    );
    let calm = begin.after(Death::Kill);
    block_on(carry_out(&calm, &numbered(2, None)));
    let mut stood = Vec::new();
    for at in 0..calm.points() {
        let host = begin.after(Death::Kill);
        stood.push(block_on(overtaken(&host, at)));
    }
    for how in [Stood::Writing, Stood::InStep, Stood::Between] {
        let times = stood.iter().filter(|stood| **stood == how).count();
        assert!(times > 5, "{how:?} was met {times} times");
    }
}

/// A recovery comes while the run stands at a point; how the run ended, if the recovery could take over.
async fn recovered_under(host: &SimHost, at: usize) -> Option<String> {
    let (paths, older) = (paths(), numbered(1, None));
    let (listener, replies) = unbounded_channel();
    let cancel = Cell::new(false);
    let mut old = pin!(run(host, &older, None, listener, &cancel));
    host.crash_at.set(Some(at));
    tokio::select! {
        biased;
        () = host.crashed() => {}
        () = &mut old => panic!("it never came to point {at}"),
    }
    host.crash_at.set(None);
    file(host, &paths.journal())?;
    let recovered = tokio::select! {
        recovered = recover::recover(host, &paths) => recovered,
        () = &mut old => panic!("it did not stand still at {at}"),
    };
    recovered.ok()?;
    let archive = paths.archived(&older.deployment);
    let closed = file(host, &archive);
    host.resume();
    old.await;
    assert_eq!(file(host, &paths.journal()), None, "point {at}");
    assert_eq!(file(host, &archive), closed, "point {at}");
    Some(last_word(replies).reason)
}

#[test]
fn a_recovery_takes_over_from_a_run_that_still_lives() {
    let calm = SimHost::new();
    block_on(carry_out(&calm, &numbered(1, None)));
    let words: Vec<_> = (0..calm.points())
        .filter_map(|at| block_on(recovered_under(&SimHost::new(), at)))
        .collect();
    let superseded = words.iter().filter(|word| *word == "superseded").count();
    assert!(superseded >= 5, "{words:?}");
}
