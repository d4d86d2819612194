//! A stream of requests of our own through the public listener, on connections that are kept alive.
//!
//! What they see after the switch is compared with what the same listener gave before it: a path that is closed to the
//! public, a login page, a limit, a redirect are the site's business and no fault of a release.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use crate::agent::statistics::Part;
use crate::host::Host;
use crate::host::facts::{Probe, ProbeAnswer, RequestOutcome};
use crate::protocol::plan::HealthCheck;
use crate::protocol::receipt::Probes;
use crate::protocol::span::Span;

/// Two connections, so each asks ten times a second.
pub(super) const LINES: usize = 2;
const PAUSE: Duration = Duration::from_millis(50);
/// Until it is known how long the old slot takes.
const PATIENCE_MS: u64 = 1_000;

/// The way in.
#[derive(Debug)]
pub(in crate::agent) struct Route {
    /// A plain listener, or else one with TLS.
    first: Option<Probe>,
    /// One with TLS, should the plain one only send there.
    secure: Option<Probe>,
    check: HealthCheck,
    chosen: RefCell<Option<Probe>>,
    phase: Cell<ProbePhase>,
    before: Cell<Probes>,
    during: Cell<Probes>,
    /// How many got an answer so far.
    answered: Cell<u64>,
    /// Answers before the switch.
    seen: RefCell<BTreeSet<u16>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProbePhase {
    Before,
    During,
    After,
}

impl Route {
    pub(in crate::agent) fn new(
        first: Option<Probe>,
        secure: Option<Probe>,
        check: HealthCheck,
    ) -> Self {
        Self {
            chosen: RefCell::new(first.clone()),
            first,
            secure,
            check,
            phase: Cell::new(ProbePhase::Before),
            before: Cell::default(),
            during: Cell::default(),
            answered: Cell::default(),
            seen: RefCell::default(),
        }
    }

    /// Nothing is asked.
    pub(super) fn none() -> Self {
        let none = Span::from_millis(0);
        let check = HealthCheck {
            path: None,
            timeout: none,
            interval: none,
            successes: 1,
            port: None,
            host: None,
            by_https: false,
        };
        Self::new(None, None, check)
    }

    /// What came before was nginx without a slot.
    pub(super) fn forget(&self) {
        self.seen.borrow_mut().clear();
        self.before.set(Probes::default());
    }

    /// Where the plain listener only redirects, the one with TLS is asked from here on.
    pub(super) async fn choose<H: Host>(&self, host: &H) {
        self.be_patient(PATIENCE_MS);
        let (Some(first), Some(secure)) = (&self.first, &self.secure) else {
            return;
        };
        let first = Probe {
            timeout: Duration::from_millis(PATIENCE_MS),
            ..first.clone()
        };
        if let ProbeAnswer::Status(300..=399) = host.probe(&first).await {
            self.chosen.replace(Some(secure.clone()));
            self.be_patient(PATIENCE_MS);
        }
    }

    pub(super) fn be_patient(&self, ms: u64) {
        if let Some(probe) = self.chosen.borrow_mut().as_mut() {
            probe.timeout = Duration::from_millis(ms);
        }
    }

    pub(super) fn probe(&self) -> Option<Probe> {
        self.chosen.borrow().clone()
    }

    pub(super) fn window_opens(&self) {
        self.phase.set(ProbePhase::During);
    }

    pub(super) fn window_closes(&self) {
        self.phase.set(ProbePhase::After);
    }

    /// Asks once on each connection.
    pub(super) async fn ask<H: Host>(&self, host: &H, lines: &mut [H::Line]) {
        let Some(probe) = self.probe() else {
            return std::future::pending().await;
        };
        for line in lines {
            let probe = self.probe().unwrap_or_else(|| probe.clone());
            let phase = self.phase.get();
            let asked = host.ask(line, &probe).await;
            if let RequestOutcome::Status(_) = asked {
                self.answered.set(self.answered.get() + 1);
            }
            // One that was on its way when the phase changed counts for neither.
            if self.phase.get() == phase {
                self.note(&asked);
            }
            host.sleep(PAUSE).await;
        }
    }

    fn note(&self, asked: &RequestOutcome) {
        let into = match self.phase.get() {
            ProbePhase::Before => &self.before,
            ProbePhase::During => &self.during,
            ProbePhase::After => return,
        };
        let mut probes = into.get();
        probes.sent += 1;
        match asked {
            RequestOutcome::Status(status) if self.phase.get() == ProbePhase::Before => {
                self.seen.borrow_mut().insert(*status);
                probes.failed += u64::from(*status >= 500);
            }
            RequestOutcome::Status(status) => {
                let fine = self.check.accepts(*status) || self.was_seen(*status);
                probes.failed += u64::from(!fine);
            }
            RequestOutcome::Lost | RequestOutcome::Refused(_) => probes.lost += 1,
        }
        into.set(probes);
    }

    /// Whether this answer came before the switch as well.
    pub(super) fn was_seen(&self, status: u16) -> bool {
        self.seen.borrow().contains(&status)
    }

    /// How many got an answer so far.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Bad ones before the switch.
    pub(super) fn before(&self) -> Part {
        part(self.before.get())
    }

    /// Bad ones since.
    pub(super) fn during(&self) -> Part {
        part(self.during.get())
    }

    /// For the receipt; `None` when nothing could be asked, because there is no listener, or because it never answered
    /// when the old slot was behind it either.
    pub(super) fn told(&self) -> Option<Probes> {
        self.first.as_ref()?;
        let (before, during) = (self.before.get(), self.during.get());
        let deaf = before.sent > 0 && before.lost == before.sent && during.lost == during.sent;
        (!deaf).then_some(during)
    }
}

fn part(probes: Probes) -> Part {
    Part {
        of: probes.sent,
        hits: probes.lost + probes.failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(before: &[RequestOutcome], during: &[RequestOutcome]) -> Route {
        let probe = Probe {
            address: "127.0.0.1:80".parse().unwrap(),
            scheme: crate::host::nginx::Scheme::Http,
            preface: crate::host::nginx::Preface::None,
            host: "site".to_owned(),
            path: "/health".to_owned(),
            by_https: false,
            timeout: Duration::from_secs(1),
        };
        let check = HealthCheck {
            path: Some("/health".to_owned()),
            ..Route::none().check
        };
        let route = Route::new(Some(probe), None, check);
        before.iter().for_each(|asked| route.note(asked));
        route.window_opens();
        during.iter().for_each(|asked| route.note(asked));
        route
    }

    #[test]
    fn what_the_site_says_before_and_after_is_its_business() {
        use RequestOutcome::{Lost, Status};
        let failed = |before: &[RequestOutcome], during: &[RequestOutcome]| {
            route(before, during).during().hits
        };
        for closed in [403, 401, 429, 302, 503] {
            assert_eq!(failed(&[Status(closed)], &[Status(closed)]), 0);
            assert_eq!(failed(&[Status(200)], &[Status(closed)]), 1, "{closed}");
        }
        assert_eq!(failed(&[Status(200)], &[Lost, Status(200)]), 1);
        let deaf = route(&[Lost, Lost], &[Lost, Lost]);
        assert_eq!(
            deaf.told(),
            None,
            "nothing was lost where nothing ever answered"
        );
        assert!(route(&[Status(200)], &[Lost]).told().is_some());
    }
}
