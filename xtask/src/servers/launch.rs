//! Starts a server under guard, and waits until it is ready.

use std::{
    net::{Ipv4Addr, TcpStream},
    process::Command,
    time::Duration,
};

use super::{folder::Folder, guard::Guard, port, user::User, work::Work};
use crate::Error;

/// Somebody may take a port between the look at it and the server's start.
const ATTEMPTS: usize = 3;

/// What there is to say of a server before it runs.
pub(super) struct Launch<'a> {
    pub(super) folder: &'a Folder,
    pub(super) user: Option<User>,
    /// How long it may take to be ready.
    pub(super) limit: Duration,
}

impl Launch<'_> {
    /// Starts the server on a free port.
    pub(super) fn start(
        &self,
        work: &Work,
        server: impl Fn(u16) -> Command,
        mut is_ready: impl FnMut(u16) -> Result<bool, Error>,
    ) -> Result<(Guard, u16), Error> {
        let mut attempt = 1;
        loop {
            let port = port::free()?;
            let command = server(port);
            let mut guard = Guard::start(self.folder, &command, self.user)?;
            let mut ended = false;
            let ready = work.wait(self.limit, || {
                if guard.has_ended()? {
                    ended = true;
                    return Err("ended too early".into());
                }
                Ok(is_ready(port)?.then_some(()))
            });
            let program = command.get_program().to_string_lossy();
            match ready {
                Ok(()) => return Ok((guard, port)),
                Err(_) if ended && attempt < ATTEMPTS => attempt += 1,
                Err(error) => {
                    let last_words = self.folder.last_words()?;
                    let colon = if last_words.is_empty() { "" } else { "; its last words:\n" };
                    return Err(format!("{program}: {error}{colon}{last_words}").into());
                }
            }
        }
    }
}

/// Whether somebody takes connections.
pub(super) fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
