"""Deliberate mistakes in the engine. Each must make the crash test fail; `make mutants` shows it.

A mutant is a file, a text in it and what replaces it. A text that is no longer there fails the run: the list
follows the code.
"""

MUTANTS = [
    (
        "intent is noted after the effect",
        "src/agent/saga.rs",
        """    journal.append(Entry::Started { step, before }).await?;
    match events.frame(step, actor.apply(step)).await {
        Ok(()) => Ok(journal.append(Entry::Done { step }).await?),""",
        """    let applied = events.frame(step, actor.apply(step)).await;
    journal.append(Entry::Started { step, before }).await?;
    match applied {
        Ok(()) => Ok(journal.append(Entry::Done { step }).await?),""",
    ),
    (
        "only what is done is undone",
        "src/agent/journal/state.rs",
        ".find(|progress| progress.mark != Mark::Undone)?;",
        ".find(|progress| progress.mark != Mark::Undone && progress.mark != Mark::Started)?;",
    ),
    (
        "undo in forward order",
        "src/agent/journal/state.rs",
        """            .iter()
            .rev()
            .find(|progress| progress.mark != Mark::Undone)?;""",
        """            .iter()
            .find(|progress| progress.mark != Mark::Undone)?;""",
    ),
    (
        "undone is noted before the undo",
        "src/agent/saga.rs",
        """        let mut tried = 1;
        while let Err(why) = actor.undo(step, &before).await {""",
        """        let mut tried = 1;
        let _early = journal.append(Entry::Undone { step }).await;
        while let Err(why) = actor.undo(step, &before).await {""",
    ),
    (
        "commit comes after the old slot is stopped",
        "src/agent/swap.rs",
        """    Row {
        step: Step::DrainOld,
        kind: Kind::Retriable,
    },
    Row {
        step: Step::StopOld,
        kind: Kind::Retriable,
    },""",
        """    Row {
        step: Step::DrainOld,
        kind: Kind::Compensatable,
    },
    Row {
        step: Step::StopOld,
        kind: Kind::Compensatable,
    },""",
    ),
    (
        "recovery always rolls back",
        "src/agent/saga.rs",
        "        Phase::Committed => forward(host, events, actor, table, journal).await,",
        "        Phase::Committed => unwind(host, events, actor, journal, None).await,",
    ),
    (
        "recovery forgets to undo the switch",
        "src/agent/swap.rs",
        "            Step::SwitchTraffic => switch_traffic::undo(self, before).await,",
        "            Step::SwitchTraffic => Ok(()),",
    ),
    (
        "the journal is not synced",
        "src/agent/journal/file.rs",
        "Durability::Synced",
        "Durability::Written",
    ),
    (
        "a torn last line is left in the file",
        "src/agent/journal/file.rs",
        ".filter(|good| good.len() < bytes.len())",
        ".filter(|_| false)",
    ),
    (
        "the new slot is stopped before traffic is back",
        "src/agent/swap.rs",
        "            Step::PullImage | Step::AwaitHealthy | Step::VerifyRoute | Step::Bake => Ok(()),",
        "            Step::VerifyRoute => start_slot::undo(self).await,\n            Step::PullImage | Step::AwaitHealthy | Step::Bake => Ok(()),"
    ),
    (
        "recovery does not look for an open journal",
        "src/agent/run.rs",
        "    match recover_as(host, paths, fence).await? {",
        "    match Recovered::Nothing {",
    ),
    (
        "an older run may act late",
        "src/agent/fence.rs",
        "    if number < numbers.acting {",
        "    if number > numbers.acting && number < numbers.acting {",
    ),
    (
        "the journal does not look whose turn it is",
        "src/agent/fence.rs",
        "    if acting == number {",
        "    if acting == number || acting != number {",
    ),
    (
        "a run that was taken over from goes back by itself",
        "src/agent/journal/file.rs",
        "                if error.reason == Reason::Superseded {",
        "                if error.reason != Reason::Superseded {",
    ),
]
