//! Answers get lost. What was meant to be there once is there once.

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::report::context::RunContext;
use sandbox::github::{Endpoint, Fault, GitHub};
use sandbox::pull::Pull;
use sandbox::slack::Slack;

use crate::world::{Ending, SHA, config_for, context_for, reporter, result, started};

fn hub() -> GitHub {
    GitHub::start(Pull::new("org/parking", 7).head("feature/x", SHA)).unwrap()
}

/// A whole run as far as GitHub sees it; returns what was printed.
async fn run(hub: &GitHub, slack: &Slack, context: &RunContext) -> String {
    let config = config_for(&slack.url());
    let (reporter, log) = reporter();
    let handle = started(&config, context, &reporter).await;
    let mut result = result(Outcome::Deployed);
    let ending = Ending {
        handle,
        ..Ending::new(&config, context, &reporter)
    };
    ending.finish(&mut result).await;
    assert_eq!(result.outcome, Outcome::Deployed);
    assert_eq!(
        hub.deployments().len().min(1),
        usize::from(handle.is_some())
    );
    log.text()
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_one() {
    for fault in [Fault::DropAfter, Fault::Drop, Fault::ServerError(502)] {
        for endpoint in [
            Endpoint::ListDeployments,
            Endpoint::CreateDeployment,
            Endpoint::CreateStatus,
            Endpoint::ListComments,
            Endpoint::CreateComment,
        ] {
            let (hub, slack) = (hub(), Slack::start().unwrap());
            hub.fail(endpoint, [fault.clone()]);
            let log = run(&hub, &slack, &context_for(hub.url())).await;
            let what = format!("{fault:?} {endpoint:?}\n{log}");
            assert!(!log.contains("warning"), "{what}");
            let deployments = hub.deployments();
            assert_eq!(deployments.len(), 1, "{what}");
            let id = deployments[0]["id"].as_u64().unwrap();
            assert_eq!(
                hub.states(id).unwrap(),
                ["in_progress", "success"],
                "{what}"
            );
            assert_eq!(hub.comments().len(), 1, "{what}");
            assert_eq!(slack.shown().len(), 1, "{what}");
        }
    }
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_made_again() {
    let (hub, slack) = (hub(), Slack::start().unwrap());
    run(&hub, &slack, &context_for(hub.url())).await;
    for fault in [Fault::DropAfter, Fault::Drop, Fault::ServerError(500)] {
        hub.fail(Endpoint::UpdateComment, [fault]);
        let log = run(&hub, &slack, &context_for(hub.url())).await;
        assert!(!log.contains("warning"), "{log}");
        assert_eq!(hub.comments().len(), 1);
    }
}

/// The same run, begun again by another process before it was closed, goes on with its record; another
/// attempt is another deployment.
#[tokio::test]
async fn a_run_knows_its_own_record() {
    let (hub, slack) = (hub(), Slack::start().unwrap());
    let config = config_for(&slack.url());
    let context = context_for(hub.url());
    let (reporter, log) = reporter();
    let first = started(&config, &context, &reporter).await.unwrap();
    let again = started(&config, &context, &reporter).await.unwrap();
    assert_eq!(first.id(), again.id(), "{}", log.text());
    let attempt = RunContext {
        run_attempt: Some("2".to_owned()),
        ..context.clone()
    };
    let other = started(&config, &attempt, &reporter).await.unwrap();
    assert_ne!(first.id(), other.id());
    let mut result = result(Outcome::Failed);
    let ending = Ending {
        handle: Some(first),
        ..Ending::new(&config, &context, &reporter)
    };
    ending.finish(&mut result).await;
    let closed = started(&config, &context, &reporter).await.unwrap();
    assert_ne!(first.id(), closed.id(), "one that is closed stays closed");
    assert_eq!(hub.deployments().len(), 3);
}

/// A commit that was never pushed, and a record that is there although its first state was refused.
#[tokio::test]
async fn the_last_state_is_set_whatever_became_of_the_first() {
    let (hub, slack) = (hub(), Slack::start().unwrap());
    hub.fail(
        Endpoint::CreateStatus,
        [Fault::Unprocessable("no".to_owned())],
    );
    let log = run(&hub, &slack, &context_for(hub.url())).await;
    assert!(
        log.contains("cannot say on GitHub that the deployment is in progress"),
        "{log}"
    );
    let id = hub.deployments()[0]["id"].as_u64().unwrap();
    assert_eq!(hub.states(id).unwrap(), ["success"]);
}
