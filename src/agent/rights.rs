//! What of a deploy needs root, and what to write into `sudoers` where not everything is allowed.

use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use crate::error::Reason;
use crate::host::{Host, RootWork};
use crate::protocol::plan::{Site, SwitchChoice};

/// Whether root will read what nginx obeys; one in a container is read through Docker.
pub(super) async fn check_read<H: Host>(host: &H, site: &Site) -> StepResult<()> {
    match host.nginx_place(&site.proxy_include).await {
        Ok(Ok(place)) if place.at.is_host() => check(host, site, &RootWork::Read).await,
        // Where it cannot be found, the survey says why.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether root will do this without a password; if not, what has to be allowed.
pub(super) async fn check<H: Host>(host: &H, site: &Site, work: &RootWork) -> StepResult<()> {
    let Err(error) = host.may_as_root(work).await else {
        return Ok(());
    };
    let mut failure: StepResult<()> = Err(error).during(
        Reason::PreflightFailed,
        "sudo refuses what a deploy needs root for",
    );
    for work in wanted(site, work) {
        if let Ok(Some(line)) = host.sudoers_line(&work).await {
            let when = match work {
                RootWork::Read | RootWork::Flag => "by the flag, after `pct-deploy provision`",
                RootWork::Reload(_) | RootWork::Include(_) => "by a reload",
            };
            failure = failure.hint(format!(
                "allow it by `sudo visudo -f /etc/sudoers.d/pct-deploy` ({when}): `{line}`"
            ));
        }
    }
    failure.hint("or give the SSH user passwordless sudo for everything, or connect as root")
}

/// Before the survey it is not known how traffic is switched.
fn wanted(site: &Site, work: &RootWork) -> Vec<RootWork> {
    let by_reload = || RootWork::Reload(site.proxy_include.clone().into());
    match (work, site.switch) {
        (RootWork::Flag | RootWork::Reload(_) | RootWork::Include(_), _) => vec![work.clone()],
        (RootWork::Read, SwitchChoice::Flag) => vec![RootWork::Flag],
        (RootWork::Read, SwitchChoice::Reload) => vec![by_reload()],
        (RootWork::Read, SwitchChoice::Auto) => vec![RootWork::Flag, by_reload()],
    }
}

#[cfg(test)]
mod tests {
    use crate::agent::prepare::preflight;
    use crate::agent::tests::plan;
    use crate::host::sim::SimHost;
    use crate::protocol::plan::Target;

    fn refused(host: &SimHost) -> Option<Vec<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let site = plan(1, Target::Previous).site;
        let survey = runtime.block_on(preflight(host, &site));
        survey.err().map(|failure| failure.hints)
    }

    #[test]
    fn what_is_not_allowed_is_told_with_the_line_that_allows_it() {
        let host = SimHost::new();
        host.faults.always.set(Some("may_as_root"));
        let told = refused(&host).unwrap();
        let lines: Vec<bool> = ["Flag`", "Reload(", "passwordless sudo"]
            .iter()
            .zip(&told)
            .map(|(part, hint)| hint.contains(part))
            .collect();
        assert_eq!(lines, [true; 3], "{told:?}");
        // What nginx obeys is known by then.
        host.faults.always.set(Some("may_reload_as_root"));
        let told = refused(&host).unwrap();
        assert!(told[0].contains("Reload(") && told.len() == 2, "{told:?}");
        let inside = SimHost::contained();
        inside.faults.always.set(Some("may_reload_as_root"));
        let told = refused(&inside).unwrap();
        assert!(told[0].contains("Include(") && told.len() == 2, "{told:?}");
        inside.faults.always.set(Some("may_as_root"));
        assert_eq!(refused(&inside), None, "Docker reads it");
        let by_flag = SimHost::provisioned();
        by_flag.faults.always.set(Some("may_reload_as_root"));
        assert_eq!(refused(&by_flag), None);
    }
}
