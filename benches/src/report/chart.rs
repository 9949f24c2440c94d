//! The kinds of chart: lines, bars, and dots.
//!
//! Bars begin at zero on a linear axis, so that their lengths compare. What differs by powers of
//! ten is drawn as dots or lines on a logarithmic axis, which has its marks and says what it is.

use super::svg::{Anchor, Svg, Text};

/// From edge to edge.
const WIDTH: f64 = 960.0;
/// From the edge to what stands there.
const MARGIN: f64 = 16.0;
/// Where the drawing begins, below the title and the line under it.
const TOP: f64 = 74.0;
/// For each note at the bottom.
const NOTE: f64 = 18.0;

/// What a chart says about itself.
#[derive(Debug)]
pub struct Words {
    /// What is shown.
    pub title: String,
    /// In which unit, and whether more or less is better.
    pub unit: String,
    /// What stands at the bottom: how many samples, and which machine.
    pub notes: Vec<String>,
}

impl Words {
    /// A picture of this height for the drawing, with the words around it.
    fn frame(&self, drawing: f64) -> Svg {
        let height = TOP + drawing + NOTE * self.notes.len() as f64 + MARGIN;
        let mut svg = Svg::new(WIDTH, height, &self.title);
        svg.text((MARGIN, 24.0), Anchor::Start, Text::Title, &self.title);
        svg.text((MARGIN, 48.0), Anchor::Start, Text::Soft, &self.unit);
        for (note, place) in self.notes.iter().zip(0..) {
            let y = TOP + drawing + NOTE * f64::from(place) + NOTE / 2.0;
            svg.text((MARGIN, y), Anchor::Start, Text::Soft, note);
        }
        svg
    }
}

/// How numbers are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from zero.
    Linear,
    /// By their logarithms.
    Logarithmic,
}

/// An axis with its marks.
#[derive(Clone, Debug)]
pub struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    /// Where there are marks, and what stands there.
    marks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis on which all these numbers have a place, with marks at round numbers. `None` if
    /// there are no numbers.
    #[must_use]
    pub fn around(scale: Scale, numbers: impl Iterator<Item = f64>, name: impl Fn(f64) -> String) -> Option<Self> {
        let numbers = numbers.filter(|number| scale == Scale::Linear || *number > 0.0);
        let (least, most) = numbers.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
        if least > most {
            return None;
        }
        let marks = match scale {
            Scale::Linear => linear_marks(most),
            Scale::Logarithmic => logarithmic_marks(least, most),
        };
        let (low, high) = (marks[0], marks[marks.len() - 1]);
        Some(Self { scale, low, high, marks: marks.into_iter().map(|mark| (mark, name(mark))).collect() })
    }

    /// An axis with these marks, the first and the last of which are its ends.
    #[must_use]
    pub fn marked(scale: Scale, marks: Vec<(f64, String)>) -> Option<Self> {
        let ((low, _), (high, _)) = (marks.first()?, marks.last()?);
        Some(Self { scale, low: *low, high: *high, marks })
    }

    /// Where a number has its place: 0 at the beginning, 1 at the end.
    fn place(&self, number: f64) -> f64 {
        let (low, high, number) = match self.scale {
            Scale::Linear => (self.low, self.high, number),
            Scale::Logarithmic => (self.low.log10(), self.high.log10(), number.max(self.low).log10()),
        };
        if high > low { (number - low) / (high - low) } else { 0.5 }
    }
}

/// Round numbers from zero to this number or beyond it: a handful.
fn linear_marks(most: f64) -> Vec<f64> {
    let most = if most > 0.0 { most } else { 1.0 };
    let power = 10_f64.powf((most / 6.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| most / step <= 6.0);
    let step = step.unwrap_or(10.0 * power);
    (0..=(most / step).ceil() as u32).map(|place| f64::from(place) * step).collect()
}

/// Numbers that are 1, 2 or 5 with zeros, from the last one that is no more than the least to the
/// first one that is no less than the most; over many powers of ten, those with 1 only.
fn logarithmic_marks(least: f64, most: f64) -> Vec<f64> {
    let digits: &[f64] = if most / least > 2e3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all: Vec<f64> = (-3..13).flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power))).collect();
    let first = all.iter().rposition(|mark| *mark <= least).unwrap_or(0);
    let last = all.iter().position(|mark| *mark >= most).unwrap_or(all.len() - 1);
    // An axis has two ends.
    all[first..=last.max(first + 1)].to_vec()
}

/// A line with a name.
#[derive(Debug)]
pub struct Line {
    /// What stands at its end.
    pub name: String,
    /// Whose colour it has.
    pub contestant: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// Lines, each with its name where it ends.
#[derive(Debug)]
pub struct Lines {
    /// What it says.
    pub words: Words,
    /// The axis to the right, and its name.
    pub x: (Axis, String),
    /// How the axis that goes up is spread, and how its marks are written.
    pub y: (Scale, fn(f64) -> String),
    /// At most [`Lines::MOST`] are to be told apart.
    pub lines: Vec<Line>,
}

impl Lines {
    /// More lines would be a tangle.
    pub const MOST: usize = 7;
    const LEFT: f64 = 84.0;
    const RIGHT: f64 = 720.0;
    const HEIGHT: f64 = 380.0;
    /// From one name to the next, at least.
    const NAME: f64 = 20.0;

    /// Draws them; `None` if there are none.
    ///
    /// # Panics
    ///
    /// If there are too many.
    #[must_use]
    pub fn draw(mut self) -> Option<String> {
        assert!(self.lines.len() <= Self::MOST, "too many lines: {}", self.words.title);
        let heights = self.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        let y_axis = Axis::around(self.y.0, heights, self.y.1)?;
        let (x_axis, x_name) = &self.x;
        let mut svg = self.words.frame(Self::HEIGHT + 56.0);
        let bottom = TOP + Self::HEIGHT;
        let x = |number: f64| Self::LEFT + x_axis.place(number) * (Self::RIGHT - Self::LEFT);
        let y = |number: f64| bottom - y_axis.place(number) * Self::HEIGHT;
        for (mark, name) in &x_axis.marks {
            svg.grid((x(*mark), TOP), (x(*mark), bottom));
            svg.text((x(*mark), bottom + 14.0), Anchor::Middle, Text::Soft, name);
        }
        for (mark, name) in &y_axis.marks {
            svg.grid((Self::LEFT, y(*mark)), (Self::RIGHT, y(*mark)));
            svg.text((Self::LEFT - 8.0, y(*mark)), Anchor::End, Text::Soft, name);
        }
        svg.text(((Self::LEFT + Self::RIGHT) / 2.0, bottom + 36.0), Anchor::Middle, Text::Soft, x_name);
        self.lines.retain(|line| !line.points.is_empty());
        // ringbus last, so that it lies on top.
        self.lines.sort_by_key(|line| line.name.starts_with("ringbus"));
        let mut ends: Vec<(f64, f64, &Line)> = Vec::new();
        for line in &self.lines {
            let points: Vec<_> = line.points.iter().map(|point| (x(point.0), y(point.1))).collect();
            svg.line(&points, &line.contestant, Self::width(line), Self::is_dashed(line));
            ends.extend(points.last().map(|end| (end.0, end.1, line)));
        }
        ends.sort_by(|a, b| a.1.total_cmp(&b.1));
        let places = spread(&ends.iter().map(|end| end.1).collect::<Vec<_>>(), Self::NAME, TOP, bottom);
        for ((end_x, end_y, line), place) in ends.into_iter().zip(places) {
            let name = Self::RIGHT + 22.0;
            svg.line(&[(end_x, end_y), (name - 4.0, place)], &line.contestant, 1.0, false);
            svg.line(&[(name - 4.0, place), (name + 14.0, place)], &line.contestant, 3.0, Self::is_dashed(line));
            svg.text((name + 20.0, place), Anchor::Start, Text::Plain, &line.name);
        }
        Some(svg.finish())
    }

    fn width(line: &Line) -> f64 {
        if line.contestant.starts_with("ringbus") { 3.0 } else { 2.0 }
    }

    /// Batches have the colour of what goes one by one.
    fn is_dashed(line: &Line) -> bool {
        line.name.contains("batch")
    }
}

/// Moves places, which are in order, so that they are so far apart at least and between these ends,
/// unless there are too many.
fn spread(places: &[f64], apart: f64, low: f64, high: f64) -> Vec<f64> {
    let mut places = places.to_vec();
    let mut highest = high;
    for place in places.iter_mut().rev() {
        *place = highest.min(*place);
        highest = *place - apart;
    }
    let mut lowest = low;
    for place in &mut places {
        *place = lowest.max(*place);
        lowest = *place + apart;
    }
    places
}

/// A row of a chart of bars or dots.
#[derive(Debug)]
pub enum Row {
    /// A heading.
    Head(String),
    /// A contestant.
    Of(Entry),
}

/// A contestant with its numbers.
#[derive(Debug)]
pub struct Entry {
    /// Its name, and by that its colour.
    pub name: String,
    /// A bar has one. Of dots, the last is filled, and the one before it is a ring.
    pub values: Vec<f64>,
    /// What stands behind.
    pub note: String,
}

/// Bars to the right, from zero on a linear axis, or dots on a logarithmic one.
#[derive(Debug)]
pub struct Rows {
    /// What it says.
    pub words: Words,
    /// How the axis is spread: bars are linear, dots are logarithmic.
    pub scale: Scale,
    /// How numbers are written.
    pub name: fn(f64) -> String,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

impl Rows {
    const LEFT: f64 = 300.0;
    /// Behind the bars stand their figures.
    const RIGHT: f64 = 715.0;
    const ROW: f64 = 22.0;

    /// Draws them; `None` if there are none.
    #[must_use]
    pub fn draw(self) -> Option<String> {
        let entries = self.rows.iter().filter_map(|row| if let Row::Of(entry) = row { Some(entry) } else { None });
        let axis = Axis::around(self.scale, entries.flat_map(|entry| entry.values.iter().copied()), self.name)?;
        let height = self.rows.len() as f64 * Self::ROW;
        let mut svg = self.words.frame(height + 40.0);
        let x = |number: f64| Self::LEFT + axis.place(number) * (Self::RIGHT - Self::LEFT);
        for (mark, name) in &axis.marks {
            svg.grid((x(*mark), TOP), (x(*mark), TOP + height));
            svg.text((x(*mark), TOP + height + 12.0), Anchor::Middle, Text::Soft, name);
        }
        for (row, place) in self.rows.iter().zip(0..) {
            let y = TOP + f64::from(place) * Self::ROW + Self::ROW / 2.0;
            match row {
                Row::Head(head) => svg.text((MARGIN, y), Anchor::Start, Text::Head, head),
                Row::Of(entry) => {
                    svg.text((Self::LEFT - 10.0, y), Anchor::End, Text::Plain, &entry.name);
                    let end = self.marks(&mut svg, entry, y, &x);
                    let figures: Vec<_> = entry.values.iter().map(|value| (self.name)(*value)).collect();
                    let text = format!("{}{}", figures.join(" → "), entry.note);
                    svg.text((end + 10.0, y), Anchor::Start, Text::Soft, &text);
                }
            }
        }
        Some(svg.finish())
    }

    /// Draws the bar or the dots of a contestant, and returns where they end.
    fn marks(&self, svg: &mut Svg, entry: &Entry, y: f64, x: &dyn Fn(f64) -> f64) -> f64 {
        let places: Vec<f64> = entry.values.iter().map(|value| x(*value)).collect();
        match self.scale {
            Scale::Linear => {
                for end in &places {
                    svg.bar((Self::LEFT, y - 7.0), (end - Self::LEFT).max(1.0), 14.0, &entry.name);
                }
            }
            Scale::Logarithmic => {
                let ends: Vec<_> = places.iter().map(|x| (*x, y)).collect();
                svg.line(&ends, &entry.name, 2.0, false);
                for (place, x) in places.iter().enumerate() {
                    svg.dot((*x, y), &entry.name, place + 1 == places.len());
                }
            }
        }
        places.into_iter().fold(Self::LEFT, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_lie_on_each_other_are_moved_apart() {
        let spread = |places: &[f64]| spread(places, 20.0, 20.0, 500.0);
        assert_eq!(spread(&[100.0, 200.0, 300.0]), [100.0, 200.0, 300.0], "nothing to do");
        assert_eq!(spread(&[100.0, 101.0, 102.0, 300.0]), [62.0, 82.0, 102.0, 300.0]);
        assert_eq!(spread(&[1.0, 2.0, 499.0, 600.0]), [20.0, 40.0, 480.0, 500.0], "neither above nor below");
        assert_eq!(spread(&[]), [0.0; 0]);
    }

    #[test]
    fn linear_axis_begins_at_zero() {
        let axis = Axis::around(Scale::Linear, [50.0, 409.0].into_iter(), |mark| mark.to_string()).unwrap();
        assert_eq!(axis.marks.iter().map(|mark| mark.0).collect::<Vec<_>>(), [0.0, 100.0, 200.0, 300.0, 400.0, 500.0]);
        assert_eq!((axis.place(0.0), axis.place(250.0), axis.place(500.0)), (0.0, 0.5, 1.0));
        assert!(Axis::around(Scale::Linear, std::iter::empty(), |mark| mark.to_string()).is_none());
        assert_eq!(linear_marks(0.0)[0], 0.0, "a bar without length has an axis too");
    }

    #[test]
    fn logarithmic_axis_has_room_and_marks_for_all() {
        assert_eq!(logarithmic_marks(30.0, 120.0), [20.0, 50.0, 100.0, 200.0]);
        assert_eq!(logarithmic_marks(100.0, 100.0), [100.0, 200.0]);
        assert_eq!(logarithmic_marks(80.0, 300_000.0), [10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
        let axis = Axis::around(Scale::Logarithmic, [1.0, 0.0, 100.0].into_iter(), |_| String::new()).unwrap();
        assert_eq!((axis.place(1.0), axis.place(10.0), axis.place(100.0)), (0.0, 0.5, 1.0));
    }

    #[test]
    fn bars_are_as_long_as_their_numbers() {
        let entry =
            |name: &str, value| Row::Of(Entry { name: name.to_owned(), values: vec![value], note: String::new() });
        let rows = Rows {
            words: Words { title: "t".to_owned(), unit: "u".to_owned(), notes: Vec::new() },
            scale: Scale::Linear,
            name: |number| number.to_string(),
            rows: vec![Row::Head("all".to_owned()), entry("ringbus", 25.0), entry("kanal", 50.0)],
        };
        let svg = rows.draw().unwrap();
        let widths = svg.lines().filter(|line| line.contains("\"filled ")).map(|line| {
            let width = line.split("width=\"").nth(1).unwrap();
            width.split('"').next().unwrap().parse::<f64>().unwrap()
        });
        let widths: Vec<_> = widths.collect();
        assert!((widths[1] - 2.0 * widths[0]).abs() < 0.11, "{widths:?}");
    }
}
