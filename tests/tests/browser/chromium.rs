//! Runs a Chromium.

use std::{
    env, fs,
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::{
    deadline::{DEADLINE, eventually},
    devtools::Tab,
};

/// Names the browser; `cargo xtask test browser` finds one and sets it.
const VARIABLE: &str = "CHROMIUM";

/// A browser with a profile of its own. It is killed with its handle, also when a test panics.
#[derive(Debug)]
pub(crate) struct Chromium {
    child: Child,
    profile: TempDir,
}

impl Chromium {
    pub(crate) fn start() -> Self {
        let program = env::var_os(VARIABLE).map_or_else(|| {
            panic!("set {VARIABLE} to the path of a Chromium, or run `cargo xtask test browser`, which looks for one")
        }, PathBuf::from);
        let profile = TempDir::new().expect("the system has a folder for temporary files");
        let child = Command::new(&program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--lang=en-US", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            // What it leaves behind goes with the profile.
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its own processes end with it.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{VARIABLE}={}: {error}", program.display()));
        Self { child, profile }
    }

    /// Opens a tab.
    pub(crate) fn open(&mut self, url: &str) -> Tab {
        let file = self.profile.path().join("DevToolsActivePort");
        let (port, path) = eventually("the browser listens", || {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                panic!("the browser ended with {status}");
            }
            let text = fs::read_to_string(&file).ok()?;
            let (port, path) = text.split_once('\n')?;
            (!path.is_empty()).then(|| (port.to_owned(), path.trim().to_owned()))
        });
        let address = format!("127.0.0.1:{port}");
        let stream = TcpStream::connect(&address).expect("the browser listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline can be set");
        let (socket, _) = tungstenite::client(format!("ws://{address}{path}"), stream).expect("a web socket");
        Tab::open(socket, url)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // An error means that it has ended by itself.
        let _: Option<rustix::io::Result<()>> = group.map(|group| kill_process_group(group, Signal::KILL));
        let _: std::io::Result<_> = self.child.wait();
    }
}
