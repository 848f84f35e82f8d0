//! Plots, as SVG.

use std::fmt;

use plotters::coord::Shift;
use plotters::prelude::*;

const SIZE: (u32, u32) = (640, 320);
const FONT: &str = "sans-serif";
const TEXT_PX: u32 = 15;

/// What the page's style gives the colours of paper and ink of the day.
pub(super) const INK: RGBColor = RGBColor(1, 1, 1);
pub(super) const GRID: RGBColor = RGBColor(2, 2, 2);

/// To be told apart on light and on dark paper.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x3B, 0x82, 0xC4),
    RGBColor(0xD9, 0x7B, 0x22),
    RGBColor(0x3A, 0x9D, 0x5D),
    RGBColor(0xA0, 0x5B, 0xC4),
    RGBColor(0xC2, 0x4B, 0x5A),
    RGBColor(0x8A, 0x8A, 0x3A),
];

/// Lines over an axis, with where they are expected and what happened.
#[derive(Debug, Clone)]
pub struct Plot {
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
    /// Where something happened, and what.
    pub marks: Vec<(f64, String)>,
}

#[derive(Debug, Clone)]
pub struct Axis {
    pub name: String,
    pub from: f64,
    pub to: f64,
    /// How a place on it is written.
    pub write: fn(f64) -> String,
    /// How many places are, about.
    pub labels: usize,
}

#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    /// At each x, from where to where the line is expected.
    pub expected: Vec<(f64, f64, f64)>,
}

impl Axis {
    /// Of shares in percent, from 0 to above all of `series`.
    pub fn percent(name: &str, series: &[Series]) -> Self {
        let lines = series.iter().flat_map(|series| &series.points).map(|&(_, y)| y);
        let areas = series.iter().flat_map(|series| &series.expected).map(|&(_, _, high)| high);
        let highest = lines.chain(areas).fold(0.0, f64::max);
        let write: fn(f64) -> String =
            if highest < 5.0 { |x| format!("{x:.2} %") } else { |x| format!("{x:.0} %") };
        let to = (highest * 1.1).clamp(0.01, 100.0);
        Self { name: name.to_owned(), from: 0.0, to, write, labels: 6 }
    }
}

impl Series {
    /// A stair: the height of each number, from there to the next.
    pub fn stair(name: &str, heights: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let points = heights.into_iter().flat_map(|(at, height)| tread(at).map(|at| (at, height)));
        Self { name: name.to_owned(), points: points.collect(), expected: Vec::new() }
    }

    /// The area under a stair.
    pub fn area(name: &str, heights: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let Self { name, points, .. } = Self::stair(name, heights);
        let expected = points.into_iter().map(|(at, height)| (at, 0.0, height));
        Self { name, points: Vec::new(), expected: expected.collect() }
    }
}

fn tread(number: u32) -> [f64; 2] {
    [f64::from(number), f64::from(number) + 1.0]
}

/// A plot that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw a plot: {0}")]
pub struct NoPlot(String);

impl Plot {
    pub fn to_svg(&self) -> Result<String, NoPlot> {
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let drawn = self.draw(&root).and_then(|()| root.present().map_err(no_plot));
        drop(root);
        drawn.map(|()| svg)
    }

    fn draw(&self, root: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), NoPlot> {
        let text = |colour: RGBColor| (FONT, TEXT_PX).into_font().color(&colour);
        let mut chart = ChartBuilder::on(root)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(self.x.from..self.x.to, self.y.from..self.y.to)
            .map_err(no_plot)?;
        let (write_x, write_y) = (|x: &f64| (self.x.write)(*x), |y: &f64| (self.y.write)(*y));
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .label_style(text(INK))
            .axis_desc_style(text(INK))
            .x_desc(self.x.name.as_str())
            .y_desc(self.y.name.as_str())
            .x_label_formatter(&write_x)
            .y_label_formatter(&write_y)
            .x_labels(self.x.labels)
            .y_labels(self.y.labels)
            .draw()
            .map_err(no_plot)?;
        for (at, what) in &self.marks {
            let line = PathElement::new([(*at, self.y.from), (*at, self.y.to)], INK);
            chart.draw_series([line]).map_err(no_plot)?;
            let label = Text::new(format!(" {what}"), (*at, self.y.to), text(INK));
            chart.draw_series([label]).map_err(no_plot)?;
        }
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle().copied()) {
            let low = series.expected.iter().map(|&(x, low, _)| (x, low));
            let high = series.expected.iter().rev().map(|&(x, _, high)| (x, high));
            let band: Vec<_> = low.chain(high).collect();
            chart.draw_series([Polygon::new(band, colour.mix(0.15))]).map_err(no_plot)?;
            chart
                .draw_series(LineSeries::new(series.points.clone(), colour.stroke_width(2)))
                .map_err(no_plot)?
                .label(&series.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font(text(INK))
            .draw()
            .map_err(no_plot)
    }
}

fn no_plot(error: impl fmt::Display) -> NoPlot {
    NoPlot(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str) -> Axis {
        Axis { name: name.to_owned(), from: 0.0, to: 10.0, write: |x| format!("{x:.0}"), labels: 5 }
    }

    #[test]
    fn a_plot_has_lines_bands_marks_and_names() {
        let plot = Plot {
            x: axis("seconds"),
            y: axis("share"),
            series: vec![Series {
                name: "v1 <&>".to_owned(),
                points: vec![(0.0, 1.0), (5.0, 2.0), (10.0, 3.0)],
                expected: vec![(0.0, 0.5, 1.5), (10.0, 2.5, 3.5)],
            }],
            marks: vec![(5.0, "deployment 2".to_owned())],
        };
        let svg = plot.to_svg().unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for part in ["<polyline", "<polygon", "deployment 2", "v1 &lt;&amp;&gt;", "seconds"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
    }

    #[test]
    fn a_plot_of_nothing_is_drawn() {
        let plot = Plot { x: axis("x"), y: axis("y"), series: Vec::new(), marks: Vec::new() };
        assert!(plot.to_svg().is_ok());
    }
}
