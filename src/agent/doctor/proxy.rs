//! nginx, and what it obeys.

use super::{provision, tell};
use crate::agent::homes::Homes;
use crate::agent::route::{self, Obeyed};
use crate::agent::survey::Survey;
use crate::agent::{earlier, prepare, rights};
use crate::host::Host;
use crate::host::nginx::{NginxAt, NginxPlace, context, flag};
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::plan::Site;

/// The whole configuration; `None` when there is none to read.
pub(super) async fn config<H: Host>(
    host: &H,
    nginx: &NginxAt,
    seen: &mut Examination,
) -> Option<String> {
    let config = match route::config(host, nginx).await {
        Err(failure) if failure.what() == route::NO_NGINX => {
            return tell(seen, DoctorCheck::NginxMissing, Err(failure));
        }
        config => config,
    };
    seen.note(DoctorCheck::NginxMissing, []);
    if let Ok(version) = host.nginx_version(nginx).await {
        seen.fact(
            "nginx",
            match nginx {
                NginxAt::Host => version,
                NginxAt::Container(name) => format!("{version} in the container {name}"),
            },
        );
    }
    if let Ok(workers) = host.nginx_workers(nginx).await {
        let down = workers.is_empty().then(|| {
            let what = "nginx does not run: nobody reaches the app";
            [
                what.to_owned(),
                match nginx {
                    NginxAt::Host => {
                        "start it on the host: `sudo systemctl start nginx`".to_owned()
                    }
                    NginxAt::Container(name) => {
                        format!("look at `docker logs {name}` on the host")
                    }
                },
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
    nginx: &NginxPlace,
    homes: Option<&Homes>,
    config: Option<&str>,
    seen: &mut Examination,
) -> Option<Obeyed> {
    let include = match nginx.at {
        NginxAt::Host => route::include(host, site).await,
        NginxAt::Container(_) => {
            let text = route::read(host, site, &nginx.include).await;
            text.map(|text| (nginx.name.clone().into(), text))
        }
    };
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
    let obeyed = route::obeyed(host, site, nginx, slots, config).await;
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
    let by_reload = survey.root_work();
    if let Some(work) = &by_reload
        && rights::check_read(host, site).await.is_ok()
    {
        let may = rights::check(host, site, work).await;
        tell(seen, DoctorCheck::SudoRefused, may);
    }
    let by_reload = by_reload.map(|_work| {
        let what = "traffic is switched by a reload of nginx, which loses requests on kept-alive connections";
        let fix = match survey.nginx.at {
            NginxAt::Host => provision(site),
            NginxAt::Container(_) => {
                "run nginx on the host itself, then `pct-deploy provision`; in a container it is reloaded".to_owned()
            }
        };
        [what.to_owned(), fix]
    });
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
