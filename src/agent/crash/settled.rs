//! What must hold once everything is settled.

use crate::agent::journal::codec;
use crate::agent::journal::entry::{Begun, Entry, Settings};
use crate::host::overlay::read_override;
use crate::host::release::Definition;
use crate::host::sim::{SimHost, kept_files};
use crate::protocol::event::{Event, Happening};
use crate::protocol::outcome::Outcome;
use crate::protocol::plan::Plan;
use crate::protocol::step::Step;
use crate::protocol::wire;

use super::paths;

/// What was wrong.
pub(super) type CheckResult = Result<(), String>;

/// The archived journal of a swap.
struct Archived {
    begun: Begun,
    committed: bool,
    /// The old slot could not be stopped, and that was said.
    left_running: bool,
}

fn archived(host: &SimHost, plan: &Plan) -> Result<Option<Archived>, String> {
    let path = paths().archived(&plan.deployment);
    let world = host.world.borrow();
    let Some(bytes) = world.files.get(&path) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(bytes);
    // The head and the first entry.
    let first: String = text.split_inclusive('\n').take(2).collect();
    let read = codec::decode(first.as_bytes()).map_err(|damage| damage.to_string())?;
    let Some(Entry::Begun(begun)) = read.entries.first() else {
        return Err("the archived journal has no beginning".to_owned());
    };
    let says = |entry: &str| text.contains(&format!("{{\"entry\":\"{entry}"));
    let stop = format!("\",\"step\":\"{}\"", Step::StopOld);
    Ok(Some(Archived {
        begun: (**begun).clone(),
        committed: says("committed\""),
        left_running: says(&format!("failed{stop}")) && !says(&format!("done{stop}")),
    }))
}

/// Checks a host against what it was before the plan.
pub(super) fn check(before: &SimHost, host: &SimHost, plan: &Plan) -> CheckResult {
    let archived = archived(host, plan)?;
    let committed = archived.as_ref().is_some_and(|journal| journal.committed);
    let broken = host.world.borrow().broken.clone();
    ensure(broken.is_empty(), || format!("{broken:?}"))?;
    closed(host)?;
    let serves = host.serves();
    let wanted = match &archived {
        Some(journal) if committed => Some(journal.begun.image.clone()),
        Some(_) | None => before.serves(),
    };
    ensure(serves == wanted, || {
        format!("serves {serves:?}, and the journal wants {wanted:?}")
    })?;
    let left_running = archived
        .as_ref()
        .is_some_and(|journal| journal.left_running);
    if !left_running && archived.is_some() {
        let running = host.running();
        let slots = running.iter().filter(|service| *service != "db").count();
        ensure(slots == usize::from(serves.is_some()), || {
            format!("{running:?} run")
        })?;
    }
    own_weights(host)?;
    match &archived {
        Some(journal) if committed => new_release(before, host, &journal.begun)?,
        Some(_) | None => as_before(before, host)?,
    }
    last_word(host, plan, archived.is_some(), committed)
}

/// Whatever runs has its own weights.
fn own_weights(host: &SimHost) -> CheckResult {
    let world = host.world.borrow();
    let mut running = world.containers.iter().filter(|(_, now)| now.running);
    match running.find(|(_, now)| now.lowered) {
        Some((service, _)) => Err(format!("`{service}` is held back for ever")),
        None => Ok(()),
    }
}

/// Nothing is open, and nginx logs no more.
fn closed(host: &SimHost) -> CheckResult {
    let world = host.world.borrow();
    for path in [paths().journal(), paths().measure()] {
        ensure(!world.files.contains_key(&path), || {
            format!("{} is left", path.display())
        })?;
    }
    Ok(())
}

/// Every byte is as it was, and so is the slot that served.
fn as_before(before: &SimHost, host: &SimHost) -> CheckResult {
    let (before, after) = (before.world.borrow(), host.world.borrow());
    let (was, is) = (kept_files(&before), kept_files(&after));
    for path in was.keys().chain(is.keys()) {
        ensure(was.get(path) == is.get(path), || {
            format!("{} is not as it was", path.display())
        })?;
    }
    for (service, was) in before.containers.iter().filter(|(_, was)| was.running) {
        let is = after.containers.get(service);
        ensure(
            is.is_some_and(|is| is.running && is.release == was.release),
            || format!("`{service}` is not as it was"),
        )?;
    }
    Ok(())
}

/// The new slot runs what its override says, and the old slot's override is what it was.
fn new_release(before: &SimHost, host: &SimHost, begun: &Begun) -> CheckResult {
    let (before, after) = (before.world.borrow(), host.world.borrow());
    let (slot, of_both) = (begun.slots.get(begun.slot), begun.slots.share_files());
    let (new, name) = (&slot.service, slot.name());
    let text = after.files.get(&paths().override_file(&name));
    let pinned = text.and_then(|text| read_override(&String::from_utf8_lossy(text)));
    let wanted = (begun.image.clone(), begun.release.clone());
    ensure(pinned.as_ref() == Some(&wanted), || {
        format!("the override pins {pinned:?}")
    })?;
    let file = paths().release_in(&begun.release, begun.slot, of_both);
    let kept = after.files.get(&file);
    let kept = kept.map(|text| Definition::read(&String::from_utf8_lossy(text)));
    let Some(Ok((kept, image, _))) = kept else {
        return Err(format!("it is kept as {kept:?}"));
    };
    ensure(image == begun.image, || format!("it is kept with {image}"))?;
    let runs = after.containers.get(name.as_str());
    let runs = runs.and_then(|container| container.environment.clone());
    let wanted = kept.said(new, "environment").map(ToString::to_string);
    ensure(runs == wanted, || {
        format!("its environment is {runs:?}, and {wanted:?} is kept")
    })?;
    let was = before.files.get(&file);
    ensure(begun.settings == Settings::File || was.is_some(), || {
        "it was not kept before".to_owned()
    })?;
    let release = after
        .containers
        .get(name.as_str())
        .and_then(|container| container.release.clone());
    ensure(release.as_deref() == Some(begun.release.as_str()), || {
        format!("`{new}` runs {release:?}")
    })?;
    let old = paths().override_file(&begun.slots.get(begun.slot.other()).name());
    ensure(before.files.get(&old) == after.files.get(&old), || {
        "the old slot's override is not as it was".to_owned()
    })
}

/// One last word, and a true one. A run that never got to its journal may have died without.
fn last_word(host: &SimHost, plan: &Plan, began: bool, committed: bool) -> CheckResult {
    let path = paths().event_log(&plan.deployment);
    let world = host.world.borrow();
    let bytes = world.files.get(&path).map_or(&[][..], |log| log.as_slice());
    let text = String::from_utf8_lossy(bytes).into_owned();
    let ends: Vec<Outcome> = text
        .lines()
        .filter(|line| line.contains("\"kind\":\"finished\""))
        .filter_map(|line| match wire::decode::<Event>(line).ok()?.what {
            Happening::Finished(finished) => Some(finished.outcome),
            _ => None,
        })
        .collect();
    ensure(ends.len() <= 1 && (ends.len() == 1 || !began), || {
        format!("{} last words", ends.len())
    })?;
    let Some(outcome) = ends.first() else {
        return Ok(());
    };
    // A run that was stuck said so; recovery came later.
    let is_true = *outcome == Outcome::Stuck || (*outcome == Outcome::Deployed) == committed;
    ensure(is_true, || {
        format!("its last word is {outcome}, committed: {committed}")
    })
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> CheckResult {
    if holds { Ok(()) } else { Err(what()) }
}
