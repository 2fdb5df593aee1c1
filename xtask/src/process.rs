//! Runs a program and watches it: its output line by line, the time it takes, ctrl-c.

use std::{
    io::{self, BufRead, BufReader, PipeReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use crate::{
    interrupt::Interrupt,
    signal::{self, Whom},
};

const TICK: Duration = Duration::from_millis(100);
/// How long an interrupted program may take to clean up.
const INTERRUPT_GRACE: Duration = Duration::from_secs(10);
/// How long to read on after the end of a program, if one that it left behind still holds its output open.
const DRAIN: Duration = Duration::from_secs(2);

/// What the watcher of a running program is told.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// A line of standard output or standard error, with its line end.
    Line(&'a str),
    /// Nothing, for a moment.
    Quiet,
}

/// Runs the program to its end and says whether it succeeded. Output and errors come in the order in which they were written.
pub(crate) fn run(
    mut command: Command,
    interrupt: &Interrupt,
    mut watch: impl FnMut(News<'_>) -> io::Result<()>,
) -> io::Result<bool> {
    let (mut child, lines) = start(&mut command)?;
    // It holds ends of the pipe: with them open, the output would never end.
    drop(command);
    let mut interrupted: Option<Instant> = None;
    let status = follow(&mut child, &lines, |child, news| {
        watch(news)?;
        if interrupt.requested() && interrupted.get_or_insert_with(Instant::now).elapsed() > INTERRUPT_GRACE {
            child.kill()?;
        }
        Ok(())
    })?;
    Ok(status.success())
}

/// The same, out of reach of ctrl-c at the terminal. Where `watch` fails, the program ends, with all that it has started.
pub(crate) fn run_apart(
    mut command: Command,
    mut watch: impl FnMut(News<'_>) -> io::Result<()>,
) -> io::Result<ExitStatus> {
    let (mut child, lines) = start(command.process_group(0))?;
    drop(command);
    follow(&mut child, &lines, |_, news| watch(news)).or_else(|reason| {
        signal::end(Whom::Group(child.id()), || Ok(child.try_wait()?.is_some()))?;
        Err(reason)
    })
}

fn start(command: &mut Command) -> io::Result<(Child, Receiver<io::Result<String>>)> {
    let (reader, writer) = io::pipe()?;
    let child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn()?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || forward(reader, &sender));
    Ok((child, lines))
}

fn follow(
    child: &mut Child,
    lines: &Receiver<io::Result<String>>,
    mut tell: impl FnMut(&mut Child, News<'_>) -> io::Result<()>,
) -> io::Result<ExitStatus> {
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => tell(child, News::Line(&line?))?,
            Err(RecvTimeoutError::Timeout) => tell(child, News::Quiet)?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if child.try_wait()?.is_some() && ended.get_or_insert_with(Instant::now).elapsed() > DRAIN {
            break;
        }
    }
    child.wait()
}

fn forward(reader: PipeReader, lines: &Sender<io::Result<String>>) {
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let news = match reader.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => Ok(String::from_utf8_lossy(&line).into_owned()),
            Err(error) => Err(error),
        };
        let broken = news.is_err();
        // Nobody listens any more once the program has ended.
        if lines.send(news).is_err() || broken {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn shell(script: &str) -> (bool, String) {
        let mut output = String::new();
        let success = run(command(script), &Interrupt::default(), |news| {
            if let News::Line(line) = news {
                output.push_str(line);
            }
            Ok(())
        });
        (success.expect("sh runs"), output)
    }

    #[test]
    fn output_and_errors_keep_their_order() {
        assert_eq!(shell("echo a; echo b >&2; echo c"), (true, "a\nb\nc\n".to_owned()));
    }

    #[test]
    fn a_failure_is_seen_and_a_last_line_without_end_is_kept() {
        assert_eq!(shell("printf broken; exit 3"), (false, "broken".to_owned()));
    }

    #[test]
    fn a_process_left_behind_does_not_hold_up_the_end() {
        assert_eq!(shell("(sleep 30; echo late) & echo soon"), (true, "soon\n".to_owned()));
    }

    #[test]
    fn a_program_that_is_not_wanted_any_more_ends_with_what_it_has_started() {
        let (alive, writer) = io::pipe().expect("a pipe");
        let mut command = command("sleep 60 & echo started; wait");
        // Whoever of the group is alive holds this end open.
        command.process_group(0).stderr(writer);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("sh runs");
        drop(command);
        let mut started = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut started).expect("sh says so");
        signal::end(Whom::Group(child.id()), || Ok(child.try_wait()?.is_some())).expect("it ends");
        let mut left = String::new();
        io::Read::read_to_string(&mut BufReader::new(alive), &mut left).expect("the pipe ends");
    }

    #[test]
    fn the_reason_to_end_a_program_is_what_its_caller_hears() {
        let ended = run_apart(command("echo started; exec sleep 60"), |news| match news {
            News::Line(_) => Err(io::Error::other("not wanted")),
            News::Quiet => Ok(()),
        });
        assert_eq!(ended.expect_err("it was ended").to_string(), "not wanted");
    }
}
