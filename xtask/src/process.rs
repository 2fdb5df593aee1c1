//! Runs a program and watches it: its output line by line, the time it takes, ctrl-c.

use std::{
    io::{self, BufRead, BufReader, PipeReader},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use crate::interrupt::Interrupt;

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
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds ends of the pipe: with them open, the output would never end.
    drop(command);

    let (sender, lines) = mpsc::channel();
    thread::spawn(move || forward(reader, &sender));

    let mut interrupted: Option<Instant> = None;
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => watch(News::Line(&line?))?,
            Err(RecvTimeoutError::Timeout) => watch(News::Quiet)?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt.requested() && interrupted.get_or_insert_with(Instant::now).elapsed() > INTERRUPT_GRACE {
            child.kill()?;
        }
        if child.try_wait()?.is_some() && ended.get_or_insert_with(Instant::now).elapsed() > DRAIN {
            break;
        }
    }
    Ok(child.wait()?.success())
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

    fn shell(script: &str) -> (bool, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut output = String::new();
        let success = run(command, &Interrupt::default(), |news| {
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
}
