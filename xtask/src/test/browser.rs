//! Finds a Chromium for the test of the demo's page.

use std::{env, path::PathBuf};

use crate::cargo;

/// Tells the test which Chromium to start; a developer may set it to choose one.
pub(super) const VARIABLE: &str = "CHROMIUM";
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const MAC: &str = "/Applications/Chromium.app/Contents/MacOS/Chromium";

/// The chosen browser, or else the first that is installed; the error says what is needed.
pub(super) fn find() -> Result<PathBuf, String> {
    if let Some(chosen) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        let chosen = PathBuf::from(chosen);
        return if chosen.is_file() {
            Ok(chosen)
        } else {
            Err(format!("{VARIABLE} names {}, which is no file", chosen.display()))
        };
    }
    let installed =
        cargo::find_program(&NAMES).or_else(|| Some(PathBuf::from(MAC)).filter(|file| file.is_file()));
    installed.ok_or_else(|| {
        format!(
            "no Chromium was found: install it (Debian: apt install chromium) or set {VARIABLE} to its path"
        )
    })
}
