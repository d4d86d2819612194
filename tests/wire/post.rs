//! What a post step finds owed.

use pct_deploy::clients::github::{DeploymentHandle, Github, State};
use pct_deploy::report::before::started;
use pct_deploy::report::post::owed;
use pct_deploy::report::state::{Left, left};
use pct_deploy::secret::Secret;
use sandbox::github::{Endpoint, Fault, GitHub};
use sandbox::pull::Pull;

use crate::world::{SHA, config_for, context_for, github, reporter};

fn left_with(deployment: Option<u64>, more: &[(&str, &str)]) -> Left {
    let id = deployment.map_or("null".to_owned(), |id| id.to_string());
    let run = format!(
        r#"{{"point":"swapping","began_ms":1,"cancelled":false,"app":"parking","github_deployment":{id}}}"#
    );
    let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let env = [own(("STATE_run", &run))]
        .into_iter()
        .chain(more.iter().copied().map(own));
    left(&env.collect()).unwrap()
}

#[tokio::test]
async fn a_final_state_is_not_set_again_and_a_message_not_posted_again() {
    let stand_in = GitHub::start(Pull::new("org/parking", 7).head("feature/x", SHA)).unwrap();
    let config = config_for(Secret::new("http://127.0.0.1:9/x"));
    let context = context_for(stand_in.url());
    let (reporter, log) = reporter();
    let handle = started(&config, &context, &reporter).await.unwrap();

    let open = left_with(Some(handle.id()), &[]);
    let (report, deployment) = owed(&config, &context, &open, &reporter).await;
    assert_eq!(deployment, Some(handle));
    assert!(report.slack.is_some() && report.github.is_some());

    let api = Github::new(&github(), &context).unwrap().unwrap();
    let about = pct_deploy::clients::github::Deployment {
        environment: "production",
        environment_url: None,
        app: Some("parking"),
        log_url: None,
    };
    for state in [
        State::Success,
        State::Failure,
        State::Error,
        State::Inactive,
    ] {
        api.set_state(handle, &about, state, "over").await.unwrap();
        let (_, deployment) = owed(&config, &context, &open, &reporter).await;
        assert_eq!(deployment, None, "{state:?}");
    }
    let tried = left_with(None, &[("STATE_slack", "tried")]);
    let (report, deployment) = owed(&config, &context, &tried, &reporter).await;
    assert!(report.slack.is_none() && deployment.is_none());
    assert!(!log.text().contains("warning"), "{}", log.text());
}

#[tokio::test]
async fn a_state_that_cannot_be_read_counts_as_open() {
    let stand_in = GitHub::start(Pull::new("org/parking", 7).head("feature/x", SHA)).unwrap();
    let config = config_for(Secret::new("http://127.0.0.1:9/x"));
    let context = context_for(stand_in.url());
    stand_in.fail_always(Endpoint::ListStatuses, Fault::Forbidden);
    let (reporter, log) = reporter();
    let open = left_with(Some(5), &[]);
    let (_, deployment) = owed(&config, &context, &open, &reporter).await;
    assert_eq!(deployment, Some(DeploymentHandle::from_id(5)));
    assert!(log.text().contains("deployments: write"), "{}", log.text());
}
