//! Processes of the benchmark's own: it starts itself again. A measurement in a process of its own inherits no memory,
//! no connections and no caches from the one before, and several of them share a log as several programs do.

use std::process::Stdio;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, Stdin},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{Failure, commands, lag, limit::postgres::lag as limit};

/// What a process is started for. It goes over its standard input, as a URL may hold a password.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    Commands(commands::Job),
    Projector(lag::Projector),
    Reader(lag::Reader),
    LimitProjector(limit::Projector),
}

const GO: &str = "go";
const READY: &str = "ready";
const ENDED_EARLY: &str = "a worker has ended early; its error stands above";

/// The process, seen from the one that started it.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts a process, and waits until it is ready.
    pub(crate) async fn start(job: &Job) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--role", "worker"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or("a worker has no input")?;
        let output = child.stdout.take().ok_or("a worker has no output")?;
        let mut worker = Self { child, input, output: BufReader::new(output).lines() };
        worker.tell(&serde_json::to_string(job)?).await?;
        match worker.hear().await?.as_str() {
            READY => Ok(worker),
            other => Err(format!("a worker is not ready, but says {other:?}").into()),
        }
    }

    pub(crate) async fn go(&mut self) -> Result<(), Failure> {
        self.tell(GO).await
    }

    /// What it has found; it has ended then.
    pub(crate) async fn result<T: DeserializeOwned>(mut self) -> Result<T, Failure> {
        let result = serde_json::from_str(&self.hear().await?)?;
        self.stop().await?;
        Ok(result)
    }

    /// Hands it one thing more to do.
    pub(crate) async fn give<T: Serialize>(&mut self, work: &T) -> Result<(), Failure> {
        self.tell(&serde_json::to_string(work)?).await
    }

    /// What it has found in all that it was given; it has ended then.
    pub(crate) async fn sum<T: DeserializeOwned>(self) -> Result<T, Failure> {
        let Self { mut child, input, mut output } = self;
        drop(input);
        let found = output.next_line().await?.ok_or(ENDED_EARLY)?;
        ended(&mut child).await?;
        Ok(serde_json::from_str(&found)?)
    }

    /// Ends its input, which ends it.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        drop(self.input);
        ended(&mut self.child).await
    }

    async fn tell(&mut self, line: &str) -> Result<(), Failure> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    async fn hear(&mut self) -> Result<String, Failure> {
        Ok(self.output.next_line().await?.ok_or(ENDED_EARLY)?)
    }
}

async fn ended(child: &mut Child) -> Result<(), Failure> {
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(format!("a worker has failed: {status}").into()) }
}

/// The other end: the process itself.
pub(crate) struct Orders(Lines<BufReader<Stdin>>);

impl Orders {
    /// Says that the preparations are done, and waits for the start.
    pub(crate) async fn ready(&mut self) -> Result<(), Failure> {
        Self::say_ready();
        match self.0.next_line().await?.as_deref() {
            Some(GO) => Ok(()),
            other => Err(format!("expected {GO:?}, but got {other:?}").into()),
        }
    }

    /// Says that the preparations are done, and waits until nobody needs the process any more.
    pub(crate) async fn ready_until_the_end(&mut self) -> Result<(), Failure> {
        Self::say_ready();
        while self.0.next_line().await?.is_some() {}
        Ok(())
    }

    /// Says that the preparations are done.
    pub(crate) fn say_ready() {
        println!("{READY}");
    }

    /// What is to be done next; `None` where that was all.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        Ok(self.0.next_line().await?.map(|line| serde_json::from_str(&line)).transpose()?)
    }
}

/// Does what the standard input asks for.
pub(crate) async fn run() -> Result<(), Failure> {
    let mut orders = Orders(BufReader::new(tokio::io::stdin()).lines());
    let job = orders.0.next_line().await?.ok_or("a worker gets its job over its standard input")?;
    match serde_json::from_str(&job)? {
        Job::Commands(job) => println!("{}", serde_json::to_string(&commands::work(job, orders).await?)?),
        Job::Projector(job) => lag::project(job, orders).await?,
        Job::Reader(job) => println!("{}", serde_json::to_string(&lag::read(job, orders).await?)?),
        Job::LimitProjector(job) => limit::project(job, orders).await?,
    }
    Ok(())
}
