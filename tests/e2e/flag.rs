//! The reload-free switch on a real nginx: nothing is lost, and what does worse goes back by itself.

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::{BakeVerdict, SwitchKind};

use crate::world::{Host, Release, World};

#[test]
fn after_provision_a_deploy_under_load_loses_nothing_and_says_what_it_served() {
    let world = World::provisioned(Host::V2);
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let load = world.load();
    let run = world.deploy(&Release::new("v2"));
    std::thread::sleep(std::time::Duration::from_secs(1));
    let report = load.stop_blocking();
    let result = run.expect(Outcome::Deployed, "deployed");
    eprintln!("{report}\n{}\n{:#?}", run.stderr, result.receipt);
    assert!(report.is_clean(), "{report}");
    assert!(report.by_version.contains_key("v2"), "{report}");
    let receipt = &result.receipt;
    assert_eq!(receipt.switch, Some(SwitchKind::Flag));
    let traffic = receipt.traffic.unwrap();
    assert!(traffic.two.requests > 1_000, "{traffic:?}");
    assert!(receipt.baseline.unwrap().requests > 100);
    assert_eq!(receipt.bake.as_ref().unwrap().verdict, BakeVerdict::Good);
    assert_eq!(result.requests_failed, Some(0));
    assert!(result.requests_total > Some(1_000));
}
