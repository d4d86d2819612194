//! Answers `doctor`: everything on the host that a deploy needs, looked at without changing anything, and without the
//! lock. What ends a deploy is judged where the deploy judges it, and said in the same words; here it ends nothing: the
//! look goes on with what is left to look at.

mod engine;
mod machine;
mod project;
mod proxy;
mod records;
mod slots;
#[cfg(test)]
mod tests;

use super::failure::StepResult;
use super::paths::AppPaths;
use super::projects::Note;
use super::survey::Survey;
use super::{earlier, rights, route};
use crate::error::Failure;
use crate::host::Host;
use crate::host::nginx::NginxPlace;
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::plan::Site;

/// Looks at everything. What cannot be looked at, because something else is missing, is neither found nor passed.
pub(super) async fn examine<H: Host>(host: &H, site: &Site) -> Examination {
    let mut seen = Examination::default();
    let docker = engine::look(host, site, &mut seen).await;
    machine::look(host, docker.as_ref(), &mut seen).await;
    let read = rights::check_read(host, site).await;
    tell(&mut seen, DoctorCheck::SudoRefused, read);
    let paths = AppPaths::new(&site.app);
    let known = super::owner::is_known(host, site).await;
    tell(&mut seen, DoctorCheck::AppOfAnother, known);
    let nginx = route::place(host, site).await;
    // Where its container cannot be told, an nginx on the host is what is left to look at.
    let nginx = match (nginx, &docker) {
        (Err(failure), Some(_)) => {
            seen.note(DoctorCheck::IncludeUnusable, [of(&failure)]);
            NginxPlace::on_host(&site.proxy_include)
        }
        (Err(_), None) => NginxPlace::on_host(&site.proxy_include),
        (Ok(nginx), _) => nginx,
    };
    let homes = match docker {
        Some(_) => project::look(host, site, &nginx, &mut seen).await,
        None => None,
    };
    let config = proxy::config(host, &nginx.at, &mut seen).await;
    let (homes_seen, config_seen) = (homes.as_ref(), config.as_deref());
    let obeyed = proxy::look(host, site, &nginx, homes_seen, config_seen, &mut seen).await;
    let survey = match (homes, config, obeyed) {
        (Some(homes), Some(config), Some(obeyed)) => {
            let survey = Survey::of(host, site, nginx, homes, &config, obeyed).await;
            tell(&mut seen, DoctorCheck::SlotsUnclear, survey)
        }
        _ => None,
    };
    if let Some(survey) = &survey {
        let at_work = records::is_at_work(host, &paths).await;
        proxy::loaded(host, site, survey, &mut seen).await;
        let deployed = records::look(host, site, &paths, survey, at_work, &mut seen).await;
        slots::look(host, site, survey, deployed, at_work, &mut seen).await;
        machine::forecast(host, survey, docker.as_ref(), &mut seen).await;
    }
    machine::kept_well(host, site, &mut seen).await;
    seen.findings.sort_by_key(|finding| finding.check);
    seen
}

/// Notes how a look of the deploy's own went.
fn tell<T>(seen: &mut Examination, check: DoctorCheck, looked: StepResult<T>) -> Option<T> {
    match looked {
        Ok(value) => {
            seen.note(check, []);
            Some(value)
        }
        Err(failure) => {
            seen.note(check, [of(&failure)]);
            None
        }
    }
}

/// What a deploy would end with.
fn of(failure: &Failure) -> Note {
    let fix = failure.hints.first().cloned();
    let fix =
        fix.unwrap_or_else(|| "see on the host whether Docker answers and the disk has room: `docker system df`, `df -h`".to_owned());
    [failure.summary(), fix]
}

/// What a person types on the host for `provision`.
fn provision(site: &Site) -> String {
    format!("run on the host: `{}`", earlier::provision_here(site))
}
