//! The smallest project.

use crate::{project::Project, shell};

#[test]
fn the_smallest_project_runs_and_passes_its_tests() {
    let project = Project::new("smallest", &["--blank"]);
    assert!(project.read("src/main.rs").lines().count() < 60, "it is not small");
    let said = shell::run(&mut project.command(&project.run[0]));
    assert!(said.trim_end().ends_with("has 4200 cents"), "{said}");
    shell::run(&mut project.command(&project.test));
    project.check();
}
