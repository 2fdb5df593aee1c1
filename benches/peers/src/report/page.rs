use std::fmt::{self, Write as _};

use peers_harness::{SQLITE_TASKS, grouped, millis, shortened};

use super::{NONE, Report, latencies, notes, per_second};
use crate::measure::{EVENTS, TASKS};

const BEGIN: &str = "<!-- peers -->";
const END: &str = "<!-- /peers -->";

/// Replaces what stands between the two marks.
pub(super) fn put(text: &str, section: &str) -> Result<String, String> {
    let missing = |mark: &str| format!("the mark `{mark}` is missing");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!("{before}{BEGIN}\n{section}{END}{after}"))
}

pub(super) fn of(report: &Report) -> String {
    let mut text = String::new();
    write(report, &mut text).expect("a String takes all that is written");
    text
}

fn write(report: &Report, text: &mut String) -> fmt::Result {
    writeln!(
        text,
        "## Next to its peers\n\n\
         The same work on other Rust frameworks for event sourcing, in one run, by turns, against one server. An order \
         gets six commands; each loads the up to five earlier events and appends one of about 200 bytes of JSON. After \
         each measurement the events are counted and their versions checked.\n\n\
         ![Commands per second of all contenders, by the number of concurrent tasks](peers.svg)\n"
    )?;
    commands(report, text)?;
    sqlite(report, text)?;
    loads(report, text)?;
    projections(report, text)?;
    writeln!(text, "### How they are set up\n\n{}\n", notes::ALL)?;
    for (name, note) in notes::NOTES {
        writeln!(text, "- **{name}**: {note}")?;
    }
    machine(report, text)
}

fn commands(report: &Report, text: &mut String) -> fmt::Result {
    writeln!(text, "### Commands/s on PostgreSQL\n")?;
    write!(text, "| concurrent tasks |")?;
    for tasks in TASKS {
        write!(text, " {tasks} |")?;
    }
    writeln!(text, " p50/p99 ms at 32 | at 128 |\n| --- | --: | --: | --: | --: | --: | --: |")?;
    for contender in &report.commands {
        write!(text, "| {} |", contender.name)?;
        for figures in &contender.at {
            write!(text, " {} |", per_second(figures))?;
        }
        for at in [2, 3] {
            write!(text, " {} |", contender.at.get(at).map(latencies).unwrap_or_default())?;
        }
        writeln!(text)?;
    }
    writeln!(text)?;
    for contender in report.commands.iter().filter(|contender| contender.at.iter().any(|at| at.retried > 0.0))
    {
        let retried: Vec<_> = contender.at.iter().map(|at| format!("{:.0} %", at.retried * 100.0)).collect();
        writeln!(
            text,
            "Commands of {} that were executed again, for each that was acknowledged: {}.\n",
            contender.name,
            retried.join(", ")
        )?;
    }
    Ok(())
}

fn sqlite(report: &Report, text: &mut String) -> fmt::Result {
    writeln!(text, "### Commands/s on SQLite\n")?;
    write!(text, "| concurrent tasks |")?;
    for tasks in SQLITE_TASKS {
        write!(text, " {tasks} |")?;
    }
    writeln!(text, " p50/p99 ms at 32 |\n| --- | --: | --: | --: | --: |")?;
    for (name, at) in &report.sqlite.reached {
        write!(text, "| {name} |")?;
        for figures in at {
            write!(text, " {} |", per_second(figures))?;
        }
        writeln!(text, " {} |", at.get(1).map(latencies).unwrap_or_default())?;
    }
    writeln!(text, "\nAll with SQLite {}, a write-ahead log, and `synchronous=FULL`.\n", report.sqlite.sqlite)
}

fn loads(report: &Report, text: &mut String) -> fmt::Result {
    writeln!(text, "### Loading an order of {} events on PostgreSQL\n", grouped(EVENTS.into()))?;
    writeln!(text, "| ms, one load at a time | all events | a snapshot |\n| --- | --: | --: |")?;
    for loaded in &report.loads {
        let snapshot = loaded.snapshot.map_or_else(|| NONE.to_owned(), shortened);
        writeln!(text, "| {} | {} | {snapshot} |", loaded.name, shortened(loaded.events))?;
    }
    writeln!(text)
}

fn projections(report: &Report, text: &mut String) -> fmt::Result {
    writeln!(text, "### Projecting a backlog into PostgreSQL, one row or document for each order\n")?;
    writeln!(text, "| events/s | one event an order | five, behind each other | events in the backlog |")?;
    writeln!(text, "| --- | --: | --: | --: |")?;
    for projected in &report.projections {
        let figures = [projected.scattered, projected.folded, projected.backlog.into()].map(grouped);
        writeln!(text, "| {} | {} |", projected.name, figures.join(" | "))?;
    }
    writeln!(text)
}

fn machine(report: &Report, text: &mut String) -> fmt::Result {
    let machine = &report.machine;
    let server = if report.own_server {
        "started for the run, in the same folder as the files of SQLite"
    } else {
        "given to the run"
    };
    writeln!(
        text,
        "\n### The run\n\n\
         - {}, medians of {} rounds; {} s for each measurement of commands, after a warm-up of {} s\n\
         - {}, {} cores that clients and server share; {}; one `fdatasync` of 8 KiB took {} ms\n\
         - {}, {server}; a fresh database for each measurement\n\
         - {}; {}\n\
         - To repeat it: `cargo xtask bench peers`, or with `--postgres URL` for a server of your own. It needs a C \
         compiler, OpenSSL's headers (for esrs), and PostgreSQL's programs, takes about ten minutes after the build, and \
         writes this section and the plot. `--quick` shows in a minute that everything works.",
        report.date,
        report.plans.rounds,
        report.plans.time.as_secs_f64(),
        report.plans.warm_up.as_secs_f64(),
        machine.cpu,
        machine.cores,
        machine.os,
        shortened(millis(machine.sync)),
        report.server,
        report.rust,
        report.versions.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = "before\n<!-- peers -->\nold\n<!-- /peers -->\nafter\n";
        let put = put(text, "new\n").expect("both marks are there");
        assert_eq!(put, "before\n<!-- peers -->\nnew\n<!-- /peers -->\nafter\n");
    }

    #[test]
    fn a_page_without_marks_stays_as_it_is() {
        assert_eq!(put("text", "new"), Err("the mark `<!-- peers -->` is missing".to_owned()));
        assert_eq!(put("<!-- peers -->", "new"), Err("the mark `<!-- /peers -->` is missing".to_owned()));
    }
}
