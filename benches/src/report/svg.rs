//! Just enough SVG for charts: text, lines, boxes and dots, on a light or a dark ground as the
//! reader's screen has it.
//!
//! A picture brings its own ground, so that it can be read wherever it is shown, and it follows the
//! reader's choice by a media query. Colours belong to contestants: each has one in all charts.

use std::fmt::Write;

/// A colour on a light ground, and the same one on a dark ground.
type Pair = (&'static str, &'static str);

const PAPER: Pair = ("#ffffff", "#0d1117");
const INK: Pair = ("#1f2328", "#e6edf3");
const SOFT: Pair = ("#59636e", "#9198a1");
const GRID: Pair = ("#d8dee4", "#2f353d");

/// Whose name begins so has this colour; the first that fits counts.
const COLOURS: [(&str, Pair); 14] = [
    ("ringbus lanes", ("#e36209", "#ffa657")),
    ("ringbus", ("#cf222e", "#ff7b72")),
    ("raw ArrayQueue", ("#6e7781", "#8b949e")),
    ("tokio", ("#1a7f37", "#3fb950")),
    ("async-broadcast", ("#6639ba", "#a371f7")),
    ("crossbeam-channel", ("#0969da", "#58a6ff")),
    ("crossfire", ("#1b7c83", "#39c5cf")),
    ("flume", ("#bf3989", "#f778ba")),
    ("kanal", ("#8250df", "#d2a8ff")),
    ("std mpsc", ("#9a6700", "#d29922")),
    ("jonhoo's bus", ("#24292f", "#f0f6fc")),
    ("disruptor", ("#0a3069", "#a5d6ff")),
    ("rtrb", ("#7d4e00", "#c69026")),
    ("", ("#57606a", "#848d97")),
];

/// The class of a contestant's colour.
#[must_use]
pub fn colour(contestant: &str) -> String {
    let place = COLOURS.iter().position(|(name, _)| contestant.starts_with(name)).unwrap_or(COLOURS.len() - 1);
    format!("c{place}")
}

/// Where a text has its place.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It has its middle there.
    Middle,
    /// It ends there.
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    /// Large and strong.
    Title,
    /// Strong.
    Head,
    /// As most.
    Plain,
    /// Small, and standing back.
    Soft,
}

/// A picture that is being drawn. Places are in pixels, from the left and from the top.
#[derive(Debug)]
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty picture, described for who cannot see it.
    #[must_use]
    pub fn new(width: f64, height: f64, description: &str) -> Self {
        Self { width, height, body: format!("<title>{}</title>\n", escape(description)) }
    }

    /// Draws a text, whose middle is at this height.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, look: Text, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (class, size) = match look {
            Text::Title => ("ink strong", 18.0),
            Text::Head => ("ink strong", 14.0),
            Text::Plain => ("ink", 14.0),
            Text::Soft => ("soft", 12.5),
        };
        // Not every program that shows SVG knows of `dominant-baseline`.
        let y = y + size * 0.35;
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        );
    }

    /// Draws a line of the grid.
    pub fn grid(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ =
            writeln!(self.body, "<line class=\"grid\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
    }

    /// Draws a line in the colour of a contestant.
    pub fn line(&mut self, points: &[(f64, f64)], contestant: &str, width: f64, is_dashed: bool) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let dashes = if is_dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let _ = writeln!(
            self.body,
            "<polyline class=\"line {}\" stroke-width=\"{width}\"{dashes} points=\"{}\"/>",
            colour(contestant),
            points.join(" ")
        );
    }

    /// Draws a filled box in the colour of a contestant.
    pub fn bar(&mut self, (x, y): (f64, f64), width: f64, height: f64, contestant: &str) {
        let _ = writeln!(
            self.body,
            "<rect class=\"filled {}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>",
            colour(contestant)
        );
    }

    /// Draws a dot in the colour of a contestant: filled, or a ring.
    pub fn dot(&mut self, (x, y): (f64, f64), contestant: &str, is_filled: bool) {
        let class = if is_filled { "filled" } else { "ring" };
        let _ = writeln!(
            self.body,
            "<circle class=\"{class} {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" stroke-width=\"2\"/>",
            colour(contestant)
        );
    }

    /// The whole file.
    #[must_use]
    pub fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" \
             font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\">\n\
             <style>\n.strong {{ font-weight: 600 }}\n.line {{ fill: none; stroke-linejoin: round }}\n{}\
             @media (prefers-color-scheme: dark) {{\n{}}}\n</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n",
            colours(|pair| pair.0),
            colours(|pair| pair.1),
        )
    }
}

/// The rules for all colours, on one ground.
fn colours(of: impl Fn(Pair) -> &'static str) -> String {
    let mut rules = format!(
        ".paper {{ fill: {} }}\n.ink {{ fill: {} }}\n.soft {{ fill: {} }}\n.grid {{ stroke: {} }}\n.ring {{ fill: {} }}\n",
        of(PAPER),
        of(INK),
        of(SOFT),
        of(GRID),
        of(PAPER),
    );
    for (place, (_, pair)) in COLOURS.iter().enumerate() {
        let colour = of(*pair);
        let _ = writeln!(
            rules,
            ".line.c{place}, .ring.c{place} {{ stroke: {colour} }}\n.filled.c{place} {{ fill: {colour}; stroke: {colour} }}"
        );
    }
    rules
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contestants_are_told_apart_by_colour() {
        assert_eq!(colour("ringbus Publisher"), colour("ringbus batch"));
        assert_ne!(colour("ringbus Publisher"), colour("ringbus lanes Publisher"));
        assert_eq!(colour("tokio broadcast"), colour("tokio mpsc"));
        assert_eq!(colour("nobody"), format!("c{}", COLOURS.len() - 1));
        for (place, (_, pair)) in COLOURS.iter().enumerate() {
            assert!(COLOURS[..place].iter().all(|(_, other)| other.0 != pair.0 && other.1 != pair.1), "{pair:?}");
        }
    }

    #[test]
    fn picture_has_both_grounds_and_escapes_what_it_says() {
        let mut svg = Svg::new(100.0, 50.0, "a < b");
        svg.text((1.0, 2.0), Anchor::Start, Text::Plain, "Mutex<Vec> & more");
        let svg = svg.finish();
        assert!(
            svg.contains("<title>a &lt; b</title>") && svg.contains(">Mutex&lt;Vec&gt; &amp; more</text>"),
            "{svg}"
        );
        let (light, dark) = svg.split_once("@media (prefers-color-scheme: dark)").unwrap();
        assert!(light.contains(PAPER.0) && dark.contains(PAPER.1), "{svg}");
    }
}
