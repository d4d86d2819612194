//! The exhaustive crash test: die at every point of a swap, recover, die at every point of that recovery,
//! recover again. Pass 1 counts the points; pass 2 visits them all, as kill and as power cut.

use std::cell::Cell;
use std::collections::HashSet;

use tokio::sync::mpsc::unbounded_channel;

use super::follow::follow;
use super::lock::CancelState;
use super::paths::AppPaths;
use super::recover::recover;
use super::run::run;
use super::tests::{image, plan};
use crate::host::sim::{Behaviour, Death, SimHost};
use crate::protocol::event::Happening;
use crate::protocol::ids::PinnedImage;
use crate::protocol::plan::{Plan, Target};
use crate::protocol::wire::Reply;

/// A story whose every instant may be the last one.
struct Story {
    name: &'static str,
    /// Releases that are deployed before it begins.
    earlier: u8,
    behaviour: Behaviour,
    target: fn(u8) -> Target,
    failing: Option<&'static str>,
}

fn new_image(n: u8) -> Target {
    Target::Image(image(n))
}

fn previous(_: u8) -> Target {
    Target::Previous
}

const DEATHS: [Death; 2] = [Death::Kill, Death::PowerLoss];

const GOOD: Behaviour = Behaviour::HealthyAfter(1_000);

const STORIES: [Story; 7] = [
    Story {
        name: "first deploy",
        earlier: 0,
        behaviour: GOOD,
        target: new_image,
        failing: None,
    },
    Story {
        name: "second deploy",
        earlier: 1,
        behaviour: GOOD,
        target: new_image,
        failing: None,
    },
    Story {
        name: "deploy with a past",
        earlier: 3,
        behaviour: GOOD,
        target: new_image,
        failing: None,
    },
    Story {
        name: "rollback",
        earlier: 2,
        behaviour: GOOD,
        target: previous,
        failing: None,
    },
    Story {
        name: "unhealthy release",
        earlier: 2,
        behaviour: Behaviour::Unhealthy,
        target: new_image,
        failing: None,
    },
    Story {
        name: "first release crashes",
        earlier: 0,
        behaviour: Behaviour::Crashes(1),
        target: new_image,
        failing: None,
    },
    Story {
        name: "the old slot cannot be stopped",
        earlier: 1,
        behaviour: GOOD,
        target: new_image,
        failing: Some("compose_stop"),
    },
];

impl Story {
    fn begin(&self) -> (SimHost, Plan) {
        let host = SimHost::new();
        for n in 1..=self.earlier {
            live_until_death(&host, &plan(n, Target::Image(image(n))));
        }
        let n = self.earlier + 1;
        let digest = image(n).digest.to_string();
        host.world
            .borrow_mut()
            .behaviours
            .insert(digest, self.behaviour);
        (host.after(Death::Kill), plan(n, (self.target)(n)))
    }

    /// What may serve at the end.
    fn allowed(&self) -> Vec<Option<PinnedImage>> {
        let old = (self.earlier > 0).then(|| image(self.earlier));
        let new = match (self.target)(0) {
            Target::Previous => image(self.earlier - 1),
            Target::Image(_) | Target::Release(_) => image(self.earlier + 1),
        };
        vec![old, Some(new)]
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

/// Runs a plan until it ends or the host's crash point is reached.
fn live_until_death(host: &SimHost, plan: &Plan) {
    let (listener, _replies) = unbounded_channel();
    let cancel = Cell::new(CancelState::No);
    block_on(async {
        tokio::select! {
            biased;
            () = host.crashed() => {}
            () = run(host, plan, None, listener, &cancel) => {}
        }
    });
}

/// Recovers until it is done or the host's crash point is reached.
fn recover_until_death(host: &SimHost, story: &Story) {
    let paths = AppPaths::new(&"app".parse().unwrap());
    block_on(async {
        tokio::select! {
            biased;
            () = host.crashed() => {}
            recovered = recover(host, &paths) => {
                assert!(recovered.is_ok(), "{}: {recovered:?}", story.name);
            }
        }
    });
}

/// What must hold once everything is settled.
fn check(host: &SimHost, story: &Story, history: &str) {
    let at = || format!("{}: {history}", story.name);
    // Where nobody served before, the way back leads to nobody.
    if story.earlier > 0 {
        assert_eq!(host.world.borrow().broken, Vec::<String>::new(), "{}", at());
    }
    let serves = host.serves();
    assert!(
        story.allowed().contains(&serves),
        "{} serves {serves:?}",
        at()
    );
    let files = host.world.borrow().files.clone();
    let has = |name: &str| files.keys().any(|path| path.ends_with(name));
    assert!(!has("open.jsonl"), "{}: the journal is open", at());
    let slots = host
        .running()
        .into_iter()
        .filter(|service| service != "db")
        .count();
    let stoppable = story.failing != Some("compose_stop");
    if stoppable {
        assert_eq!(
            slots,
            usize::from(serves.is_some()),
            "{}: {:?}",
            at(),
            host.running()
        );
    }
    for (path, bytes) in &files {
        if path.to_string_lossy().contains("/events/") {
            let text = String::from_utf8_lossy(bytes);
            let ends = text.matches("\"kind\":\"finished\"").count();
            assert!(
                ends <= 1,
                "{}: {ends} last words in {}",
                at(),
                path.display()
            );
        }
    }
    // Recovery of what is settled changes nothing.
    let before = host.world.borrow().files.clone();
    let again = host.after(Death::Kill);
    recover_until_death(&again, story);
    assert_eq!(
        again.world.borrow().files,
        before,
        "{}: recovered twice",
        at()
    );
}

/// The next deploy of a good release works, and settles first what it finds open.
fn next_deploy_works(dead: &SimHost, open: &Plan, story: &Story) {
    let host = dead.after(Death::Kill);
    let has = |host: &SimHost, name: String| {
        host.world
            .borrow()
            .files
            .keys()
            .any(|path| path.ends_with(&name))
    };
    let was_open = has(&host, "open.jsonl".to_owned());
    live_until_death(&host, &plan(9, Target::Image(image(9))));
    assert_eq!(host.serves(), Some(image(9)), "{}", story.name);
    assert!(
        !has(&host, "open.jsonl".to_owned()),
        "{}: the journal is open",
        story.name
    );
    let archived = has(&host, format!("history/{}.jsonl", open.deployment));
    assert!(
        archived || !was_open,
        "{}: what was open is gone without an end",
        story.name
    );
    if story.earlier > 0 {
        assert_eq!(
            host.world.borrow().broken,
            Vec::<String>::new(),
            "{}",
            story.name
        );
    }
}

/// A world that was met before has no new future: its histories are settled already.
#[derive(Default)]
struct Met {
    worlds: HashSet<String>,
    histories: u64,
}

impl Met {
    fn is_new(&mut self, host: &SimHost) -> bool {
        self.histories += 1;
        self.worlds.insert(host.essence())
    }
}

/// Dies at every point of a recovery, in both ways, and recovers again.
fn die_in_recovery(dead: &SimHost, points: usize, story: &Story, met: &mut Met, history: &str) {
    for again in 0..points {
        let half = dead.after(Death::Kill);
        half.crash_at.set(Some(again));
        recover_until_death(&half, story);
        for second in DEATHS {
            let twice = half.after(second);
            if met.is_new(&twice) {
                recover_until_death(&twice, story);
                check(
                    &twice,
                    story,
                    &format!("{history}, then {second:?} at {again}"),
                );
            }
        }
    }
}

/// Visits every history of a story: how many there are, and in how many different worlds they end.
fn tell(story: &Story) -> (u64, usize) {
    let (mut met, mut met_twice) = (Met::default(), Met::default());
    let (begin, plan) = story.begin();
    let calm = begin.after(Death::Kill);
    calm.fail_always.set(story.failing);
    live_until_death(&calm, &plan);
    let points = calm.points();
    assert!(points > 20, "{}: {points} points", story.name);
    let mut in_recovery = 0;
    for at in 0..points {
        let host = begin.after(Death::Kill);
        host.fail_always.set(story.failing);
        host.crash_at.set(Some(at));
        live_until_death(&host, &plan);
        for death in DEATHS {
            let dead = host.after(death);
            if !met.is_new(&dead) {
                continue;
            }
            let healed = dead.after(Death::Kill);
            recover_until_death(&healed, story);
            let history = format!("{death:?} at {at} of {points}");
            check(&healed, story, &history);
            next_deploy_works(&healed, &plan, story);
            next_deploy_works(&dead, &plan, story);
            in_recovery = in_recovery.max(healed.points());
            die_in_recovery(&dead, healed.points(), story, &mut met_twice, &history);
        }
    }
    println!(
        "{:>32}: {points} points, up to {in_recovery} in a recovery",
        story.name
    );
    (
        met.histories + met_twice.histories,
        met.worlds.len() + met_twice.worlds.len(),
    )
}

#[test]
fn whenever_the_agent_dies_exactly_one_healthy_slot_serves_and_the_journal_closes() {
    let told = std::thread::scope(|scope| {
        let tellers: Vec<_> = STORIES
            .iter()
            .map(|story| scope.spawn(move || tell(story)))
            .collect();
        tellers
            .into_iter()
            .map(|teller| teller.join().unwrap())
            .collect::<Vec<_>>()
    });
    let histories: u64 = told.iter().map(|(histories, _)| histories).sum();
    let worlds: usize = told.iter().map(|(_, worlds)| worlds).sum();
    println!("{histories} histories end in {worlds} different worlds, all settled");
    assert!(
        histories > 10_000,
        "{histories} histories are too few to mean anything"
    );
}

#[test]
fn a_runner_that_comes_back_hears_each_event_once_and_the_last_word_always() {
    let story = &STORIES[1];
    let (begin, plan) = story.begin();
    let calm = begin.after(Death::Kill);
    live_until_death(&calm, &plan);
    for at in 0..calm.points() {
        let host = begin.after(Death::Kill);
        host.crash_at.set(Some(at));
        live_until_death(&host, &plan);
        let after = host.after(Death::Kill);
        let (listener, mut replies) = unbounded_channel();
        block_on(follow(
            &after,
            &plan.site.app,
            &plan.deployment,
            2,
            listener,
        ));
        let (mut last, mut ends) = (2, 0);
        while let Ok(Reply::Event(event)) = replies.try_recv() {
            assert_eq!(event.seq, last + 1, "died at {at}");
            last = event.seq;
            ends += u32::from(matches!(event.what, Happening::Finished(_)));
        }
        assert_eq!(ends, 1, "died at {at}: exactly one last word");
        assert!(story.allowed().contains(&after.serves()), "died at {at}");
        let open = after
            .world
            .borrow()
            .files
            .keys()
            .any(|path| path.ends_with("open.jsonl"));
        assert!(!open, "died at {at}: the journal is open");
    }
}
