//! The reload-free switch: nginx looks for one file at every request.
//!
//! Two texts. The *upstreams* file belongs to the `http` block: each slot, with the other one as its backup. The
//! *include* belongs to the `server` block and stands where the seed's include stood: it sets the user's variable to
//! slot 1, or to slot 2 while the flag file is there. Stock nginx from 1.18 on; no module.
//!
//! The first line of both carries a version, the ports and a checksum of the rest, so that a file that somebody
//! changed is told from one of ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use super::flag_switch::{FlagSwitch, Keeping};
use crate::protocol::ids::AppName;
use crate::protocol::slot::PerSlot;

const MARK: &str = "# pct-deploy switch ";

/// For how long nginx keeps an idle connection to a slot. Shorter than what any server is known to have by itself
/// (gunicorn has 2 s), and than anyone waits for a drain.
pub const KEPT_IDLE: Duration = Duration::from_secs(1);

/// After so long an idle connection is gone: nginx closes it some time after it is due.
pub const IDLE_IS_GONE: Duration = KEPT_IDLE.saturating_add(Duration::from_millis(250));

/// Where nginx tells this machine, and no other, which slot takes traffic: in a text of version 1, and in later ones
/// the beginning of it.
const SLOT_PATH: &str = "/.pct-deploy/slot";

/// In an include that stands in a `location`: the path that it answers with the slot.
pub(super) const ASKED_AT: &str = "# Asked at ";

/// What our own requests call themselves; the traffic log marks them.
pub const USER_AGENT: &str = concat!("pct-deploy/", env!("CARGO_PKG_VERSION"));

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
    pub version: FlagVersion,
}

/// What wrote a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagVersion {
    /// Its variables and its location are the same for every app, and its traffic log tells less.
    One,
    /// nginx opens a connection to a slot for each request.
    Two,
    /// nginx keeps connections to the slots.
    Three,
}

impl FlagVersion {
    /// What `provision` writes now.
    pub const NOW: Self = Self::Three;
    const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// As the first line names it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Three => "3",
        }
    }

    /// What its traffic log tells.
    pub fn format(self) -> Format {
        match self {
            Self::One => Format::Whole,
            Self::Two | Self::Three => Format::Tries,
        }
    }
}

/// What the traffic log tells of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Each try at a slot with its status and times.
    Tries,
    /// The time of the whole and the addresses: what an earlier `provision` wrote.
    Whole,
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
    let word = words.next();
    let version = FlagVersion::ALL
        .into_iter()
        .find(|version| word == Some(version.word()))
        .ok_or(NotOurs::OtherVersion)?;
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
                None if version == FlagVersion::One => SLOT_PATH.to_owned(),
                None => slot_path(app),
            },
            app: app.to_owned(),
            ports,
            variable: variable.to_owned(),
            version,
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

/// The first line, and what comes below it.
pub(super) fn marked(app: &str, ports: &PerSlot<u16>, variable: &str, body: &str) -> String {
    let (version, sum) = (FlagVersion::NOW.word(), sum(app, ports, variable, body));
    format!(
        "{MARK}{version} app={app} ports={},{} set={variable} sum={sum}\n{body}",
        ports.one, ports.two
    )
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
pub(super) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let mut hash = hex::encode(hasher.finalize());
    hash.truncate(16);
    hash
}

/// A text of ours as an earlier version would have marked it.
#[cfg(test)]
pub(crate) fn as_version(text: &str, version: FlagVersion) -> Option<String> {
    let rest = text
        .strip_prefix(MARK)?
        .strip_prefix(FlagVersion::NOW.word())?;
    Some(format!("{MARK}{}{rest}", version.word()))
}

#[cfg(test)]
#[path = "flag_tests.rs"]
mod tests;
