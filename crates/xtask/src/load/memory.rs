//! What a Redis says of its own memory.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result};

/// Fields of a hash that are looked at to estimate the others.
const SAMPLES: u32 = 20_000;

/// The server at an address.
pub(super) struct Memory<'a>(&'a str);

impl<'a> Memory<'a> {
    pub(super) fn of(address: &'a str) -> Self {
        Self(address)
    }

    /// Bytes that it has allocated.
    pub(super) fn used(&self) -> Result<f64> {
        let answer = self.ask("INFO memory")?;
        let line = answer.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(line.context("Redis does not tell its memory")?.trim().parse()?)
    }

    /// Bytes of a key with its value.
    pub(super) fn key(&self, key: &str) -> Result<f64> {
        let answer = self.ask(&format!("MEMORY USAGE {key} SAMPLES {SAMPLES}"))?;
        let bytes = answer.lines().find_map(|line| line.strip_prefix(':'));
        Ok(bytes
            .with_context(|| format!("there is no {key}"))?
            .trim()
            .parse()?)
    }

    fn ask(&self, command: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.0)?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}
