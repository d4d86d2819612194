//! Faults, each at each step of a swap, on the real host under load. Afterwards the site serves, the journal is closed
//! or recovery closes it, and the next deploy works.
//!
//! `make chaos` runs them all and prints the table, `FAULT=nginx make chaos` those of one fault; in `make test` a few
//! cells stand for the rest.

mod cell;
mod fault;

use std::fmt;

use cell::{Row, Scene};
use fault::Fault;
use pct_deploy::protocol::step::Step;

use crate::world::{Host, World};

/// Where in the journal the fault falls, by its line: just before a step acts, or before what comes after the pivot. A
/// step has two lines.
fn places() -> Vec<(&'static str, u32)> {
    let (mut places, mut line) = (vec![("begun", 1)], 2);
    for step in Step::ALL {
        if *step == Step::DrainOld {
            places.push(("committed", line));
            line += 1;
        }
        if (Step::PullImage..Step::Prune).contains(step) {
            places.push((step.as_str(), line));
            line += 2;
        }
    }
    places
}

/// Those that stand for the rest: each fault once, each half of a swap, in a few minutes.
const FEW: [(Fault, &str); 10] = [
    (Fault::DiskFull, "await_healthy"),
    (Fault::AgentKilled, "switch_traffic"),
    (Fault::AgentKilled, "drain_old"),
    (Fault::RunnerKilled, "start_slot"),
    (Fault::ConnectionCut, "committed"),
    (Fault::DockerKilled, "start_slot"),
    (Fault::NginxKilled, "bake"),
    (Fault::SlotKilled, "committed"),
    (Fault::RegistryGone, "pull_image"),
    (Fault::Reboot, "bake"),
];

fn cells() -> Vec<(Fault, &'static str, u32)> {
    let asked = std::env::var("PCT_CHAOS").ok();
    let wanted = |fault: Fault, step| match asked.as_deref() {
        None => FEW.contains(&(fault, step)),
        Some("all") => true,
        Some(part) => fault.name().contains(part),
    };
    let every = Fault::ALL.into_iter().flat_map(|fault| {
        places()
            .into_iter()
            .map(move |(step, line)| (fault, step, line))
    });
    let cells: Vec<_> = every
        .filter(|(fault, step, _)| wanted(*fault, *step))
        .collect();
    let names = Fault::ALL.map(Fault::name).join(", ");
    assert!(!cells.is_empty(), "no fault is called {asked:?}: {names}");
    cells
}

/// The rows so far; a table also when the last one failed.
#[derive(Default)]
struct Table(Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "chaos: {:<15} {:<15} {:<24} {:>8} {:>5} {:>8} {:>7}",
            "fault", "before", "outcome", "answered", "lost", "not 200", "seconds"
        )?;
        for row in &self.0 {
            writeln!(f, "chaos: {row}")?;
        }
        write!(f, "chaos: {} cells, all ended well", self.0.len())
    }
}

#[test]
fn whatever_dies_whenever_the_site_serves_and_the_next_deploy_works() {
    let world = World::provisioned(Host::V2);
    let mut scene = Scene::begin(world);
    let mut table = Table::default();
    for (fault, step, line) in cells() {
        let row = scene.play(fault, step, line);
        eprintln!("chaos: {row}");
        table.0.push(row);
    }
    eprintln!("{table}");
}
