//! Finds a Chromium for the test of the demo's page.

use std::{env, path::PathBuf};

use crate::{Error, cargo};

/// Tells the test which Chromium to start; a developer may set it to choose one.
pub(super) const VARIABLE: &str = "CHROMIUM";
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const MAC: &str = "/Applications/Chromium.app/Contents/MacOS/Chromium";

pub(super) const NEEDED: &str =
    "no Chromium was found: install it (Debian: apt install chromium) or set CHROMIUM to its path";

/// The chosen browser, or else the first that is installed.
pub(super) fn find() -> Result<Option<PathBuf>, Error> {
    let chosen = env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    match chosen {
        Some(chosen) if chosen.is_file() => Ok(Some(chosen)),
        Some(chosen) => Err(format!("{VARIABLE} names {}, which is no file", chosen.display()).into()),
        None => {
            Ok(cargo::find_program(&NAMES).or_else(|| Some(PathBuf::from(MAC)).filter(|file| file.is_file())))
        }
    }
}
