//! The reload-free switch: nginx looks for one file at every request.
//!
//! Two texts. The *upstreams* file belongs to the `http` block: each slot, with the other one as its backup. The
//! *include* belongs to the `server` block and stands where the seed's include stood: it sets the user's variable to
//! slot 1, or to slot 2 while the flag file is there. Stock nginx from 1.18 on; no module.
//!
//! The first line of both carries a version, the ports and a checksum of the rest, so that a file that somebody
//! changed is told from one of ours.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::context::{IncludeContext, IncludePlace};
use crate::protocol::ids::AppName;
use crate::protocol::slot::PerSlot;

const VERSION: &str = "2";
/// The version before: its variables and its location were the same for every app, and its traffic log tells less.
const SHARED: &str = "1";
const MARK: &str = "# pct-deploy switch ";

/// Where nginx tells this machine, and no other, which slot takes traffic: in a text of version 1, and in later ones
/// the beginning of it.
const SLOT_PATH: &str = "/.pct-deploy/slot";

/// In an include that stands in a `location`: the path that it answers with the slot.
const ASKED_AT: &str = "# Asked at ";

/// What our own requests call themselves; the traffic log marks them.
pub const USER_AGENT: &str = concat!("pct-deploy/", env!("CARGO_PKG_VERSION"));

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

/// A text of ours, as its first line describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub app: String,
    /// Where the slots listen.
    pub ports: PerSlot<u16>,
    /// The variable that the user's `proxy_pass` names; empty in the upstreams file.
    pub variable: String,
    /// Where nginx tells which slot takes traffic.
    pub slot_path: String,
    /// What its traffic log tells.
    pub format: Format,
}

/// What the traffic log tells of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Each try at a slot with its status and times.
    Tries,
    /// The time of the whole and the addresses: what an earlier `provision` wrote.
    Whole,
}

/// What an nginx needs to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keeping {
    /// It closes connections to the slots by itself.
    #[default]
    Never,
    /// It keeps them unless it is told not to (1.29.7 and later): a drain would never see zero.
    Unless,
}

impl Keeping {
    /// By the version that `nginx -v` says; earlier ones refuse `keepalive 0`.
    pub fn of(version: &str) -> Self {
        let numbers: Vec<u32> = version
            .split('.')
            .map(|number| number.parse().unwrap_or(0))
            .collect();
        if numbers.as_slice() >= [1, 29, 7].as_slice() {
            Self::Unless
        } else {
            Self::Never
        }
    }
}

/// A text that begins like one of ours and is none.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum NotOurs {
    /// Written by a version that this one does not know.
    #[error("it was written by another version of pct-deploy")]
    OtherVersion,
    /// It was changed since it was written.
    #[error("it was changed by hand")]
    Changed,
}

/// Reads a text; `None` when it is not one of ours at all.
pub fn describe(text: &str) -> Result<Option<Described>, NotOurs> {
    let Some(rest) = text.strip_prefix(MARK) else {
        return Ok(None);
    };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let mut words = line.split(' ');
    let version = words
        .next()
        .filter(|version| [VERSION, SHARED].contains(version))
        .ok_or(NotOurs::OtherVersion)?;
    let format = if version == VERSION {
        Format::Tries
    } else {
        Format::Whole
    };
    let mut value = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
    let fields = (|| Some((value("app")?, value("ports")?, value("set")?, value("sum")?)))();
    let (app, ports, variable, sum) = fields.ok_or(NotOurs::Changed)?;
    let port = |text: &str| text.parse::<u16>().ok();
    let ports = ports.split_once(',').and_then(|(one, two)| {
        Some(PerSlot {
            one: port(one)?,
            two: port(two)?,
        })
    });
    match ports {
        Some(ports) if sum == self::sum(app, &ports, variable, body) => Ok(Some(Described {
            slot_path: match body.lines().find_map(|line| line.strip_prefix(ASKED_AT)) {
                Some(path) => path.to_owned(),
                None if version == SHARED => SLOT_PATH.to_owned(),
                None => slot_path(app),
            },
            app: app.to_owned(),
            ports,
            variable: variable.to_owned(),
            format,
        })),
        Some(_) | None => Err(NotOurs::Changed),
    }
}

/// The variable of a text that says it is ours, whatever its version and however it was changed.
pub fn claimed(text: &str) -> Option<&str> {
    let line = text.strip_prefix(MARK)?.lines().next()?;
    let variable = line.split(' ').find_map(|word| word.strip_prefix("set="))?;
    variable.starts_with('$').then_some(variable)
}

/// Where nginx tells this machine, and no other, which slot of an app takes traffic.
pub fn slot_path(app: &str) -> String {
    format!("{SLOT_PATH}/{app}")
}

/// The flag: there while slot 2 takes traffic.
pub fn flag_file(folder: &Path) -> PathBuf {
    folder.join("live-2")
}

/// There while requests are to be logged.
pub fn measure_file(folder: &Path) -> PathBuf {
    folder.join("measure")
}

/// One line a request, as `agent::traffic` reads it.
pub fn traffic_log(folder: &Path) -> PathBuf {
    folder.join("traffic.log")
}

/// The name of the file that holds the upstreams; read before the file with the `server` block.
pub fn upstreams_file(app: &AppName) -> String {
    format!("00-pct-deploy-{app}.conf")
}

impl FlagSwitch<'_> {
    /// The text for the `http` block.
    pub fn upstreams(&self) -> String {
        let Self {
            app,
            ports: PerSlot { one, two },
            ..
        } = self;
        let tag = self.tag();
        let keep = match self.keeping {
            Keeping::Never => "",
            Keeping::Unless => "    keepalive 0;\n",
        };
        let body = format!(
            "# Written by `pct-deploy provision`; changes by hand are refused. See docs/switch.md.\n\
             # Each slot with the other one as its backup: a slot that is gone is answered for.\n\
             upstream pct-{app}-1 {{\n    server 127.0.0.1:{one} max_fails=0;\n    server 127.0.0.1:{two} max_fails=0 backup;\n{keep}}}\n\
             upstream pct-{app}-2 {{\n    server 127.0.0.1:{two} max_fails=0;\n    server 127.0.0.1:{one} max_fails=0 backup;\n{keep}}}\n\
             # What the client said, also when it said nothing.\n\
             map $http_upgrade $pct_connection_{tag} {{\n    default upgrade;\n    '' close;\n}}\n\
             map $http_host $pct_host_{tag} {{\n    default $http_host;\n    '' $host;\n}}\n\
             map $http_x_forwarded_proto $pct_proto_{tag} {{\n    default $http_x_forwarded_proto;\n    '' $scheme;\n}}\n\
             # Our own requests are marked, so that they are told from those of users.\n\
             map $http_user_agent $pct_own_{tag} {{\n    default '';\n    ~^pct-deploy/ p;\n}}\n\
             log_format pct-deploy-{app} '$msec v2$pct_own_{tag} $status $request_time $upstream_addr | $upstream_status | \
             $upstream_header_time | $upstream_response_time';\n"
        );
        self.marked("", &body)
    }

    /// The text for the `server` block.
    pub fn include(&self) -> String {
        let Self {
            app,
            variable,
            folder,
            ..
        } = self;
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
        let inherited: String = self
            .context
            .inherited
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        let body = format!(
            "# Written by `pct-deploy provision`; changes by hand are refused. See docs/switch.md.\n\
             # Slot 2 takes traffic while this file is there, slot 1 while it is not: {flag}\n\
             set {variable} http://pct-{app}-1;\nset $pct_slot_{tag} 1;\n\
             if (-f {flag}) {{\n    set {variable} http://pct-{app}-2;\n    set $pct_slot_{tag} 2;\n}}\n\
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

    /// The app's name as a part of a variable, which has letters, digits and `_` alone; unique by its hash.
    fn tag(&self) -> String {
        let plain: String = self
            .app
            .as_str()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        if plain == self.app.as_str() {
            plain
        } else {
            format!("{plain}_{}", &hash(&[self.app.as_str()]))
        }
    }

    fn marked(&self, variable: &str, body: &str) -> String {
        let (app, ports) = (self.app.as_str(), &self.ports);
        let sum = sum(app, ports, variable, body);
        format!(
            "{MARK}{VERSION} app={app} ports={},{} set={variable} sum={sum}\n{body}",
            ports.one, ports.two
        )
    }
}

fn sum(app: &str, ports: &PerSlot<u16>, variable: &str, body: &str) -> String {
    hash(&[
        app,
        &ports.one.to_string(),
        &ports.two.to_string(),
        variable,
        body,
    ])
}

/// The first 8 bytes of a SHA-256, in hex.
fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let mut hash = hex::encode(hasher.finalize());
    hash.truncate(16);
    hash
}

/// A text of ours as the first version would have marked it.
#[cfg(test)]
pub(crate) fn as_version_one(text: &str) -> Option<String> {
    let rest = text.strip_prefix(MARK)?.strip_prefix(VERSION)?;
    Some(format!("{MARK}{SHARED}{rest}"))
}

#[cfg(test)]
#[path = "flag_tests.rs"]
mod tests;
