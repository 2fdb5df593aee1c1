//! Runs the order service as a process.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    deadline::{DEADLINE, eventually},
    http::Client,
};

/// A running service. It is killed with its handle, also when a test panics.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    lines: Mutex<Receiver<String>>,
    url: String,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Service {
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let mut errors = child.stderr.take().expect("stderr is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The pipe is read to its end, whoever still wants to know.
                let _: Result<(), _> = sender.send(line);
            }
        });
        let stderr = Arc::new(Mutex::new(String::new()));
        let text = Arc::clone(&stderr);
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut piece) {
                text.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        Self { child, lines: Mutex::new(lines), url: String::new(), stderr, reader: Some(reader) }
    }

    /// Waits for the line that says where it listens.
    #[track_caller]
    pub(crate) fn listening(self) -> Self {
        self.listening_within(DEADLINE)
    }

    /// The same for a program that has to be built first.
    #[track_caller]
    pub(crate) fn listening_within(mut self, time: Duration) -> Self {
        let line = self.lines.get_mut().unwrap().recv_timeout(time);
        match line {
            Ok(line) => {
                let url = line
                    .strip_prefix("listening on ")
                    .unwrap_or_else(|| panic!("the first line is {line:?}"));
                url.clone_into(&mut self.url);
                self
            }
            Err(RecvTimeoutError::Timeout) => panic!("it does not listen; stderr: {}", self.stderr()),
            Err(RecvTimeoutError::Disconnected) => {
                let exit = self.exit();
                panic!("it ended with {} before it listened; stderr: {}", exit.status, exit.stderr)
            }
        }
    }

    /// Where it listens: `http://ADDRESS`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("the line names a URL of HTTP")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        kill_process(pid, signal).expect("a child that was not waited for can be signalled");
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// SIGTERM, and waits for the end.
    #[track_caller]
    pub(crate) fn terminate(self) -> Exit {
        self.signal(Signal::TERM);
        self.exit()
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn exit(mut self) -> Exit {
        let status =
            eventually("the process ends", || self.child.try_wait().expect("a child can be waited for"));
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading a pipe does not panic");
        }
        let stdout = self.lines.get_mut().unwrap().iter().collect::<Vec<_>>().join("\n");
        Exit { status, stdout, stderr: self.stderr() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // An error means that it has ended meanwhile.
            let _: std::io::Result<()> = self.child.kill();
            let _: std::io::Result<ExitStatus> = self.child.wait();
        }
        if thread::panicking() {
            let stderr = self.stderr();
            if !stderr.is_empty() {
                eprintln!("--- stderr of the service at {}\n{stderr}---", self.url);
            }
        }
    }
}
