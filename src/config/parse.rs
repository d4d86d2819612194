//! Texts into settings that cannot be wrong.

use super::fields::Fields;
use super::gate::check_token;
pub use super::gate::gate;
use super::image;
use super::problems::Problems;
use super::raw::Raw;
use super::registries;
use super::report;
use super::secrets;
use super::site;
use super::sources::Gathered;
use super::ssh;
use super::types::{
    DeployConfig, GateConfig, HostConfig, ImageConfig, Logins, Place, ReportConfig,
};
use crate::error::{Error, Result};
use crate::protocol::plan::Site;
use crate::secret::Secret;

/// Who asks, which decides what must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The action: nothing of the user's own ssh is there.
    Action,
    /// A person or a script: ssh has its agent and its default keys.
    Terminal,
}

/// Where the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// On this machine: the `ssh-*` settings are not needed.
    Local,
    /// Over SSH.
    Ssh,
}

/// Whether an event has to pass the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gated {
    /// It has; the permission check may need a token.
    ByEvent,
    /// Nobody but the caller decides.
    Free,
}

/// Reads everything that `deploy` and `action` need, or says all that is wrong.
pub fn deploy(
    gathered: &Gathered,
    caller: Caller,
    reach: Reach,
    gated: Gated,
) -> Result<DeployConfig> {
    let (gate, gate_problems) = gate(&gathered.raw);
    let mut fields = Fields::new(&gathered.raw, gathered.problems.clone());
    fields.problems.extend(gate_problems);
    let image = image::image(&mut fields, caller);
    let logins = registries::logins(&mut fields);
    let place = place(&mut fields, caller, reach);
    let site = site::site(&mut fields);
    let report = report::report(&mut fields);
    check_token(&mut fields, &gate, gated);
    let config = || {
        Some(DeployConfig {
            gate,
            image: image?,
            host: HostConfig {
                place: place?,
                site: site?,
                report: report?,
                logins: logins?,
                hidden: secrets::in_paths(&gathered.raw),
            },
        })
    };
    finish(fields.problems, config())
}

/// Reads everything that `rollback` needs, or says all that is wrong.
pub fn rollback(gathered: &Gathered, reach: Reach) -> Result<HostConfig> {
    host(gathered, reach, |fields| {
        let logins = registries::spare(fields);
        let report = report::report(fields);
        Some((logins?, report?))
    })
}

/// Reads everything that `status` and `history` need, or says all that is wrong.
pub fn look(gathered: &Gathered, reach: Reach) -> Result<HostConfig> {
    host(gathered, reach, |_fields| {
        Some((Logins::default(), ReportConfig::default()))
    })
}

/// As much of the settings as can be read, and all that is wrong with them.
#[derive(Debug)]
pub struct Readable {
    pub gate: GateConfig,
    pub image: Option<ImageConfig>,
    pub place: Option<Place>,
    pub site: Option<Site>,
    pub report: Option<ReportConfig>,
    pub logins: Option<Logins>,
    /// What may be a token in a path that is asked for.
    pub hidden: Vec<Secret>,
    pub problems: Problems,
}

impl Readable {
    /// Everything in it that must not be shown.
    pub fn secrets(&self) -> Vec<&Secret> {
        let key = match &self.place {
            Some(Place::Ssh(ssh)) => ssh.key.as_ref(),
            Some(Place::Local) | None => None,
        };
        let logins = self.logins.iter();
        let logins = logins.flat_map(|logins| {
            let others = logins.others.iter().map(|(_, login)| login);
            logins.image.iter().chain(others)
        });
        let report = self.report.iter().flat_map(ReportConfig::secrets);
        let passwords = logins.map(|login| &login.password);
        let all = report.chain(key.map(|key| &key.0)).chain(passwords);
        all.chain(&self.hidden).collect()
    }
}

/// Reads what `doctor` can look at: an image only when one is named.
pub fn readable(gathered: &Gathered, reach: Reach) -> Readable {
    let (gate, gate_problems) = gate(&gathered.raw);
    let mut fields = Fields::new(&gathered.raw, gathered.problems.clone());
    fields.problems.extend(gate_problems);
    let image = match fields.text("image") {
        Some(_) => image::image(&mut fields, Caller::Terminal),
        None => {
            name_app(&mut fields);
            None
        }
    };
    Readable {
        gate,
        image,
        place: place(&mut fields, Caller::Terminal, reach),
        site: site::site(&mut fields),
        report: report::report(&mut fields),
        logins: registries::logins(&mut fields),
        hidden: secrets::in_paths(&gathered.raw),
        problems: fields.problems,
    }
}

/// The host without an image to deploy; `beside` reads the registry and whom to tell.
fn host(
    gathered: &Gathered,
    reach: Reach,
    beside: impl FnOnce(&mut Fields<'_>) -> Option<(Logins, ReportConfig)>,
) -> Result<HostConfig> {
    let mut fields = Fields::new(&gathered.raw, gathered.problems.clone());
    name_app(&mut fields);
    let place = place(&mut fields, Caller::Terminal, reach);
    let site = site::site(&mut fields);
    let beside = beside(&mut fields);
    let config = || {
        let (logins, report) = beside?;
        Some(HostConfig {
            place: place?,
            site: site?,
            report,
            logins,
            hidden: secrets::in_paths(&gathered.raw),
        })
    };
    finish(fields.problems, config())
}

/// Whom to tell that the settings are wrong: as much of the report settings as can be read.
pub fn report_only(raw: &Raw) -> ReportConfig {
    let mut fields = Fields::new(raw, Problems::default());
    report::report(&mut fields).unwrap_or_default()
}

fn place(fields: &mut Fields<'_>, caller: Caller, reach: Reach) -> Option<Place> {
    match reach {
        Reach::Local => Some(Place::Local),
        Reach::Ssh => ssh::ssh(fields, caller).map(Place::Ssh),
    }
}

/// Without an image to deploy, its name is needed only for the app's.
fn name_app(fields: &mut Fields<'_>) {
    if fields.text("app").is_some() {
        return;
    }
    match fields.text("image") {
        None => fields.problems.add(
            "`app` is missing",
            "write the app's name, or `image`, whose last part is the default",
        ),
        Some(text) => {
            let name = text.split_once('@').map_or(text, |(name, _)| name);
            image::repository(fields, name);
        }
    }
}

fn finish<T>(problems: Problems, config: Option<T>) -> Result<T> {
    match (problems.into_error(), config) {
        (Some(error), _) => Err(error),
        (None, Some(config)) => Ok(config),
        (None, None) => Err(Error::bug("a setting is missing and nothing said so")),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
