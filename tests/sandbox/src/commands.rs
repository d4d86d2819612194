//! One command per part. Those that keep running print one line with their address once they
//! listen, and end cleanly on SIGTERM or SIGINT.

mod pull;

use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use pull::{EventArgs, PullArgs};
use sandbox::github::{Endpoint, Fault, GitHub};
use sandbox::load::Load;
use sandbox::relay::Relay;
use sandbox::slack::{Reply, Slack};
use tokio::signal::unix::{Signal, SignalKind, signal};

#[derive(Debug, Parser)]
#[command(
    name = "sandbox",
    about = "What the real-daemon tests of pct-deploy stand on"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sends keep-alive load to this machine and reports what was lost.
    Load(LoadArgs),
    /// Stands in for a Slack incoming webhook.
    Slack(SlackArgs),
    /// Stands in for GitHub's API.
    Github(GithubArgs),
    /// Writes a `pull_request` webhook payload.
    Event(EventArgs),
    /// Relays TCP with a delay.
    Relay(RelayArgs),
}

#[derive(Debug, Args)]
struct LoadArgs {
    /// Where to; a loopback address.
    #[arg(long)]
    url: String,
    #[arg(long, default_value_t = 20)]
    connections: usize,
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Share of POST, in percent.
    #[arg(long, default_value_t = 0)]
    post: u8,
    /// Path of POST, when it is not the URL's.
    #[arg(long)]
    post_path: Option<String>,
    /// Longest pause before a request; the pauses are random.
    #[arg(long, default_value = "0ms", value_parser = humantime::parse_duration)]
    think: Duration,
    /// `Host` header, when it is not the URL's.
    #[arg(long)]
    host: Option<String>,
    #[arg(long)]
    json: bool,
    /// Exit with 1 unless every request was answered with 200.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Args)]
struct SlackArgs {
    #[command(flatten)]
    listen: Listen,
    /// Replies to the first messages, in order: `ok`, `rate-limited:2`, `server-error`,
    /// `invalid-blocks`, `slow:500ms`, `hang`, `drop`.
    #[arg(long = "reply")]
    replies: Vec<Reply>,
}

#[derive(Debug, Args)]
struct GithubArgs {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    pull: PullArgs,
    /// The only token that is accepted.
    #[arg(long)]
    token: Option<String>,
    /// A failure of the next such call, as `CALL=FAULT`: `create-status=forbidden`; with `CALL=*FAULT`
    /// of every such call.
    #[arg(long = "fail")]
    failures: Vec<String>,
}

#[derive(Debug, Args)]
struct Listen {
    #[arg(long, default_value = "127.0.0.1")]
    bind: std::net::IpAddr,
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Appends every request to this file, one JSON object a line.
    #[arg(long)]
    record: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RelayArgs {
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    #[arg(long)]
    to: SocketAddr,
    /// The delay in each direction.
    #[arg(long, default_value_t = 20)]
    delay_ms: u64,
}

impl Cli {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Load(args) => return args.run().await,
            Command::Slack(args) => {
                let slack = Slack::start_on(args.listen.addr(), args.listen.record.as_deref())?;
                slack.script(args.replies);
                ready(&slack.url()).await?;
            }
            Command::Github(args) => args.run().await?,
            Command::Event(args) => args.write()?,
            Command::Relay(args) => {
                let delay = Duration::from_millis(args.delay_ms);
                let relay = Relay::start_on(args.listen, args.to, delay)?;
                ready(&relay.addr().to_string()).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl LoadArgs {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let rest = self
            .url
            .strip_prefix("http://")
            .context("the URL starts with `http://`")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let with_port = if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let target = with_port
            .to_socket_addrs()?
            .next()
            .context("the URL names no address")?;
        let path = format!("/{path}");
        let seconds = Duration::from_secs(self.seconds);
        let mut end = End::listen()?;
        let running = Load::new(target)
            .connections(self.connections)
            .post_share(self.post)
            .think(Duration::ZERO..=self.think)
            .host_header(self.host.as_deref().unwrap_or(host))
            .paths(&path, self.post_path.as_deref().unwrap_or(&path))
            .max_duration(seconds + Duration::from_secs(5))
            .start()?;
        tokio::select! {
            () = tokio::time::sleep(seconds) => {}
            () = end.wait() => {}
        }
        let report = running.stop().await;
        let text = if self.json {
            serde_json::to_string_pretty(&report)? + "\n"
        } else {
            report.to_string()
        };
        std::io::stdout().write_all(text.as_bytes())?;
        let bad = self.strict && !report.is_clean();
        Ok(if bad {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

impl GithubArgs {
    async fn run(self) -> anyhow::Result<()> {
        let record = self.listen.record.as_deref();
        let github = GitHub::start_on(self.listen.addr(), self.pull.build(), record)?;
        if let Some(token) = &self.token {
            github.require_token(token);
        }
        for failure in &self.failures {
            let Some((call, fault)) = failure.split_once('=') else {
                bail!("`{failure}`: write `CALL=FAULT`");
            };
            let call: Endpoint = call.parse()?;
            match fault.strip_prefix('*') {
                Some(fault) => github.fail_always(call, fault.parse()?),
                None => github.fail(call, [fault.parse::<Fault>()?]),
            }
        }
        ready(&github.url()).await
    }
}

impl Listen {
    fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }
}

/// Tells that it listens, and waits to be ended.
async fn ready(address: &str) -> anyhow::Result<()> {
    let mut end = End::listen()?;
    let mut out = std::io::stdout();
    writeln!(out, "{address}")?;
    out.flush()?;
    end.wait().await;
    Ok(())
}

/// The signals that end a command.
struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    /// From here on the signals no longer kill the process.
    fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self {
            terminate,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
