//! Standard output: plain lines anywhere, and in a terminal one live line below them.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

/// The live line must not wrap, or it could not be wiped; a terminal is rarely narrower.
const LIVE_WIDTH: usize = 79;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Bold,
}

#[derive(Debug)]
pub(crate) struct Screen {
    terminal: bool,
    colour: bool,
    /// What the live line says; empty where there is none.
    live: String,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let terminal = io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let colour = terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { terminal, colour, live: String::new() }
    }

    /// A screen without colours, whatever the tests run in.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { terminal: false, colour: false, live: String::new() }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(crate) fn is_coloured(&self) -> bool {
        self.colour
    }

    /// Writes a line, above the live one.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.text(text)?;
        writeln!(io::stdout())
    }

    /// Writes text that brings its own line ends.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.wipe()?;
        let mut out = io::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Replaces the live line; does nothing where there is no terminal.
    pub(crate) fn live(&mut self, text: &str) -> io::Result<()> {
        let text: String = text.chars().take(LIVE_WIDTH).collect();
        if self.terminal && text != self.live {
            self.wipe()?;
            let mut out = io::stdout();
            out.write_all(text.as_bytes())?;
            out.flush()?;
            self.live = text;
        }
        Ok(())
    }

    pub(crate) fn paint(&self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Bold => 1,
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn wipe(&mut self) -> io::Result<()> {
        if !self.live.is_empty() {
            self.live.clear();
            io::stdout().write_all(b"\r\x1b[K")?;
        }
        Ok(())
    }
}
