//! Those who are told how a deploy went. Nothing is told to anybody here.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tell;
use crate::clients::github::Github;
use crate::config::parse::Readable;
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::runner::run::Invocation;

const CONNECT: Duration = Duration::from_secs(5);

pub(super) async fn look(by: &Invocation, readable: &Readable, seen: &mut Examination) {
    let Some(report) = &readable.report else {
        return;
    };
    if let Some(slack) = &report.slack
        && let Some(server) = slack.server()
    {
        seen.note(DoctorCheck::WebhookUnreachable, unreachable(&server).await);
    }
    let (Some(github), Some(repository)) = (&report.github, &by.context.repository) else {
        return;
    };
    let client = Github::of(repository, &github.token, by.context.api_url.as_deref());
    let client = match client {
        Ok(client) => client.sees_repository().await.map(|()| client),
        Err(error) => Err(error),
    };
    let Some(client) = tell(seen, DoctorCheck::GithubTokenRefused, client) else {
        return;
    };
    let label = &readable.gate.label;
    if let Ok(has_label) = client.has_label(label).await {
        let server = by
            .context
            .server_url
            .as_deref()
            .unwrap_or("https://github.com");
        let missing = (!has_label).then(|| {
            [
                format!("`{repository}` has no label `{label}`, which asks for a deploy"),
                format!("make it: {server}/{repository}/labels"),
            ]
        });
        seen.note(DoctorCheck::LabelMissing, missing);
    }
}

/// A connection and nothing over it: whoever is asked for something here gets a message.
async fn unreachable(server: &(String, u16)) -> Option<[String; 2]> {
    let (host, port) = server;
    let connect = timeout(CONNECT, TcpStream::connect((host.as_str(), *port)));
    let why = match connect.await {
        Ok(Ok(_connection)) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(_elapsed) => format!("no answer within {} s", CONNECT.as_secs()),
    };
    Some([
        format!("the server of `slack-webhook-url`, `{host}:{port}`, cannot be reached: {why}"),
        "check the address, and that this machine may connect there; behind a proxy this may be no fault".to_owned(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_sent_to_a_webhook_and_one_that_is_not_there_is_found() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = ("127.0.0.1".to_owned(), port);
        assert_eq!(unreachable(&server).await, None);
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut sent = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut sent)
            .await
            .unwrap();
        assert_eq!(sent, b"");
        drop(listener);
        let [what, _fix] = unreachable(&server).await.unwrap();
        assert!(what.contains(&format!("127.0.0.1:{port}")), "{what}");
    }
}
