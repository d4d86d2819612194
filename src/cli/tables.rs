//! Small tables for people.

use crate::protocol::provision::{Change, ProvisionMode};
use crate::protocol::status::{Past, SlotStatus, Status};
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
            minute(past.at_ms),
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
        "BEGAN", "OUTCOME", "REASON", "RELEASE", "TOOK", "COMMIT", "BY",
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
fn clean(text: &str) -> String {
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
    use crate::protocol::outcome::Outcome;
    use crate::protocol::plan::Origin;
    use crate::protocol::slot::Slot;

    #[test]
    fn a_status_is_aligned_and_clean() {
        let slot = |service: &str, slot, healthy| SlotStatus {
            slot,
            service: service.to_owned(),
            port: 8080,
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
                note: None,
                waits: None,
            }],
        };
        assert_eq!(
            status(&found),
            "app   pct\nlive  nothing\n\n\
             SLOT           PORT  STATE         HEALTH   RELEASE\n\
             pct-backend-1  8080  run [2Jning  healthy  -\n\
             b              8080  run [2Jning  -        -\n\n\
             BEGAN              OUTCOME      REASON         RELEASE  TOOK   COMMIT  BY\n\
             1970-01-01 00:00Z  rolled-back  never-healthy  -        1.2 s  -       -\n"
                .replace("STATE         ", "STATE        ")
        );
    }
}
