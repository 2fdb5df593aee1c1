use std::fmt::{self, Write as _};

use peers_harness::{SQLITE_TASKS, grouped, millis, shortened};

use super::{NONE, Report, latencies, per_second};
use crate::measure::{EVENTS, TASKS};

pub(super) fn of(report: &Report) -> String {
    let mut text = String::new();
    write(report, &mut text).expect("a String takes all that is written");
    text
}

fn write(report: &Report, text: &mut String) -> fmt::Result {
    let rounds = report.plans.rounds;
    writeln!(text, "Commands/s on PostgreSQL at … concurrent tasks: load 0-5 events, append one")?;
    write!(text, "\n{:<22}", "")?;
    for tasks in TASKS {
        write!(text, "{tasks:>10}")?;
    }
    writeln!(text, "{:>18}", "p50/p99 ms at 32")?;
    for contender in &report.commands {
        write!(text, "{:<22}", contender.name)?;
        for figures in &contender.at {
            write!(text, "{:>10}", per_second(figures))?;
        }
        writeln!(text, "{:>18}", contender.at.get(2).map(latencies).unwrap_or_default())?;
    }
    for contender in &report.commands {
        let retried: Vec<_> = contender.at.iter().map(|at| format!("{:.0} %", at.retried * 100.0)).collect();
        if contender.at.iter().any(|at| at.retried > 0.0) {
            writeln!(
                text,
                "{}: {} of the commands were executed again.",
                contender.name,
                retried.join(", ")
            )?;
        }
    }

    writeln!(text, "\nCommands/s on SQLite {} at … concurrent tasks\n", report.sqlite.sqlite)?;
    write!(text, "{:<22}", "")?;
    for tasks in SQLITE_TASKS {
        write!(text, "{tasks:>10}")?;
    }
    writeln!(text, "{:>18}", "p50/p99 ms at 32")?;
    for (name, at) in &report.sqlite.reached {
        write!(text, "{name:<22}")?;
        for figures in at {
            write!(text, "{:>10}", per_second(figures))?;
        }
        writeln!(text, "{:>18}", at.get(1).map(latencies).unwrap_or_default())?;
    }

    writeln!(text, "\nMilliseconds to load an order of {} events\n", grouped(EVENTS.into()))?;
    writeln!(text, "{:<22}{:>14}{:>14}", "", "all events", "a snapshot")?;
    for loaded in &report.loads {
        let snapshot = loaded.snapshot.map_or_else(|| NONE.to_owned(), shortened);
        writeln!(text, "{:<22}{:>14}{snapshot:>14}", loaded.name, shortened(loaded.events))?;
    }

    writeln!(text, "\nEvents/s of a backlog, projected into one row or document for each order\n")?;
    writeln!(text, "{:<22}{:>14}{:>14}{:>14}", "", "1 an order", "5 an order", "backlog")?;
    for projected in &report.projections {
        writeln!(
            text,
            "{:<22}{:>14}{:>14}{:>14}",
            projected.name,
            grouped(projected.scattered),
            grouped(projected.folded),
            grouped(projected.backlog.into())
        )?;
    }
    writeln!(text, "\nMedians of {rounds} rounds in which all took turns.")?;
    writeln!(text, "{}, {} cores; {}", report.machine.cpu, report.machine.cores, report.machine.os)?;
    let sync = shortened(millis(report.machine.sync));
    writeln!(text, "{}\nOne fdatasync took {sync} ms.", report.server)
}
