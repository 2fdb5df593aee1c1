//! The commands that a project's README names.

use std::{fs, path::Path};

/// The lines of the section `Two commands` that a shell runs, without what is said about them.
pub(crate) fn commands(project: &Path) -> Vec<String> {
    let text = fs::read_to_string(project.join("README.md")).expect("a project has a README");
    let (_, section) = text.split_once("\n## Two commands\n").expect("it has two commands");
    let (_, block) = section.split_once("```sh\n").expect("they are in a block");
    let (block, _) = block.split_once("```").expect("the block ends");
    let lines = block.lines().map(|line| line.split('#').next().unwrap_or(line));
    let lines = lines.map(|line| line.trim().trim_end_matches('&').trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}
