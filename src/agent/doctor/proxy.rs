//! nginx, and what it obeys.

use super::{provision, tell};
use crate::agent::homes::Homes;
use crate::agent::journal::entry::Switch;
use crate::agent::route::{self, Obeyed};
use crate::agent::survey::Survey;
use crate::agent::{earlier, prepare, rights};
use crate::host::nginx::{context, flag};
use crate::host::{Host, RootWork};
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::plan::Site;

/// The whole configuration; `None` when there is none to read.
pub(super) async fn config<H: Host>(host: &H, seen: &mut Examination) -> Option<String> {
    let config = match route::config(host).await {
        Err(failure) if failure.what() == route::NO_NGINX => {
            return tell(seen, DoctorCheck::NginxMissing, Err(failure));
        }
        config => config,
    };
    seen.note(DoctorCheck::NginxMissing, []);
    if let Ok(version) = host.nginx_version().await {
        seen.fact("nginx", version);
    }
    if let Ok(workers) = host.nginx_workers().await {
        let down = workers.is_empty().then(|| {
            let what = "nginx does not run: nobody reaches the app";
            [
                what.to_owned(),
                "start it on the host: `sudo systemctl start nginx`".to_owned(),
            ]
        });
        seen.note(DoctorCheck::NginxDown, down);
    }
    tell(seen, DoctorCheck::NginxRefuses, config)
}

/// What decides where requests go; `None` when that cannot be told.
pub(super) async fn look<H: Host>(
    host: &H,
    site: &Site,
    homes: Option<&Homes>,
    config: Option<&str>,
    seen: &mut Examination,
) -> Option<Obeyed> {
    let include = route::include(host, site).await;
    let (path, text) = tell(seen, DoctorCheck::IncludeMissing, include)?;
    let (include, config) = (path.display().to_string(), config?);
    let around = context::around(config, &include);
    let is_ours = matches!(flag::describe(&text), Ok(Some(_)));
    let mut fits = true;
    if is_ours {
        let cache = route::no_file_cache(&around);
        let place = route::fits(&around, &include);
        fits = cache.is_ok() && place.is_ok();
        tell(seen, DoctorCheck::FileCache, cache);
        tell(seen, DoctorCheck::IncludeMisplaced, place);
    }
    let sites = route::sites(config, &include);
    let has_site = tell(seen, DoctorCheck::NoServerBlock, sites).is_some();
    let slots = &homes?.slots;
    let obeyed = route::obeyed(host, site, slots, config).await;
    if !fits && obeyed.is_err() {
        // It ends with what was found already.
        return None;
    }
    let obeyed = tell(seen, DoctorCheck::IncludeUnusable, obeyed)?;
    has_site.then_some(obeyed)
}

/// What nginx makes of it.
pub(super) async fn loaded<H: Host>(
    host: &H,
    site: &Site,
    survey: &Survey,
    seen: &mut Examination,
) {
    let by_reload = match &survey.switch {
        Switch::Flag => None,
        Switch::Reload(include) => {
            let work = RootWork::Reload(include.clone());
            if rights::check(host, site, &RootWork::Read).await.is_ok() {
                let may = rights::check(host, site, &work).await;
                tell(seen, DoctorCheck::SudoRefused, may);
            }
            let what = "traffic is switched by a reload of nginx, which loses requests on kept-alive connections";
            Some([what.to_owned(), provision(site)])
        }
    };
    seen.note(DoctorCheck::SwitchLosesRequests, by_reload);
    let loaded = prepare::is_loaded(host, survey).await;
    tell(seen, DoctorCheck::IncludeNotLoaded, loaded);
    let earlier = survey
        .is_earlier
        .then(|| [earlier::WHAT.to_owned(), provision(site)]);
    seen.note(DoctorCheck::NginxFilesEarlier, earlier);
    seen.note(
        DoctorCheck::LocationUnmeasured,
        prepare::own_logs(&survey.own_logs),
    );
}
