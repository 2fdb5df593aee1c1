//! Colours that can be told apart, also without colour: each contender has a mark of its own.

use plotters::style::{Color as _, RGBColor, ShapeStyle};
use std::fmt::Write as _;

pub(super) const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
pub(super) const INK: RGBColor = RGBColor(0x1F, 0x23, 0x28);
pub(super) const GRID: RGBColor = RGBColor(0xD1, 0xD9, 0xE0);
const GREY: RGBColor = RGBColor(0x6E, 0x77, 0x81);
const RED: RGBColor = RGBColor(0xC9, 0x1B, 0x2A);
const ORANGE: RGBColor = RGBColor(0xD9, 0x6B, 0x0B);
const BLUE: RGBColor = RGBColor(0x09, 0x69, 0xDA);
const GREEN: RGBColor = RGBColor(0x1A, 0x7F, 0x37);
const PURPLE: RGBColor = RGBColor(0x82, 0x50, 0xDF);
const BROWN: RGBColor = RGBColor(0x9A, 0x67, 0x00);

/// What each colour becomes on a dark page.
const DARK: [(RGBColor, &str); 10] = [
    (PAPER, "#0D1117"),
    (INK, "#E6EDF3"),
    (GRID, "#30363D"),
    (GREY, "#8B949E"),
    (RED, "#FF7B72"),
    (ORANGE, "#FFB77C"),
    (BLUE, "#58A6FF"),
    (GREEN, "#3FB950"),
    (PURPLE, "#BC8CFF"),
    (BROWN, "#D29922"),
];

pub(super) struct Style {
    pub(super) colour: RGBColor,
    pub(super) marker: Marker,
    width: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Ring,
    Square,
    Triangle,
    Drop,
    Diamond,
}

impl Style {
    /// Limits are thin and grey, the framework is thick; `place` is the contender's among all.
    pub(super) fn of(name: &str, place: usize) -> Self {
        const LIMITS: [Marker; 3] = [Marker::Square, Marker::Triangle, Marker::Circle];
        const PEERS: [(RGBColor, Marker); 4] = [
            (BLUE, Marker::Square),
            (GREEN, Marker::Triangle),
            (PURPLE, Marker::Diamond),
            (BROWN, Marker::Drop),
        ];
        if name.starts_with("limit") {
            Self { colour: GREY, marker: LIMITS[place % LIMITS.len()], width: 1 }
        } else if name == crate::contenders::CACHED {
            Self { colour: RED, marker: Marker::Circle, width: 3 }
        } else if name == crate::contenders::UNCACHED {
            Self { colour: ORANGE, marker: Marker::Ring, width: 3 }
        } else {
            let (colour, marker) = PEERS[place % PEERS.len()];
            Self { colour, marker, width: 2 }
        }
    }

    pub(super) fn line(&self) -> ShapeStyle {
        self.colour.stroke_width(self.width)
    }
}

/// The rules that make the image dark where the page is.
pub(super) fn dark() -> String {
    let mut rules = String::from("@media (prefers-color-scheme: dark) {\n");
    for (RGBColor(red, green, blue), dark) in DARK {
        for property in ["fill", "stroke"] {
            writeln!(rules, "[{property}=\"#{red:02X}{green:02X}{blue:02X}\"] {{ {property}: {dark} }}")
                .expect("a String takes all that is written");
        }
    }
    rules.push_str("}\n");
    rules
}
