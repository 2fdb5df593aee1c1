//! Commands/s on PostgreSQL.

use std::collections::HashMap;

use super::{contender::Contender, measure::Setting, sample::Medians};
use crate::{
    Failure, Plan,
    figures::{grouped, percent, short},
    limit::postgres::RawKind,
    rooms::{Disk, Rooms},
    table::Table,
};

/// The medians of one table: of each contender, at each number of tasks.
type Results = HashMap<(&'static str, usize), Medians>;

pub(super) async fn run(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let setting = Setting { disk: Disk::AsItIs, processes: 1, contested: false, time: plan.time };
    let one = Section {
        title: "Commands/s on PostgreSQL, one process",
        setting,
        contenders: &Contender::ALL,
        tasks: &plan.tasks,
    };
    let of_one = one.run(plan, rooms, None).await?;

    let main = [
        Contender::Limit(RawKind::GroupedAndJoined),
        Contender::Limit(RawKind::GroupedAndKept),
        Contender::Loading,
        Contender::Default,
    ];
    let four = Section {
        title: "Commands/s on PostgreSQL, four processes on one log, together",
        setting: Setting { processes: 4, ..setting },
        contenders: &main,
        tasks: &plan.tasks.iter().map(|tasks| (*tasks).max(4)).collect::<Vec<_>>(),
    };
    four.run(plan, rooms, Some(&of_one)).await?;

    let slow = [
        Contender::Limit(RawKind::Bare),
        Contender::Limit(RawKind::GroupedAndJoined),
        Contender::Limit(RawKind::GroupedAndKept),
        Contender::Loading,
        Contender::Default,
    ];
    if rooms.postgres(Disk::Slow).is_ok() {
        let slow = Section {
            title: "Commands/s on PostgreSQL, one process, 1 ms more for each fsync",
            setting: Setting { disk: Disk::Slow, ..setting },
            contenders: &slow,
            tasks: &plan.tasks,
        };
        slow.run(plan, rooms, None).await?;
    } else {
        println!(
            "\nNot measured: 1 ms more for each fsync. {}",
            rooms.postgres(Disk::Slow).err().map(|error| error.to_string()).unwrap_or_default()
        );
    }

    let contested = [
        Contender::Limit(RawKind::Transaction),
        Contender::Limit(RawKind::GroupedAndJoined),
        Contender::Limit(RawKind::GroupedAndKept),
        Contender::Loading,
        Contender::Default,
    ];
    let contested = Section {
        title: "Commands/s on PostgreSQL, one process, a tenth of the commands in conflict",
        setting: Setting { contested: true, ..setting },
        contenders: &contested,
        tasks: &plan.tasks,
    };
    contested.run(plan, rooms, None).await?;
    Ok(())
}

struct Section<'a> {
    title: &'a str,
    setting: Setting,
    contenders: &'a [Contender],
    tasks: &'a [usize],
}

impl Section<'_> {
    /// `of_one`: what one process reached.
    async fn run(&self, plan: &Plan, rooms: &Rooms, of_one: Option<&Results>) -> Result<Results, Failure> {
        let mut results = Results::new();
        for tasks in self.tasks {
            let mut samples = vec![Vec::new(); self.contenders.len()];
            for _ in 0..plan.rounds {
                for (contender, samples) in self.contenders.iter().zip(&mut samples) {
                    samples.push(self.setting.measure(rooms, *contender, *tasks).await?);
                }
            }
            for (contender, samples) in self.contenders.iter().zip(&samples) {
                results.insert((contender.name(), *tasks), Medians::of(samples));
            }
        }
        self.throughput(plan, &results, of_one).print(plan.style);
        self.latency(plan, &results).print(plan.style);
        Ok(results)
    }

    fn throughput(&self, plan: &Plan, results: &Results, of_one: Option<&Results>) -> Table {
        let mut table = self.table(format!("{} (median of {})", self.title, plan.rounds));
        for contender in self.contenders {
            table.row(self.cells(contender.name(), |tasks| {
                Some(grouped(results.get(&(contender.name(), tasks))?.per_second))
            }));
            let share = |of: &Results, other: &'static str, tasks| {
                let ours = results.get(&(contender.name(), tasks))?.per_second;
                Some(percent(ours / of.get(&(other, tasks))?.per_second))
            };
            if let Some((limit, name)) = contender.limit() {
                table.row(self.cells(name, |tasks| share(results, limit.name(), tasks)));
            }
            if let Some(of_one) = of_one {
                table.row(self.cells("  of one process", |tasks| share(of_one, contender.name(), tasks)));
            }
        }
        if self.setting.contested {
            let of = |contender: &Contender| {
                self.tasks
                    .iter()
                    .filter_map(|tasks| results.get(&(contender.name(), *tasks)))
                    .map(|medians| medians.conflicts)
                    .fold(0.0, f64::max)
            };
            let conflicts: Vec<String> = self
                .contenders
                .iter()
                .map(|contender| format!("{} {:.1}", contender.name(), of(contender)))
                .collect();
            table.note(format!(
                "Conflicts met by each hundred commands, at the most: {}. Of ten commands, one gets in between \
                 another one's load and its append.",
                conflicts.join(", ")
            ));
        }
        table
    }

    fn latency(&self, plan: &Plan, results: &Results) -> Table {
        let mut table = self.table(format!("The same, p50/p99 in ms (median of {})", plan.rounds));
        for contender in self.contenders {
            table.row(self.cells(contender.name(), |tasks| {
                let medians = results.get(&(contender.name(), tasks))?;
                Some(format!("{}/{}", short(medians.p50), short(medians.p99)))
            }));
            if let Some((limit, _)) = contender.limit() {
                table.row(self.cells("  p99, of the same limit's", |tasks| {
                    let ours = results.get(&(contender.name(), tasks))?.p99;
                    Some(percent(ours / results.get(&(limit.name(), tasks))?.p99))
                }));
            }
        }
        table
    }

    fn table(&self, title: String) -> Table {
        let tasks = self.tasks.iter().map(ToString::to_string);
        Table::of(title, std::iter::once("concurrent tasks".to_owned()).chain(tasks).collect())
    }

    fn cells(&self, name: &str, of: impl Fn(usize) -> Option<String>) -> Vec<String> {
        let cells = self.tasks.iter().map(|tasks| of(*tasks).unwrap_or_else(|| "-".to_owned()));
        std::iter::once(name.to_owned()).chain(cells).collect()
    }
}
