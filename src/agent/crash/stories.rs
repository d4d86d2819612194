//! Swaps worth dying in.

use super::live;
use crate::agent::slots_tests::apart;
use crate::agent::tests::{behaves, image, plan};
use crate::host::sim::{Behaviour, Death, SimHost};
use crate::protocol::plan::{Plan, Target};

/// How traffic is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SwitchMethod {
    Reload,
    Flag,
    /// By reload, with nginx in a container.
    Contained,
}

impl SwitchMethod {
    pub(super) const BOTH: [Self; 2] = [Self::Reload, Self::Flag];

    /// A host on which nothing was deployed yet.
    pub(super) fn host(self) -> SimHost {
        match self {
            Self::Reload => SimHost::new(),
            Self::Flag => SimHost::provisioned(),
            Self::Contained => SimHost::contained(),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RequestedRelease {
    New,
    Previous,
    Same,
}

/// One swap, and what came before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Story {
    pub(super) name: &'static str,
    /// Releases that are deployed before it begins.
    pub(super) earlier: u8,
    pub(super) asked: RequestedRelease,
    pub(super) behaviour: Behaviour,
    /// Whether somebody edits the environment before each deploy.
    pub(super) environment: ComposeEnvironment,
    /// The verb that fails every time.
    pub(super) failing: Option<&'static str>,
    /// Requests of people a second.
    pub(super) visitors: u64,
    pub(super) depth: Depth,
}

/// What the compose file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ComposeEnvironment {
    Same,
    Changes,
    /// There are two files, and each slot has a project of its own.
    Apart,
}

/// How often the agent dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// In the swap.
    Once,
    /// Again in every recovery, until no new world is left.
    ToTheEnd,
}

const PLAIN: Story = Story {
    name: "",
    earlier: 1,
    asked: RequestedRelease::New,
    behaviour: Behaviour::HealthyAfter(1_000),
    environment: ComposeEnvironment::Same,
    failing: None,
    visitors: 0,
    depth: Depth::ToTheEnd,
};

pub(super) const SECOND: Story = Story {
    name: "second deploy",
    ..PLAIN
};

const THIRD: Story = Story {
    name: "third deploy",
    earlier: 2,
    depth: Depth::Once,
    ..PLAIN
};

pub(super) const ROLLBACK: Story = Story {
    name: "rollback",
    earlier: 2,
    asked: RequestedRelease::Previous,
    ..PLAIN
};

pub(super) const ENDS: Story = Story {
    name: "it ends while it is watched",
    behaviour: Behaviour::EndsAfter(700),
    ..PLAIN
};

pub(super) const ENDS_IN_ONE: Story = Story {
    name: "the same in the other slot",
    earlier: 2,
    ..ENDS
};

pub(super) const FAILS_PEOPLE: Story = Story {
    name: "it fails 30 % of requests",
    behaviour: Behaviour::FailsPeople(30),
    visitors: 400,
    ..PLAIN
};

pub(super) const FAILS_PEOPLE_IN_ONE: Story = Story {
    name: "the same in the other slot",
    earlier: 2,
    ..FAILS_PEOPLE
};

const EVERYWHERE: [Story; 15] = [
    Story {
        name: "first deploy",
        earlier: 0,
        ..PLAIN
    },
    SECOND,
    THIRD,
    Story {
        name: "deploy with a past",
        earlier: 5,
        depth: Depth::Once,
        ..PLAIN
    },
    ROLLBACK,
    Story {
        name: "rollback of another environment",
        environment: ComposeEnvironment::Changes,
        depth: Depth::Once,
        ..ROLLBACK
    },
    Story {
        name: "two compose files and projects",
        environment: ComposeEnvironment::Apart,
        ..PLAIN
    },
    Story {
        name: "rollback in two compose files and projects",
        environment: ComposeEnvironment::Apart,
        depth: Depth::Once,
        ..ROLLBACK
    },
    Story {
        name: "nothing but the environment changes",
        asked: RequestedRelease::Same,
        environment: ComposeEnvironment::Changes,
        depth: Depth::Once,
        ..PLAIN
    },
    Story {
        name: "same digest",
        asked: RequestedRelease::Same,
        ..PLAIN
    },
    Story {
        name: "unhealthy release",
        earlier: 2,
        behaviour: Behaviour::Unhealthy,
        ..PLAIN
    },
    Story {
        name: "first release crashes",
        earlier: 0,
        behaviour: Behaviour::Crashes(1),
        ..PLAIN
    },
    ENDS,
    ENDS_IN_ONE,
    Story {
        name: "the old slot cannot be stopped",
        failing: Some("compose_stop"),
        ..PLAIN
    },
];

const WITH_RELOAD: [Story; 2] = [
    Story {
        name: "nginx does not reload",
        failing: Some("nginx_reload"),
        ..PLAIN
    },
    Story {
        name: "nginx refuses its configuration",
        failing: Some("nginx_test"),
        ..PLAIN
    },
];

const WITH_FLAG: [Story; 3] = [
    FAILS_PEOPLE,
    FAILS_PEOPLE_IN_ONE,
    Story {
        name: "a rollback fails 30 % of requests",
        earlier: 2,
        asked: RequestedRelease::Previous,
        ..FAILS_PEOPLE
    },
];

impl Story {
    /// Every story of a switch.
    pub(super) fn all(switch: SwitchMethod) -> Vec<Self> {
        match switch {
            SwitchMethod::Reload => [EVERYWHERE.as_slice(), &WITH_RELOAD].concat(),
            SwitchMethod::Flag => [EVERYWHERE.as_slice(), &WITH_FLAG].concat(),
            // What differs is the include and how nginx is found.
            SwitchMethod::Contained => [[SECOND, ROLLBACK, ENDS].as_slice(), &WITH_RELOAD].concat(),
        }
    }

    /// The host just before, and the plan.
    pub(super) fn begin(&self, switch: SwitchMethod) -> (SimHost, Plan) {
        let host = switch.host();
        for n in 1..=self.earlier {
            self.edit(&host, n);
            live(&host, &self.plan(n, Target::Image(image(n))));
        }
        let target = match self.asked {
            RequestedRelease::New | RequestedRelease::Same => Target::Image(image(self.number())),
            RequestedRelease::Previous => Target::Previous,
        };
        behaves(&host, self.number(), self.behaviour);
        self.edit(&host, self.earlier + 1);
        host.world.borrow_mut().visitors = self.visitors;
        (host.after(Death::Kill), self.plan(self.earlier + 1, target))
    }

    fn plan(&self, n: u8, target: Target) -> Plan {
        match self.environment {
            ComposeEnvironment::Same | ComposeEnvironment::Changes => plan(n, target),
            ComposeEnvironment::Apart => apart(plan(n, target)),
        }
    }

    fn edit(&self, host: &SimHost, n: u8) {
        match self.environment {
            ComposeEnvironment::Same => {}
            ComposeEnvironment::Changes => host.set_environment(&n.to_string()),
            ComposeEnvironment::Apart => host.describe_apart(""),
        }
    }

    /// The number of the image that is asked for.
    pub(super) fn number(&self) -> u8 {
        match self.asked {
            RequestedRelease::New => self.earlier + 1,
            RequestedRelease::Previous => self.earlier - 1,
            RequestedRelease::Same => self.earlier,
        }
    }
}
