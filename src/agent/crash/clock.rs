//! A clock that jumps: no wait gets longer or shorter, no verdict another one.

use super::settled::check;
use super::stories::{ENDS, FAILS_PEOPLE, ROLLBACK, SECOND, SwitchMethod};
use super::{heal, live};
use crate::host::sim::{Death, SimHost};
use crate::protocol::outcome::{Finished, Outcome};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// No measure of a swap of some seconds has anything to do with a day.
const MOST_MS: u64 = 60_000;

/// What a receipt says of time.
fn measures(finished: &Finished) -> [Option<u64>; 4] {
    let receipt = &finished.receipt;
    [
        receipt.healthy_to_switched_ms,
        receipt.healthy_to_first_request_ms,
        receipt.flip_back_ms,
        receipt.bake.as_ref().map(|bake| bake.watched_ms),
    ]
}

#[test]
fn wherever_the_clock_jumps_the_end_and_the_time_it_takes_are_the_same() {
    let flag_alone = [FAILS_PEOPLE];
    let both = [SECOND, ROLLBACK, ENDS];
    for switch in SwitchMethod::BOTH {
        let own = match switch {
            SwitchMethod::Flag => flag_alone.as_slice(),
            SwitchMethod::Reload | SwitchMethod::Contained => &[],
        };
        for story in both.iter().chain(own) {
            let (begin, plan) = story.begin(switch);
            let calm = begin.after(Death::Kill);
            let wanted = live(&calm, &plan).unwrap();
            assert!(
                matches!(wanted.outcome, Outcome::Deployed | Outcome::RolledBack),
                "{wanted:?}"
            );
            for call in 0..calm.calls() {
                for ms in [-DAY_MS, DAY_MS] {
                    let at = format!("{switch:?}, {}: {ms} ms at call {call}", story.name);
                    let host = begin.after(Death::Kill);
                    host.faults.clock.set(Some((call, ms)));
                    let finished = live(&host, &plan).unwrap();
                    assert_eq!(finished.outcome, wanted.outcome, "{at}");
                    let over_at = |host: &SimHost| host.world.borrow().now_ms;
                    assert_eq!(over_at(&host), over_at(&calm), "{at}");
                    assert_eq!(check(&begin, &host, &plan), Ok(()), "{at}");
                    assert!(matches!(heal(&host), Some(Ok(_))), "{at}");
                    for measure in measures(&finished).into_iter().flatten() {
                        assert!(measure < MOST_MS, "{at}: {:?}", finished.receipt);
                    }
                }
            }
        }
    }
}
