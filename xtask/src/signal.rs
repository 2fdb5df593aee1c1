//! Ends processes: politely first, and by force where that does not help.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{self, Pid, Signal},
};

const TICK: Duration = Duration::from_millis(20);

/// What is asked in turn, and how long each may take. The first is ctrl-c's own: `PostgreSQL` takes it as "cut the connections
/// and stop", and the second as "stop without cleaning up".
const STEPS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(10)),
    (Signal::QUIT, Duration::from_secs(3)),
    (Signal::KILL, Duration::from_secs(5)),
];

/// Who is to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whom {
    One(u32),
    /// All processes of the group that this one leads.
    Group(u32),
}

/// Asks until `gone` says that it is so. Fails where nothing helped. What remains of a group without its leader ends by force.
pub(crate) fn end(whom: Whom, mut gone: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    if !ask(whom, &mut gone)? {
        return Err(io::Error::other(format!("{whom:?} does not end")));
    }
    match whom {
        Whom::One(_) => Ok(()),
        Whom::Group(_) => send(whom, Signal::KILL),
    }
}

fn ask(whom: Whom, gone: &mut impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    for (signal, patience) in STEPS {
        if gone()? {
            return Ok(true);
        }
        send(whom, signal)?;
        let asked = Instant::now();
        while asked.elapsed() < patience {
            if gone()? {
                return Ok(true);
            }
            thread::sleep(TICK);
        }
    }
    gone()
}

fn send(whom: Whom, signal: Signal) -> io::Result<()> {
    let (Whom::One(number) | Whom::Group(number)) = whom;
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other(format!("{number} is no process id")))?;
    let sent = match whom {
        Whom::One(_) => process::kill_process(pid, signal),
        Whom::Group(_) => process::kill_process_group(pid, signal),
    };
    match sent {
        // It ended by itself a moment ago.
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::ExitStatusExt as _,
        process::{Child, Command, Stdio},
    };

    use super::*;

    fn start(program: &str, arguments: &[&str]) -> Child {
        Command::new(program).args(arguments).stdin(Stdio::null()).spawn().expect("it starts")
    }

    #[test]
    fn a_process_that_listens_is_only_asked() {
        let mut child = start("sleep", &["60"]);
        end(Whom::One(child.id()), || Ok(child.try_wait()?.is_some())).expect("it ends");
        let status = child.wait().expect("it has ended");
        assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    }

    #[test]
    fn a_process_that_has_ended_is_left_alone() {
        let mut child = start("true", &[]);
        let status = child.wait().expect("it ends by itself");
        end(Whom::One(child.id()), || Ok(child.try_wait()?.is_some())).expect("there is nothing to do");
        assert!(status.success());
    }
}
