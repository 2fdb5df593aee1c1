use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use peers_harness::Failure;
use tempfile::TempDir;
use tokio_postgres::NoTls;
use url::Url;
use uuid::Uuid;

use super::{account::Account, binaries};

/// What is not the default: room for all connections, and no checkpoint in the middle of a measurement. Commits wait
/// for the disk, as by default.
pub(crate) const SETTINGS: [&str; 7] = [
    "fsync=on",
    "synchronous_commit=on",
    "max_connections=200",
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "listen_addresses=127.0.0.1",
];

/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server of our own; it stops when this is dropped, and its folder goes.
pub(super) struct Started {
    pub(super) url: Url,
    server: Child,
    programs: Programs,
    folder: TempDir,
}

/// PostgreSQL's programs, and as whom to run them.
struct Programs {
    folder: PathBuf,
    account: Option<Account>,
}

impl Programs {
    /// A command that runs in the server's folder.
    fn command(&self, name: &str, folder: &Path) -> Command {
        let mut command = Command::new(self.folder.join(name));
        if let Some(Account { user, group }) = self.account {
            command.gid(group).uid(user);
        }
        command.current_dir(folder).stdin(Stdio::null());
        command
    }
}

impl Started {
    pub(super) async fn new() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("cqrs-peers-").tempdir()?;
        let account = Account::instead_of_owner(folder.path())?;
        let programs = Programs { folder: binaries::find()?, account };

        let password = Uuid::new_v4().simple().to_string();
        let password_file = folder.path().join("password");
        fs::write(&password_file, &password)?;
        if let Some(Account { user, group }) = account {
            for path in [folder.path(), &password_file] {
                chown(path, Some(user), Some(group))?;
            }
        }
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))?;
        let data = folder.path().join("data");
        // A password in clear text goes over the loopback only, and costs no time when a contender connects.
        let made = programs
            .command("initdb", folder.path())
            .args(["--username=postgres", "--auth=password", "--encoding=UTF8", "--no-locale", "--pwfile"])
            .arg(&password_file)
            .arg("--pgdata")
            .arg(&data)
            .output()?;
        if !made.status.success() {
            return Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim()).into());
        }
        fs::remove_file(&password_file)?;

        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(folder.path().join("log"))?;
        let mut postgres = programs.command("postgres", folder.path());
        postgres.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(folder.path());
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        let server = postgres.stdout(log.try_clone()?).stderr(log).spawn()?;
        let url = Url::parse(&format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"))?;
        let mut started = Self { url, server, programs, folder };
        started.wait().await?;
        Ok(started)
    }

    /// Until the server answers, or ends.
    async fn wait(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let Err(error) = tokio_postgres::connect(self.url.as_str(), NoTls).await else { return Ok(()) };
            if let Some(status) = self.server.try_wait()? {
                let log = fs::read_to_string(self.folder.path().join("log"))?;
                return Err(format!("postgres ended with {status}: {}", log.trim()).into());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("postgres did not answer within {PATIENCE:?}: {error}").into());
            }
        }
    }

    pub(super) fn folder(&self) -> PathBuf {
        Path::to_owned(self.folder.path())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Nothing in its folder is needed any more; where it can't be stopped in order, it is killed.
        let mut stop = self.programs.command("pg_ctl", self.folder.path());
        stop.args(["stop", "--mode=immediate", "--silent", "--pgdata"]).arg(self.folder.path().join("data"));
        if !stop.status().is_ok_and(|status| status.success()) {
            let _: Result<(), _> = self.server.kill();
        }
        let _: Result<_, _> = self.server.wait();
    }
}
