//! What was noted of earlier deploys, against what is there.

use std::collections::BTreeSet;

use crate::agent::history::{self, Record};
use crate::agent::paths::AppPaths;
use crate::agent::projects::Note;
use crate::agent::steps::prune;
use crate::agent::survey::Survey;
use crate::host::Host;
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::ids::PinnedImage;
use crate::protocol::place::RECOVER;
use crate::protocol::plan::Site;

/// A deploy says something every ten seconds.
const SILENCE_MS: u64 = 60_000;

/// Whether a deploy is under way: its journal is open, and it has said something just now. The lock, which knows for
/// sure, would have to be taken.
pub(super) async fn is_at_work<H: Host>(host: &H, paths: &AppPaths) -> bool {
    let Ok(Some(open)) = history::open(host, paths).await else {
        return false;
    };
    let said = host.written_ms(&paths.event_log(&open)).await;
    let now_ms = host.now_ms();
    matches!(said, Ok(Some(said_ms)) if now_ms.abs_diff(said_ms) < SILENCE_MS)
}

/// Whether something went live once.
pub(super) async fn look<H: Host>(
    host: &H,
    site: &Site,
    paths: &AppPaths,
    survey: &Survey,
    at_work: bool,
    seen: &mut Examination,
) -> bool {
    if let Ok(journal) = host.read(&paths.journal()).await {
        let open = (journal.is_some() && !at_work).then(|| {
            [
                "a deploy was cut short and left its journal open".to_owned(),
                format!("settle it on the host: `{RECOVER}`"),
            ]
        });
        seen.note(DoctorCheck::DeployCutShort, open);
    }
    let Ok(records) = history::read(host, paths).await else {
        return false;
    };
    seen.note(
        DoctorCheck::RecordUnreadable,
        history::unreadable(paths, &records),
    );
    let last = records.iter().find_map(|record| record.deployed.as_ref());
    if !at_work && let (Some((recorded, _)), Some(live)) = (last, survey.live_release()) {
        let differs = (live.release.as_ref() != Some(recorded)).then(|| {
            let runs = match &live.release {
                Some(release) => format!("release {release}"),
                None => "a container that no deploy started".to_owned(),
            };
            let what = format!(
                "slot `{}` serves {runs}, and what was deployed last is release {recorded}",
                live.service
            );
            let fix =
                format!("go back to it by `rollback` with `--to {recorded}`, or deploy again");
            [what, fix]
        });
        seen.note(DoctorCheck::LiveNotRecorded, differs);
    }
    let deployed = last.is_some();
    images(host, site, paths, &records, survey, seen).await;
    deployed
}

async fn images<H: Host>(
    host: &H,
    site: &Site,
    paths: &AppPaths,
    records: &[Record],
    survey: &Survey,
    seen: &mut Examination,
) {
    let Ok(kept) = history::kept(host, paths, records).await else {
        return;
    };
    let Ok(of_others) = prune::kept_by_others(host, &site.app).await else {
        return;
    };
    let kept = kept.into_iter().take(site.keep_releases.into());
    let kept = kept.map(|kept| kept.image).chain(of_others);
    let mut needed: BTreeSet<String> = kept.map(|image| image.to_string()).collect();
    let live = survey.live_release().and_then(|live| live.image);
    needed.extend(live.iter().map(PinnedImage::to_string));
    let deployed = records.iter().filter_map(|record| record.deployed.as_ref());
    let repositories: BTreeSet<_> = deployed.map(|(_, image)| &image.repository).collect();
    let mut spare = Vec::new();
    for repository in repositories {
        let Ok(images) = host.images_of(repository).await else {
            return;
        };
        let names = images.iter().map(PinnedImage::to_string);
        spare.extend(names.filter(|name| !needed.contains(name)));
    }
    seen.note(DoctorCheck::ImagesToPrune, to_prune(&spare));
}

fn to_prune(spare: &[String]) -> Option<Note> {
    let first = spare.first()?;
    Some([
        format!(
            "{} images of releases that are not kept take room",
            spare.len()
        ),
        format!("the next deploy removes them; by hand: `docker image rm {first}`"),
    ])
}
