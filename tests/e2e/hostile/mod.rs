//! Releases that must never stay live: each is deployed under load, and each is taken back.
//!
//! `make test` prints the table. `smoke-paths` names a path that works, so that nothing but the watch stands between a
//! bad release and the users; the last rows show what the default spares them.

mod cell;
mod disk;

use std::fmt;

use cell::{Requests, Row, Scene, Seen};

use crate::world::{Host, Release, World};

/// A release and what it does to users.
struct Hostile {
    name: &'static str,
    release: fn(Release) -> Release,
}

/// What the good release takes for an answer; ten times that is slow.
const USUAL_MS: u32 = 20;

const HOSTILE: [Hostile; 10] = [
    hostile("hangs for users", Release::hangs),
    hostile("hangs whole after 3 s", |release| {
        release.hangs_after_ms(3_000)
    }),
    hostile("drops 30 %", |release| release.drops_percent(30)),
    hostile("drops 90 %", |release| release.drops_percent(90)),
    hostile("404 to all", |release| release.says(404)),
    hostile("401 to all", |release| release.says(401)),
    hostile("500 to 5 %", |release| release.fails_percent(5)),
    hostile("ten times slower", |release| release.slow_ms(10 * USUAL_MS)),
    hostile("leaks until killed", |release| release.leaks_later(48)),
    hostile("fills the disk", |release| release.fills_disk(disk::DATA)),
];

/// With `smoke-paths` as it is by default nobody meets these.
const ASKED_FIRST: [Hostile; 3] = [
    hostile("asked first: hangs", Release::hangs),
    hostile("asked first: drops all", |release| {
        release.drops_percent(100)
    }),
    hostile("asked first: 500 to all", |release| release.says(500)),
];

const fn hostile(name: &'static str, release: fn(Release) -> Release) -> Hostile {
    Hostile { name, release }
}

/// All rows, also when some went wrong.
#[derive(Default)]
struct Table(Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "hostile: {:<22} {:<8} {:<24} {:>8} {:>6} {:>6} {:>9} {:>8}",
            "release", "requests", "outcome", "sent", "bad", "by it", "watched", "back"
        )?;
        for row in &self.0 {
            writeln!(f, "hostile: {row}")?;
        }
        let live = self.0.iter().filter(|row| row.stayed_live()).count();
        write!(
            f,
            "hostile: {} releases, {live} stayed live (bad: not answered with 200 within 2 s; by it: 200 from \
             the bad release; watched, back: ms until the decision, and from it until traffic was back)",
            self.0.len()
        )
    }
}

#[test]
fn no_hostile_release_stays_live() {
    let asked = std::env::var("PCT_HOSTILE").unwrap_or_default();
    let mut scene = Scene::begin(World::provisioned(Host::V2));
    let mut table = Table::default();
    for hostile in HOSTILE.iter().filter(|one| one.name.contains(&asked)) {
        for requests in [Requests::GetAndPost, Requests::Get] {
            let row = scene.play(hostile.name, hostile.release, requests, Seen::ByWatch);
            eprintln!("hostile: {row}");
            table.0.push(row);
        }
    }
    for hostile in ASKED_FIRST.iter().filter(|one| one.name.contains(&asked)) {
        let row = scene.play(
            hostile.name,
            hostile.release,
            Requests::GetAndPost,
            Seen::Before,
        );
        eprintln!("hostile: {row}");
        table.0.push(row);
    }
    scene.end();
    eprintln!("{table}");
    let problems: Vec<_> = table.0.iter().flat_map(|row| &row.problems).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}
