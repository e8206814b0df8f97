//! The token as it goes out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use crate::settings::{ConnectError, Token, read};

/// How long a token from a file is taken for what the file says.
const READ_EVERY: Duration = Duration::from_secs(10);

/// What stands in `authorization`. A file is read again beside the calls, so that none of them waits for a disk; that ends
/// with the last clone.
#[derive(Clone)]
pub(crate) struct Bearer {
    shown: watch::Receiver<Option<HeaderValue>>,
    _reader: Arc<JoinSet<()>>,
}

impl Bearer {
    /// Reads the token for the first time.
    ///
    /// # Errors
    /// When it cannot be read, or cannot be sent.
    pub(crate) fn of(token: &Token) -> Result<Self, ConnectError> {
        let first = match token {
            Token::None => None,
            Token::Text(text) => Some(value(text)?.ok_or(ConnectError::NoToken)?),
            Token::File(path) => Some(from_file(path)?),
        };
        let (shows, shown) = watch::channel(first);
        let mut reader = JoinSet::new();
        if let Token::File(path) = token {
            reader.spawn(read_again(path.clone(), shows));
        }
        Ok(Self {
            shown,
            _reader: Arc::new(reader),
        })
    }

    /// The token as it was read last.
    pub(crate) fn value(&self) -> Option<HeaderValue> {
        self.shown.borrow().clone()
    }
}

async fn read_again(path: PathBuf, shows: watch::Sender<Option<HeaderValue>>) {
    loop {
        sleep(READ_EVERY).await;
        let path = path.clone();
        // While the file cannot be read, or is being written, the last token may still be good.
        if let Ok(Ok(fresh)) = spawn_blocking(move || from_file(&path)).await {
            shows.send_replace(Some(fresh));
        }
    }
}

fn from_file(path: &Path) -> Result<HeaderValue, ConnectError> {
    value(&read(path)?)?.ok_or_else(|| ConnectError::EmptyFile(path.to_owned()))
}

/// The header; none of an empty text.
fn value(text: &str) -> Result<Option<HeaderValue>, ConnectError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let value = HeaderValue::try_from(format!("Bearer {text}"));
    let mut value = value.map_err(|_| ConnectError::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn said(bearer: &Bearer) -> String {
        bearer.value().unwrap().to_str().unwrap().to_owned()
    }

    async fn change(bearer: &mut Bearer) {
        tokio::time::timeout(READ_EVERY * 3, bearer.shown.changed())
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_read_again_and_what_is_no_token_leaves_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first\n").unwrap();
        let mut bearer = Bearer::of(&Token::File(path.clone())).unwrap();
        assert_eq!(said(&bearer), "Bearer first");
        for nothing in ["", " \n", "a\nb"] {
            fs::write(&path, nothing).unwrap();
            let changed = tokio::time::timeout(READ_EVERY * 2, bearer.shown.changed()).await;
            assert!(changed.is_err(), "{nothing:?}");
            assert_eq!(said(&bearer), "Bearer first");
        }
        fs::remove_file(&path).unwrap();
        assert!(
            tokio::time::timeout(READ_EVERY * 2, bearer.shown.changed())
                .await
                .is_err()
        );
        fs::write(&path, "second").unwrap();
        change(&mut bearer).await;
        assert_eq!(said(&bearer), "Bearer second");
    }

    /// A pipe is read for as long as nobody writes to it.
    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_slow_to_read_holds_up_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first").unwrap();
        let mut bearer = Bearer::of(&Token::File(path.clone())).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Only a task that waits already sees the time pass.
        tokio::task::yield_now().await;
        tokio::time::advance(READ_EVERY * 2).await;
        for _ in 0..100 {
            assert_eq!(said(&bearer), "Bearer first");
            tokio::task::yield_now().await;
        }
        // Opening it waits for whoever reads it: that goes on elsewhere.
        spawn_blocking(move || fs::write(&path, "second"))
            .await
            .unwrap()
            .unwrap();
        change(&mut bearer).await;
        assert_eq!(said(&bearer), "Bearer second");
    }

    #[test]
    fn a_token_is_not_told_by_debug() {
        let value = value("secret").unwrap().unwrap();
        assert!(!format!("{value:?}").contains("secret"));
    }
}
