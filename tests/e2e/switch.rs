//! Twenty deploys in a row under a hundred kept-alive connections: the flag loses nothing, in both directions, also
//! over a slow line; a reload loses what it is said to lose, so that the nothing means something.

use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;
use sandbox::load::{EndedBy, LoadReport};
use sandbox::relay::Relay;

use crate::world::{self, Host, World};

const DEPLOYS: usize = 20;
const ONE_WAY: Duration = Duration::from_millis(20);

/// How far the clients are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Short,
    Long,
}

/// What twenty deploys did.
struct Series {
    report: LoadReport,
    /// What the reloads would lose, by the rate in the receipts and the round trip that the clients had: a relay
    /// hides it from the host's kernel.
    expected: f64,
}

#[test]
fn twenty_deploys_by_flag_lose_nothing() {
    let series = twenty(World::provisioned(Host::V2), SwitchKind::Flag, Line::Short);
    assert!(series.report.is_clean(), "{}", series.report);
}

#[test]
fn twenty_deploys_by_flag_over_40_ms_lose_nothing() {
    let series = twenty(World::provisioned(Host::V2), SwitchKind::Flag, Line::Long);
    assert!(series.report.is_clean(), "{}", series.report);
}

#[test]
fn twenty_deploys_by_reload_answer_nothing_but_200() {
    let series = twenty(World::fresh(Host::V2), SwitchKind::Reload, Line::Short);
    answered_well(&series.report);
}

#[test]
fn twenty_deploys_by_reload_over_40_ms_lose_what_was_predicted() {
    let series = twenty(World::fresh(Host::V2), SwitchKind::Reload, Line::Long);
    answered_well(&series.report);
    let ratio = series.report.lost as f64 / series.expected;
    assert!(
        series.report.lost > 0 && (0.2..5.0).contains(&ratio),
        "{} lost, {:.0} expected",
        series.report.lost,
        series.expected
    );
}

/// Requests may be lost with their connection; whatever is answered is answered with 200.
fn answered_well(report: &LoadReport) {
    let bad = (
        report.non_200.len(),
        report.connect_errors,
        report.broken,
        report.timeouts,
    );
    assert_eq!(bad, (0, 0, 0, 0), "{report}");
}

fn twenty(mut world: World, kind: SwitchKind, line: Line) -> Series {
    world.set("switch", kind.as_str());
    world.set("bake", "0s");
    let images = world.two_releases();
    let relay = (line == Line::Long).then(|| Relay::start(world.http(), ONE_WAY).unwrap());
    let load = world::hundred(relay.as_ref().map_or(world.http(), Relay::addr));
    std::thread::sleep(Duration::from_secs(1));
    let (mut predicted, mut expected, mut into) = (0.0, 0.0, [0, 0]);
    // `v2` is live, so it begins with `v1`.
    for (n, image) in (0..DEPLOYS).zip(images.iter().cycle()) {
        let result = world
            .deploy_image(image)
            .expect(Outcome::Deployed, "deployed");
        assert_eq!(result.receipt.switch, Some(kind));
        if kind == SwitchKind::Flag {
            assert_eq!(
                result.requests_failed,
                Some(0),
                "deploy {n}: {:?}",
                result.receipt
            );
        }
        let slot = usize::from(result.slot.as_deref() == Some("hello-2"));
        *into.get_mut(slot).unwrap() += 1;
        if let Some(loss) = result.receipt.predicted_loss {
            let round_trip = loss.round_trip_ms.max(2.0 * delay_ms(line));
            predicted += loss.requests;
            expected += loss.requests_per_second * round_trip / 1000.0;
        }
    }
    let report = load.stop_blocking();
    eprintln!(
        "series: {DEPLOYS} deploys by {:<6} {:>2} ms: {:>6} requests, {:>4} lost, {} not 200{}",
        kind.as_str(),
        2.0 * delay_ms(line),
        report.sent,
        report.lost,
        report.non_200.values().sum::<u64>(),
        match kind {
            SwitchKind::Flag => String::new(),
            SwitchKind::Reload =>
                format!("; predicted {predicted:.0}, with the true round trip {expected:.0}"),
        }
    );
    assert_eq!(into, [DEPLOYS / 2, DEPLOYS / 2], "in both directions");
    assert_eq!(report.ended_by, EndedBy::Stop);
    assert!(
        report.sent > 5_000 && report.by_version.len() == 2,
        "{report}"
    );
    Series { report, expected }
}

fn delay_ms(line: Line) -> f64 {
    match line {
        Line::Short => 0.0,
        Line::Long => ONE_WAY.as_secs_f64() * 1e3,
    }
}
