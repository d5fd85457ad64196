//! A line on standard error that says how far long work is; silent when nobody watches.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Progress of one piece of work.
pub(crate) struct Progress {
    what: &'static str,
    shown: Option<Instant>,
    watched: bool,
}

impl Progress {
    /// Progress counted in `what`.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, shown: None, watched: std::io::stderr().is_terminal() }
    }

    /// Says that `done` of `all` are done, at most a few times a second.
    pub(crate) fn at(&mut self, done: usize, all: usize) {
        let due = self.shown.is_none_or(|shown| shown.elapsed() > Duration::from_millis(200));
        if self.watched && due {
            self.shown = Some(Instant::now());
            self.write(&format!("\r{done} of {all} {}", self.what));
        }
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        if self.watched {
            self.write("\r\x1b[K");
        }
    }

    fn write(&self, text: &str) {
        let mut out = std::io::stderr().lock();
        // A terminal that has gone away is no reason to stop the work.
        drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }
}
