//! What hints tell people to type, typed on a server in the state that they speak of.

use std::fmt::Write as _;
use std::fs;

use pct_deploy::protocol::outcome::Outcome;

use crate::commands::{COMMANDS, Tried};
use crate::world::{Host, Release, World, docker, root};

/// The words in the places of the text's placeholders, one each; the last one stays for what is left.
fn filled(text: &str, words: &[&str]) -> String {
    let mut words = words.iter().copied();
    let mut word = words.next();
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        filled.push_str(word.expect("a word for each placeholder"));
        word = words.next().or(word);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    filled + rest
}

/// The paths of the documents' table of what `provision` writes, as they are for the app `hello`.
fn documented() -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/switch.md")).unwrap();
    let (_, table) = text.split_once("| file | what it is |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let paths = rows.filter_map(|row| row.split('`').nth(1));
    let paths = paths.map(|path| {
        path.replace("<conf.d>", "/etc/nginx/conf.d")
            .replace("<app>", "hello")
    });
    // The one is for `--server-name`, the other where Docker allows it.
    let always = |path: &String| {
        path.starts_with('/')
            && !path.ends_with("/pct-deploy-hello.conf")
            && !path.ends_with("daemon.json")
    };
    let paths: Vec<String> = paths.filter(always).collect();
    assert!(paths.len() > 4, "{paths:?}");
    paths
}

#[test]
fn every_command_of_a_hint_works_where_it_is_to_be_typed() {
    let mut world = World::provisioned(Host::V2);
    world.set("keep-releases", "3");
    world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let mut wrong = String::new();
    for path in documented() {
        if !world.on_host(&format!("test -e {path}")).status.success() {
            writeln!(wrong, "{path} is documented and not there").unwrap();
        }
    }
    let mut tried = 0;
    for (text, how) in COMMANDS {
        let line = match how {
            Tried::AsItStands(words) => filled(text, words),
            Tried::As(line) => (*line).to_owned(),
            Tried::By(_) | Tried::Elsewhere => continue,
        };
        let done = docker(&[
            "exec",
            "--user",
            "ec2-user",
            "--workdir",
            "/home/ec2-user",
            "--env",
            "HOME=/home/ec2-user",
            &world.env.container,
            "sh",
            "-c",
            &line,
        ]);
        tried += 1;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            writeln!(wrong, "`{line}` ({:?}): {said}", done.status.code()).unwrap();
        }
    }
    // Some made keys; a test that looks for secrets on this server must not take them for one.
    world.ask_host("rm -rf /tmp/tmp.*");
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("{tried} commands of hints were typed");
    assert_eq!(world.serves().as_deref(), Some("v1"));
}
