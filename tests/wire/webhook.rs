//! The webhook.

use std::sync::atomic::{AtomicU16, Ordering};

use pct_deploy::clients::webhook::{self, Wanted, Webhook};
use pct_deploy::error::Result;
use pct_deploy::secret::Secret;
use sandbox::slack::{Receiver, Reply as Scripted, Slack};
use serde_json::{Value, json};

use crate::server::{Reply, Server, text};
use crate::world::HOOK;

async fn post(address: &Secret, message: &Value) -> Result<()> {
    let webhook = Webhook {
        service: "Slack",
        address,
        answer: Wanted::Unasked,
    };
    webhook::post(&webhook, message).await
}

async fn post_to_discord(address: String, message: &Value) -> Result<()> {
    let webhook = Webhook {
        service: "Discord",
        address: &Secret::new(address),
        answer: Wanted::ByQuery,
    };
    webhook::post(&webhook, message).await
}

#[tokio::test]
async fn a_message_is_posted_once() {
    let server = Server::start(|_| text(200, "ok")).await;
    let message = json!({ "text": "배포" });
    post(&Secret::new(server.url(HOOK)), &message)
        .await
        .unwrap();
    assert_eq!(server.lines(), [format!("POST {HOOK}")]);
    assert_eq!(server.seen()[0].body, message);
    assert_eq!(
        server.seen()[0].header("content-type"),
        Some("application/json")
    );
}

#[tokio::test]
async fn only_too_many_requests_is_tried_again() {
    let count = AtomicU16::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply(429, "retry-after: 1\r\n", "rate_limited".to_owned()),
        _ => text(200, "ok"),
    })
    .await;
    let begun = std::time::Instant::now();
    post(&Secret::new(server.url(HOOK)), &json!({}))
        .await
        .unwrap();
    assert_eq!(server.seen().len(), 2);
    assert!(begun.elapsed().as_secs() >= 1);
}

#[tokio::test]
async fn a_long_wait_is_not_waited_for_and_two_tries_are_enough() {
    for (header, tries) in [("retry-after: 3600\r\n", 1), ("retry-after: 0\r\n", 2)] {
        let server = Server::start(move |_| Reply(429, header, String::new())).await;
        let error = post(&Secret::new(server.url(HOOK)), &json!({}))
            .await
            .unwrap_err();
        assert_eq!(server.seen().len(), tries);
        assert!(error.to_string().contains("takes no message"), "{error}");
    }
}

#[tokio::test]
async fn nothing_else_is_repeated_or_followed_and_no_error_holds_the_address() {
    let redirect = "location: /elsewhere\r\n";
    for (status, headers) in [(500, ""), (503, ""), (404, ""), (400, ""), (302, redirect)] {
        let server = Server::start(move |_| Reply(status, headers, "no_service".to_owned())).await;
        let error = post(&Secret::new(server.url(HOOK)), &json!({}))
            .await
            .unwrap_err();
        assert_eq!(server.seen().len(), 1, "{status}");
        assert!(error.to_string().contains("no_service"), "{error}");
    }
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_in_no_error() {
    let server = Server::start(|_| text(200, "ok")).await;
    let port = server.address.port();
    // Nothing listens there: the port was ours a moment ago and its listener is gone.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = free.local_addr().unwrap().port();
    drop(free);
    assert_ne!(port, gone);
    for url in [
        format!("http://127.0.0.1:{gone}{HOOK}"),
        "not an address secrethook".to_owned(),
    ] {
        let error = post(&Secret::new(url), &json!({})).await.unwrap_err();
        let all = format!(
            "{} {:?} {:?}",
            error.chain().join(" "),
            error.hints(),
            error
        );
        assert!(!all.contains("secrethook"), "{all}");
    }
}

/// Nothing was sent, so a second try cannot be a second message.
#[tokio::test]
async fn a_connection_that_is_refused_is_tried_once_more() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let late = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        Server::start_at(address, |_| text(200, "ok")).await
    });
    let url = format!("http://{address}{HOOK}");
    post(&Secret::new(url), &json!({ "text": "배포" }))
        .await
        .unwrap();
    assert_eq!(late.await.unwrap().lines(), [format!("POST {HOOK}")]);
}

/// The end of what is read is no place for half a word, which may be half a secret.
#[tokio::test]
async fn a_long_answer_is_cut_between_words() {
    let server = Server::start(|_| text(400, &format!("{} secrethook", "x".repeat(4090)))).await;
    let error = post(&Secret::new(server.url(HOOK)), &json!({})).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("400") && !error.contains("secr"), "{error}");
    let server = Server::start(|_| text(400, &"no ".repeat(1 << 20))).await;
    let error = post(&Secret::new(server.url(HOOK)), &json!({})).await;
    assert!(error.unwrap_err().to_string().len() < 5000);
}

/// Discord looks at a message when nobody listens any more, unless it is asked what became of it.
#[tokio::test]
async fn discord_is_asked_what_became_of_the_message() {
    let server = Server::start(|_| text(200, "{}")).await;
    for (path, line) in [
        ("/api/webhooks/1/x", "POST /api/webhooks/1/x?wait=true"),
        (
            "/api/webhooks/1/x?thread_id=7",
            "POST /api/webhooks/1/x?thread_id=7&wait=true",
        ),
    ] {
        post_to_discord(server.url(path), &json!({})).await.unwrap();
        assert_eq!(server.lines().last().unwrap(), line);
    }
    let discord = Slack::start().unwrap();
    let long = json!({ "content": "x".repeat(2001) });
    let error = post_to_discord(discord.url_of(Receiver::Discord), &long).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("Discord refused") && error.contains("BASE_TYPE_MAX_LENGTH"),
        "{error}"
    );
}

/// It says how long to wait in its JSON alone.
#[tokio::test]
async fn discord_is_given_the_time_that_it_asks_for() {
    let discord = Slack::start().unwrap();
    discord.script([Scripted::RateLimited { retry_after_s: 1 }]);
    let begun = std::time::Instant::now();
    let message = json!({ "content": "배포" });
    post_to_discord(discord.url_of(Receiver::Discord), &message)
        .await
        .unwrap();
    assert!(
        begun.elapsed().as_secs_f64() >= 1.35,
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(discord.shown(), [message]);
    discord.script([Scripted::RateLimited { retry_after_s: 40 }]);
    let error = post_to_discord(
        discord.url_of(Receiver::Discord),
        &json!({ "content": "x" }),
    )
    .await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("Discord takes no message for another 41 s"),
        "{error}"
    );
}
