//! The line of a terminal that is drawn anew while something is at work.

use std::fmt;

use super::text;

/// Back to the first column, and nothing right of it.
const ERASE: &str = "\r\u{1b}[K";
/// When the terminal does not say how wide it is.
const USUAL_WIDTH: usize = 80;

/// What stands on the line, and how much fits.
pub(super) struct Live {
    width: fn() -> Option<usize>,
    stands: bool,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    pub(super) fn new(width: fn() -> Option<usize>) -> Self {
        Self {
            width,
            stands: false,
        }
    }

    /// As wide as the terminal is by now: a window may be resized.
    pub(super) fn of_standard_error() -> Self {
        Self::new(|| {
            let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
            Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
        })
    }

    /// What to print to draw `line`. A line that is too long would wrap, and could not be taken back.
    pub(super) fn drawn(&mut self, line: &str) -> String {
        self.stands = true;
        let width = (self.width)().unwrap_or(USUAL_WIDTH);
        format!("{ERASE}{}", text::fitted(line, width.saturating_sub(1)))
    }

    /// What to print to take it away.
    pub(super) fn erased(&mut self) -> &'static str {
        match std::mem::take(&mut self.stands) {
            true => ERASE,
            false => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_and_is_taken_away_once() {
        let mut live = Live::new(|| Some(11));
        assert_eq!(live.erased(), "");
        assert_eq!(live.drawn("build 1.0s"), "\r\u{1b}[Kbuild 1.0s");
        assert_eq!(live.drawn("build 10.0s"), "\r\u{1b}[Kbuild 10.…");
        assert_eq!((live.erased(), live.erased()), ("\r\u{1b}[K", ""));
        let mut unknown = Live::new(|| None);
        assert_eq!(unknown.drawn(&"x".repeat(200)).chars().count(), 4 + 79);
    }
}
