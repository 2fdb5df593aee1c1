use serde_json::Value;
use textwrap::WordSplitter;

/// What a command has to say when it is done.
#[derive(Debug)]
pub(crate) struct Report {
    /// For people: short, with what to do next.
    pub(crate) text: String,
    /// For programs; `None` where the text itself is for programs.
    pub(crate) json: Option<Value>,
}

impl Report {
    pub(crate) fn new(lines: &[String], json: Value) -> Self {
        let text = lines.iter().map(|line| wrap(line, "", "") + "\n").collect();
        Self { text, json: Some(json) }
    }
}

/// For a small terminal, with what stands before the first line and before further ones; a path, which may be longer, stays whole to be copied.
pub(crate) fn wrap(text: &str, indent: &str, further: &str) -> String {
    let options = textwrap::Options::new(80).break_words(false).word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options.initial_indent(indent).subsequent_indent(further))
}
