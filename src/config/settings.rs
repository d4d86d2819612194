//! The one table of settings.

use super::language::Language;
use super::schema::Preset::{Derived, Required, Unset, Value};
use super::schema::SettingKind::{Choice, Flag, Int, Lines, List, Secret, Span, Text};
use super::schema::{Group, Setting};

macro_rules! settings {
    ($($group:ident: $($key:literal $kind:expr, $preset:expr, $help:literal;)*)*) => {
        /// Every setting, in the order of the documentation.
        pub static SETTINGS: &[Setting] = &[$($(Setting {
            key: $key, group: Group::$group, kind: $kind, preset: $preset, help: $help,
        },)*)*];
    };
}

settings! {
    Gate:
    "label" Text, Value("🎅🏼deploy"),
        "The label that asks for a deploy when it is put on a pull request.";
    "base" Text, Value("main"),
        "The branch that the pull request must target.";
    "require-write" Flag, Value("true"),
        "Deploy only when the person who put the label has write permission on the repository.";
    "require-checks" Lines, Unset,
        "The checks and commit statuses that must be green on the head commit, one name per line; `all` means every one there is.";
    "require-approvals" Int, Value("0"),
        "How many people with write permission must have approved the pull request; a change request from one of them blocks the deploy.";
    "remove-label" Flag, Value("true"),
        "Remove the label when the run ends, so that every deploy needs a new label.";
    "dry-run" Flag, Value("false"),
        "Check the gate, the settings and the host, then stop before anything is changed.";

    Image:
    "image" Text, Required,
        "The image's name without a tag, such as `user/pct-backend`. With a digest (`user/pct-backend@sha256:…`) that image is deployed and nothing is built.";
    "context" Text, Value("."),
        "The folder that is sent to the build, without what `.dockerignore` excludes.";
    "dockerfile" Text, Value("Dockerfile"),
        "The Dockerfile, relative to the context or to the working directory.";
    "target" Text, Unset,
        "The build stage to stop at; the last one when not given.";
    "platform" Choice(&["linux/amd64", "linux/arm64"]), Value("linux/amd64"),
        "The platform of the image, which must be the host's.";
    "build-args" Lines, Unset,
        "Build arguments, one `KEY=VALUE` per line. They end up in the image's history, so no secrets here.";
    "tags" List, Derived("`sha-<12 of head SHA>`, `latest`"),
        "The tags to push. The first that is not `latest` is pushed before the deploy; the others when the release is live, so that they never name one that was taken back. Without such a first one the image is carried by `build-<12 of its id>`. The host always deploys by digest.";
    "registry-username" Text, Unset,
        "The user for pushing to and pulling from the registry.";
    "registry-password" Secret, Unset,
        "The password or access token of that user.";
    "registries" Secret, Unset,
        "Logins for several registries, one `HOST USER PASSWORD` per line: for base images, and for the image's own unless it has the two settings above.";

    Host:
    "ssh-host" Text, Required,
        "The name or address of the host; on the command line also an alias of `~/.ssh/config`.";
    "ssh-port" Int, Derived("22; on the command line what `~/.ssh/config` says"),
        "The TCP port of its SSH server.";
    "ssh-user" Text, Derived("left to ssh"),
        "The user to log in as, such as `ubuntu` or `ec2-user`.";
    "ssh-key" Secret, Derived("required in the action; elsewhere left to ssh and its agent"),
        "The private key without a passphrase, or the path of its file.";
    "ssh-known-hosts" Lines, Derived("this or `ssh-fingerprint` is required in the action; elsewhere your own `known_hosts`"),
        "The host's keys as lines of a `known_hosts` file, as `ssh-keyscan HOST` prints them; on the command line also the path of such a file, or `@FILE`.";
    "ssh-fingerprint" List, Derived("this or `ssh-known-hosts` is required in the action; elsewhere your own `known_hosts`"),
        "The fingerprints the host may show, as `ssh-keygen -lf` prints them: `SHA256:…`.";
    "ssh-jump-host" Text, Unset,
        "A host to go through, as `[user@]host[:port]`; on the command line `ProxyJump` of `~/.ssh/config` counts without it. It takes the same key, and its host key must be among the given ones: with `ssh-fingerprint` one of each host, and never the same.";
    "connect-timeout" Span, Value("15s"),
        "The longest wait for the SSH connection, authentication included.";

    Swap:
    "app" Text, Derived("the last part of `image`"),
        "The name of the app; it names the state folder on the host.";
    "project-directory" Text, Value("."),
        "The folder on the host with the compose file. A relative one starts at the SSH user's home.";
    "compose-file" List, Derived("what compose itself would read there"),
        "The compose files, relative to the project directory; a list is layered in its order. When not given: what `COMPOSE_FILE` in `.env` names, or `compose.yaml`, `compose.yml`, `docker-compose.yml` or `docker-compose.yaml` with its override file.";
    "slots" List, Derived("`<app>-1,<app>-2`, or the two services of the compose file that differ in their ports alone"),
        "The two compose services that take turns, each as `[file:]service[@project]`: with its own compose file and its own compose project, such as `docker-compose.blue.yml:app@app-blue`, where it has them. Their ports are read from the compose files.";
    "dependencies" List, Derived("the slots' `depends_on`"),
        "The compose services that must run before a slot starts. One with `service_completed_successfully` in `depends_on` runs to its end with the new image before.";
    "health-path" Text, Unset,
        "The path to GET; only 2xx is healthy. When not given, any answer below 500 to `/` is.";
    "health-host" Text, Derived("the first `server_name` of the site, else `localhost`"),
        "The name that the health check asks for (`Host`), for apps that answer to a list of names.";
    "health-port" Int, Derived("the port that serves"),
        "The container's port that the health check asks, such as that of a management interface. Each slot must publish it.";
    "health-timeout" Span, Value("120s"),
        "The longest wait until the new slot is healthy, from the start of its container.";
    "health-interval" Span, Value("250ms"),
        "The pause between two health checks.";
    "health-successes" Int, Value("2"),
        "How many good answers in a row make the new slot healthy.";
    "proxy-include" Text, Value("/etc/nginx/conf.d/service-url.inc"),
        "The nginx include that selects the live slot: your own, which contains its port, or the one that `provision` wrote. With nginx in a container it is a path in that or on the host, and may name the slot.";
    "switch" Choice(&["auto", "flag", "reload"]), Value("auto"),
        "How traffic is moved: by a flag file that nginx checks (`flag`, after `provision`), or by the include and a reload (`reload`), which may lose a few requests. `auto` uses what the include is made for.";
    "bake" Span, Value("5s"),
        "How long to watch the new slot under real traffic before the old one is stopped. A release that exceeds the budget is rolled back. `0s` disables it.";
    "bake-errors" Text, Value("2%"),
        "How far the share of failed requests may exceed the old slot's.";
    "bake-client-errors" Text, Value("25%"),
        "How far the share of 4xx responses may exceed the old slot's; a release may mean them.";
    "bake-slowdown" Int, Value("2"),
        "Highest allowed ratio of the new slot's response times to the old slot's (median, 90th and 99th percentile, where there are enough requests). 50 ms more is always allowed. `0` disables the check.";
    "bake-min-requests" Int, Value("20"),
        "Requests needed before traffic can fail a deploy; below that, health checks and our own requests decide.";
    "smoke-paths" List, Derived("`/`"),
        "Paths that are requested from both slots, on their own ports, before the switch. One that the old slot answers, and that hangs, drops the connection or gives 5xx on the new one, fails the deploy.";
    "drain-timeout" Span, Value("30s"),
        "The longest wait for requests in flight on the old slot.";
    "stop-timeout" Span, Value("30s"),
        "How long the old slot may take to end after SIGTERM; its own `stop_grace_period` counts when it is longer.";
    "keep-releases" Int, Value("3"),
        "How many releases stay on the host, the live one included. `rollback` needs at least 2.";
    "lock-wait" Span, Value("300s"),
        "The longest wait for another deploy of the same app.";

    Report:
    "github-token" Secret, Derived("`${{ github.token }}` in the action"),
        "The token for the permission check, the deployment, the comment and the label.";
    "environment" Text, Value("production"),
        "The name of the GitHub environment that the deployment is recorded for.";
    "environment-url" Text, Unset,
        "Where the app answers, for the link on the deployment.";
    "comment" Flag, Value("true"),
        "Comment the result on the pull request; one comment, updated in place.";
    "report-log" Flag, Value("true"),
        "Show the last lines of the build's and the app's log in the comment, the job summary and Slack. `false` keeps them to the run's own log.";
    "slack-webhook-url" Secret, Unset,
        "The address of a webhook of Slack, Discord, Mattermost or Rocket.Chat; what it takes is told from the address. One that starts a workflow in Slack gets variables.";
    "slack-format" Choice(&["auto", "slack", "workflow", "mattermost", "discord"]), Value("auto"),
        "What the webhook takes, where its address does not tell: `mattermost` is Rocket.Chat's as well.";
    "slack-title" Text, Derived("one that says how it went"),
        "The title of the message.";
    "slack-fields" List, Value("repo,message,commit,author,action,eventName,ref,workflow,job,took"),
        "The facts in the message, in this order.";
    "slack-on" Choice(&["always", "success", "failure"]), Value("always"),
        "When to post. A run that the gate refuses is never posted.";
    "slack-host" Text, Derived("`hooks.slack.com` or `discord.com`"),
        "The host that the webhook must have, such as that of a Mattermost of your own.";
    "language" Choice(Language::CODES), Value("en"),
        "The language of comments and messages.";
}
