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

const WRONG: [Hostile; 5] = [
    hostile("drops 30 %", |release| release.drops_percent(30)),
    hostile("drops 90 %", |release| release.drops_percent(90)),
    hostile("404 to all", |release| release.says(404)),
    hostile("401 to all", |release| release.says(401)),
    hostile("500 to 5 %", |release| release.fails_percent(5)),
];

const SLOW: [Hostile; 5] = [
    hostile("hangs for users", Release::hangs),
    hostile("hangs whole after 3 s", |release| {
        release.hangs_after_ms(3_000)
    }),
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

impl Table {
    /// Plays those that the watch has to see, with a `POST` among the requests and without.
    fn play_watched(&mut self, scene: &mut Scene, hostile: &[Hostile]) {
        for hostile in hostile.iter().filter(|one| one.is_asked_for()) {
            for requests in [Requests::GetAndPost, Requests::Get] {
                self.add(scene.play(hostile.name, hostile.release, requests, Seen::ByWatch));
            }
        }
    }

    fn add(&mut self, row: Row) {
        eprintln!("hostile: {row}");
        self.0.push(row);
    }

    fn judge(self, scene: Scene) {
        scene.end();
        eprintln!("{self}");
        let problems: Vec<_> = self.0.iter().flat_map(|row| &row.problems).collect();
        assert!(problems.is_empty(), "{problems:#?}");
    }
}

impl Hostile {
    /// `PCT_HOSTILE` names a part of the rows.
    fn is_asked_for(&self) -> bool {
        self.name
            .contains(&std::env::var("PCT_HOSTILE").unwrap_or_default())
    }
}

#[test]
fn no_release_that_answers_wrongly_stays_live() {
    let mut scene = Scene::begin(World::provisioned(Host::V2));
    let mut table = Table::default();
    table.play_watched(&mut scene, &WRONG);
    for hostile in ASKED_FIRST.iter().filter(|one| one.is_asked_for()) {
        table.add(scene.play(
            hostile.name,
            hostile.release,
            Requests::GetAndPost,
            Seen::Before,
        ));
    }
    table.judge(scene);
}

#[test]
fn no_release_that_hangs_or_eats_the_server_stays_live() {
    let mut scene = Scene::begin(World::provisioned(Host::V2));
    let mut table = Table::default();
    table.play_watched(&mut scene, &SLOW);
    table.judge(scene);
}
