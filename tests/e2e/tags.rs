//! Which tags the registry has when: none that moves may name a release that was taken back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pct_deploy::protocol::outcome::Outcome;

use crate::world::{Host, Release, World};

/// The digest that the registry has under a tag.
fn tagged(world: &World, name: &str, tag: &str) -> Option<String> {
    let env = &world.env;
    let basic = STANDARD.encode(format!("{}:{}", env.registry_user, env.registry_password));
    let request = format!(
        "HEAD /v2/{name}/manifests/{tag} HTTP/1.1\r\nHost: localhost:5000\r\nAuthorization: Basic {basic}\r\n\
         Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json\r\n\
         Connection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect("localhost:5000").unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 404"),
        "{answer}"
    );
    answer.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case("docker-content-digest")
            .then(|| value.trim().to_owned())
    })
}

#[test]
fn what_moves_names_no_release_that_was_taken_back() {
    let mut world = World::fresh(Host::V2);
    let name = format!("pct/tags-{}", std::process::id());
    world.set("image", &format!("localhost:5000/{name}"));
    world.set("app", "hello");
    world.set("tags", "v1,latest,live");
    let good = world
        .deploy(&Release::new("v1"))
        .expect(Outcome::Deployed, "deployed");
    let good = good.digest.unwrap().to_string();
    for tag in ["v1", "latest", "live"] {
        assert_eq!(tagged(&world, &name, tag).as_ref(), Some(&good), "{tag}");
    }

    world.set("tags", "v2,latest,live");
    let bad = world
        .deploy(&Release::new("v2").crashes())
        .expect(Outcome::RolledBack, "crashed-at-boot");
    assert_eq!(
        tagged(&world, &name, "v2"),
        bad.digest.map(|digest| digest.to_string()),
        "it was carried to the server"
    );
    for tag in ["latest", "live"] {
        assert_eq!(tagged(&world, &name, tag).as_ref(), Some(&good), "{tag}");
    }
}
