use std::fmt;

/// A file does not look as it has to for a change, so nothing is changed at all.
#[derive(Debug)]
pub(crate) struct NotUnderstood {
    /// Within the project.
    pub(crate) file: String,
    /// What is not as expected.
    pub(crate) why: String,
    /// What a person would add, each with its file.
    pub(crate) additions: Vec<(String, String)>,
}

impl NotUnderstood {
    /// What there is to do in place of this program.
    pub(crate) fn by_hand(&self) -> Vec<String> {
        let mut lines = vec!["By hand, it would be this:".to_owned()];
        for (file, addition) in &self.additions {
            lines.push(format!("\n--- {file}"));
            lines.extend(addition.trim_end().lines().map(str::to_owned));
        }
        lines
    }
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, why, .. } = self;
        write!(f, "`{file}` is not understood: {why}; nothing was changed")
    }
}

impl std::error::Error for NotUnderstood {}
