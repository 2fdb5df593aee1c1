//! What the figures hold for: the machine, its disk, and the versions of all.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use peers_harness::{Failure, percentile};

/// How many writes one figure for the disk is the median of.
const WRITES: usize = 200;

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) os: String,
    /// What one `fdatasync` of 8 KiB takes in the temporary folder.
    pub(crate) sync: Duration,
}

impl Machine {
    /// Looks at this machine, and writes to the disk that `folder` is on.
    pub(crate) fn look(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            cpu: cpu().unwrap_or_else(|| "an unknown CPU".to_owned()),
            cores: std::thread::available_parallelism()?.get(),
            os: os(),
            sync: sync(folder)?,
        })
    }
}

fn cpu() -> Option<String> {
    if let Ok(text) = fs::read_to_string("/proc/cpuinfo") {
        return field(&text, "model name", ':').map(str::to_owned);
    }
    said("sysctl", &["-n", "machdep.cpu.brand_string"])
}

fn os() -> String {
    let kernel = said("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.to_owned());
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    match field(&release, "PRETTY_NAME", '=') {
        Some(name) => format!("{}, {kernel}", name.trim_matches('"')),
        None => kernel,
    }
}

/// The value of the first line that starts with this name.
fn field<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    let of_name = |line: &'a str| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == name).then_some(value.trim())
    };
    text.lines().find_map(of_name)
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// The version of the compiler that built the contenders.
pub(crate) fn rust() -> String {
    said("rustc", &["--version"]).unwrap_or_else(|| "an unknown Rust".to_owned())
}

fn sync(folder: &Path) -> Result<Duration, Failure> {
    let mut file = tempfile::tempfile_in(folder)?;
    let page = [0_u8; 8_192];
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let started = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(percentile(&times, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "model\t\t: 85\nmodel name\t: A CPU @ 2.5 GHz: fast\n";
        assert_eq!(field(text, "model name", ':'), Some("A CPU @ 2.5 GHz: fast"));
        assert_eq!(field(text, "vendor", ':'), None);
    }
}
