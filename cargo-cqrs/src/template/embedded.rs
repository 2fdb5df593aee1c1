include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A file of the workspace that the demo is in.
pub(crate) fn workspace(name: &str) -> &'static str {
    let found = WORKSPACE.iter().find(|(path, _)| *path == name);
    found.expect("the build script takes the files that are asked for").1
}
