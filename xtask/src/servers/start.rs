//! Starts servers in the background, each on its own, and waits for them when they are needed.

use std::{
    io, mem,
    process::Command,
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    folder, mongo, postgres,
    server::{Kind, Server},
    work::Work,
};
use crate::{Error, interrupt::Interrupt};

const TICK: Duration = Duration::from_millis(100);

/// The servers of a run. Dropped, it gives up those that are not there yet, and stops the others.
#[derive(Debug)]
pub(crate) struct Servers {
    starts: Vec<(Kind, Start)>,
    work: Vec<Work>,
    notes: Vec<String>,
}

#[derive(Debug)]
enum Start {
    UnderWay(JoinHandle<Result<Server, String>>),
    Ready(Server),
    Failed(String),
}

impl Servers {
    /// Begins, and does not wait.
    pub(crate) fn start(kinds: &[Kind], interrupt: &Interrupt) -> Self {
        let mut servers = Self { starts: Vec::new(), work: Vec::new(), notes: Vec::new() };
        if let Err(error) = folder::sweep() {
            servers.notes.push(format!("what an earlier run has left is still there: {error}"));
        }
        for kind in kinds.iter().copied() {
            let work = Work::new(interrupt);
            servers.work.push(work.clone());
            let start = thread::spawn(move || {
                let obtained = match kind {
                    Kind::Postgres => postgres::obtain(&work),
                    Kind::Mongo => mongo::obtain(&work),
                };
                obtained.map_err(|error| error.to_string())
            });
            servers.starts.push((kind, Start::UnderWay(start)));
        }
        servers
    }

    /// Waits until each is there or can't be had. `tell` hears, again and again, what is waited for.
    pub(crate) fn wait(&mut self, mut tell: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        for ((_, start), work) in self.starts.iter_mut().zip(&self.work) {
            while matches!(start, Start::UnderWay(handle) if !handle.is_finished()) {
                tell(&work.progress())?;
                thread::sleep(TICK);
            }
            start.settle();
        }
        Ok(())
    }

    /// Why there are not all of them, once they have been waited for.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = |(_, start): &(Kind, Start)| match start {
            Start::Failed(reason) => Some(reason.clone()),
            Start::UnderWay(_) | Start::Ready(_) => None,
        };
        self.starts.iter().filter_map(failed).collect()
    }

    pub(crate) fn ready(&self) -> impl Iterator<Item = &Server> {
        self.starts.iter().filter_map(|(_, start)| match start {
            Start::Ready(server) => Some(server),
            Start::UnderWay(_) | Start::Failed(_) => None,
        })
    }

    /// What the summary has to say of them.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        for server in self.ready() {
            notes.push(format!("on {}", server.description()));
            notes.extend(server.notes().iter().cloned());
        }
        notes
    }

    /// Tells a program where they are.
    pub(crate) fn tell(&self, command: &mut Command) {
        for server in self.ready() {
            // Else a program would be left over that does not belong to the server.
            command.env_remove(server.kind().program_variable());
            command.envs(server.environment());
        }
    }

    /// Those that have ended though they were needed, and their last words.
    pub(crate) fn ended(&mut self) -> Result<Vec<String>, Error> {
        let mut ended = Vec::new();
        for (kind, start) in &mut self.starts {
            if let Start::Ready(server) = start
                && let Some(last_words) = server.last_words()?
            {
                ended.push(format!("{} has ended too early; its last words:\n{last_words}", kind.name()));
            }
        }
        Ok(ended)
    }
}

impl Start {
    fn settle(&mut self) {
        if matches!(self, Self::UnderWay(_))
            && let Self::UnderWay(handle) = mem::replace(self, Self::Failed(String::new()))
        {
            *self = match handle.join() {
                Ok(Ok(server)) => Self::Ready(server),
                Ok(Err(reason)) => Self::Failed(reason),
                Err(_) => Self::Failed("the start of a server panicked; see above".to_owned()),
            };
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for work in &self.work {
            work.give_up();
        }
        for (_, start) in &mut self.starts {
            start.settle();
        }
    }
}
