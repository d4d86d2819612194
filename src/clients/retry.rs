//! A call that is made again when its error may pass.

use std::time::Duration;

use tokio::time::sleep;

/// Calls, and once more after each of the pauses, as long as `may_pass` says so of the error. It gets the pause as
/// well, to tell people.
pub(crate) async fn retry<T, E>(
    pauses: &[Duration],
    may_pass: impl Fn(&E, Duration) -> bool,
    call: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    for pause in pauses {
        match call().await {
            Err(error) if may_pass(&error, *pause) => sleep(*pause).await,
            ended => return ended,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_error_that_passes_is_tried_again_and_the_last_one_is_told() {
        let pauses = [1, 2].map(Duration::from_secs);
        for (errors, ended, waited) in [
            (vec![], Ok(0), vec![]),
            (vec!["busy"], Ok(1), vec![1]),
            (
                vec!["busy", "busy", "busy", "busy"],
                Err("busy"),
                vec![1, 2],
            ),
            (vec!["busy", "gone"], Err("gone"), vec![1]),
        ] {
            let (calls, told) = (Cell::new(0), RefCell::new(Vec::new()));
            let may_pass = |error: &&str, pause: Duration| {
                let passes = *error == "busy";
                if passes {
                    told.borrow_mut().push(pause.as_secs());
                }
                passes
            };
            let call = async || {
                let call = calls.replace(calls.get() + 1);
                errors.get(call).map_or(Ok(call), |error| Err(*error))
            };
            assert_eq!(retry(&pauses, may_pass, call).await, ended);
            assert_eq!(*told.borrow(), waited);
        }
    }
}
