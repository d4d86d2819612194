"""Deliberate mistakes. Those in the engine must make the crash test fail, those in the gate the property
test over mutated payloads alone, those in the watch its own tests; `make mutants` shows it.

A mutant is a file, a text in it and what replaces it. A text that is no longer there fails the run: the list
follows the code.
"""

MUTANTS = [
    (
        "people are sent to a slot that is held back",
        "src/agent/steps/await_healthy.rs",
        """            weight::restore(swap).await?;
            smoke""",
        "            smoke",
    ),
    (
        "a slot that is slow to boot is held back until it fails",
        "src/agent/steps/await_healthy.rs",
        "if wait.is_half_over()",
        "if wait.is_over()",
    ),
    (
        "the old slot is stopped without a look at the new one",
        "src/agent/steps/stop_old.rs",
        "let well = alone.ensure(swap.host, swap.events, Step::StopOld).await;",
        "let well = alone.start_if_down(swap.host).await;",
    ),
    (
        "intent is noted after the effect",
        "src/agent/saga.rs",
        """    journal.append(Entry::Started { step, before }).await?;
    match swap.events.frame(step, row.apply(swap)).await {
        Ok(()) => Ok(journal.append(Entry::Done { step }).await?),""",
        """    let applied = swap.events.frame(step, row.apply(swap)).await;
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
        while let Err(why) = table::undo(swap, step, &before).await {""",
        """        let mut tried = 1;
        let _early = journal.append(Entry::Undone { step }).await;
        while let Err(why) = table::undo(swap, step, &before).await {""",
    ),
    (
        "commit comes after the old slot is stopped",
        "src/agent/table.rs",
        """        StepRow::new(Step::DrainOld, Retriable, drain_old::apply),
        StepRow::new(Step::StopOld, Retriable, stop_old::apply),""",
        """        StepRow::new(Step::DrainOld, Compensatable, drain_old::apply),
        StepRow::new(Step::StopOld, Compensatable, stop_old::apply),""",
    ),
    (
        "recovery always rolls back",
        "src/agent/saga.rs",
        "        JournalPhase::Committed => forward(swap, journal).await,",
        "        JournalPhase::Committed => unwind(swap, journal, None).await,",
    ),
    (
        "recovery forgets to undo the switch",
        "src/agent/table.rs",
        """            .captured_by(switch_traffic::capture)
            .undone_by(switch_traffic::undo),""",
        """            .captured_by(switch_traffic::capture)
            .undone_by(async |_, _| Ok(())),""",
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
        "src/agent/table.rs",
        "        StepRow::new(Step::VerifyRoute, Compensatable, verify_route::apply),",
        "        StepRow::new(Step::VerifyRoute, Compensatable, verify_route::apply).undone_by(start_slot::undo),",
    ),
    (
        "recovery does not look for an open journal",
        "src/agent/deploy.rs",
        "        let recovered = recover_as(self.host, self.paths, number).await;",
        "        let recovered = StepResult::Ok(Recovered::Nothing);\n        drop(recover_as(self.host, self.paths, number));",
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
    (
        "the flag is taken back after the new slot is removed",
        "src/agent/table.rs",
        "            .undone_by(switch_traffic::undo),",
        """            .undone_by(async |swap, before| {
                start_slot::undo(swap, before).await?;
                switch_traffic::undo(swap, before).await
            }),""",
    ),
    (
        "traffic is moved without a synced replacement",
        "src/agent/steps/switch_traffic.rs",
        "        Some(bytes) => reserve::replace(swap.host, swap.paths, &flag, bytes).await,",
        """        Some(bytes) => {
            swap.host
                .append(&flag, bytes, crate::host::Durability::Written)
                .await
        }""",
    ),
    (
        "traffic is watched after commit",
        "src/agent/table.rs",
        "        StepRow::new(Step::Bake, Compensatable, bake::apply),",
        "        StepRow::new(Step::Bake, Retriable, bake::apply),",
    ),
    (
        "nginx goes on logging",
        "src/agent/meter/mod.rs",
        "        Some(_) => host.remove(&paths.measure(), Owner::Us).await,",
        "        Some(_) => Ok(()),",
    ),
    (
        "recovery leaves nginx logging",
        "src/agent/recover.rs",
        "    let stopped = meter::stop_logging(host, paths).await;",
        "    let stopped = crate::host::HostResult::Ok(());",
    ),
    (
        "the old slot is stopped before it is drained",
        "src/agent/steps/start_slot.rs",
        "    swap.go_on()?;\n    let slot = swap.new_slot();",
        "    swap.go_on()?;\n    super::stop_old::apply(swap).await?;\n    let slot = swap.new_slot();",
    ),
    (
        "the journal is archived before the last word",
        "src/agent/deploy.rs",
        "        let word = last_word(",
        "        if let Some(journal) = over {\n            drop(journal.archive().await);\n        }\n        let over: Option<Journal<'_, H>> = None;\n        let word = last_word(",
    ),
    (
        "a last word that was not kept counts",
        "src/agent/deploy.rs",
        "        if said.is_ok()",
        "        if matches!(said, Ok(()) | Err(_))",
    ),
    (
        "the last word of a dead agent is not synced",
        "src/agent/events.rs",
        "            host.append(&log, b\"\", Durability::Synced).await?;",
        "",
    ),
    (
        "the work is done without the lock",
        "src/agent/deploy.rs",
        "            if let Err(early) = Box::pin(deploy.under_the_lock(number)).await {",
        "            let lock = drop(lock);\n            if let Err(early) = Box::pin(deploy.under_the_lock(number)).await {",
    ),
    (
        "a rollback is rolled back for its traffic",
        "src/agent/steps/bake.rs",
        "    swap.begun.plan.is_rollback() || swap.begun.previous.is_none()",
        "    swap.begun.previous.is_none()",
    ),
    (
        "what people get does not matter",
        "src/agent/steps/bake.rs",
        "        BakeVerdict::Worse if !stays_anyhow(swap) => {",
        "        BakeVerdict::Worse => {",
    ),
    (
        "the route is verified without asking for the slot",
        "src/agent/steps/verify_route.rs",
        "        if named.as_deref() != Some(&wanted) {",
        "        if named.is_none() {",
    ),
    (
        "an undo is tried once",
        "src/agent/saga.rs",
        "            if tried == TRIES || noted.is_err() {",
        "            if tried == 1 || noted.is_err() {",
    ),
    (
        "an undo that keeps failing is given up",
        "src/agent/saga.rs",
        """            if tried == TRIES || noted.is_err() {
                return stuck(step, why, failed);
            }""",
        """            if tried == TRIES || noted.is_err() {
                break;
            }""",
    ),
    (
        "what a failed append left behind stays",
        "src/agent/journal/file.rs",
        """            return Err(match self.take_back().await {
                Ok(()) => AppendError::NotWritten(why),
                Err(_) => AppendError::Unknown(why),
            });""",
        "            return Err(AppendError::NotWritten(why));",
    ),
    (
        "the override is written anew instead of put back",
        "src/agent/steps/stage_release.rs",
        "            reserve::replace(swap.host, swap.paths, &path, bytes).await",
        """            drop(bytes.len());
            reserve::replace(swap.host, swap.paths, &path, b"services: {}\\n").await""",
    ),
    (
        "the way back has no room of its own",
        "src/agent/journal/file.rs",
        "        JournalPhase::Undoing | JournalPhase::Finished | JournalPhase::RolledBack => true,",
        "        JournalPhase::Undoing | JournalPhase::Finished | JournalPhase::RolledBack => false,",
    ),
]

GATE = [
    (
        "a draft goes",
        "src/runner/gate/labeled.rs",
        """        "open" if draft => Err(draft_refused()),
        "open" => Ok(()),""",
        """        "open" if draft => Ok(()),
        "open" => Ok(()),""",
    ),
    (
        "a pull request that is merged goes while it says `open`",
        "src/runner/gate/labeled.rs",
        "        _ if merged => Err",
        "        \"closed\" if merged => Err",
    ),
    (
        "a fork is known by its name alone",
        "src/runner/gate/labeled.rs",
        "    if head != base || head_id != base_id {",
        "    if head != base || (head_id == 0 && base_id == 0) {",
    ),
    (
        "the base's repository is not compared with ours",
        "src/runner/gate/labeled.rs",
        "    if base != here {",
        "    if base.is_empty() && here.is_empty() {",
    ),
    (
        "a joiner in the label is ignored",
        "src/runner/gate/labeled.rs",
        "*c != '\\u{fe0f}'",
        "!matches!(*c, '\\u{fe0f}' | '\\u{200d}')",
    ),
    (
        "the label may stand in capitals",
        "src/runner/gate/labeled.rs",
        "comparable(label) == wanted",
        "comparable(label).eq_ignore_ascii_case(&wanted)",
    ),
    (
        "the base is compared without what cannot be seen",
        "src/runner/gate/labeled.rs",
        "    if base == gate.base {",
        "    if base.trim_matches(|c: char| !c.is_ascii_alphanumeric()) == gate.base {",
    ),
    (
        "what is missing is taken for no",
        "src/runner/gate/labeled.rs",
        """    let merged = event::flag(payload, "/pull_request/merged")?;""",
        """    let merged = event::flag(payload, "/pull_request/merged").unwrap_or(false);""",
    ),
    (
        "every action goes",
        "src/runner/gate/labeled.rs",
        """    if action == "labeled" {""",
        """    if action.ends_with("labeled") || action.starts_with("main") {""",
    ),
    (
        "the head is read from the base",
        "src/runner/gate/labeled.rs",
        """const HEAD: &str = "/pull_request/head/sha";""",
        """const HEAD: &str = "/pull_request/base/sha";""",
    ),
    (
        "a label that was taken off still deploys",
        "src/runner/gate/standing.rs",
        "        Attempt::First => label_removed(now, gate),",
        "        Attempt::First => label_removed(now, gate).filter(|_| now.labels.len() > 3),",
    ),
    (
        "a re-run never needs the label and a first try neither",
        "src/runner/gate/standing.rs",
        "    if now.labels.iter().any(|label| is_the_label(gate, label)) {",
        "    if now.labels.iter().all(|label| !is_the_label(gate, label)) {",
    ),
    (
        "a fork's pull request goes when a person names its commit",
        "src/runner/gate/standing.rs",
        "    if now.head_repository.as_ref() != Some(&facts.repository) {",
        "    if now.head_repository.as_ref().is_none_or(String::is_empty) {",
    ),
    (
        "a commit that is nowhere is taken for one of the base",
        "src/runner/gate/dispatched.rs",
        "(CommitPosition::Elsewhere, Attempt::First | Attempt::Again) => OnBase::No",
        "(CommitPosition::Elsewhere, Attempt::First | Attempt::Again) => OnBase::Yes",
    ),
    (
        "a re-run deploys an old commit again",
        "src/runner/gate/dispatched.rs",
        "(CommitPosition::Behind, Attempt::Again) => OnBase::Stale",
        "(CommitPosition::Behind, Attempt::Again) => OnBase::Yes",
    ),
]

WATCH = [
    (
        "a retry counts as good",
        "src/agent/traffic/counter.rs",
        "            hits: self.server_errors + self.retried,",
        "            hits: self.server_errors,",
    ),
    (
        "silence is believed",
        "src/agent/verdict.rs",
        "        let hits = since + inside.for_ms(self.patience_ms);",
        "        let hits = since.min(inside.for_ms(self.patience_ms));",
    ),
    (
        "clients that gave up are forgotten",
        "src/agent/verdict.rs",
        "        let hits = since + inside.for_ms(self.patience_ms);",
        "        let hits = since.min(0) + inside.for_ms(self.patience_ms);",
    ),
    (
        "judged by a point share",
        "src/agent/verdict.rs",
        "new.exceeds(old, budget) && same_share(new, old) <= alpha;",
        "new.exceeds(old, budget) && same_share(new, old) + alpha <= 1.0;",
    ),
    (
        "no budget: any difference beyond chance",
        "src/agent/verdict.rs",
        "let compared = new.exceeds(old, budget) &&",
        "let compared = new.exceeds(old, budget.min(0)) &&",
    ),
    (
        "each look may err with the whole",
        "src/agent/statistics.rs",
        "        self.alpha * 6.0 / (PI * PI * taken * taken)",
        "        self.alpha * 6.0 / (PI * PI).max(taken)",
    ),
    (
        "slow by one measured percentile alone",
        "src/agent/verdict.rs",
        "                .is_some_and(|(most, least)| least > limit(most));",
        "                .is_none_or(|(most, least)| least > limit(most).min(0));",
    ),
    (
        "slow while it still warms up",
        "src/agent/verdict.rs",
        "            if surely && took_ms >= ms(&self.bake) * LONGEST {",
        "            if surely {",
    ),
    (
        "the last health check is skipped",
        "src/agent/steps/bake.rs",
        "    for _ in 0..SICK {\n        swap.go_on()?;\n        if is_well(swap).await {",
        "    for _ in 0..SICK {\n        swap.go_on()?;\n        if is_well(swap).await || SICK > 0 {",
    ),
    (
        "the health check of the watch is not looked at",
        "src/agent/steps/bake.rs",
        "        if sick == SICK {",
        "        if sick == u32::MAX {",
    ),
    (
        "a log that fell silent is believed",
        "src/agent/steps/bake.rs",
        "        if now.saturating_sub(logged.1) >= SILENT_MS",
        "        if now.saturating_sub(logged.1) >= SILENT_MS * 1_000",
    ),
    (
        "the baseline is what the boot left of it",
        "src/agent/verdict.rs",
        "        if self.has_quiet(bake) {\n            &self.quiet",
        "        if self.has_quiet(bake) {\n            &self.whole",
    ),
    (
        "an unknown past excuses everything",
        "src/agent/verdict.rs",
        "        let plainly = !known && share_of(new, bad as f64 / 1000.0) <= alpha;",
        "        let plainly = !known && share_of(new, bad as f64 / 1000.0) < 0.0 * alpha;",
    ),
    (
        "refusals are as bad as failures",
        "src/agent/verdict.rs",
        "        let more = refused.exceeds(old, budget.into()) && same_share(refused, old) <= alpha;",
        "        let more = refused.exceeds(old, u64::from(budget) / 10) && same_share(refused, old) <= alpha;",
    ),
    (
        "a path that hangs is asked of nobody",
        "src/agent/steps/smoke.rs",
        "        (Some(old), _) => !is_bad(old),",
        "        (Some(old), ProbeAnswer::Status(_)) => !is_bad(old),\n        (Some(_), ProbeAnswer::Nothing(_)) => false,",
    ),
    (
        "what the old slot does too is held against the new one",
        "src/agent/steps/smoke.rs",
        "        (Some(old), _) => !is_bad(old),",
        "        (Some(_), _) => true,",
    ),
]
