//! Draws a history: rates above, and a row for each subscriber below.

use crate::history::{History, LOOKS, Row, Series};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, RenderDirection, Row as TableRow, Sparkline, Table};
use ringbus::SubscriberStats;

/// Columns of the bar that shows how full a ring is.
const BAR: usize = 10;

const WIDTHS: [Constraint; 8] = [
    Constraint::Length(10),
    Constraint::Length(BAR as u16),
    Constraint::Length(9),
    Constraint::Length(10),
    Constraint::Length(6),
    Constraint::Length(7),
    Constraint::Length(7),
    Constraint::Fill(1),
];

pub fn draw(frame: &mut Frame<'_>, history: &History, is_paused: bool) {
    let [rates, subscribers, keys] =
        Layout::vertical([Constraint::Length(8), Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    draw_rates(frame, rates, history, is_paused);
    draw_subscribers(frame, subscribers, &history.rows);
    frame.render_widget(" q quits   p pauses the feed".dim(), keys);
}

/// Draws what the whole bus did in the last 30 seconds, the newest to the right.
fn draw_rates(frame: &mut Frame<'_>, area: Rect, history: &History, is_paused: bool) {
    let state = if is_paused { " paused " } else { " running " };
    let block = Block::bordered()
        .title(" ringbus top ")
        .title(Line::from(state).right_aligned())
        .title_bottom(Line::from(" the last 30 seconds ").right_aligned());
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let lines = Layout::vertical([Constraint::Length(2); 3]).areas::<3>(inside);
    let series = [
        ("published", &history.published, Color::Cyan),
        ("delivered", &history.delivered, Color::Green),
        ("dropped", &history.dropped, Color::Red),
    ];
    for (line, (name, series, color)) in lines.into_iter().zip(series) {
        draw_series(frame, line, name, series, color);
    }
}

fn draw_series(frame: &mut Frame<'_>, area: Rect, name: &str, series: &Series, color: Color) {
    let [label, chart] = Layout::horizontal([Constraint::Length(18), Constraint::Length(LOOKS as u16)]).areas(area);
    let text = [name.to_owned(), format!("{:>8}/s", series.newest())].map(Line::from).to_vec();
    frame.render_widget(Text::from(text), label);
    let sparkline = Sparkline::default().data(series.iter()).direction(RenderDirection::RightToLeft);
    frame.render_widget(sparkline.style(color), chart);
}

fn draw_subscribers(frame: &mut Frame<'_>, area: Rect, rows: &[Row]) {
    let headings = table_row(
        ["subscriber", "fill", "state", "types"].map(Line::from),
        ["queued", "received/s", "lost/s", "lost"].map(str::to_owned),
    );
    let rows = rows.iter().map(|row| {
        let stats = &row.stats;
        let state = if stats.lagging { "lagging" } else { "" };
        let cells = table_row(
            [stats.name.to_string().into(), bar(stats.len, stats.capacity), state.into(), types(stats).into()],
            [
                format!("{}/{}", stats.len, stats.capacity),
                row.received.to_string(),
                row.lost.to_string(),
                stats.lost().to_string(),
            ],
        );
        if stats.lagging { cells.red() } else { cells }
    });
    let table = Table::new(rows, WIDTHS).header(headings.bold());
    frame.render_widget(table.block(Block::bordered().title(" subscribers ")), area);
}

/// A row of the table: words, and between them numbers, which stand to the right.
fn table_row([name, fill, state, types]: [Line<'static>; 4], numbers: [String; 4]) -> TableRow<'static> {
    let [queued, received, rate_of_loss, lost] = numbers.map(|number| Line::from(number).right_aligned());
    TableRow::new([name, fill, queued, received, rate_of_loss, lost, state, types])
}

/// How full a ring is, rounded up, so that what is not empty does not look so.
fn bar(queued: usize, capacity: usize) -> Line<'static> {
    let full = (queued.min(capacity) * BAR).div_ceil(capacity);
    let color = match full {
        0..6 => Color::Green,
        6..9 => Color::Yellow,
        _ => Color::Red,
    };
    Line::from(vec![Span::styled("█".repeat(full), color), "░".repeat(BAR - full).dim()])
}

fn types(stats: &SubscriberStats) -> String {
    match &stats.types {
        None => "all".to_owned(),
        Some(types) => types.iter().map(|event_type| event_type.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// What was drawn, as lines of text.
pub fn text(drawn: &Buffer) -> String {
    let lines = drawn.content().chunks(usize::from(drawn.area.width)).map(|cells| {
        let line: String = cells.iter().map(|cell| cell.symbol()).collect();
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}
