//! Commands/s by the number of tasks, as an SVG for light and dark pages.

use peers_harness::{Failure, grouped};
use plotters::{
    coord::combinators::BindKeyPoints as _,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::style::{GRID, INK, Marker, PAPER, Style, dark};
use crate::measure::{Reached, TASKS};

const SIZE: (u32, u32) = (900, 470);
/// Where the chart ends and the legend begins.
const LEGEND: i32 = 640;
/// Where its figures end.
const RIGHT: i32 = 882;
/// Between two lines of the legend.
const ROW: i32 = 26;
const FONT: &str = "system-ui, sans-serif";

const TITLE: &str = "Commands/s on PostgreSQL, by concurrent tasks";

/// Where lines of the grid are; those that fit the figures are drawn.
const STEPS: [f64; 11] =
    [100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0, 100_000.0, 200_000.0];

pub(super) fn of(contenders: &[Reached]) -> Result<String, Failure> {
    let mut svg = String::new();
    draw(contenders, &mut svg)?;
    // A page shows the image as it is, so that it has to say itself what it looks like on a dark one.
    let (start, rest) = svg.split_once(">\n").ok_or("the SVG has no start")?;
    Ok(format!("{start} role=\"img\">\n<title>{TITLE}</title>\n<style>\n{}</style>\n{rest}", dark()))
}

fn draw(contenders: &[Reached], svg: &mut String) -> Result<(), Failure> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&PAPER)?;
    root.draw(&Text::new(TITLE, (18, 14), (FONT, 17).into_font().color(&INK)))?;

    let (low, high) = range(contenders);
    let steps: Vec<_> = STEPS.into_iter().filter(|step| (low..=high).contains(step)).collect();
    let tasks: Vec<_> = TASKS.iter().map(|tasks| number(*tasks)).collect();
    let (area, _) = root.split_horizontally(LEGEND);
    let mut chart = ChartBuilder::on(&area)
        .margin_top(50)
        .margin_right(20)
        .margin_bottom(10)
        .margin_left(10)
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(
            (0.85..150.0).log_scale().with_key_points(tasks),
            (low..high).log_scale().with_key_points(steps),
        )?;
    chart
        .configure_mesh()
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style((FONT, 13).into_font().color(&INK))
        .axis_desc_style((FONT, 13).into_font().color(&INK))
        .x_desc("concurrent tasks (log scale)")
        .y_desc("commands/s (log scale)")
        .x_label_formatter(&|tasks| format!("{tasks:.0}"))
        .y_label_formatter(&|commands| grouped(*commands))
        .draw()?;

    let mut legend: Vec<_> = contenders.iter().enumerate().collect();
    legend.sort_by(|(_, one), (_, other)| last(other).total_cmp(&last(one)));
    let at = |size| (FONT, size).into_font().color(&INK);
    root.draw(&Text::new("at 128 tasks", (RIGHT, 34), at(12).pos(Pos::new(HPos::Right, VPos::Top))))?;
    for (row, (place, contender)) in legend.into_iter().enumerate() {
        let style = Style::of(contender.name, place);
        let points = TASKS.iter().zip(&contender.at).map(|(tasks, at)| (number(*tasks), at.per_second));
        let points: Vec<_> = points.map(|point| chart.backend_coord(&point)).collect();
        root.draw(&PathElement::new(points.clone(), style.line()))?;
        let y = 64 + i32::try_from(row)? * ROW;
        root.draw(&PathElement::new(vec![(LEGEND + 4, y), (LEGEND + 36, y)], style.line()))?;
        for point in points.into_iter().chain([(LEGEND + 20, y)]) {
            mark(&root, point, &style)?;
        }
        let middle = |side| Pos::new(side, VPos::Center);
        root.draw(&Text::new(contender.name, (LEGEND + 46, y), at(14).pos(middle(HPos::Left))))?;
        let reached = grouped(last(contender));
        root.draw(&Text::new(reached, (RIGHT, y), at(14).pos(middle(HPos::Right))))?;
    }
    root.present()?;
    Ok(())
}

/// From below the slowest to above the fastest.
fn range(contenders: &[Reached]) -> (f64, f64) {
    let all = || contenders.iter().flat_map(|contender| &contender.at).map(|at| at.per_second.max(1.0));
    (all().fold(f64::INFINITY, f64::min) / 1.3, all().fold(1.0, f64::max) * 1.3)
}

#[allow(clippy::cast_precision_loss, reason = "counts of tasks are small")]
fn number(tasks: usize) -> f64 {
    tasks as f64
}

fn last(contender: &Reached) -> f64 {
    contender.at.last().map_or(0.0, |at| at.per_second)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn mark(area: &Area<'_>, (x, y): (i32, i32), style: &Style) -> Result<(), Failure> {
    let full = style.colour.filled();
    let shape = |corners: &[(i32, i32)]| {
        Polygon::new(corners.iter().map(|(right, down)| (x + right, y + down)).collect::<Vec<_>>(), full)
    };
    match style.marker {
        Marker::Circle => area.draw(&Circle::new((x, y), 4, full))?,
        Marker::Ring => {
            area.draw(&Circle::new((x, y), 4, PAPER.filled()))?;
            area.draw(&Circle::new((x, y), 4, style.colour.stroke_width(2)))?;
        }
        Marker::Square => area.draw(&shape(&[(-4, -4), (4, -4), (4, 4), (-4, 4)]))?,
        Marker::Triangle => area.draw(&shape(&[(0, -5), (5, 4), (-5, 4)]))?,
        Marker::Drop => area.draw(&shape(&[(0, 5), (5, -4), (-5, -4)]))?,
        Marker::Diamond => area.draw(&shape(&[(0, -6), (6, 0), (0, 6), (-6, 0)]))?,
    }
    Ok(())
}
