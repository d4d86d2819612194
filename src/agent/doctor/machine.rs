//! Disk, memory, kernel, and what systemd does for us.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::{of, provision};
use crate::agent::paths::STATE_ROOT;
use crate::agent::prepare::{self, DOCKER_MIN_FREE, STATE_MIN_FREE};
use crate::agent::survey::Survey;
use crate::agent::{projects::Note, provision as provisioning};
use crate::host::Host;
use crate::host::facts::{DockerFacts, MachineFacts};
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::plan::Site;
use crate::protocol::slot::PerSlot;

const MIB: u64 = 1024 * 1024;
/// A machine with less memory than this does well to have swap.
const SMALL: u64 = 2048 * MIB;
/// Of so many inodes at least one should be free.
const ONE_INODE_OF: u64 = 20;

/// The machine without what is on it. Our own state is on it even without Docker.
pub(super) async fn look<H: Host>(host: &H, docker: Option<&DockerFacts>, seen: &mut Examination) {
    let root = docker.map(|docker| docker.root.as_path());
    let folders = [
        root.map(|root| (root, DOCKER_MIN_FREE)),
        Some((Path::new(STATE_ROOT), STATE_MIN_FREE)),
    ];
    let (mut full, mut inodes): (Vec<Note>, Vec<Note>) = (Vec::new(), Vec::new());
    for (folder, least) in folders.into_iter().flatten() {
        if let Err(failure) = prepare::enough_room(host, folder, least).await {
            full.push(of(&failure));
        }
        if let Ok(found) = host.inodes(folder).await
            && found.free.saturating_mul(ONE_INODE_OF) < found.total
        {
            let what = format!(
                "the file system of `{}` has {} of {} inodes left: soon no file can be made",
                folder.display(),
                found.free,
                found.total
            );
            let fix = "remove what has many small files, such as old images: `docker system prune`, and see `df -i`";
            inodes.push([what, fix.to_owned()]);
        }
    }
    seen.note(DoctorCheck::DiskFull, full);
    // Both are often on one file system.
    inodes.truncate(1);
    seen.note(DoctorCheck::InodesLow, inodes);
    if let Ok(machine) = host.condition().await {
        seen.fact("kernel", machine.kernel.clone());
        seen.fact("processor", machine.processor.clone());
        seen.note(DoctorCheck::NoSwap, no_swap(&machine));
    }
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let told = host
        .unanswered(&PerSlot {
            one: here,
            two: here,
        })
        .await;
    let silent = told.is_err().then(|| {
        [
            "the kernel does not tell of requests without an answer (`inet_diag`): a release that hangs is found later"
                .to_owned(),
            "load it on the host: `sudo modprobe -a inet_diag tcp_diag`".to_owned(),
        ]
    });
    seen.note(DoctorCheck::KernelSilent, silent);
}

fn no_swap(machine: &MachineFacts) -> Option<Note> {
    (machine.swap == 0 && machine.memory < SMALL).then(|| {
        let what = format!(
            "the server has {} MiB of memory and no swap: while two slots run, the kernel may end one of them",
            machine.memory / MIB
        );
        [what, ADD_SWAP.to_owned()]
    })
}

const ADD_SWAP: &str = "add swap: `sudo fallocate -l 2G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && sudo swapon /swapfile`, and a line for it in /etc/fstab";

/// What the next deploy needs while both slots run.
pub(super) async fn forecast<H: Host>(
    host: &H,
    survey: &Survey,
    docker: Option<&DockerFacts>,
    seen: &mut Examination,
) {
    let live = survey.live().map(|live| survey.containers.get(live));
    let live = live.and_then(Option::as_ref);
    let has_room = !seen
        .findings
        .iter()
        .any(|finding| finding.check == DoctorCheck::DiskFull);
    if let (Some(image), Some(docker), true) =
        (live.and_then(|live| live.image.as_ref()), docker, has_room)
        && let (Ok(Some(image)), Ok(free)) =
            (host.image(image).await, host.free_bytes(&docker.root).await)
    {
        let low = (free < image.size.saturating_add(DOCKER_MIN_FREE)).then(|| {
            let what = format!(
                "the disk of `{}` has {} MiB left, and the live image takes {} MiB: the next one may not fit",
                docker.root.display(),
                free / MIB,
                image.size / MIB
            );
            [what, "free some space on the host: `docker system df`, `df -h`".to_owned()]
        });
        seen.note(DoctorCheck::DiskLow, low);
    }
    let idle = survey.idle();
    let limit = super::project::limit_of(
        survey.homes.files.get(idle),
        &survey.homes.slots.get(idle).service,
    );
    let used = match live.and_then(|live| live.pid) {
        Some(pid) => host.group_memory_peak(pid).await,
        None => None,
    };
    let wanted = [used, limit].into_iter().flatten().min();
    if let (Some(wanted), Ok(machine)) = (wanted, host.condition().await) {
        let short = (machine.available + machine.swap_free < wanted).then(|| {
            let what = format!(
                "the next slot may take {} MiB while the live one runs, and the server has {} MiB of memory and {} MiB of swap free",
                wanted / MIB,
                machine.available / MIB,
                machine.swap_free / MIB
            );
            [what, ADD_SWAP.to_owned()]
        });
        seen.note(DoctorCheck::MemoryShort, short);
    }
}

/// What keeps the host well between deploys.
pub(super) async fn kept_well<H: Host>(host: &H, site: &Site, seen: &mut Examination) {
    let Ok(missing) = provisioning::units_missing(host).await else {
        return;
    };
    let found = match missing {
        None => Some(provisioning::no_systemd()),
        Some(missing) if missing.is_empty() => None,
        Some(missing) => {
            let names: Vec<String> = missing
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let what = format!(
                "`{}` missing or not of this version: after a boot nothing settles what was cut short, or nginx stays down when it dies",
                names.join("`, `")
            );
            Some([what, provision(site)])
        }
    };
    seen.note(DoctorCheck::NotKeptWell, found);
}
