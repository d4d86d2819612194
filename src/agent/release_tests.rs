//! Rollback brings a release back as it ran, or says what of it is gone.

use std::path::PathBuf;

use super::paths::AppPaths;
use super::tests::{deployed, image, swap};
use crate::host::sim::SimHost;
use crate::protocol::ids::ReleaseId;
use crate::protocol::outcome::{Finished, Outcome};
use crate::protocol::plan::Target;

const SECRET: &str = "hunter2-hunter2";

/// A compose file with this much in both slots.
fn compose(more: &str, parts: &str) -> String {
    format!(
        "services:\n  web-1: {{image: a, ports: ['8080:80'], {more}}}\n  web-2: {{image: a, ports: ['8081:80'], {more}}}\n  db: {{image: db}}\n{parts}"
    )
}

fn with(value: &str) -> String {
    compose(&format!("environment: {{V: '{value}'}}"), "")
}

fn runs(host: &SimHost, value: &str) -> bool {
    host.environment() == Some(format!("{{\"V\":\"{value}\"}}"))
}

fn id(finished: &Finished) -> ReleaseId {
    finished.live.clone().unwrap().release.unwrap()
}

fn paths() -> AppPaths {
    AppPaths::new(&"app".parse().unwrap())
}

fn kept(host: &SimHost) -> Vec<PathBuf> {
    let world = host.world.borrow();
    let files = world.files.keys();
    files
        .filter(|path| path.starts_with(paths().releases()))
        .cloned()
        .collect()
}

/// Refused, with these words, and what was live is live.
fn refused(host: &SimHost, n: u8, target: Target, words: &[&str]) {
    let (serves, environment) = (host.serves(), host.environment());
    let finished = swap(host, n, target);
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::Failed, "release-gone")
    );
    let said = format!("{:?}", finished.failed);
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!((host.serves(), host.environment()), (serves, environment));
    assert_eq!(host.world.borrow().broken, Vec::<String>::new());
}

#[test]
fn a_rollback_after_a_changed_environment_brings_the_old_one_back() {
    for host in [SimHost::new(), SimHost::provisioned()] {
        host.set_compose(&with("old"));
        let first = deployed(&host, 1);
        host.set_compose(&with("new"));
        // Nothing but the environment changes.
        let second = swap(&host, 2, Target::Image(image(1)));
        assert_ne!(id(&first), id(&second));
        assert!(runs(&host, "new"));
        let same = swap(&host, 3, Target::Release(id(&second)));
        assert_eq!(
            (same.outcome, runs(&host, "new")),
            (Outcome::Unchanged, true)
        );
        let back = swap(&host, 4, Target::Previous);
        assert_eq!(
            (back.outcome, id(&back)),
            (Outcome::Deployed, id(&first)),
            "the release that was asked for"
        );
        assert!(runs(&host, "old"), "{:?}", host.environment());
        let again = swap(&host, 5, Target::Previous);
        assert_eq!((id(&again), runs(&host, "new")), (id(&second), true));
        let named = swap(&host, 6, Target::Release(id(&first)));
        assert_eq!((id(&named), runs(&host, "old")), (id(&first), true));
        // A deploy takes what the file says again.
        let deploy = swap(&host, 7, Target::Image(image(1)));
        assert_eq!((id(&deploy), runs(&host, "new")), (id(&second), true));
        assert_eq!(host.world.borrow().broken, Vec::<String>::new());
    }
}

#[test]
fn a_release_gets_the_ports_that_its_slot_has_now() {
    let host = SimHost::new();
    host.set_compose(&with("old"));
    deployed(&host, 1);
    host.set_compose(&with("new"));
    deployed(&host, 2);
    assert_eq!(swap(&host, 3, Target::Previous).outcome, Outcome::Deployed);
    let world = host.world.borrow();
    let on_top = paths().override_file(&"web-1".parse().unwrap());
    let text = String::from_utf8_lossy(&world.files[&on_top]).into_owned();
    assert!(text.contains("ports: [\"8080:80\"]"), "{text}");
}

#[test]
fn what_is_gone_of_a_release_is_named_and_nothing_is_started() {
    let volume = compose("volumes: ['data:/d']", "volumes: {data: {}}\n");
    let host = SimHost::new();
    host.set_compose(&volume);
    deployed(&host, 1);
    host.set_compose(&compose("environment: {V: x}", ""));
    deployed(&host, 2);
    let words = ["volume `data`", "no longer has", "put back what is gone"];
    refused(&host, 3, Target::Previous, &words);
    host.set_compose(&volume);
    assert_eq!(swap(&host, 4, Target::Previous).outcome, Outcome::Deployed);

    let host = SimHost::new();
    host.set_compose(&compose("volumes: ['/home/u/conf:/c']", ""));
    let folder = PathBuf::from("/home/u/conf/x");
    let put = |host: &SimHost| {
        let mut world = host.world.borrow_mut();
        world.files.insert(folder.clone(), Vec::new().into());
    };
    put(&host);
    deployed(&host, 1);
    deployed(&host, 2);
    host.world.borrow_mut().files.remove(&folder);
    refused(&host, 3, Target::Previous, &["`/home/u/conf`"]);
    put(&host);
    assert_eq!(swap(&host, 4, Target::Previous).outcome, Outcome::Deployed);

    host.world.borrow_mut().images.remove(&image(2).to_string());
    refused(
        &host,
        5,
        Target::Previous,
        &["its image", "is not on the host"],
    );
}

#[test]
fn a_kept_file_that_cannot_be_used_is_refused_in_words() {
    let host = SimHost::new();
    let first = deployed(&host, 1);
    let second = deployed(&host, 2);
    let file = paths().release_file(&id(&first));
    let text = host.world.borrow().files[&file].to_vec();
    let text = String::from_utf8(text).unwrap();
    let other = host.world.borrow().files[&paths().release_file(&id(&second))].clone();
    let put = |content| host.world.borrow_mut().files.insert(file.clone(), content);
    let bytes = |text: String| text.into_bytes().into();
    put(bytes(text.replace("8080", "8090").replace("networks", "x")));
    put(bytes(text[..text.len() - 2].to_owned()));
    refused(&host, 3, Target::Previous, &["damaged"]);
    put(bytes(text.replacen("release 1", "release 2", 1)));
    refused(&host, 3, Target::Previous, &["another version"]);
    put(other);
    refused(&host, 3, Target::Previous, &["another release"]);
    host.world.borrow_mut().files.remove(&file);
    refused(
        &host,
        3,
        Target::Release(id(&first)),
        &["are not there any more"],
    );
    put(bytes(text));
    assert_eq!(swap(&host, 4, Target::Previous).outcome, Outcome::Deployed);
}

#[test]
fn secrets_of_an_environment_are_in_its_kept_release_alone() {
    let host = SimHost::new();
    host.set_compose(&with(SECRET));
    deployed(&host, 1);
    host.set_compose(&with("new"));
    deployed(&host, 2);
    swap(&host, 3, Target::Previous);
    assert!(runs(&host, SECRET));
    let world = host.world.borrow();
    let base64 = "aHVudGVyMi1odW50ZXIy";
    let found: Vec<_> = world
        .files
        .iter()
        .filter(|(_, bytes)| {
            let text = String::from_utf8_lossy(bytes);
            text.contains(SECRET) || text.contains(base64)
        })
        .map(|(path, _)| path.clone())
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(paths().releases()), "{found:?}");
}

#[test]
fn settings_stay_as_long_as_their_release_and_images_that_another_app_keeps_stay_too() {
    let host = SimHost::new();
    let theirs = image(1).to_string();
    let note = format!("# pct-deploy release 1 id=0123456789abcdef image={theirs} sum=0\n{{}}\n");
    let file = "/var/lib/pct-deploy/other/releases/0123456789abcdef.yml";
    let content = note.into_bytes().into();
    host.world.borrow_mut().files.insert(file.into(), content);
    let releases: Vec<_> = (1..=5).map(|n| id(&deployed(&host, n))).collect();
    let mut wanted: Vec<_> = releases[2..]
        .iter()
        .map(|release| paths().release_file(release))
        .collect();
    wanted.sort();
    assert_eq!(kept(&host), wanted);
    let world = host.world.borrow();
    let images: Vec<_> = world.images.iter().cloned().collect();
    let named: Vec<_> = [1, 3, 4, 5].map(|n| image(n).to_string()).into();
    assert_eq!(images, named);
}

/// Makes a host look as if an earlier version had deployed to it: short names, and no settings.
fn of_old(host: &SimHost, release: &ReleaseId, old: &str) {
    let mut world = host.world.borrow_mut();
    world.files.remove(&paths().release_file(release));
    let renamed: Vec<_> = world
        .files
        .iter()
        .filter_map(|(path, bytes)| {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            let changed = text.replace(release.as_str(), old);
            (path.starts_with(paths().events()) && changed != text)
                .then(|| (path.clone(), changed.into_bytes().into()))
        })
        .collect();
    world.files.extend(renamed);
    for container in world.containers.values_mut() {
        if container.release.as_deref() == Some(release.as_str()) {
            container.release = Some(old.to_owned());
        }
    }
}

#[test]
fn a_release_of_an_earlier_version_comes_back_with_what_the_file_says_or_is_refused() {
    let host = SimHost::new();
    host.set_compose(&with("old"));
    let first = deployed(&host, 1);
    of_old(&host, &id(&first), "0123456789ab");
    // After the upgrade the same is deployed once more, and then no more.
    let again = swap(&host, 2, Target::Image(image(1)));
    assert_eq!((again.outcome, id(&again)), (Outcome::Deployed, id(&first)));
    assert_eq!(
        swap(&host, 3, Target::Image(image(1))).outcome,
        Outcome::Unchanged
    );
    let old = || Target::Release("0123456789ab".parse().unwrap());
    refused(
        &host,
        4,
        old(),
        &["settings were not kept", "put the compose file back"],
    );
    host.set_compose(&with("new"));
    deployed(&host, 5);
    let back = swap(&host, 6, old());
    assert_eq!(
        (back.outcome, host.serves()),
        (Outcome::Deployed, Some(image(1)))
    );
    assert!(runs(&host, "new"), "all that there is");
    let world = host.world.borrow();
    let told = world.files.iter().any(|(path, bytes)| {
        path.starts_with(paths().events())
            && String::from_utf8_lossy(bytes).contains("kept no settings")
    });
    assert!(told);
}

#[test]
fn a_key_that_is_damaged_is_refused_and_a_lost_one_costs_one_deploy() {
    let host = SimHost::new();
    deployed(&host, 1);
    let key = paths().release_key();
    let content = b"short".to_vec().into();
    host.world.borrow_mut().files.insert(key.clone(), content);
    let finished = swap(&host, 2, Target::Image(image(2)));
    assert_eq!(
        (finished.outcome, finished.reason.as_str()),
        (Outcome::Failed, "preflight-failed")
    );
    host.world.borrow_mut().files.remove(&key);
    deployed(&host, 3);
}
