//! Redis and PostgreSQL themselves, past every proxy.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::World;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

impl World {
    /// Sends a command to Redis; returns its answer as it stands on the wire.
    pub(crate) async fn redis_command(&self, words: &[&str]) -> Result<String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        request += "*1\r\n$4\r\nQUIT\r\n";
        let ask = async {
            let mut stream = TcpStream::connect(self.redis.address()).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = timeout(ANSWER_WITHIN, ask)
            .await
            .context("Redis does not answer")??;
        match answer.strip_prefix('-') {
            Some(error) => bail!("Redis refuses {}: {error}", words.join(" ")),
            None => Ok(answer),
        }
    }

    /// Runs a statement in PostgreSQL; returns what it prints.
    pub(crate) async fn sql(&self, statement: &str) -> Result<String> {
        let run = Command::new("psql")
            .args([
                "-XqtA",
                "-v",
                "ON_ERROR_STOP=1",
                &self.database.url(),
                "-c",
                statement,
            ])
            .output();
        let output = timeout(ANSWER_WITHIN, run)
            .await
            .context("PostgreSQL does not answer")?
            .context("psql cannot be started")?;
        if !output.status.success() {
            bail!("{statement}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
