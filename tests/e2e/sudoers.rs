//! An SSH user who may run the commands of a deploy as root, and nothing else: what is printed is enough.

use std::collections::BTreeSet;
use std::time::Duration;

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::receipt::SwitchKind;
use serde_json::Value;

use crate::world::{Host, Release, World};

const RULES: &str = "/etc/sudoers.d/pct-deploy";
/// What gives the sandbox's user everything.
const EVERYTHING: &str = "NOPASSWD:ALL";

/// The user may run what the line says; the sandbox has its own rule back at the end.
pub(crate) struct Restricted<'a> {
    world: &'a World,
    file: String,
}

impl<'a> Restricted<'a> {
    pub(crate) fn to(world: &'a World, line: Option<&str>) -> Self {
        let file = world.ask_host(&format!("grep -rlF '{EVERYTHING}' /etc/sudoers.d"));
        world.ask_host(&format!("mv {file} /root/sudoers-of-the-sandbox"));
        let restricted = Self { world, file };
        if let Some(line) = line {
            world.ask_host(&format!(
                "cat > {RULES} <<'END'\n{line}\nEND\nchmod 0440 {RULES}; visudo -cf {RULES}"
            ));
        }
        restricted
    }
}

impl Drop for Restricted<'_> {
    fn drop(&mut self) {
        self.world.ask_host(&format!(
            "mv /root/sudoers-of-the-sandbox {}; rm -f {RULES}",
            self.file
        ));
    }
}

/// The lines that a refusal prints.
pub(crate) fn printed(stderr: &str) -> BTreeSet<String> {
    stderr
        .lines()
        .filter_map(|line| line.split_once("pct-deploy` (")?.1.split_once('`'))
        .map(|(_, line)| line.trim_end_matches('`').to_owned())
        .collect()
}

#[test]
fn what_is_printed_is_enough_by_reload_and_by_flag() {
    let mut world = World::fresh(Host::V2);
    world.set("switch", "reload");
    let first = world.deploy(&Release::new("v1"));
    first.expect(Outcome::Deployed, "deployed");

    let refused = {
        let _nothing = Restricted::to(&world, None);
        world.deploy(&Release::new("v2"))
    };
    refused.refuses(5, &["sudo refuses", "ec2-user ALL=(root) NOPASSWD: "]);
    let lines = printed(&refused.stderr);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let by_reload = lines.first().unwrap();
    assert!(!by_reload.contains("pct-deploy/bin"), "{by_reload}");
    {
        let _rules = Restricted::to(&world, Some(by_reload));
        let denied = world.on_host("su ec2-user -c 'sudo -n cat /etc/shadow'");
        assert!(!denied.status.success());
        let result = world
            .deploy(&Release::new("v2"))
            .expect(Outcome::Deployed, "deployed");
        assert_eq!(result.receipt.switch, Some(SwitchKind::Reload));
        assert_eq!(world.serves().as_deref(), Some("v2"));
        // The way back writes the include and reloads as well.
        let run = world.run(
            &["deploy", "--json"],
            &[
                (
                    "BUILD_ARGS",
                    &Release::new("v3").hangs_after_ms(4000).build_args(),
                ),
                ("BAKE", "10s"),
            ],
        );
        let result = run.result();
        assert_eq!(result.outcome, Outcome::RolledBack, "{}", run.stderr);
        assert!(
            result.receipt.flip_back_ms.is_some(),
            "{:?}",
            result.receipt
        );
        assert_eq!(world.serves().as_deref(), Some("v2"));
    }

    world.set("switch", "auto");
    let provisioned = world.run(&["provision", "--json"], &[]);
    assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
    let object: Value = serde_json::from_str(&provisioned.stdout).unwrap();
    let by_flag = object.get("sudoers").and_then(Value::as_str).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let _rules = Restricted::to(&world, Some(by_flag));
    let load = world.load();
    let result = world
        .deploy(&Release::new("v4"))
        .expect(Outcome::Deployed, "deployed");
    let report = load.stop_blocking();
    assert!(report.is_clean(), "{report}");
    assert_eq!(result.receipt.switch, Some(SwitchKind::Flag));
    assert!(result.receipt.traffic.is_some(), "{:?}", result.receipt);
}
