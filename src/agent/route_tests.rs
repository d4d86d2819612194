//! Whole swaps by reload, with files as people write them.

use super::tests::{deployed, image, swap};
use crate::host::sim::{INCLUDE, SimHost};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::Target;

fn include(host: &SimHost) -> String {
    let world = host.world.borrow();
    let bytes = &world.files[std::path::Path::new(INCLUDE)];
    String::from_utf8_lossy(bytes).into_owned()
}

fn write(host: &SimHost, text: &str) {
    let content = text.as_bytes().to_vec().into();
    host.world
        .borrow_mut()
        .files
        .insert(INCLUDE.into(), content);
}

#[test]
fn a_file_as_people_write_it_is_switched_and_switched_back() {
    for text in [
        "upstream api {\n  server 127.0.0.1:8080 max_fails=3; # live\n}\n",
        "upstream api { server 127.0.0.1:8080; server 127.0.0.1:8081 backup; }",
        "set $active blue; # or green\n",
        "set $service_url http://blue;",
        "set $service_url\n  http://localhost:8080;\nset $other http://127.0.0.1:3000;",
    ] {
        let host = SimHost::new();
        deployed(&host, 1);
        write(&host, text);
        for n in 2..4 {
            deployed(&host, n);
            assert_eq!(host.serves(), Some(image(n)), "{text}");
            assert_eq!(include(&host) == text, n == 3, "{text}");
        }
        assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    }
}

#[test]
fn a_file_that_cannot_be_switched_is_quoted_before_anything_starts() {
    let host = SimHost::new();
    deployed(&host, 1);
    for (text, quoted, cure) in [
        (
            "set $a http://app:8080;",
            "set $a http://app:8080",
            "127.0.0.1:8080",
        ),
        ("set $a http://127.0.0.1:9000;", "127.0.0.1:9000", "agree"),
        (
            "set $a https://127.0.0.1:8081;",
            "https://127.0.0.1:8081",
            "plain HTTP",
        ),
        (
            "upstream a { server 127.0.0.1:8080; server localhost:8081; }",
            "server localhost:8081",
            "`down` or `backup`",
        ),
    ] {
        write(&host, text);
        let started = host.world.borrow().containers.len();
        let finished = swap(&host, 2, Target::Image(image(2)));
        assert_eq!(finished.outcome, Outcome::Failed, "{text}");
        let failure = finished.failed.unwrap().1;
        assert!(failure.chain.concat().contains(quoted), "{failure:?}");
        assert!(failure.hints.concat().contains(cure), "{failure:?}");
        assert_eq!(host.world.borrow().containers.len(), started);
        assert_eq!(include(&host), text);
    }
}
