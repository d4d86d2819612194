//! Whole swaps where nginx is a container and asks the slots by name.

use std::cell::Cell;
use std::path::Path;

use super::tests::{behaves, deployed, image, plan, swap, swap_plan};
use crate::error::Failure;
use crate::host::sim::{Behaviour, INCLUDE, SimHost};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::{SwitchChoice, Target};
use crate::protocol::receipt::SwitchKind;

fn include(host: &SimHost) -> String {
    let world = host.world.borrow();
    let bytes = &world.files[Path::new(INCLUDE)];
    String::from_utf8_lossy(bytes).into_owned()
}

fn write(host: &SimHost, text: &str) {
    let mut world = host.world.borrow_mut();
    world
        .files
        .insert(INCLUDE.into(), text.as_bytes().to_vec().into());
}

fn refused(host: &SimHost, choice: SwitchChoice) -> Failure {
    let mut plan = plan(9, Target::Image(image(9)));
    plan.site.switch = choice;
    let finished = swap_plan(host, &plan, &Cell::new(false), |_| {});
    assert_eq!(finished.outcome, Outcome::Failed);
    finished.failed.unwrap().1
}

#[test]
fn traffic_moves_by_the_name_of_the_slot_and_back() {
    let host = SimHost::contained();
    deployed(&host, 1);
    assert_eq!(include(&host), "set $service_url http://web-1:8080;\n");
    let finished = swap(&host, 2, Target::Image(image(2)));
    assert_eq!(finished.outcome, Outcome::Deployed, "{:?}", finished.failed);
    assert_eq!(finished.receipt.switch, Some(SwitchKind::Reload));
    assert!(finished.receipt.predicted_loss.is_some());
    assert_eq!(include(&host), "set $service_url http://web-2:8080;\n");
    assert_eq!(host.serves(), Some(image(2)));
    assert_eq!(host.running(), ["db", "web-2"]);
    let finished = swap(&host, 3, Target::Previous);
    assert_eq!(finished.outcome, Outcome::Deployed, "{:?}", finished.failed);
    assert_eq!(host.serves(), Some(image(1)));
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
}

#[test]
fn a_release_that_is_not_healthy_or_fails_later_leaves_the_file_as_it_was() {
    for bad in [Behaviour::Unhealthy, Behaviour::EndsAfter(700)] {
        let host = SimHost::contained();
        deployed(&host, 1);
        behaves(&host, 2, bad);
        let finished = swap(&host, 2, Target::Image(image(2)));
        assert_eq!(finished.outcome, Outcome::RolledBack, "{finished:?}");
        assert_eq!(include(&host), "set $service_url http://web-1:8080;\n");
        assert_eq!(host.serves(), Some(image(1)));
    }
}

#[test]
fn the_flag_and_a_file_that_names_no_slot_are_refused_with_what_to_write() {
    let host = SimHost::contained();
    deployed(&host, 1);
    let flag = refused(&host, SwitchChoice::Flag);
    assert!(flag.chain[0].contains("the container `nginx`"), "{flag:?}");
    assert!(flag.hints[0].contains("switch: auto"), "{flag:?}");
    for (text, word) in [
        ("set $service_url http://web:8080;\n", "neither slot"),
        (
            "upstream x { server web-1:80; server web-2:80; }\n",
            "both slots",
        ),
    ] {
        write(&host, text);
        let why = refused(&host, SwitchChoice::Auto);
        assert!(why.chain[0].contains(word), "{why:?}");
        assert!(why.hints[0].contains("http://web-1:8080"), "{why:?}");
    }
}
