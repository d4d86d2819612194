//! What a good deploy says, and to whom.

use sandbox::github::{Endpoint, Fault, Recorded};
use sandbox::slack::Reply;

use crate::bench::{Bench, SERVER};
use crate::world::docker;

fn created(requests: &[Recorded]) -> Vec<&Recorded> {
    let of =
        |request: &&Recorded| request.method == "POST" && request.path.ends_with("/deployments");
    requests.iter().filter(of).collect()
}

pub(crate) fn fact_11_masks_come_first(bench: &Bench) {
    let log = &bench.good().finished.log;
    // Lines of the story carry the run's clock; everything before the first one is commands.
    let masks: Vec<&str> = log
        .lines()
        .take_while(|line| line.starts_with("::"))
        .filter_map(|line| line.strip_prefix("::add-mask::"))
        .collect();
    let masked = |secret: &str| masks.iter().any(|mask| mask.replace("%25", "%") == secret);
    let password = &bench.world.env.registry_password;
    let webhook = bench.world.slack.url();
    for secret in [password, &webhook, crate::act::project::TOKEN] {
        assert!(
            masked(secret),
            "not masked before the first line: {masks:#?}"
        );
    }
    let key = std::fs::read_to_string(&bench.world.env.key).unwrap();
    for line in key.lines().filter(|line| line.len() > 8) {
        assert!(masked(line), "a line of the key is not masked");
    }
    // Derived: the part of an address that is the secret. A runner derives base64 and its like by itself.
    let part = sandbox::slack::PATH.trim_start_matches('/');
    assert!(masked(part), "{masks:#?}");
}

pub(crate) fn fact_16_head_commit(bench: &Bench) {
    let good = bench.good();
    let head = &bench.project.head;
    for request in created(&good.requests) {
        assert_eq!(request.body["ref"].as_str(), Some(head.as_str()));
    }
    let tag = format!("localhost:5000/pct/hello:sha-{}", &head[..12]);
    let there = docker(&["image", "inspect", &tag]);
    assert!(there.status.success(), "{tag} was not pushed");
    let merge = "f".repeat(40);
    let sent = format!("{:?}{:?}", good.requests, good.slack);
    assert!(sent.contains(&head[..12]), "the head is told");
    assert!(!sent.contains(&merge[..12]), "GITHUB_SHA is told");
}

pub(crate) fn fact_21_api_and_links(bench: &Bench) {
    let good = bench.good();
    // The stand-in is reached through GITHUB_API_URL alone.
    assert!(good.requests.len() > 5);
    let run = format!("{SERVER}/octo-org/pct-backend/actions/runs/4242");
    let mut links = 0;
    for request in &good.requests {
        if let Some(link) = request.body["log_url"].as_str() {
            assert_eq!(link, run);
            links += 1;
        }
    }
    assert!(links >= 4, "{links}");
    let told = good.slack.last().unwrap().to_string();
    assert!(told.contains(&run), "{told}");
    assert!(!told.contains("https://github.com"), "{told}");
}

pub(crate) fn fact_22_deployment(bench: &Bench) {
    let good = bench.good();
    let created = created(&good.requests);
    assert_eq!(created.len(), 2);
    for request in created {
        let body = &request.body;
        assert_eq!(body["auto_merge"].as_bool(), Some(false));
        assert_eq!(body["required_contexts"].as_array().map(Vec::len), Some(0));
        assert_eq!(body["ref"].as_str().map(str::len), Some(40));
        assert_eq!(body["environment"].as_str(), Some("production"));
    }
    let [first, second] = good.states.as_slice() else {
        panic!("{:?}", good.states)
    };
    assert_eq!(first, &["in_progress", "success", "inactive"]);
    assert_eq!(second, &["in_progress", "success"]);
}

pub(crate) fn fact_23_no_blind_repeat(bench: &Bench) {
    // Nobody listens at that port: a short run. GitHub creates what it is asked for, and its answers are lost.
    let runner = bench
        .runner()
        .input("require-write", "false")
        .input("ssh-port", "9");
    runner
        .github
        .fail(Endpoint::CreateDeployment, [Fault::DropAfter]);
    runner
        .github
        .fail(Endpoint::CreateComment, [Fault::DropAfter]);
    bench.world.slack.script([Reply::ServerError]);
    let before = bench.world.slack.messages().len();
    let ended = runner.start(&bench.project).wait();
    assert_eq!(
        (ended.code, ended.output("reason-code")),
        (Some(5), "host-unreachable")
    );
    let requests = runner.github.requests();
    assert_eq!(created(&requests).len(), 1, "{requests:#?}");
    let comments = requests
        .iter()
        .filter(|one| one.method == "POST" && one.path.ends_with("/comments"));
    assert_eq!(comments.count(), 1);
    assert_eq!(runner.github.deployments().len(), 1);
    assert_eq!(runner.github.comments().len(), 1);
    assert_eq!(bench.world.slack.messages().len(), before + 1);
    assert_eq!(ended.output("slack-sent"), "false");
}
