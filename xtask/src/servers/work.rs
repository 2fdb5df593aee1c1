//! A start under way: says how far it is, and hears that nobody waits for it any more.

use std::{
    io,
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Error,
    interrupt::Interrupt,
    process::{self, News},
};

const TICK: Duration = Duration::from_millis(20);
/// How many of a program's last lines an error shows.
const LAST_LINES: usize = 15;

#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    interrupt: Interrupt,
    unneeded: Arc<AtomicBool>,
    progress: Arc<Mutex<String>>,
}

impl Work {
    pub(super) fn new(interrupt: &Interrupt) -> Self {
        Self { interrupt: interrupt.clone(), ..Self::default() }
    }

    /// Gives up what is under way.
    pub(super) fn give_up(&self) {
        self.unneeded.store(true, Ordering::Relaxed);
    }

    pub(super) fn given_up(&self) -> bool {
        self.unneeded.load(Ordering::Relaxed) || self.interrupt.requested()
    }

    pub(super) fn say(&self, progress: impl Into<String>) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress.into();
    }

    pub(super) fn progress(&self) -> String {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a program to its end, within a limit, and returns what it printed. Its last lines are part of the error.
    pub(super) fn run(&self, command: Command, limit: Duration) -> Result<String, Error> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = Instant::now();
        let mut output = String::new();
        let status = process::run_apart(command, |news| {
            if let News::Line(line) = news {
                output.push_str(line);
            }
            if self.given_up() {
                Err(io::Error::other("interrupted"))
            } else if started.elapsed() > limit {
                Err(io::Error::other(format!("took more than {} s", limit.as_secs())))
            } else {
                Ok(())
            }
        });
        match status {
            Ok(status) if status.success() => Ok(output),
            Ok(status) => Err(format!("{name} ended with {status}\n{}", last_lines(&output)).into()),
            Err(error) => Err(format!("{name}: {error}\n{}", last_lines(&output)).trim_end().into()),
        }
    }

    /// Asks until the answer is there, within a limit.
    pub(super) fn wait<T>(
        &self,
        limit: Duration,
        mut ask: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        loop {
            if let Some(answer) = ask()? {
                return Ok(answer);
            }
            if self.given_up() {
                return Err("interrupted".into());
            }
            if started.elapsed() > limit {
                return Err(format!("not ready after {} s", limit.as_secs()).into());
            }
            thread::sleep(TICK);
        }
    }
}

/// What a reader needs of a program's output to see why it failed.
pub(super) fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_says_which_program_and_its_last_words() {
        let error =
            Work::default().run(shell("echo first; echo 'no room' >&2; exit 3"), Duration::from_mins(1));
        let error = error.expect_err("it failed").to_string();
        assert_eq!(error, "sh ended with exit status: 3\nfirst\nno room");
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let error = Work::default().run(shell("echo started; exec sleep 60"), Duration::ZERO);
        let error = error.expect_err("it was ended").to_string();
        assert!(error.starts_with("sh: took more than 0 s"), "{error}");
    }

    #[test]
    fn work_that_is_given_up_ends_its_program() {
        let work = Work::default();
        work.give_up();
        let error = work.run(shell("echo started; exec sleep 60"), Duration::from_mins(1));
        let error = error.expect_err("it was ended").to_string();
        assert!(error.starts_with("sh: interrupted"), "{error}");
    }

    #[test]
    fn waiting_ends_with_the_answer_or_with_the_limit() {
        let mut asked = 0;
        let answer = Work::default().wait(Duration::from_mins(1), || {
            asked += 1;
            Ok((asked == 3).then_some("there"))
        });
        assert_eq!(answer.expect("the third answer"), "there");
        let never = Work::default().wait(Duration::ZERO, || Ok(None::<()>));
        assert_eq!(never.expect_err("there is no answer").to_string(), "not ready after 0 s");
    }

    #[test]
    fn only_the_end_of_long_output_is_shown() {
        let output: String = (0..100).fold(String::new(), |all, line| all + &format!("line {line}\n\n"));
        let last = last_lines(&output);
        assert!(last.starts_with("line 85\n") && last.ends_with("line 99"), "{last}");
    }
}
