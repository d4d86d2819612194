//! A runner that comes back after the agent's death.

use tokio::sync::mpsc::unbounded_channel;

use super::settled::check;
use super::stories::{ENDS, SECOND, SwitchMethod};
use super::{drive, heal, live, paths};
use crate::agent::follow::follow;
use crate::host::sim::{Death, KnownWorlds, SimHost};
use crate::protocol::event::Happening;
use crate::protocol::plan::Plan;
use crate::protocol::wire::Reply;

fn closed(host: &SimHost) -> bool {
    !host.world.borrow().files.contains_key(&paths().journal())
}

fn has_last_word(host: &SimHost, plan: &Plan) -> bool {
    let world = host.world.borrow();
    let log = world.files.get(&paths().event_log(&plan.deployment));
    log.is_some_and(|log| String::from_utf8_lossy(log).contains("\"kind\":\"finished\""))
}

#[test]
fn a_runner_that_comes_back_hears_each_event_once_and_the_last_word_always() {
    for story in [SECOND, ENDS] {
        let (begin, plan) = story.begin(SwitchMethod::Flag);
        let calm = begin.after(Death::Kill);
        calm.start_film(KnownWorlds::default());
        live(&calm, &plan);
        let film = calm.end_film();
        let all = film
            .iter()
            .flat_map(|(at, picture)| Death::ALL.map(|death| (at, death, picture)));
        for (at, death, picture) in all {
            let after = SimHost::with(picture.after(death));
            let at = format!("{death:?} at {at}");
            let had_last_word = has_last_word(&after, &plan);
            // A power cut takes events away that the runner has heard.
            let heard = match death {
                Death::Kill | Death::LuckyPowerLoss => 2,
                Death::PowerLoss => 60,
            };
            let (listener, mut replies) = unbounded_channel();
            let work = follow(&after, &plan.site.app, &plan.deployment, heard, listener);
            drive(&after, Box::pin(work));
            let (mut last, mut ends) = (heard, 0);
            while let Ok(Reply::Event(event)) = replies.try_recv() {
                assert_eq!(event.seq, last + 1, "{at}");
                last = event.seq;
                ends += u32::from(matches!(event.what, Happening::Finished(_)));
            }
            assert_eq!(ends, 1, "{at}: exactly one last word");
            // What had its last word already is only archived later.
            if !closed(&after) {
                assert!(had_last_word, "{at}: the journal is open");
                assert!(matches!(heal(&after), Some(Ok(_))), "{at}");
            }
            assert_eq!(check(&begin, &after, &plan), Ok(()), "{at}");
        }
    }
}
