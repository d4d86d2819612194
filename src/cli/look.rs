//! `status` and `history`.

use serde::Serialize;

use super::args::HistoryArgs;
use super::flags::{ForLook, SettingFlags};
use super::render;
use super::start::Start;
use super::tables;
use crate::error::{Error, ExitCode, Result};
use crate::protocol::ids::DeploymentId;
use crate::protocol::status::{Past, Status, Told};
use crate::report::Verbosity;
use crate::runner::status;

/// What `history --json` prints.
#[derive(Serialize)]
struct PrintedHistory<'a> {
    app: &'a str,
    recent: &'a [Past],
}

/// What `history DEPLOYMENT --json` prints.
#[derive(Serialize)]
struct PrintedDeployment<'a> {
    #[serde(flatten)]
    past: &'a Past,
    #[serde(flatten)]
    told: &'a Told,
}

pub(super) async fn status(start: &Start, flags: &SettingFlags<ForLook>) -> Result<ExitCode> {
    let status = look(start, flags, None).await?;
    if start.global.json {
        render::json(&status)?;
    } else {
        render::out(&tables::status(&status))?;
    }
    Ok(ExitCode::Success)
}

/// What happened, or how one deployment ended.
pub(super) async fn history(start: &Start, args: &HistoryArgs) -> Result<ExitCode> {
    let wanted = args.deployment.as_ref();
    let status = look(start, &args.settings, wanted).await?;
    if let Some(wanted) = wanted {
        return one(start, &status, wanted);
    }
    if start.global.json {
        render::json(&PrintedHistory {
            app: &status.app,
            recent: &status.recent,
        })?;
    } else {
        render::out(&tables::history(&status.recent))?;
    }
    Ok(ExitCode::Success)
}

fn one(start: &Start, status: &Status, wanted: &DeploymentId) -> Result<ExitCode> {
    let mut recent = status.recent.iter();
    let Some(past) = recent.find(|past| past.deployment == *wanted) else {
        let what = format!("the host has no record of deployment {wanted}");
        return Err(Error::usage(what).hint("see which there are: `pct-deploy history`"));
    };
    let told = status.told.clone().unwrap_or_default();
    if start.global.json {
        render::json(&PrintedDeployment { past, told: &told })?;
    } else {
        render::out(&tables::one(past, &told))?;
    }
    Ok(ExitCode::Success)
}

async fn look(
    start: &Start,
    flags: &SettingFlags<ForLook>,
    of: Option<&DeploymentId>,
) -> Result<Status> {
    let by = start.asked(flags, Verbosity::Answer);
    Box::pin(status::status(by, of)).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::protocol::outcome::Outcome;
    use crate::protocol::status::{Standing, Unended};

    const PAGE: &str = include_str!("../../docs/status.md");

    /// The part of the page below a heading.
    fn part(heading: &str) -> &'static str {
        let (_, part) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
        part.split("\n## ").next().unwrap()
    }

    /// The names in the first column of the first table of a part.
    fn documented(heading: &str) -> BTreeSet<&'static str> {
        let (_, table) = part(heading).split_once("|---|---|---|\n").unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|'));
        rows.map(|row| row.split('`').nth(1).unwrap()).collect()
    }

    fn names(object: &Value) -> BTreeSet<&str> {
        let object = object.as_object().unwrap();
        object.keys().map(String::as_str).collect()
    }

    fn example() -> (Value, Status) {
        let (_, json) = part("Example").split_once("```json\n").unwrap();
        let (json, _) = json.split_once("```").unwrap();
        (
            serde_json::from_str(json).unwrap(),
            serde_json::from_str(json).unwrap(),
        )
    }

    #[test]
    fn the_documented_status_is_a_status_and_every_field_is_documented() {
        let (documented_value, status) = example();
        let value = serde_json::to_value(&status).unwrap();
        assert_eq!(value, documented_value);
        for (heading, at) in [
            ("`status`", ""),
            ("`recent`", "/recent/0"),
            ("`origin`", "/recent/0/origin"),
            ("`live`", "/live"),
            ("`slots`", "/slots/0"),
            ("`kept`", "/kept/0"),
            ("`image`", "/kept/0/image"),
        ] {
            let object = value.pointer(at).unwrap();
            assert_eq!(documented(heading), names(object), "{heading}");
        }
        let history = serde_json::to_value(PrintedHistory {
            app: &status.app,
            recent: &status.recent,
        });
        assert_eq!(documented("`history`"), names(&history.unwrap()));
    }

    #[test]
    fn every_way_in_which_a_deployment_stands_is_documented() {
        let part = part("`recent`");
        for outcome in [
            Outcome::Deployed,
            Outcome::Unchanged,
            Outcome::Cancelled,
            Outcome::Failed,
            Outcome::RolledBack,
            Outcome::Stuck,
        ] {
            assert!(part.contains(&format!("`{outcome}`")), "{outcome}");
        }
        for (unended, reason) in [
            (Unended::Running, "empty"),
            (Unended::Waiting, "empty"),
            (Unended::Interrupted, "`interrupted`"),
            (Unended::Unreadable, "`other-version`"),
        ] {
            let standing = Standing::from(unended);
            let row = part
                .lines()
                .find(|line| line.starts_with(&format!("| `{standing}` |")))
                .unwrap();
            assert!(row.ends_with(&format!("| {reason} |")), "{row}");
            assert_eq!(
                serde_json::to_value(standing).unwrap(),
                standing.to_string()
            );
        }
    }
}
