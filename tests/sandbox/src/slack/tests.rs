//! The stand-in, asked over a real socket.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

/// Posts, and returns the whole answer as text: empty when the connection just closed.
fn post(slack: &Slack, body: &str, patience: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(slack.addr())?;
    stream.set_read_timeout(Some(patience))?;
    let length = body.len();
    write!(
        stream,
        "POST {PATH} HTTP/1.1\r\nHost: slack\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn say(slack: &Slack, body: &Value) -> String {
    post(slack, &body.to_string(), Duration::from_secs(5)).unwrap()
}

fn section(length: usize) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(length)}})
}

#[test]
fn a_good_message_is_kept_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slack.jsonl");
    let slack = Slack::start_on(LOOPBACK, Some(&file)).unwrap();
    let body = json!({"text": "배포 완료", "blocks": [section(3000)]});
    let answer = say(&slack, &body);
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nok"),
        "{answer}"
    );
    let [message] = slack.messages().try_into().unwrap();
    assert_eq!((message.status, &message.body), (Some(200), &body));
    assert_eq!(message.headers["host"], "slack");
    assert_eq!(slack.shown(), std::slice::from_ref(&body));
    let line: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(line["body"], body);
}

#[test]
fn what_slack_refuses_is_refused() {
    let slack = Slack::start().unwrap();
    let divider = json!({"type": "divider"});
    let header = |length: usize| json!({"type": "header", "text": {"type": "plain_text", "text": "x".repeat(length)}});
    let field = |length: usize| json!({"type": "section", "fields": [{"type": "mrkdwn", "text": "x".repeat(length)}]});
    let blocks = |blocks: Vec<Value>| json!({"text": "t", "blocks": blocks});
    let cases = [
        (blocks(vec![divider.clone(); 50]), "ok"),
        (blocks(vec![divider.clone(); 51]), "invalid_blocks"),
        (blocks(vec![section(3001)]), "invalid_blocks"),
        (blocks(vec![section(0)]), "invalid_blocks"),
        (blocks(vec![section(2900); 5]), "msg_blocks_too_long"),
        (blocks(vec![header(150)]), "ok"),
        (blocks(vec![header(151)]), "invalid_blocks"),
        (blocks(vec![field(2000)]), "ok"),
        (blocks(vec![field(2001)]), "invalid_blocks"),
        (blocks(vec![json!({"type": "sektion"})]), "invalid_blocks"),
        (json!({"text": "x".repeat(40_000)}), "ok"),
        (json!({"text": "x".repeat(40_001)}), "msg_too_long"),
        (
            json!({"attachments": [{"blocks": [section(3001)]}]}),
            "invalid_attachments",
        ),
        (json!({"attachments": [{"text": "t"}]}), "ok"),
        (json!({"username": "nobody"}), "no_text"),
        (json!("text"), "invalid_payload"),
    ];
    for (body, word) in &cases {
        let answer = say(&slack, body);
        let status = if *word == "ok" {
            "HTTP/1.1 200"
        } else {
            "HTTP/1.1 400"
        };
        assert!(answer.starts_with(status), "{word}: {answer}");
        assert!(
            answer.ends_with(&format!("\r\n\r\n{word}")),
            "{word}: {answer}"
        );
    }
    assert_eq!(slack.messages().len(), cases.len());
    assert_eq!(slack.shown().len(), 5);
}

#[test]
fn it_misbehaves_as_scripted_and_then_recovers() {
    let slack = Slack::start().unwrap();
    let delay = Duration::from_millis(150);
    slack.script([
        Reply::RateLimited { retry_after_s: 7 },
        Reply::ServerError,
        Reply::InvalidBlocks,
        Reply::Drop,
        Reply::Slow(delay),
        Reply::Hang,
    ]);
    let body = json!({"text": "t"});
    let answer = say(&slack, &body);
    assert!(
        answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 7"),
        "{answer}"
    );
    assert!(say(&slack, &body).starts_with("HTTP/1.1 500"));
    assert!(say(&slack, &body).ends_with("invalid_blocks"));
    assert_eq!(say(&slack, &body), "");
    let begun = Instant::now();
    assert!(say(&slack, &body).starts_with("HTTP/1.1 200"));
    assert!(begun.elapsed() >= delay);
    assert!(post(&slack, &body.to_string(), Duration::from_millis(100)).is_err());
    assert!(say(&slack, &body).starts_with("HTTP/1.1 200"));

    let statuses: Vec<_> = slack
        .messages()
        .iter()
        .map(|message| message.status)
        .collect();
    assert_eq!(
        statuses,
        [
            Some(429),
            Some(500),
            Some(400),
            None,
            Some(200),
            None,
            Some(200)
        ]
    );
    assert_eq!(slack.shown().len(), 2);
}

#[test]
fn replies_are_written_as_they_are_read() {
    for raw in [
        "ok",
        "rate-limited:2",
        "server-error",
        "invalid-blocks",
        "slow:500ms",
        "hang",
        "drop",
    ] {
        assert_eq!(raw.parse::<Reply>().unwrap().to_string(), raw);
    }
    assert!("rate-limited".parse::<Reply>().is_err());
    assert!("later".parse::<Reply>().is_err());
}
