//! A secret from standard input.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::cancel::Cancel;
use crate::config::raw::{Raw, Source};
use crate::config::sources;
use crate::error::{Error, Reason, Result};

/// More than any secret needs.
const LONGEST: u64 = 64 * 1024;

/// Enough to paste it by hand.
const PATIENCE: Duration = Duration::from_secs(120);

/// Puts the secret in the place of the flag's `-`, if there is one.
pub(super) async fn read(raw: &mut Raw, cancel: &Cancel) -> Result<()> {
    let Some(key) = sources::from_standard_input(raw) else {
        return Ok(());
    };
    let mut text = String::new();
    let mut input = tokio::io::stdin().take(LONGEST);
    let read = tokio::select! {
        read = tokio::time::timeout(PATIENCE, input.read_to_string(&mut text)) => read,
        signal = cancel.requested() => {
            let what = format!("cancelled while `--{key} -` waited for standard input");
            return Err(Error::new(signal.exit_code(), Reason::Cancelled, what));
        }
    };
    let hint = format!("pipe the secret in, or write `--{key} @FILE`");
    let failed = |why: String| Error::usage(format!("`--{key} -`: {why}")).hint(hint);
    match read {
        Ok(Ok(_)) if text.trim().is_empty() => Err(failed("standard input is empty".to_owned())),
        Ok(Ok(_)) => {
            raw.replace(key, text.trim().to_owned(), Source::Stdin);
            Ok(())
        }
        Ok(Err(error)) => Err(failed("standard input cannot be read".to_owned()).because(error)),
        Err(_elapsed) => Err(failed(format!(
            "nothing came within {} s",
            PATIENCE.as_secs()
        ))),
    }
}
