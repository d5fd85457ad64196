//! Receivers in Python that check what they get with libraries of others, and say what it was.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tests::python::{python, script};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::SECRET;

/// How long a receiver may wait for what it is to get.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running receiver. Killed when dropped.
pub(super) struct Receiver {
    pub(super) port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Receiver {
    /// A receiver of webhooks on `port` (0: a free one) that gives these answers, the last one for ever. `None`
    /// without Python.
    pub(super) async fn webhooks(port: u16, answers: &[&str]) -> Option<Self> {
        let port = port.to_string();
        let arguments = [port.as_str(), SECRET].into_iter().chain(answers.iter().copied()).map(str::to_owned);
        Self::run("webhooks.py", arguments.collect()).await
    }

    /// A mail server that turns `refused` away. `None` without Python.
    pub(super) async fn mail(refused: &[&str]) -> Option<Self> {
        let arguments = ["0"].iter().chain(refused).map(|argument| (*argument).to_owned());
        Self::run("mailbox.py", arguments.collect()).await
    }

    async fn run(program: &str, arguments: Vec<String>) -> Option<Self> {
        let mut child = Command::new(python()?)
            .arg(script(program))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut receiver = Self { port: 0, lines, _child: child };
        receiver.port = u16::try_from(receiver.next().await["port"].as_u64().unwrap()).unwrap();
        Some(receiver)
    }

    /// The next thing it got.
    pub(super) async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("the receiver gets nothing").unwrap().expect("the receiver has ended");
        serde_json::from_str(&line).unwrap()
    }
}
