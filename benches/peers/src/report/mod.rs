//! What was found: for the terminal, and for the documentation.

mod notes;
mod page;
mod plot;
mod style;
mod terminal;

use std::{fs, path::Path};

use peers_harness::{Failure, grouped, shortened};

use crate::{
    machine::Machine,
    measure::{Figures, Loaded, OnFile, Plans, Projected, Reached},
};

/// The mark of a figure that there is none for.
const NONE: &str = "–";

pub(crate) struct Report {
    pub(crate) plans: Plans,
    pub(crate) date: String,
    pub(crate) machine: Machine,
    /// The version of the server, and whether it waits for the disk.
    pub(crate) server: String,
    /// Whether the server was started for the run.
    pub(crate) own_server: bool,
    pub(crate) rust: String,
    pub(crate) versions: Vec<String>,
    pub(crate) commands: Vec<Reached>,
    pub(crate) loads: Vec<Loaded>,
    pub(crate) projections: Vec<Projected>,
    pub(crate) sqlite: OnFile,
}

impl Report {
    /// Tables of at most 80 columns.
    pub(crate) fn terminal(&self) -> String {
        terminal::of(self)
    }

    /// Puts tables into `performance.md` of a folder, and the plot into `peers.svg` beside it.
    pub(crate) fn write(&self, docs: &Path) -> Result<(), Failure> {
        let path = docs.join("performance.md");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let text =
            page::put(&text, &page::of(self)).map_err(|error| format!("{}: {error}", path.display()))?;
        fs::write(docs.join("peers.svg"), plot::of(&self.commands)?)?;
        Ok(fs::write(path, text)?)
    }
}

/// `1.2/3.4`
fn latencies(figures: &Figures) -> String {
    format!("{}/{}", shortened(figures.p50), shortened(figures.p99))
}

fn per_second(figures: &Figures) -> String {
    grouped(figures.per_second)
}
