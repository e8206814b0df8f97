//! Progress on a terminal, silence in a pipe.

use std::time::Duration;

use crate::import::source::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A spinner with a text, hidden when stderr is no terminal.
#[must_use]
pub fn spinner(text: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(text.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// A bar of `total` units, hidden when stderr is no terminal.
#[must_use]
pub fn bar(total: u64, text: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:24} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}");
    ProgressBar::new(total)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(text.to_owned())
}

/// A bar over the bytes of a file, moved by a thread that follows `read`.
#[must_use]
pub fn bytes(total: u64, text: &str, read: Progress) -> BytesBar {
    let style = ProgressStyle::with_template("{msg:24} {wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(total)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(text.to_owned());
    let follower = bar.clone();
    let thread = std::thread::spawn(move || {
        while !follower.is_finished() {
            follower.set_position(read.bytes());
            std::thread::park_timeout(Duration::from_millis(100));
        }
    });
    BytesBar { bar, thread }
}

/// A bar that follows a file for as long as it lives.
pub struct BytesBar {
    bar: ProgressBar,
    thread: std::thread::JoinHandle<()>,
}

impl BytesBar {
    /// Takes the bar away.
    pub fn finish(self) {}
}

impl Drop for BytesBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.thread.thread().unpark();
    }
}

impl std::ops::Deref for BytesBar {
    type Target = ProgressBar;
    fn deref(&self) -> &ProgressBar {
        &self.bar
    }
}
