//! A stable hash of code: the same for the same tokens, whatever their spacing, comments and doc attributes.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// FNV-1a, 64 bits.
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) const fn get(&self) -> u64 {
        self.0
    }

    pub(crate) fn text(&mut self, text: &str) {
        // The 0xff keeps neighbours apart; it occurs in no UTF-8.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(crate) fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if tokens.next_if(is_doc).is_none() {
                        self.text("#");
                    }
                }
                TokenTree::Punct(punct) => self.text(punct.as_char().encode_utf8(&mut [0; 4])),
                TokenTree::Ident(ident) => self.text(&ident.to_string()),
                TokenTree::Literal(literal) => self.text(&literal.to_string()),
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        // Invisible: it shows whether a declarative macro was involved, which changes nothing.
                        Delimiter::None => {
                            self.tokens(group.stream());
                            continue;
                        }
                    };
                    self.text(open);
                    self.tokens(group.stream());
                    self.text(close);
                }
            }
        }
    }
}

/// The `[doc = …]` of a doc comment.
fn is_doc(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> u64 {
        let mut fingerprint = Fingerprint::new();
        fingerprint.tokens(code.parse().unwrap());
        fingerprint.get()
    }

    #[test]
    fn spacing_comments_and_docs_change_nothing() {
        assert_eq!(
            of("struct Order { total: u64 }"),
            of("/// An order.\nstruct  Order {\n // cents\n #[doc = \"x\"] total:u64}")
        );
    }

    #[test]
    fn every_token_counts() {
        let codes = ["a b", "ab", "a(b)", "(a)b", "a::b", "a < b", "#[x] a", "\"a\" b", "b a"];
        for (at, code) in codes.iter().enumerate() {
            for other in &codes[at + 1..] {
                assert_ne!(of(code), of(other), "{code} and {other}");
            }
        }
    }

    #[test]
    fn it_never_changes() {
        assert_eq!(
            of("fn on_placed(event: &OrderPlaced) -> Self { Self { total: 1 } }"),
            17_484_810_309_352_190_393
        );
    }
}
