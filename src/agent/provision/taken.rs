//! What the present files say, and what they have to say before the flag can decide.

use std::path::{Path, PathBuf};

use super::diff;
use super::files::{self, File};
use crate::agent::failure::StepResult;
use crate::agent::route;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::nginx::flag::{self, Described};
use crate::host::nginx::{self, Colours, EditedSite, SwitchFile};
use crate::protocol::provision::{OwnLines, Provision};
use crate::protocol::slot::{PerSlot, Slot};

/// The variable of a site file of ours.
pub(super) const VARIABLE: &str = "$service_url";

/// What the present files say.
pub(super) struct Taken {
    /// Where the include of ours is, or goes.
    pub(super) include: PathBuf,
    /// What is there now.
    pub(super) found: Option<Vec<u8>>,
    /// The variable that `proxy_pass` names, or will name.
    pub(super) variable: String,
    pub(super) live: Slot,
    /// The configuration, with the user's own lines as they will be.
    pub(super) config: String,
    /// Files of the user's that are edited for it, in the order in which they are written.
    pub(super) edited: Vec<File>,
}

impl Taken {
    /// Whether the include is one of ours, of whatever version and however changed.
    pub(super) fn is_ours(&self) -> bool {
        let text = self.found.as_deref().map(String::from_utf8_lossy);
        text.is_some_and(|text| flag::claimed(&text).is_some())
    }
}

/// Looks at the file that the setting names, and at the include that it may name since it was edited.
pub(super) async fn take_over<H: Host>(
    host: &H,
    order: &Provision,
    ports: &PerSlot<u16>,
    config: String,
) -> StepResult<Taken> {
    let mut include = PathBuf::from(&order.site.proxy_include);
    let mut found = files::read(host, &include).await?;
    let text = |found: &Option<Vec<u8>>| {
        let bytes = found.as_deref()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    if let Some(path) = text(&found).as_deref().and_then(nginx::pointed_to) {
        include = path.into();
        found = files::read(host, &include).await?;
    }
    let taken = |variable: &str, live| Taken {
        include: include.clone(),
        found: found.clone(),
        variable: variable.to_owned(),
        live,
        config: config.clone(),
        edited: Vec::new(),
    };
    let Some(text) = text(&found) else {
        return Ok(taken(VARIABLE, Slot::One));
    };
    if let Some(variable) = flag::claimed(&text) {
        // The flag says what is live.
        let live = route::by_flag(host, &order.site).await?;
        return Ok(taken(variable, live));
    }
    let switch = route::switch_file(&include, &text, ports, &Colours::of(&config, ports))?;
    match switch.variable() {
        Some(variable) if nginx::statements_beside(&text, variable).is_empty() => {
            Ok(taken(variable, switch.live))
        }
        Some(_) | None => edited(host, order, &include, &switch, &config).await,
    }
}

/// The user's own lines are changed for it, when that was asked for; else they are told.
async fn edited<H: Host>(
    host: &H,
    order: &Provision,
    switch_path: &Path,
    switch: &SwitchFile,
    config: &str,
) -> StepResult<Taken> {
    let app = &order.site.app;
    let path = switch_path.display().to_string();
    let first = nginx::first_file(config);
    let include = Path::new(first).with_file_name(format!("pct-deploy-{app}.inc"));
    let include_path = include.display().to_string();
    let mut texts = Vec::new();
    for name in nginx::file_names(config) {
        let bytes = files::read(host, Path::new(&name)).await?;
        let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
        texts.push((name, text));
    }
    let site = EditedSite {
        files: &texts,
        switch: &path,
        include: &include_path,
        app,
    };
    let edit = site.edit(switch).map_err(|why| {
        bad(format!(
            "`{path}` is switched by a reload as it stands, and for the lossless switch lines would have to change that only you can change: {why}"
        ))
        .hint("write `set $service_url http://127.0.0.1:PORT;` into an include of its own in the `server` block, and `proxy_pass $service_url;` into the location")
    })?;
    let mut edited = Vec::new();
    for file in &edit.files {
        let why = "your own lines: requests go where the flag says";
        let mut of = files::roots(host, (&file.path).into(), file.after.clone(), why).await?;
        of.diff = diff::lines(&file.path, &file.before, &file.after);
        edited.push(of);
    }
    if order.own_lines == OwnLines::Keep {
        let diff: Vec<String> = edited.iter().flat_map(|file| file.diff.clone()).collect();
        return Err(bad(format!(
            "`{path}` is switched by a reload as it stands; the lossless switch needs lines of your own changed, as below"
        ))
        .hint("run `pct-deploy provision --edit`: it changes them, keeps copies, and puts them back when nginx refuses them")
        .log_tail(diff));
    }
    for (name, text) in &mut texts {
        if let Some(file) = edit.files.iter().find(|file| file.path == *name) {
            text.clone_from(&file.after);
        }
    }
    Ok(Taken {
        found: files::read(host, &include).await?,
        include,
        variable: edit.variable,
        live: switch.live,
        config: nginx::dumped(&texts),
        edited,
    })
}

/// Upstreams that this include does not use may be another one's, which goes on to send requests through them.
pub(super) async fn of_no_other<H: Host>(
    host: &H,
    path: &Path,
    ports: &PerSlot<u16>,
) -> StepResult<()> {
    let Some(bytes) = files::read(host, path).await? else {
        return Ok(());
    };
    let said = match flag::describe(&String::from_utf8_lossy(&bytes)) {
        Ok(Some(described)) if described.ports == *ports => return Ok(()),
        Ok(Some(Described { ports, .. })) => {
            format!("sends requests to ports {} and {}", ports.one, ports.two)
        }
        Ok(None) => "is not one of ours".to_owned(),
        Err(why) => format!("cannot be read: {why}"),
    };
    Err(bad(format!(
        "`{}` is there, and {said}; another include may use it",
        path.display()
    ))
    .hint("is another project on this host deployed as the same app? give this one a name of its own: set `app`")
    .hint(format!(
        "when no include uses it: `sudo rm {}`, and run it again",
        path.display()
    )))
}

fn bad(what: impl Into<String>) -> Failure {
    Failure::new(Reason::ProvisionFailed, what)
}
