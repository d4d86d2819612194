//! Small tables for people.

use crate::protocol::provision::{Change, ProvisionMode};
use crate::protocol::status::{Past, SlotStatus, Status, Told};
use crate::protocol::utc;

/// What is on the host, as text.
pub(super) fn status(status: &Status) -> String {
    let live = match &status.live {
        Some(live) => {
            let release = live
                .release
                .as_ref()
                .map_or("unknown release", |r| r.as_str());
            format!("{release} on {}", live.service)
        }
        None => "nothing".to_owned(),
    };
    let mut text = format!("app   {}\nlive  {live}\n", status.app);
    if let Some(holder) = &status.lock_holder {
        text.push_str(&format!("lock  {}\n", clean(holder)));
    }
    text.push('\n');
    let slots = status.slots.iter().map(slot).collect();
    text.push_str(&table(
        &["SLOT", "PORT", "STATE", "HEALTH", "RELEASE"],
        slots,
    ));
    if !status.kept.is_empty() {
        let kept = status.kept.iter().map(|kept| {
            vec![
                kept.release.to_string(),
                minute(kept.at_ms),
                kept.image.to_string(),
            ]
        });
        text.push('\n');
        text.push_str(&table(&["RELEASE", "LAST LIVE", "IMAGE"], kept.collect()));
    }
    if !status.recent.is_empty() {
        text.push('\n');
        text.push_str(&history(&status.recent));
    }
    text
}

/// What `provision` changed or would change, as text.
pub(super) fn changes(changes: &[Change], mode: ProvisionMode) -> String {
    if changes.is_empty() {
        return "nothing to do: the host is prepared\n".to_owned();
    }
    let rows = changes
        .iter()
        .map(|change| vec![change.what.clone(), change.why.clone()]);
    let mut text = table(&["WHAT", "WHY"], rows.collect());
    for line in changes.iter().flat_map(|change| &change.diff) {
        text.push_str(&format!("{line}\n"));
    }
    for change in changes {
        if let Some(backup) = &change.backup {
            text.push_str(&format!("the old {} is kept as {backup}\n", change.what));
        }
    }
    let count = changes.len();
    text.push_str(&match mode {
        ProvisionMode::Apply => {
            format!("provisioned: {count} changes; deploys now switch without a reload\n")
        }
        ProvisionMode::DryRun => format!("{count} changes would be made; nothing was changed\n"),
    });
    text
}

/// Deployments, newest first, as text.
pub(super) fn history(recent: &[Past]) -> String {
    if recent.is_empty() {
        return "nothing was deployed yet\n".to_owned();
    }
    let rows = recent.iter().map(|past| {
        vec![
            past.deployment.to_string(),
            minute(past.at_ms),
            intent(past),
            past.outcome.to_string(),
            if past.reason.is_empty() {
                dash()
            } else {
                past.reason.clone()
            },
            past.release.as_ref().map_or_else(dash, ToString::to_string),
            format!(
                "{:.1} s",
                std::time::Duration::from_millis(past.took_ms).as_secs_f64()
            ),
            past.origin
                .commit
                .as_ref()
                .map_or_else(dash, |commit| commit.short().to_owned()),
            past.origin.by.clone().unwrap_or_else(dash),
        ]
    });
    let head = [
        "DEPLOYMENT",
        "BEGAN",
        "WHAT",
        "OUTCOME",
        "REASON",
        "RELEASE",
        "TOOK",
        "COMMIT",
        "BY",
    ];
    let mut text = table(&head, rows.collect());
    for past in recent {
        if let Some(why) = &past.note {
            let id = &past.deployment;
            text.push_str(&format!("{id} cannot be read: {}\n", clean(why)));
        }
    }
    text
}

/// How one deployment ended, as text.
pub(super) fn one(past: &Past, told: &Told) -> String {
    let origin = &past.origin;
    let release = past.release.as_ref().map(ToString::to_string);
    let commit = origin.commit.as_ref().map(ToString::to_string);
    let took = std::time::Duration::from_millis(past.took_ms).as_secs_f64();
    let ended = match past.reason.as_str() {
        "" => past.outcome.to_string(),
        reason => format!("{} ({reason})", past.outcome),
    };
    let facts = [
        ("deployment", Some(past.deployment.to_string())),
        ("what", past.intent.map(|intent| intent.as_str().to_owned())),
        ("began", Some(minute(past.at_ms))),
        ("took", Some(format!("{took:.1} s"))),
        ("outcome", Some(ended)),
        ("release", release),
        ("commit", commit),
        ("by", origin.by.clone()),
        ("run", origin.url.clone()),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name:<10}  {}\n", clean(&value?))));
    let mut text: String = facts.collect();
    let mut line = |name: &str, what: &str| text.push_str(&format!("{name}{}\n", clean(what)));
    if let Some(why) = &past.note {
        line("\ncannot be read: ", why);
    }
    if let Some((step, failure)) = &told.failed {
        line("\nfailed in ", step.as_str());
        for (depth, cause) in failure.chain.iter().enumerate() {
            line(
                if depth == 0 {
                    "  error: "
                } else {
                    "  caused by: "
                },
                cause,
            );
        }
        for hint in &failure.hints {
            line("  hint: ", hint);
        }
        for logged in &failure.log_tail {
            line("  log │ ", logged);
        }
    }
    for [warning, hint] in &told.warnings {
        line("\nwarning: ", warning);
        if !hint.is_empty() {
            line("  hint: ", hint);
        }
    }
    text
}

/// What it was for, when its record says so.
fn intent(past: &Past) -> String {
    past.intent
        .map_or_else(dash, |intent| intent.as_str().to_owned())
}

fn slot(slot: &SlotStatus) -> Vec<String> {
    let health = if slot.healthy { "healthy" } else { "-" };
    vec![
        slot.service.clone(),
        slot.port.to_string(),
        slot.state.clone(),
        health.to_owned(),
        slot.release.as_ref().map_or_else(dash, ToString::to_string),
    ]
}

fn dash() -> String {
    "-".to_owned()
}

/// Text of the host, without what could move a terminal's cursor.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head = head.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(rows)
        .map(|row: Vec<String>| row.iter().map(|cell| clean(cell)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:<width$}  "))
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn minute(ms: u64) -> String {
    utc::text(ms, utc::MINUTE).unwrap_or_else(dash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;
    use crate::protocol::outcome::Outcome;
    use crate::protocol::plan::{Intent, Origin};
    use crate::protocol::slot::Slot;

    #[test]
    fn one_deployment_says_why_it_ended_so() {
        let past = Past {
            deployment: "20260131T235959Z-0a1b2c".parse().unwrap(),
            at_ms: 0,
            outcome: Outcome::RolledBack.into(),
            reason: "crashed-at-boot".to_owned(),
            release: None,
            took_ms: 1234,
            origin: Origin {
                by: Some("kim".to_owned()),
                ..Origin::default()
            },
            intent: None,
            note: None,
            waits: None,
        };
        let failure = Failure {
            reason: crate::error::Reason::CrashedAtBoot,
            chain: vec!["slot `b` ended".to_owned(), "exit code 3".to_owned()],
            hints: vec!["fix it".to_owned()],
            log_tail: vec!["\u{1b}boom".to_owned()],
        };
        let told = Told {
            failed: Some((crate::protocol::step::Step::AwaitHealthy, failure)),
            warnings: vec![["disk nearly full".to_owned(), String::new()]],
        };
        assert_eq!(
            one(&past, &told),
            "deployment  20260131T235959Z-0a1b2c\nbegan       1970-01-01 00:00Z\ntook        1.2 s\n\
             outcome     rolled-back (crashed-at-boot)\nby          kim\n\n\
             failed in await_healthy\n  error: slot `b` ended\n  caused by: exit code 3\n  hint: fix it\n  log │  boom\n\n\
             warning: disk nearly full\n"
        );
    }

    #[test]
    fn a_status_is_aligned_and_clean() {
        let slot = |service: &str, slot, healthy| SlotStatus {
            slot,
            service: service.to_owned(),
            port: 8080,
            container: None,
            state: "run\u{1b}[2Jning".to_owned(),
            release: None,
            healthy,
        };
        let found = Status {
            app: "pct".to_owned(),
            live: None,
            slots: vec![
                slot("pct-backend-1", Slot::One, true),
                slot("b", Slot::Two, false),
            ],
            lock_holder: None,
            kept: Vec::new(),
            recent: vec![Past {
                deployment: "20260131T235959Z-0a1b2c".parse().unwrap(),
                at_ms: 0,
                outcome: Outcome::RolledBack.into(),
                reason: "never-healthy".to_owned(),
                release: None,
                took_ms: 1234,
                origin: Origin::default(),
                intent: Some(Intent::Rollback),
                note: None,
                waits: None,
            }],
            told: None,
        };
        assert_eq!(
            status(&found),
            "app   pct\nlive  nothing\n\n\
             SLOT           PORT  STATE         HEALTH   RELEASE\n\
             pct-backend-1  8080  run [2Jning  healthy  -\n\
             b              8080  run [2Jning  -        -\n\n\
             DEPLOYMENT               BEGAN              WHAT      OUTCOME      REASON         RELEASE  TOOK   COMMIT  BY\n\
             20260131T235959Z-0a1b2c  1970-01-01 00:00Z  rollback  rolled-back  never-healthy  -        1.2 s  -       -\n"
                .replace("STATE         ", "STATE        ")
        );
    }
}
