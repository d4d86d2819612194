//! `doctor` on the side where it is typed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use crate::{Ended, Run, pct_deploy};

const WORKFLOW: &str = "on: {pull_request: {types: [opened]}}\npermissions: {contents: read}\njobs: {deploy: {steps: [{uses: org/pct-deploy-action@v1}]}}\n";

/// A port of this machine where nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

fn found(ended: &Ended) -> Vec<String> {
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    let findings = answer["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect()
}

fn with_a_server_that_is_down(args: &[&str]) -> Run {
    let all = [
        &[
            "doctor",
            "--app=a",
            "--slots=a-1,a-2",
            "--ssh-host=127.0.0.1",
        ],
        args,
    ]
    .concat();
    let run = pct_deploy(&all);
    let key = "127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJjqLhZBtVfVmyTTmO2Wc6vvjnv3f8J8pU6gVtnLyYpM";
    run.env("PATH", &std::env::var("PATH").unwrap())
        .env("PCT_DEPLOY_SSH_PORT", &closed_port())
        .env("PCT_DEPLOY_SSH_KNOWN_HOSTS", key)
}

#[test]
fn without_settings_it_says_what_is_missing_and_that_the_server_was_not_looked_at() {
    let ended = pct_deploy(&["doctor"]).end();
    ended
        .ends(2)
        .says("problem  `app` is missing [setting-wrong]")
        .says("fix: write the app's name")
        .says("the server was not checked: its settings are not complete");
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_server_that_is_down_keeps_nothing_else_from_being_told() {
    let ended = with_a_server_that_is_down(&["--json"]).end();
    ended.ends(5);
    assert_eq!(found(&ended), ["server-unreachable"]);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(answer["not_checked"].is_string(), "{answer}");
    assert_eq!(answer["worst"], "problem");
}

#[test]
fn each_fault_of_this_side_is_found() {
    let webhook = format!("http://127.0.0.1:{}/services/s3cr3t", closed_port());
    let run = with_a_server_that_is_down(&["--image=u/a", "--json"])
        .env("PCT_DEPLOY_SLACK_WEBHOOK_URL", &webhook)
        .env("PCT_DEPLOY_SLACK_HOST", webhook.split('/').nth(2).unwrap())
        .env("PCT_DEPLOY_NO_SUCH", "x")
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .file(".github/workflows/deploy.yml", WORKFLOW)
        .file(".github/workflows/other.yml", "on: push\njobs: {}\n");
    let ended = run.end();
    ended.ends(5).hides("s3cr3t");
    let expected = [
        "setting-wrong",
        "docker-socket",
        "build-files-missing",
        "webhook-unreachable",
        "workflow-never-starts",
        "workflow-lacks-permission",
        "workflow-lacks-checkout",
        "server-unreachable",
    ];
    assert_eq!(found(&ended), expected, "{}", ended.stdout);
}

/// An API that answers each GET by its path, and fails the test's run for anything that writes.
fn api(answer: fn(&str) -> (u16, &'static str)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let mut words = head.split(' ');
            let (status, body) = match (words.next(), words.next()) {
                (Some("GET"), Some(path)) => answer(path),
                _ => (599, "{}"),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn a_token_is_tried_and_the_label_is_looked_for() {
    let looked = |answer| {
        let ended = with_a_server_that_is_down(&["--json"])
            .env("PCT_DEPLOY_GITHUB_TOKEN", "ghs_0123456789")
            .env("PCT_DEPLOY_LABEL", "ship it")
            .env("GITHUB_REPOSITORY", "o/r")
            .env("GITHUB_API_URL", &api(answer))
            .end();
        ended.ends(5).hides("ghs_0123456789");
        found(&ended)
    };
    assert_eq!(looked(|_| (200, "[]")), ["server-unreachable"]);
    let no_label = |path: &str| match path {
        "/repos/o/r/labels?per_page=1" => (200, "[]"),
        "/repos/o/r/labels/ship%20it" => (404, "{\"message\": \"Not Found\"}"),
        _ => (500, "{}"),
    };
    assert_eq!(looked(no_label), ["label-missing", "server-unreachable"]);
    let stranger = |_: &str| (401, "{\"message\": \"Bad credentials\"}");
    assert_eq!(
        looked(stranger),
        ["github-token-refused", "server-unreachable"]
    );
}
