//! The smallest project.

use crate::{project::Project, shell};

#[test]
fn the_smallest_project_runs_and_passes_its_tests() {
    let project = Project::new("smallest", &["--blank"]);
    assert!(project.read("src/main.rs").lines().count() < 60, "it is not small");
    let said = shell::run(&mut project.command(&project.run[0]));
    assert!(said.trim_end().ends_with("has 4200 cents"), "{said}");
    shell::run(&mut project.command(&project.test));
    project.check_format();
}

#[test]
fn what_clippy_warns_of_is_found() {
    let project = Project::new("smallest-and-wrong", &["--blank"]);
    // Pedantic, and nothing that the compiler itself minds.
    let wrong = project.read("src/main.rs").replace("u64::from(event.cents)", "event.cents as u64");
    std::fs::write(project.path().join("src/main.rs"), wrong).unwrap();
    let output = project.command(&project.run[0]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("clippy::"), "{said}");
}
