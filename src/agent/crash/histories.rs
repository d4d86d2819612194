//! Every history of a story: the agent dies at every point, in every way, and again at every point of each recovery.
//!
//! One run is filmed: what a crash at a point leaves is what the world is at that point, because nothing happens in
//! `Drop` (which [`a_picture_is_what_a_crash_leaves`] shows). A world that was met before has no new future.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use super::settled::{CheckResult, check};
use super::stories::{Depth, SECOND, Story, SwitchMethod};
use super::{drive, faults, heal, live, paths};
use crate::agent::events::Events;
use crate::agent::fence;
use crate::agent::journal::file::Journal;
use crate::agent::journal::state::JournalPhase;
use crate::agent::swap::Swap;
use crate::agent::table;
use crate::agent::tests::{behaves, image, plan};
use crate::host::facts::ComposeTool;
use crate::host::sim::{Death, KnownWorlds, SimHost};
use crate::host::{Files as _, LockAttempt};
use crate::protocol::plan::{Plan, Target};

/// What becomes of the worlds that one beginning can lead to.
pub(super) struct Histories {
    pub(super) begin: SimHost,
    pub(super) plan: Plan,
    met: HashSet<u64>,
    /// Worlds that were in a picture: dying there has been tried in every way.
    pictured: KnownWorlds,
    ends: HashSet<u64>,
    pub(super) told: u64,
}

impl Histories {
    pub(super) fn new((begin, plan): (SimHost, Plan)) -> Self {
        let (met, ends) = (HashSet::new(), HashSet::new());
        Self {
            begin,
            plan,
            met,
            pictured: KnownWorlds::default(),
            ends,
            told: 0,
        }
    }

    /// How many different worlds there were.
    pub(super) fn worlds(&self) -> usize {
        self.met.len()
    }

    /// Has a run leave a picture of every new world.
    pub(super) fn film(&self, host: &SimHost) {
        host.start_film(Rc::clone(&self.pictured));
    }

    /// Dies in every picture, in every way, and settles what is left; and in every picture of that, to the end.
    pub(super) fn visit(&mut self, host: &SimHost) -> CheckResult {
        let mut worlds = self.leave(host, "");
        for (dead, story) in &worlds {
            // Without a recovery by hand before it.
            self.next_deploy_works(dead)
                .map_err(|why| format!("{story}: {why}"))?;
        }
        while let Some((dead, story)) = worlds.pop() {
            let healed = undo_twice(&dead)
                .and_then(|()| self.settle(&dead))
                .map_err(|why| format!("{story}: {why}"))?;
            worlds.extend(self.leave(&healed, &story));
        }
        Ok(())
    }

    /// Dies in every picture, in every way, and settles what is left.
    pub(super) fn visit_once(&mut self, host: &SimHost) -> CheckResult {
        for (dead, story) in self.leave(host, "") {
            self.settle(&dead)
                .map_err(|why| format!("{story}: {why}"))?;
        }
        Ok(())
    }

    /// The worlds that a death leaves, without those that were met before, each with how it came to it.
    fn leave(&mut self, host: &SimHost, story: &str) -> Vec<(SimHost, String)> {
        let mut worlds = Vec::new();
        let points = host.points();
        self.told += Death::ALL.len() as u64 * points as u64;
        for (at, picture) in host.end_film() {
            for death in Death::ALL {
                let dead = picture.after(death);
                if self.met.insert(dead.essence()) {
                    let story = format!("{story} {death:?} at {at} of {points};");
                    worlds.push((SimHost::with(dead), story));
                }
            }
        }
        worlds
    }

    /// Settles one world, on film.
    pub(super) fn settle(&mut self, dead: &SimHost) -> Result<SimHost, String> {
        let healed = dead.after(Death::Kill);
        self.film(&healed);
        match heal(&healed) {
            Some(Ok(_)) => {}
            other => return Err(format!("recovery: {other:?}")),
        }
        check(&self.begin, &healed, &self.plan)?;
        if self.ends.insert(healed.world.borrow().essence()) {
            recover_twice(&healed)?;
            self.next_deploy_works(&healed)?;
        }
        Ok(healed)
    }

    /// The next deploy of a good release works, and settles first what it finds open.
    fn next_deploy_works(&self, from: &SimHost) -> CheckResult {
        let has = |host: &SimHost, path| host.world.borrow().files.contains_key(&path);
        let host = from.after(Death::Kill);
        let was_open = has(&host, paths().journal());
        let next = Plan {
            site: self.plan.site.clone(),
            ..plan(9, Target::Image(image(9)))
        };
        let finished = live(&host, &next);
        let broken = host.world.borrow().broken.clone();
        let settled = has(&host, paths().archived(&self.plan.deployment)) || !was_open;
        let open = has(&host, paths().journal());
        if host.serves() == Some(image(9)) && broken.is_empty() && settled && !open {
            return Ok(());
        }
        Err(format!(
            "the next deploy: {finished:?}, {broken:?}, open: {open}, settled: {settled}"
        ))
    }
}

/// Recovery of what is settled changes nothing.
fn recover_twice(healed: &SimHost) -> CheckResult {
    let again = healed.after(Death::Kill);
    heal(&again);
    if again.world.borrow().files == healed.world.borrow().files {
        Ok(())
    } else {
        Err("a second recovery changed something".to_owned())
    }
}

/// The undo that is owed next, done twice, is the undo done once.
fn undo_twice(dead: &SimHost) -> CheckResult {
    let host = dead.after(Death::Kill);
    let paths = paths();
    let work = async {
        let lock = host.try_lock(&paths.lock(), "undo").await;
        assert!(matches!(lock, Ok(LockAttempt::Taken(_))));
        let Ok(fence) = fence::seize(&host, &paths).await else {
            return Ok(());
        };
        let Ok(Some(journal)) = Journal::reopen(&host, &paths, fence).await else {
            return Ok(());
        };
        let state = journal.state().clone();
        let way_back = matches!(state.phase, JournalPhase::Forward | JournalPhase::Undoing);
        let Some((step, before)) = state.owed().filter(|_| way_back) else {
            return Ok(());
        };
        let events = Events::silent(&host);
        let swap = Swap::cut_short(&host, &events, &paths, &state.begun, ComposeTool::V2);
        let mut ends = Vec::new();
        for _ in 0..2 {
            if let Err(why) = table::undo(&swap, step, before).await {
                return Err(format!("the undo of {step}: {why:?}"));
            }
            ends.push(host.world.borrow().essence());
        }
        if ends[0] == ends[1] {
            Ok(())
        } else {
            Err(format!("the undo of {step}, done twice, is another one"))
        }
    };
    drive(&host, Box::pin(work)).unwrap_or(Ok(()))
}

/// Visits every history of a story that was not met in another one.
fn tell(story: &Story, histories: &mut Histories) {
    let began = Instant::now();
    let calm = histories.begin.after(Death::Kill);
    behaves(&calm, story.number(), story.behaviour);
    calm.world.borrow_mut().visitors = story.visitors;
    calm.faults.always.set(story.failing);
    histories.film(&calm);
    let (told, worlds) = (histories.told, histories.worlds());
    let finished = live(&calm, &histories.plan);
    let settled =
        check(&histories.begin, &calm, &histories.plan).and_then(|()| match story.depth {
            Depth::ToTheEnd => histories.visit(&calm),
            Depth::Once => histories.visit_once(&calm),
        });
    assert_eq!(settled, Ok(()), "{}: {finished:?}", story.name);
    println!(
        "{:<40} {:>4} points {:>7} histories {:>5} new worlds {:>5} ms",
        story.name,
        calm.points(),
        histories.told - told,
        histories.worlds() - worlds,
        began.elapsed().as_millis(),
    );
}

/// Tells every story of a switch; those with the same past and the same plan share their worlds.
fn tell_all(switch: SwitchMethod) -> (u64, usize) {
    let mut shared = BTreeMap::new();
    println!("{switch:?}:");
    for story in Story::all(switch) {
        let histories = shared
            .entry((story.earlier, story.asked, story.environment))
            .or_insert_with(|| Histories::new(story.begin(switch)));
        tell(&story, histories);
    }
    let told = shared.values().map(|histories| histories.told).sum();
    let worlds = shared.values().map(Histories::worlds).sum();
    (told, worlds)
}

#[test]
fn whenever_the_agent_dies_exactly_one_healthy_slot_serves_and_the_journal_closes() {
    let began = Instant::now();
    let told = std::thread::scope(|scope| {
        let tellers = SwitchMethod::BOTH.map(|switch| scope.spawn(move || tell_all(switch)));
        tellers.map(|teller| teller.join().unwrap())
    });
    let histories: u64 = told.iter().map(|(histories, _)| histories).sum();
    let worlds: usize = told.iter().map(|(_, worlds)| worlds).sum();
    println!(
        "{histories} histories lead through {worlds} different worlds, all settled, in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    assert!(
        histories > 10_000,
        "{histories} histories are too few to mean anything"
    );
}

#[test]
fn the_same_holds_where_nginx_is_in_a_container() {
    let (histories, worlds) = tell_all(SwitchMethod::Contained);
    assert!(
        histories > 1_000 && worlds > 100,
        "{histories} histories through {worlds} worlds"
    );
}

#[test]
fn a_picture_is_what_a_crash_leaves() {
    for switch in SwitchMethod::BOTH {
        let (begin, plan) = SECOND.begin(switch);
        let calm = begin.after(Death::Kill);
        let pictured = KnownWorlds::default();
        calm.start_film(Rc::clone(&pictured));
        live(&calm, &plan);
        for at in 0..calm.points() {
            let host = begin.after(Death::Kill);
            host.crash_at.set(Some(at));
            assert!(live(&host, &plan).is_none(), "it dies at {at}");
            let essence = host.world.borrow().essence();
            assert!(
                pictured.borrow().contains(&essence),
                "{switch:?}: died at {at}"
            );
            faults::lock_is_free(&host);
        }
    }
}
