//! What a post step finds owed.

use pct_deploy::clients::github::{DeploymentState, Github};
use pct_deploy::config::types::ReportConfig;
use pct_deploy::report::context::RunContext;
use pct_deploy::report::outputs::OutputFiles;
use pct_deploy::report::state::{Memory, left};
use pct_deploy::report::{Reporter, RunReport};
use sandbox::github::{Endpoint, Fault, GitHub};
use sandbox::pull::Pull;

use crate::world::{SHA, config_for, context_for, github, reporter, started};

fn left_with(deployment: Option<u64>, more: &[(&str, &str)]) -> Memory {
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

async fn owed(
    config: &ReportConfig,
    context: &RunContext,
    memory: &Memory,
    reporter: &Reporter,
) -> Vec<&'static str> {
    let run = RunReport {
        config,
        context,
        reporter,
        memory,
        files: &OutputFiles::default(),
        label: Some("deploy"),
    };
    run.owed().await.iter().map(|sink| sink.name()).collect()
}

#[tokio::test]
async fn a_final_state_is_not_set_again_and_a_message_not_posted_again() {
    let stand_in = GitHub::start(Pull::new("org/parking", 7).head("feature/x", SHA)).unwrap();
    let config = config_for("http://127.0.0.1:9/x");
    let context = context_for(stand_in.url());
    let (reporter, log) = reporter();
    let handle = started(&config, &context, &reporter).await.unwrap();

    let open = left_with(Some(handle.id()), &[]);
    assert_eq!(
        owed(&config, &context, &open, &reporter).await,
        ["deployment", "comment", "label", "slack"]
    );

    let api = Github::new(&github(), &context).unwrap().unwrap();
    let about = pct_deploy::clients::github::Deployment {
        environment: "production",
        environment_url: None,
        app: Some("parking"),
        log_url: None,
    };
    for state in [
        DeploymentState::Success,
        DeploymentState::Failure,
        DeploymentState::Error,
        DeploymentState::Inactive,
    ] {
        api.set_state(handle, &about, state, "over").await.unwrap();
        let owed = owed(&config, &context, &open, &reporter).await;
        assert_eq!(owed, ["comment", "label", "slack"], "{state:?}");
    }
    let tried = left_with(None, &[("STATE_slack", "tried")]);
    assert_eq!(
        owed(&config, &context, &tried, &reporter).await,
        ["comment", "label"]
    );
    assert!(!log.text().contains("warning"), "{}", log.text());
}

#[tokio::test]
async fn a_state_that_cannot_be_read_counts_as_open() {
    let stand_in = GitHub::start(Pull::new("org/parking", 7).head("feature/x", SHA)).unwrap();
    let config = config_for("http://127.0.0.1:9/x");
    let context = context_for(stand_in.url());
    stand_in.fail_always(Endpoint::ListStatuses, Fault::Forbidden);
    let (reporter, log) = reporter();
    let open = left_with(Some(5), &[]);
    let owed = owed(&config, &context, &open, &reporter).await;
    assert_eq!(owed.first(), Some(&"deployment"));
    assert!(log.text().contains("deployments: write"), "{}", log.text());
}
