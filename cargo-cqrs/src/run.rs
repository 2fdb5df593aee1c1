use std::{
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use serde_json::json;

use crate::{Error, Report, cli::Cli, report::wrap};

/// Where all is done, but stdout can't be written.
const UNSAID: i32 = 3;

/// What the program does with these arguments, and the code that it ends with: 0 it is done, 1 it failed and changed nothing, 2
/// the arguments are wrong, 3 it is done and can't say so, 130 it was stopped by a signal and changed nothing.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    // Cargo names the subcommand that it was asked for; whoever starts the program by its own name does not.
    if arguments.get(1).is_some_and(|first| first == "cqrs") {
        arguments.remove(1);
    }
    let json = arguments.iter().take_while(|it| *it != "--").any(|it| it == "--json");
    let command = command(&arguments);
    let (code, said) = match Cli::try_parse_from(arguments) {
        Ok(cli) => match cli.command.run() {
            Ok(report) => (0, tell(&report, json)),
            Err(error) => (error.exit_code(), complain(&error, json)),
        },
        Err(error) if json && !is_an_answer(&error) => {
            let error = plain(&error, command);
            (error.exit_code(), complain(&error, true))
        }
        Err(error) => (error.exit_code(), error.print().and_then(|()| io::stdout().flush())),
    };
    let code = match said {
        Ok(()) => code,
        // Whoever has closed the pipe wants to know no more; the code still tells how it went.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            let done = if code == 0 { "it is done, but " } else { "" };
            // Where stderr can't be written either, nobody is left to tell.
            let _: io::Result<()> =
                writeln!(io::stderr(), "error: {done}stdout can't be written\n  because {error}");
            if code == 0 { UNSAID } else { code }
        }
    };
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// The command that the arguments begin with.
fn command(arguments: &[OsString]) -> String {
    let cli = Cli::command();
    let name = cli
        .get_subcommands()
        .map(clap::Command::get_name)
        .find(|name| arguments.get(1).is_some_and(|it| it == name));
    name.map_or_else(|| "cargo cqrs".to_owned(), |name| format!("cargo cqrs {name}"))
}

/// The help and the version come as errors, too.
fn is_an_answer(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

/// What clap says: its first sentence, and its other lines apart.
fn plain(error: &clap::Error, command: String) -> Error {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).skip_while(|line| line.is_empty()).peekable();
    let first = lines.next().unwrap_or_default();
    let mut message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    // What a colon announces is a part of the sentence.
    while message.ends_with([':', ','])
        && let Some(line) = lines.next_if(|line| !line.is_empty())
    {
        message = format!("{message} {line}");
        if lines.peek().is_some_and(|line| !line.is_empty()) {
            message.push(',');
        }
    }
    let details = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    Error::Arguments { message, details: details.map(str::to_owned).collect(), command }
}

fn tell(report: &Report, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json && let Some(json) = &report.json {
        writeln!(out, "{json}")?;
    } else {
        out.write_all(report.text.as_bytes())?;
    }
    out.flush()
}

fn complain(error: &Error, json: bool) -> io::Result<()> {
    if json {
        let causes: Vec<_> = error.causes().collect();
        let error = json!({ "error": {
            "message": error.to_string(),
            "details": error.details(),
            "causes": causes,
            "next": error.next(),
        } });
        let mut out = io::stdout().lock();
        writeln!(out, "{error}")?;
        out.flush()
    } else {
        let mut out = io::stderr().lock();
        writeln!(out, "{}", wrap(&format!("error: {error}"), "", ""))?;
        for cause in error.causes() {
            writeln!(out, "{}", wrap(&format!("because {cause}"), "  ", "  "))?;
        }
        for line in error.next() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
