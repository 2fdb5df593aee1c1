use clap::{Args, CommandFactory as _};

use crate::{Error, Report, cli::Cli};

/// Print the manual page
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo cqrs man > ~/.local/share/man/man1/cargo-cqrs.1
  man cargo-cqrs")]
pub(crate) struct Options {}

/// One page for all: what stands in the help of the commands follows that of the program.
pub(super) fn run(_: &Options) -> Result<Report, Error> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
    let man = clap_mangen::Man::new(command);
    man.render(&mut page).map_err(Error::man)?;
    for subcommand in subcommands {
        let man = clap_mangen::Man::new(subcommand);
        man.render_synopsis_section(&mut page).map_err(Error::man)?;
        man.render_description_section(&mut page).map_err(Error::man)?;
        man.render_options_section(&mut page).map_err(Error::man)?;
        man.render_extra_section(&mut page).map_err(Error::man)?;
    }
    Ok(Report { text: String::from_utf8_lossy(&page).into_owned(), json: None })
}
