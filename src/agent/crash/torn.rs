//! A journal that is torn at any byte is the journal without its last line.

use super::stories::{ENDS, SECOND, SwitchMethod};
use super::{drive, live, paths};
use crate::agent::fence;
use crate::agent::journal::file::Journal;
use crate::host::Files as _;
use crate::host::sim::{Death, SimHost};

/// Where a line may be cut, and what may stand behind the cut: some file systems leave zeros.
fn tails(line: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..line.len()).flat_map(|cut| {
        let zeros = vec![0; line.len() - cut];
        [line[..cut].to_vec(), [&line[..cut], &zeros].concat()]
    })
}

/// Opens a journal with these bytes; gives what it says and what is then in the file, also after a power cut.
fn reopened(host: &SimHost, bytes: &[u8]) -> (String, Vec<u8>, Vec<u8>) {
    let path = paths().journal();
    host.world
        .borrow_mut()
        .files
        .insert(path.clone(), bytes.to_vec().into());
    let paths = paths();
    let state = drive(host, async {
        let lock = host.try_lock(&paths.lock(), "a look").await;
        let fence = fence::seize(host, &paths).await.unwrap();
        let journal = Journal::reopen(host, &paths, fence).await.unwrap().unwrap();
        drop(lock);
        format!("{:?}", journal.state())
    });
    let world = host.world.borrow();
    let after = world.after(Death::PowerLoss);
    let bytes =
        |world: &crate::host::sim::World| world.files.get(&path).map(|bytes| bytes.to_vec());
    (
        state.unwrap(),
        bytes(&world).unwrap(),
        bytes(&after).unwrap_or_default(),
    )
}

#[test]
fn a_journal_torn_at_any_byte_is_the_journal_without_its_last_line() {
    let mut cuts = 0;
    for story in [SECOND, ENDS] {
        let (host, plan) = story.begin(SwitchMethod::Reload);
        live(&host, &plan);
        let whole = host.world.borrow().files[&paths().archived(&plan.deployment)].clone();
        let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
        // The head and the first entry are there together or not at all.
        for count in 2..lines.len() {
            let good = lines[..count].concat();
            let (wanted, _, _) = reopened(&host.after(Death::Kill), &good);
            for tail in tails(lines[count]) {
                cuts += 1;
                let host = host.after(Death::Kill);
                let (state, file, after_boot) = reopened(&host, &[&good[..], &tail].concat());
                assert_eq!(state, wanted, "line {count}, {} bytes", tail.len());
                assert_eq!(file, good, "line {count}, {} bytes", tail.len());
                let mended = tail.is_empty() || after_boot == good;
                assert!(mended, "line {count}: the mended journal is not durable");
            }
        }
    }
    assert!(cuts > 5_000, "{cuts} cuts");
}
