use std::io::{self, Write as _};

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use crate::{Error, Report, cli::Cli};

/// Print the manual page
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo cqrs man > ~/.local/share/man/man1/cargo-cqrs.1
  man cargo-cqrs")]
pub(crate) struct Options {}

pub(super) fn run(_: &Options) -> Result<Report, Error> {
    let mut page = Vec::new();
    write(&mut page).map_err(Error::man)?;
    Ok(Report { text: String::from_utf8_lossy(&page).into_owned(), json: None })
}

/// One page for all: each command is a section of it.
fn write(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
    let man = Man::new(command);
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    for subcommand in subcommands {
        writeln!(page, ".SH {}", subcommand.get_name().to_uppercase())?;
        let mut section = Vec::new();
        let man = Man::new(subcommand);
        man.render_description_section(&mut section)?;
        man.render_synopsis_section(&mut section)?;
        man.render_options_section(&mut section)?;
        notes(&man, &mut section)?;
        let section = String::from_utf8_lossy(&section).replace(".SH ", ".SS ");
        page.write_all(section.as_bytes())?;
    }
    notes(&man, page)?;
    man.render_version_section(page)
}

/// What stands below the options, line by line as it is.
fn notes(man: &Man, page: &mut Vec<u8>) -> io::Result<()> {
    let mut notes = Vec::new();
    man.render_extra_section(&mut notes)?;
    let notes = String::from_utf8_lossy(&notes).replace(".SH EXTRA\n", ".SH NOTES\n.nf\n");
    page.write_all(notes.as_bytes())?;
    writeln!(page, ".fi")
}
