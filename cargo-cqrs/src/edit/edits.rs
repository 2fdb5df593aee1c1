use std::{collections::BTreeMap, ops::Range};

/// Changes of a text, by their places in it.
#[derive(Debug, Default)]
pub(crate) struct Edits(BTreeMap<usize, (usize, String)>);

impl Edits {
    pub(crate) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.0.insert(range.start, (range.end, with.into()));
    }

    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Takes something away: with its comma, with the comment above it, and with its lines, where nothing else stands on them.
    pub(crate) fn remove(&mut self, text: &str, range: Range<usize>) {
        let end = range.end + usize::from(text[range.end..].starts_with(','));
        let Range { mut start, end } = lines_of(text, range.start..end);
        while let Some(above) = comment_above(text, start) {
            start = above;
        }
        self.replace(start..end, "");
    }

    /// Takes away what stands before something that stays, whose comment stays, too.
    pub(crate) fn strip(&mut self, text: &str, range: Range<usize>) {
        self.replace(lines_of(text, range), "");
    }

    pub(crate) fn apply(self, text: &str) -> String {
        let (mut changed, mut done) = (String::with_capacity(text.len()), 0);
        for (start, (end, with)) in self.0 {
            // What lies within something that goes, goes with it.
            if start >= done {
                changed.push_str(&text[done..start]);
                changed.push_str(&with);
                done = end;
                // Between what stood above it and what stood below, one blank line is enough.
                while start < end
                    && with.is_empty()
                    && changed.ends_with("\n\n")
                    && text[done..].starts_with('\n')
                {
                    done += 1;
                }
            }
        }
        changed.push_str(&text[done..]);
        changed
    }
}

/// The whole lines, where nothing else stands on them.
fn lines_of(text: &str, range: Range<usize>) -> Range<usize> {
    let line = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let rest = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    let alone = text[line..range.start].trim().is_empty() && text[range.end..rest].trim().is_empty();
    if alone { line..rest } else { range }
}

/// Where the line above begins, if it is a comment that no documentation is made of.
pub(super) fn comment_above(text: &str, line: usize) -> Option<usize> {
    let end = line.checked_sub(1)?;
    let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
    let above = text[start..end].trim_start();
    let is_documentation =
        ["///", "//!"].iter().any(|begin| above.starts_with(begin)) && !above.starts_with("////");
    let is_block = above.starts_with("/* ") && above.trim_end().ends_with(" */");
    (is_block || above.starts_with("//") && !is_documentation).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let text = "fn  a ( ) {}\nfn b() {}\n";
        let mut edits = Edits::default();
        edits.insert(13, "// new\n");
        edits.replace(16..17, "c");
        assert_eq!(edits.apply(text), "fn  a ( ) {}\n// new\nfn c() {}\n");
        assert_eq!(Edits::default().apply(text), text);
        let spaced = "const A: &str = \"a\n\n\n\nb\";\n\n\n\nfn b() {}\n// Why.\nfn c() {}\n\n\nfn d() {}\n";
        let mut edits = Edits::default();
        edits.insert(0, "// new\n");
        let at = spaced.find("fn c").expect("it is there");
        edits.remove(spaced, at..at + 9);
        assert_eq!(edits.apply(spaced), format!("// new\n{}", spaced.replace("// Why.\nfn c() {}\n", "")));
    }

    #[test]
    fn where_something_was_between_blank_lines_one_of_them_stays() {
        let text = "a\n\nb\n\nc\n\nd\n";
        let mut edits = Edits::default();
        edits.remove(text, 3..4);
        edits.remove(text, 6..7);
        assert_eq!(edits.apply(text), "a\n\nd\n");
    }

    #[test]
    fn a_removal_takes_the_whole_line_and_no_other() {
        let text = "a\n\n// why\nb,\nc\n";
        let mut edits = Edits::default();
        edits.remove(text, 10..11);
        assert_eq!(edits.apply(text), "a\n\nc\n");
        let mut edits = Edits::default();
        edits.remove("x(a, b)", 2..3);
        assert_eq!(edits.apply("x(a, b)"), "x( b)");
        let text = "// why\n#[a]\nb\n";
        let mut edits = Edits::default();
        edits.strip(text, 7..11);
        assert_eq!(edits.apply(text), "// why\nb\n");
    }
}
