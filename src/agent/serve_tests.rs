//! Visits: a request and what it is answered, without a process of its own.

use super::super::tests::{deployed, plan};
use super::*;
use crate::host::sim::SimHost;
use crate::host::{Clock as _, Files as _};
use crate::protocol::event::Happening;
use crate::protocol::plan::Target;

/// What a request is answered, with `requests` to come behind it; `meanwhile` is called again and again.
fn answers(
    host: &SimHost,
    request: Request,
    requests: &[Request],
    mut meanwhile: impl FnMut(&SimHost),
) -> Vec<Reply> {
    let (send, mut more) = unbounded_channel();
    for request in requests {
        send.send(request.clone()).unwrap();
    }
    let (listener, mut replies) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let look = async {
            loop {
                meanwhile(host);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = visit(host, request, &mut more, listener) => {}
            () = look => {}
        }
    });
    std::iter::from_fn(|| replies.try_recv().ok()).collect()
}

fn site() -> Site {
    plan(1, Target::Previous).site
}

fn paths() -> AppPaths {
    AppPaths::new(&site().app)
}

/// A run that never began: the connection broke before its plan was sent, and the next one brings the cancel.
#[test]
fn a_cancel_that_comes_for_no_run_is_gone_when_its_visit_is_over() {
    let host = SimHost::new();
    deployed(&host, 1);
    let deployment = plan(2, Target::Previous).deployment;
    let flag = paths().cancel(&deployment);
    let follow = Request::Follow {
        app: site().app,
        deployment,
        after: 0,
    };
    let mut seen = false;
    answers(&host, follow, &[Request::Cancel], |host| {
        seen |= host.world.borrow().files.contains_key(&flag);
    });
    assert!(seen, "whoever is at work would have seen it");
    assert!(!host.world.borrow().files.contains_key(&flag));
}

fn prepared(host: &SimHost) -> Result<u64, String> {
    let replies = answers(host, Request::Prepare { site: site() }, &[], |_| {});
    match replies.last() {
        Some(Reply::Ready { fence }) => Ok(*fence),
        Some(Reply::Event(event)) => match &event.what {
            Happening::Finished(finished) => {
                let (_, failure) = finished.failed.as_ref().unwrap();
                Err(failure.summary())
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn to_prepare_gives_the_run_its_number_and_waits_for_nobody_who_is_at_work() {
    let host = SimHost::new();
    assert_eq!(prepared(&host), Ok(1));
    assert_eq!(host.running(), ["db"], "what the app depends on runs");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let lock = runtime.block_on(host.try_lock(&paths().lock(), "deployment 0 by jo"));
    let began = host.elapsed_ms();
    assert_eq!(prepared(&host), Ok(2));
    assert_eq!(host.elapsed_ms(), began);
    drop(lock);
    deployed(&host, 1);
    assert_eq!(prepared(&host), Ok(4), "a deploy takes a number, too");
}

#[test]
fn to_prepare_takes_another_deploys_new_slot_for_no_other_program() {
    let host = SimHost::new();
    deployed(&host, 1);
    host.faults.taken.set(Some(8081));
    let refused = prepared(&host).unwrap_err();
    assert!(
        refused.contains("port 8081 of slot `web-2` is taken"),
        "{refused}"
    );
    // Its port listens, and its container is not yet said to run.
    let open = (paths().journal(), b"x".to_vec().into());
    host.world.borrow_mut().files.extend([open]);
    prepared(&host).unwrap();
}

#[test]
fn to_prepare_has_nginx_log_where_it_is_told_by_a_file_and_only_when_all_is_well() {
    let host = SimHost::provisioned();
    host.faults.always.set(Some("may_as_root"));
    let before = host.world.borrow().files.clone();
    prepared(&host).unwrap_err();
    assert_eq!(
        host.world.borrow().files,
        before,
        "a refused new app leaves nothing"
    );
    host.faults.always.set(None);
    prepared(&host).unwrap();
    assert!(host.world.borrow().is_logging());
    let by_reload = SimHost::new();
    prepared(&by_reload).unwrap();
    assert!(!by_reload.world.borrow().is_logging());
}
