//! What is there and what is live: read from the host each time, never stored.

use super::failure::{HostResultExt as _, StepResult};
use super::homes::Homes;
use super::journal::entry::Switch;
use super::projects::{self, Note};
use super::route;
use crate::error::Reason;
use crate::host::compose::OneShot;
use crate::host::facts::{ComposeProject, ContainerFacts, RunState};
use crate::host::nginx::flag::Format;
use crate::host::nginx::{self, Colours, NginxAt, NginxPlace, Scheme};
use crate::host::{Host, HostResult, RootWork};
use crate::protocol::ids::ServiceName;
use crate::protocol::outcome::LiveRelease;
use crate::protocol::plan::{HealthCheck, Site};
use crate::protocol::slot::{PerSlot, Slot};

/// One look at an app on its host.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) homes: Homes,
    /// What each slot needs; the same for both when they share their files.
    pub(super) dependencies: PerSlot<Vec<ServiceName>>,
    pub(super) containers: PerSlot<Option<ContainerFacts>>,
    /// The nginx that obeys the include.
    pub(super) nginx: NginxPlace,
    pub(super) switch: Switch,
    /// The slot that nginx sends requests to.
    pub(super) named: Slot,
    /// The `server` blocks that obey the include.
    pub(super) sites: Vec<nginx::ServerBlock>,
    /// What the traffic log tells, with the flag.
    pub(super) format: Format,
    /// Whether nginx's files are of an earlier version, with the flag.
    pub(super) is_earlier: bool,
    /// The `location` blocks whose requests the traffic log does not see, with the flag.
    pub(super) own_logs: Vec<String>,
    /// What nginx calls the slots.
    pub(super) colours: Colours,
    /// What a person is to know about projects and networks, each with its hint.
    pub(super) notes: Vec<Note>,
}

impl Survey {
    /// Looks. Everything that would stop a swap is an error that names the setting and the cure.
    pub(super) async fn take<H: Host>(host: &H, site: &Site) -> StepResult<Self> {
        let nginx = route::place(host, site).await?;
        // Two programs that take their time and do not need each other.
        let (homes, config) = tokio::join!(
            Homes::read(host, site, &nginx),
            route::config(host, &nginx.at)
        );
        let (homes, config) = (homes?, config?);
        let obeyed = route::obeyed(host, site, &nginx, &homes.slots, &config).await?;
        Self::of(host, site, nginx, homes, &config, obeyed).await
    }

    /// The rest of the look, once files and nginx are read.
    pub(super) async fn of<H: Host>(
        host: &H,
        site: &Site,
        nginx: NginxPlace,
        homes: Homes,
        config: &str,
        obeyed: route::Obeyed,
    ) -> StepResult<Self> {
        let route::Obeyed {
            switch,
            named,
            format,
            is_earlier,
            own_logs,
            include,
            colours,
        } = obeyed;
        let sites = route::sites(config, &include)?.into_iter();
        let sites = sites.map(|found| found.reached_at(nginx.address)).collect();
        let (homes, note) = projects::settle(host, site, &nginx, homes, named).await?;
        let containers = PerSlot {
            one: container(host, &homes, Slot::One).await?,
            two: container(host, &homes, Slot::Two).await?,
        };
        let dependencies = homes.dependencies(site)?;
        Ok(Self {
            homes,
            dependencies,
            containers,
            nginx,
            switch,
            named,
            sites,
            format,
            is_earlier,
            own_logs,
            colours,
            notes: note.into_iter().collect(),
        })
    }

    /// What root has to be asked for before traffic can be switched, beyond what any deploy reads.
    pub(super) fn root_work(&self) -> Option<RootWork> {
        match (&self.switch, &self.nginx.at) {
            (Switch::Flag, _) => None,
            (Switch::Reload(include), NginxAt::Host) => Some(RootWork::Reload(include.clone())),
            (Switch::Reload(include), NginxAt::Container(_)) => {
                Some(RootWork::Include(include.clone()))
            }
        }
    }

    /// The slot that takes traffic: the one nginx names, if its container runs.
    pub(super) fn live(&self) -> Option<Slot> {
        self.runs(self.named).then_some(self.named)
    }

    pub(super) fn runs(&self, slot: Slot) -> bool {
        self.containers.get(slot).as_ref().is_some_and(is_running)
    }

    /// Where the next release goes.
    pub(super) fn idle(&self) -> Slot {
        self.live().map_or(self.named, Slot::other)
    }

    /// The project in which a dependency of a slot is looked for. What both slots need counts wherever it runs.
    pub(super) fn dependency_project(&self, slot: Slot) -> ComposeProject {
        let project = self.homes.projects.get(slot);
        if self.homes.slots.share_files() {
            project.named(None)
        } else {
            project.clone()
        }
    }

    /// What either slot needs, in the order in which it is started.
    pub(super) fn all_dependencies(&self) -> Vec<ServiceName> {
        let PerSlot { one, two } = &self.dependencies;
        let more = two.iter().filter(|service| !one.contains(service));
        one.iter().chain(more).cloned().collect()
    }

    /// What runs to its end before a slot starts.
    pub(super) fn one_shots(&self, slot: Slot) -> Vec<OneShot> {
        let services = self.homes.described_with(slot);
        self.homes.files.get(slot).one_shots(&services)
    }

    /// The health check, asked as the site's users ask.
    pub(super) fn health(&self, check: &HealthCheck) -> HealthCheck {
        let mut names = self
            .sites
            .iter()
            .filter_map(|site| site.server_name.as_deref());
        let mut listens = self.sites.iter().flat_map(|site| &site.listens);
        check.of_site(
            names.next(),
            listens.any(|listen| listen.scheme == Scheme::Https),
        )
    }

    /// What takes traffic, for reports.
    pub(super) fn live_release(&self) -> Option<LiveRelease> {
        let slot = self.live()?;
        let container = self.containers.get(slot).as_ref()?;
        Some(LiveRelease {
            slot,
            service: self.homes.slots.get(slot).name().to_string(),
            release: container
                .release
                .as_deref()
                .and_then(|release| release.parse().ok()),
            image: container.image.clone(),
        })
    }
}

/// Whether a container's process runs.
pub(super) fn is_running(container: &ContainerFacts) -> bool {
    matches!(container.run, RunState::Running)
}

async fn container<H: Host>(
    host: &H,
    homes: &Homes,
    slot: Slot,
) -> StepResult<Option<ContainerFacts>> {
    let (project, slot) = (homes.projects.get(slot), homes.slots.get(slot));
    let found: HostResult<_> = host.container(project, &slot.service).await;
    found.during(
        Reason::PreflightFailed,
        format_args!("cannot look at the container of slot `{}`", slot.name()),
    )
}

#[cfg(test)]
mod tests {
    use crate::agent::tests::{deployed, image, swap};
    use crate::error::Reason;
    use crate::host::sim::SimHost;
    use crate::protocol::outcome::Outcome;
    use crate::protocol::plan::Target;
    use crate::protocol::step::Step;

    #[test]
    fn a_variable_that_nobody_sets_ends_the_deploy_before_anything_starts() {
        let host = SimHost::new();
        deployed(&host, 1);
        let mut world = host.world.borrow_mut();
        world.unset = vec!["DB_PASSWORD".to_owned(), "TOKEN".to_owned()];
        drop(world);
        let finished = swap(&host, 2, Target::Image(image(2)));
        let (_, failure) = finished.failed.unwrap();
        assert_eq!(
            (finished.outcome, failure.reason),
            (Outcome::Failed, Reason::PreflightFailed)
        );
        let what = failure.chain.concat();
        assert!(what.contains("`DB_PASSWORD`, `TOKEN`"), "{what}");
        let hint = failure.hints.concat();
        assert!(
            hint.contains("/home/u/.env") && hint.contains("`${DB_PASSWORD-}`"),
            "{hint}"
        );
        assert_eq!(host.serves(), Some(image(1)));
    }

    const WITH_MIGRATION: &str = "services:
  migrate: {image: a, command: [migrate], depends_on: [db]}
  web-1: {image: a, ports: ['8080:80'], depends_on: {migrate: {condition: service_completed_successfully}, mail: {condition: service_started, required: false}}}
  web-2: {image: a, ports: ['8081:80'], depends_on: {migrate: {condition: service_completed_successfully}}}
  db: {image: db}
";

    #[test]
    fn a_migration_runs_to_its_end_with_the_new_image_before_the_slot_starts() {
        let host = SimHost::new();
        deployed(&host, 1);
        host.set_compose(WITH_MIGRATION);
        let finished = swap(&host, 2, Target::Image(image(2)));
        assert_eq!(finished.outcome, Outcome::Deployed, "{:?}", finished.failed);
        let migrated = |host: &SimHost| {
            host.world
                .borrow()
                .containers
                .get("migrate")
                .cloned()
                .unwrap()
        };
        assert_eq!(migrated(&host).image, Some(image(2)));

        host.world.borrow_mut().one_shots_end_with = 3;
        let finished = swap(&host, 3, Target::Image(image(3)));
        let (step, failure) = finished.failed.unwrap();
        assert_eq!(
            (finished.outcome, step),
            (Outcome::RolledBack, Step::StartSlot)
        );
        assert!(
            failure
                .chain
                .concat()
                .contains("`migrate` ended with exit code 3")
        );
        assert_eq!(failure.log_tail, ["last words"]);
        assert_eq!(host.serves(), Some(image(2)));

        // Whoever goes back runs no migration of an earlier release.
        let before = migrated(&host).id;
        let finished = swap(&host, 4, Target::Previous);
        assert_eq!(finished.outcome, Outcome::Deployed, "{:?}", finished.failed);
        assert_eq!(migrated(&host).id, before);
    }

    #[test]
    fn a_host_without_an_nginx_of_its_own_is_told_so() {
        let host = SimHost::new();
        host.faults.no_nginx.set(true);
        let finished = swap(&host, 1, Target::Image(image(1)));
        let (_, failure) = finished.failed.unwrap();
        let (what, hint) = (failure.chain.concat(), failure.hints.concat());
        assert!(what.contains("no nginx on the host"), "{what}");
        assert!(
            hint.contains("apt-get install nginx")
                && hint.contains("compose up -d nginx")
                && !hint.contains("nginx -t"),
            "{hint}"
        );
    }

    #[test]
    fn the_port_that_nginx_names_serves_where_a_slot_publishes_several() {
        let host = SimHost::new();
        deployed(&host, 1);
        host.set_compose("services:\n  web-1: {image: a, ports: ['9091:9091', '8080:80']}\n  web-2: {image: a, ports: ['8081:80', '9092:9091']}\n");
        let finished = swap(&host, 2, Target::Image(image(2)));
        assert_eq!(finished.outcome, Outcome::Deployed, "{:?}", finished.failed);
        assert_eq!(host.serves(), Some(image(2)));
        host.set_compose("services:\n  web-1: {image: a, ports: ['8080-8090:80']}\n  web-2: {image: a, ports: ['8081:80']}\n");
        let finished = swap(&host, 3, Target::Image(image(3)));
        let what = finished.failed.unwrap().1.chain.concat();
        assert!(what.contains("the range 8080-8090"), "{what}");
    }
}
