//! Answers `logs`: what a slot's container printed, and what it goes on to print.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::failure::{HostResultExt as _, StepResult};
use super::history;
use super::owner;
use super::paths::AppPaths;
use super::survey::Survey;
use crate::error::{Failure, Reason};
use crate::host::{Host, LogRange};
use crate::protocol::logs::{LogOrder, LogStart, WantedSlot};
use crate::protocol::plan::Site;
use crate::protocol::slot::Slot;
use crate::protocol::wire::Reply;

/// While nothing is printed an empty answer goes out this often: the runner hears that we are there, and we that it is.
const ALIVE_EVERY: Duration = Duration::from_secs(10);

/// Sends the lines as they come. Ends with the log, or when nobody listens.
pub(super) async fn tell<H: Host>(
    host: &H,
    order: &LogOrder,
    listener: &UnboundedSender<Reply>,
) -> StepResult<()> {
    let site = &order.site;
    owner::is_known(host, site).await?;
    let survey = Survey::take(host, site).await?;
    let slot = wanted(&survey, &order.slot)?;
    let name = survey.homes.slots.get(slot).name();
    let Some(container) = survey.containers.get(slot) else {
        return Err(bad(format!("slot `{name}` has no container, so no log"))
            .hint("see what there is: `pct-deploy status`"));
    };
    let range = LogRange {
        since_ms: match &order.since {
            None => None,
            Some(since) => Some(began(host, site, since).await?),
        },
        lines: order.lines,
        end: order.ends,
    };
    let mut send = |line: &str| {
        let lines = vec![line.to_owned()];
        drop(listener.send(Reply::Log { lines }));
    };
    let read = host.container_output(&container.id, &range, &mut send);
    let alive = async {
        loop {
            host.sleep(ALIVE_EVERY).await;
            drop(listener.send(Reply::Log { lines: Vec::new() }));
        }
    };
    tokio::select! {
        read = read => {
            read.during(Reason::PreflightFailed, format_args!("cannot read the log of slot `{name}`"))?;
        }
        () = alive => {}
        () = listener.closed() => {}
    }
    drop(listener.send(Reply::LogOver));
    Ok(())
}

fn wanted(survey: &Survey, slot: &WantedSlot) -> StepResult<Slot> {
    match slot {
        WantedSlot::Live => survey.live().ok_or_else(|| {
            bad("no slot takes traffic".to_owned())
                .hint("the last one that did: `pct-deploy logs --slot idle`")
        }),
        WantedSlot::Idle => Ok(survey.idle()),
        WantedSlot::Named(name) => {
            let named = |slot: &Slot| {
                let service = survey.homes.slots.get(*slot);
                service.service.as_str() == name || service.name().to_string() == *name
            };
            let [one, two] = Slot::BOTH.map(|slot| survey.homes.slots.get(slot).name().to_string());
            Slot::BOTH.into_iter().find(named).ok_or_else(|| {
                bad(format!("there is no slot `{name}`")).hint(format!(
                    "the slots are `{one}` and `{two}`; without `--slot` it is the one that takes traffic"
                ))
            })
        }
    }
}

/// Host time.
async fn began<H: Host>(host: &H, site: &Site, since: &LogStart) -> StepResult<u64> {
    let id = match since {
        LogStart::AgoMs(ago) => return Ok(host.now_ms().saturating_sub(*ago)),
        LogStart::Deployment(id) => id,
    };
    let began = history::began_ms(host, &AppPaths::new(&site.app), id).await;
    let began = began.during(
        Reason::PreflightFailed,
        format_args!("cannot read what deployment {id} said"),
    )?;
    began.ok_or_else(|| {
        bad(format!("the host has no record of deployment {id}"))
            .hint("see which there are: `pct-deploy history`")
    })
}

fn bad(what: String) -> Failure {
    Failure::new(Reason::PreflightFailed, what)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::agent::tests::{deployed, image, plan};
    use crate::host::sim::SimHost;
    use crate::protocol::logs::LogEnd;
    use crate::protocol::plan::Target;

    fn asked(host: &SimHost, slot: WantedSlot, since: Option<LogStart>) -> StepResult<Vec<String>> {
        let (listener, mut replies) = unbounded_channel();
        let order = LogOrder {
            site: plan(1, Target::Image(image(1))).site,
            slot,
            since,
            lines: Some(10),
            ends: LogEnd::Now,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(tell(host, &order, &listener))?;
        let mut all = Vec::new();
        while let Ok(reply) = replies.try_recv() {
            match reply {
                Reply::Log { lines } => all.extend(lines),
                other => assert_eq!(other, Reply::LogOver),
            }
        }
        Ok(all)
    }

    #[test]
    fn the_slot_that_is_meant_is_asked_and_one_that_is_none_is_told() {
        let host = SimHost::new();
        deployed(&host, 1);
        let of = |slot| asked(&host, slot, None);
        assert_eq!(of(WantedSlot::Live).unwrap(), ["said by web-1"]);
        assert_eq!(
            of(WantedSlot::Named("web-1".to_owned())).unwrap(),
            ["said by web-1"]
        );
        let idle = of(WantedSlot::Idle).unwrap_err();
        assert!(
            idle.chain[0].contains("`web-2` has no container"),
            "{idle:?}"
        );
        let none = of(WantedSlot::Named("web".to_owned())).unwrap_err();
        assert!(none.hints[0].contains("`web-1` and `web-2`"), "{none:?}");
        deployed(&host, 2);
        assert_eq!(
            asked(&host, WantedSlot::Live, None).unwrap(),
            ["said by web-2"]
        );
        assert_eq!(
            asked(&host, WantedSlot::Idle, None).unwrap(),
            ["said by web-1"]
        );
    }

    #[test]
    fn a_deployment_says_where_it_begins() {
        let host = SimHost::new();
        deployed(&host, 1);
        let id = plan(1, Target::Image(image(1))).deployment;
        let since = |id| Some(LogStart::Deployment(id));
        asked(&host, WantedSlot::Live, since(id)).unwrap();
        let unknown = plan(7, Target::Image(image(7))).deployment;
        let error = asked(&host, WantedSlot::Live, since(unknown)).unwrap_err();
        assert!(
            error.chain[0].contains("no record of deployment"),
            "{error:?}"
        );
    }
}
