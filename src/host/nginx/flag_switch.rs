//! The two texts of the flag switch as `provision` writes them.
//!
//! nginx keeps connections to the slots for requests that may be asked twice, GET, HEAD and OPTIONS. An app may close a
//! connection in the very moment in which nginx writes a request into it; nginx then asks again, and it does not ask
//! a POST twice. So each slot is there in two ways: with kept connections, and with one for each request.

use std::path::Path;

use super::context::{IncludeContext, IncludePlace};
use super::flag::{
    self, ASKED_AT, KEPT_IDLE, flag_file, hash, measure_file, slot_path, traffic_log,
};
use crate::protocol::ids::AppName;
use crate::protocol::slot::PerSlot;

/// What says when nginx asks another server.
pub(super) const NEXT: &str = "proxy_next_upstream";

/// Everything that the two texts are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagSwitch<'a> {
    pub app: &'a AppName,
    /// Where the slots listen, on the loopback address.
    pub ports: PerSlot<u16>,
    /// The variable that the user's `proxy_pass` names, with its `$`.
    pub variable: &'a str,
    pub folder: &'a Path,
    /// What stands around the include.
    pub context: &'a IncludeContext,
    /// What this nginx does with connections to the slots.
    pub keeping: Keeping,
}

/// What an nginx does with connections to the slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keeping {
    /// It cannot keep them for a short time only (before 1.15.3), so it keeps none.
    #[default]
    Never,
    /// It keeps those that it is told to.
    Told,
    /// It keeps all that it is not told not to (1.29.7 and later).
    Unless,
}

impl Keeping {
    /// By the version that `nginx -v` says; earlier ones refuse `keepalive 0` or `keepalive_timeout`.
    pub fn of(version: &str) -> Self {
        let numbers: Vec<u32> = version
            .split('.')
            .map(|number| number.parse().unwrap_or(0))
            .collect();
        if numbers.as_slice() >= [1, 29, 7].as_slice() {
            Self::Unless
        } else if numbers.as_slice() >= [1, 15, 3].as_slice() {
            Self::Told
        } else {
            Self::Never
        }
    }
}

/// How many idle connections each nginx process keeps to a slot.
const KEPT: usize = 32;
/// After a kept connection that the app was closing, so many more tries. They go to the slot by another of this
/// machine's names, so that hardly any of them meets a kept connection again.
const AGAIN: usize = 3;
/// Longer than a connection that was being closed takes to show it; a request that failed later was at work.
const AGAIN_WITHIN_S: u64 = 10;

impl FlagSwitch<'_> {
    /// The text for the `http` block.
    pub fn upstreams(&self) -> String {
        let Self { app, .. } = self;
        let (tag, slots) = (self.tag(), self.slots());
        let (ways, connection) = match self.keeping {
            Keeping::Never => (String::new(), "close".to_owned()),
            Keeping::Told | Keeping::Unless => (
                format!(
                    "# Connections to a slot are kept for requests that may be asked twice.\n\
                     map $request_method $pct_way_{tag} {{\n    default -once;\n    GET '';\n    HEAD '';\n    OPTIONS '';\n}}\n\
                     map $pct_way_{tag} $pct_plain_{tag} {{\n    default close;\n    '' '';\n}}\n"
                ),
                format!("$pct_plain_{tag}"),
            ),
        };
        let body = format!(
            "# Written by `pct-deploy provision`; changes by hand are refused. See docs/switch.md.\n\
             # Each slot with the other one as its backup: a slot that is gone is answered for.\n\
             {slots}{ways}\
             # What the client said, also when it said nothing.\n\
             map $http_upgrade $pct_connection_{tag} {{\n    default upgrade;\n    '' {connection};\n}}\n\
             map $http_host $pct_host_{tag} {{\n    default $http_host;\n    '' $host;\n}}\n\
             map $http_x_forwarded_proto $pct_proto_{tag} {{\n    default $http_x_forwarded_proto;\n    '' $scheme;\n}}\n\
             # Our own requests are marked, so that they are told from those of users.\n\
             map $http_user_agent $pct_own_{tag} {{\n    default '';\n    ~^pct-deploy/ p;\n}}\n\
             log_format pct-deploy-{app} '$msec v2$pct_own_{tag} $status $request_time $upstream_addr | $upstream_status | \
             $upstream_header_time | $upstream_response_time';\n"
        );
        self.marked("", &body)
    }

    /// The upstreams: each slot in every way in which it is asked.
    fn slots(&self) -> String {
        let PerSlot { one, two } = self.ports;
        let (name, app) = (self.name(), self.app.as_str());
        let mut text = String::new();
        for (slot, own, other) in [(1, one, two), (2, two, one)] {
            if self.keeping == Keeping::Never {
                text.push_str(&self.once(&format!("pct-{name}-{slot}"), own, other));
            } else {
                text.push_str(&kept(&format!("pct-{name}-{slot}"), own, other));
                text.push_str(&self.once(&format!("pct-{name}-{slot}-once"), own, other));
            }
            // What an include of version 2 says, until it is rewritten too.
            if name != app {
                text.push_str(&self.once(&format!("pct-{app}-{slot}"), own, other));
            }
        }
        text
    }

    /// A slot with a connection for each request.
    fn once(&self, name: &str, own: u16, other: u16) -> String {
        let keep = match self.keeping {
            Keeping::Never | Keeping::Told => "",
            Keeping::Unless => "    keepalive 0;\n",
        };
        format!(
            "upstream {name} {{\n    server 127.0.0.1:{own} max_fails=0;\n    server 127.0.0.1:{other} max_fails=0 backup;\n{keep}}}\n"
        )
    }

    /// The text for the `server` block.
    pub fn include(&self) -> String {
        let Self {
            app,
            variable,
            folder,
            ..
        } = self;
        let name = self.name();
        let (flag, measure) = (flag_file(folder), measure_file(folder));
        let (flag, measure, log) = (flag.display(), measure.display(), traffic_log(folder));
        let (hold, log) = (folder.join("maintenance"), log.display());
        let (hold, passed) = (hold.display(), self.passed_on());
        // Several includes may stand in one `server` block: each has names of its own.
        let (tag, tells) = (self.tag(), self.tells());
        let below = match self.context.place {
            IncludePlace::Location(_) => "",
            IncludePlace::Server | IncludePlace::Unfit(_) => "^",
        };
        let way = match self.keeping {
            Keeping::Never => String::new(),
            Keeping::Told | Keeping::Unless => format!("$pct_way_{tag}"),
        };
        let inherited: String = self
            .context
            .inherited
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        let body = format!(
            "# Written by `pct-deploy provision`; changes by hand are refused. See docs/switch.md.\n\
             # Slot 2 takes traffic while this file is there, slot 1 while it is not: {flag}\n\
             set {variable} http://pct-{name}-1{way};\nset $pct_slot_{tag} 1;\n\
             if (-f {flag}) {{\n    set {variable} http://pct-{name}-2{way};\n    set $pct_slot_{tag} 2;\n}}\n\
             # 503 for everyone while this file is there.\n\
             set $pct_hold_{tag} '';\n\
             if (-f {hold}) {{\n    set $pct_hold_{tag} 1;\n}}\n\
             if ($uri ~ {below}/\\.pct-deploy/slot/) {{\n    set $pct_hold_{tag} '';\n}}\n\
             if ($pct_hold_{tag}) {{\n    return 503;\n}}\n\
             # Requests are logged during a deploy.\n\
             set $pct_log_{tag} '';\n\
             if (-f {measure}) {{\n    set $pct_log_{tag} 1;\n}}\n\
             access_log {log} pct-deploy-{app} if=$pct_log_{tag};\n\
             {inherited}{passed}{tells}"
        );
        self.marked(variable, &body)
    }

    /// Where nginx tells which slot takes traffic.
    pub fn told_at(&self) -> String {
        let path = slot_path(self.app.as_str());
        match &self.context.place {
            IncludePlace::Location(prefix) => format!("{}{path}", prefix.trim_end_matches('/')),
            IncludePlace::Server | IncludePlace::Unfit(_) => path,
        }
    }

    /// Has nginx tell it.
    fn tells(&self) -> String {
        let (tag, path) = (self.tag(), self.told_at());
        let why = "# Which slot takes traffic; for this machine alone, which has one address at both ends of a connection to\n\
                   # itself. `allow` and `deny` do not guard a `return`.\n";
        match self.context.place {
            // No `location` of ours could stand in it, and no other one would know the variable.
            IncludePlace::Location(_) => format!(
                "{why}{ASKED_AT}{path}\nset $pct_ends_{tag} \"$uri $remote_addr $server_addr\";\n\
                 if ($pct_ends_{tag} ~ '^{} ([^ ]+) \\1$') {{\n    set $pct_log_{tag} '';\n    return 200 $pct_slot_{tag};\n}}\n",
                path.replace('.', "\\.")
            ),
            IncludePlace::Server | IncludePlace::Unfit(_) => format!(
                "{why}set $pct_ends_{tag} \"$remote_addr $server_addr\";\n\
                 location = {path} {{\n    access_log off;\n    default_type text/plain;\n    \
                 if ($pct_ends_{tag} !~ '^([^ ]+) \\1$') {{\n        return 404;\n    }}\n    return 200 $pct_slot_{tag};\n}}\n"
            ),
        }
    }

    /// What the app is told of the client, unless the `server` block says so itself.
    fn passed_on(&self) -> String {
        let tag = self.tag();
        let own = &self.context.own;
        let kept = self.context.inherited.iter().filter_map(|line| {
            let header = line.strip_prefix("proxy_set_header ")?.split(' ').next()?;
            Some(header.to_ascii_lowercase())
        });
        let kept: Vec<String> = kept.collect();
        let mut text = String::new();
        if !own.iter().any(|name| name == "proxy_http_version") {
            text.push_str("proxy_http_version 1.1;\n");
        }
        if self.keeping != Keeping::Never && !own.iter().any(|name| name.starts_with(NEXT)) {
            // An app that is slow is not asked again, nor one that had begun to work.
            text.push_str(&format!(
                "{NEXT} error;\n{NEXT}_timeout {AGAIN_WITHIN_S}s;\n"
            ));
        }
        for (header, value) in [
            ("Host", format!("$pct_host_{tag}")),
            ("Connection", format!("$pct_connection_{tag}")),
            ("Upgrade", "$http_upgrade".to_owned()),
            ("X-Real-IP", "$remote_addr".to_owned()),
            ("X-Forwarded-For", "$proxy_add_x_forwarded_for".to_owned()),
            ("X-Forwarded-Host", format!("$pct_host_{tag}")),
            ("X-Forwarded-Proto", format!("$pct_proto_{tag}")),
        ] {
            let name = header.to_ascii_lowercase();
            if !own.contains(&name) && !kept.contains(&name) {
                text.push_str(&format!("proxy_set_header {header} {value};\n"));
            }
        }
        text
    }

    /// The app's name as a part of a variable, which has letters, digits and `_` alone.
    fn tag(&self) -> String {
        self.spelt('_', |c| c.is_ascii_alphanumeric())
    }

    /// The app's name as a part of a host name, which has no `_`: where nothing else is said, apps see it in `Host`.
    fn name(&self) -> String {
        self.spelt('-', |c| c != '_')
    }

    /// The app's name with `other` for what cannot be in it; unique by its hash.
    fn spelt(&self, other: char, may_be: impl Fn(char) -> bool) -> String {
        let app = self.app.as_str();
        let plain: String = app
            .chars()
            .map(|c| if may_be(c) { c } else { other })
            .collect();
        if plain == app {
            plain
        } else {
            format!("{plain}{other}{}", hash(&[app]))
        }
    }

    fn marked(&self, variable: &str, body: &str) -> String {
        flag::marked(self.app.as_str(), &self.ports, variable, body)
    }
}

/// A slot with kept connections.
fn kept(name: &str, own: u16, other: u16) -> String {
    let again = format!("    server 0.0.0.0:{own} max_fails=0 weight=1000000 backup;\n");
    format!(
        "upstream {name} {{\n    server 127.0.0.1:{own} max_fails=0;\n{}    server 127.0.0.1:{other} max_fails=0 backup;\n    \
         keepalive {KEPT};\n    keepalive_timeout {}s;\n}}\n",
        again.repeat(AGAIN),
        KEPT_IDLE.as_secs()
    )
}
