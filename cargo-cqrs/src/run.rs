use std::{
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser as _, error::ErrorKind};
use serde_json::json;

use crate::{Error, Report, cli::Cli, report::wrap};

/// What the program does with these arguments, and the code that it ends with: 0 it is done, 1 it failed and changed nothing, 2
/// the arguments are wrong, 130 it was stopped by ctrl-c and changed nothing.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    // Cargo names the subcommand that it was asked for; whoever starts the program by its own name does not.
    if arguments.get(1).is_some_and(|first| first == "cqrs") {
        arguments.remove(1);
    }
    let json = arguments.iter().take_while(|it| *it != "--").any(|it| it == "--json");
    let said = match Cli::try_parse_from(arguments) {
        Ok(cli) => match cli.command.run() {
            Ok(report) => tell(&report, json),
            Err(error) => complain(&error, json),
        },
        Err(error) if json && !is_an_answer(&error) => complain(&Error::Arguments(plain(&error)), true),
        Err(error) => error.print().map(|()| code(error.exit_code())),
    };
    // Whoever has closed the pipe wants to know no more; the code still tells how it went.
    said.unwrap_or(ExitCode::FAILURE)
}

/// The help and the version come as errors, too.
fn is_an_answer(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

/// The first sentence alone, without `error: ` and without the usage.
fn plain(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.split("\n\nUsage:").next().unwrap_or(text).trim_end().to_owned()
}

fn tell(report: &Report, json: bool) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    if json && let Some(json) = &report.json {
        writeln!(out, "{json}")?;
    } else {
        out.write_all(report.text.as_bytes())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn complain(error: &Error, json: bool) -> io::Result<ExitCode> {
    if json {
        let causes: Vec<_> = error.causes().collect();
        let error =
            json!({ "error": { "message": error.to_string(), "causes": causes, "next": error.next() } });
        writeln!(io::stdout().lock(), "{error}")?;
    } else {
        let mut out = io::stderr().lock();
        writeln!(out, "{}", wrap(&format!("error: {error}"), ""))?;
        for cause in error.causes() {
            writeln!(out, "{}", wrap(&format!("because {cause}"), "  "))?;
        }
        for line in error.next() {
            writeln!(out, "{line}")?;
        }
    }
    Ok(code(error.exit_code()))
}

fn code(code: i32) -> ExitCode {
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}
