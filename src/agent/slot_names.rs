//! Which services are the slots when the settings do not say: those that the app has had, or what its compose file shows.

use super::{homes, owner};
use crate::host::Host;
use crate::host::compose;
use crate::protocol::plan::Site;
use crate::protocol::slot::Slot;

/// The site with slots that somebody named. What cannot be found out here is told by whoever reads the file for the slots.
pub(super) async fn settle<H: Host>(host: &H, site: &Site) -> Site {
    let mut settled = site.clone();
    if !site.slots_by_default {
        return settled;
    }
    settled.slots_by_default = false;
    if let Some(slots) = owner::slots(host, &site.app).await {
        settled.slots = slots;
        return settled;
    }
    let file = homes::compose_file(host, site).await;
    let found = file
        .ok()
        .and_then(|file| compose::guessed(&file, &site.app));
    if let Some(services) = found {
        for slot in Slot::BOTH {
            if let Ok(spec) = services.get(slot).as_str().parse() {
                *settled.slots.get_mut(slot) = spec;
            }
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use crate::agent::tests::{image, plan, swap_plan};
    use crate::error::Reason;
    use crate::host::sim::SimHost;
    use crate::protocol::outcome::{Finished, Outcome};
    use crate::protocol::plan::{Plan, Target};

    fn unnamed(n: u8) -> Plan {
        let mut plan = plan(n, Target::Image(image(n)));
        plan.site.slots_by_default = true;
        plan.site.slots.one = "app-1".parse().unwrap();
        plan.site.slots.two = "app-2".parse().unwrap();
        plan
    }

    fn deploy(host: &SimHost, n: u8) -> Finished {
        swap_plan(host, &unnamed(n), &std::cell::Cell::new(false), |_| {})
    }

    #[test]
    fn the_slots_are_found_in_the_file_and_stay_what_they_were() {
        let host = SimHost::new();
        let finished = deploy(&host, 1);
        assert_eq!(finished.outcome, Outcome::Deployed, "{:?}", finished.failed);
        assert_eq!(finished.live.unwrap().service, "web-1");
        // Two others that look like slots come into the file.
        host.set_compose(
            "services:
  app-1: {image: b, ports: ['9080:80']}
  app-2: {image: b, ports: ['9081:80']}
  web-1: {image: a, ports: ['8080:80']}
  web-2: {image: a, ports: ['8081:80']}
",
        );
        let finished = deploy(&host, 2);
        assert_eq!(finished.outcome, Outcome::Deployed, "{:?}", finished.failed);
        assert_eq!(finished.live.unwrap().service, "web-2");
    }

    #[test]
    fn an_unclear_file_is_told_with_what_there_is() {
        let host = SimHost::new();
        host.set_compose(
            "services:\n  a: {image: a, ports: ['8080:80']}\n  b: {image: b, ports: ['8081:80']}\n",
        );
        let finished = deploy(&host, 1);
        let (_, failure) = finished.failed.unwrap();
        assert_eq!(failure.reason, Reason::PreflightFailed);
        let what = failure.chain.concat();
        assert!(what.contains("`app-1`") && what.contains("a, b"), "{what}");
        assert!(failure.hints.concat().contains("name them in `slots`"));
    }
}
