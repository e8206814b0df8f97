//! Points over a straight line through the origin, as SVG.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
/// Between the axes and the border, where their names stand.
const MARGIN: f64 = 56.0;
/// The farthest point stands so far along both axes.
const REACH: f64 = 0.92;

/// Processor time over pair increments.
pub(super) struct Plot {
    points: Vec<(f64, f64, String)>,
}

impl Plot {
    /// Of pair increments, seconds, and what each point is called.
    pub(super) fn of(points: Vec<(f64, f64, String)>) -> Self {
        Self { points }
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(path, self.text())?)
    }

    fn text(&self) -> String {
        let most = |pick: fn(&(f64, f64, String)) -> f64| self.points.iter().map(pick).fold(1e-9, f64::max);
        let (most_x, most_y) = (most(|point| point.0) / REACH, most(|point| point.1) / REACH);
        let x = |pairs: f64| MARGIN + pairs / most_x * (WIDTH - 2.0 * MARGIN);
        let y = |seconds: f64| HEIGHT - MARGIN - seconds / most_y * (HEIGHT - 2.0 * MARGIN);
        let (left, bottom, right, top) = (x(0.0), y(0.0), x(most_x), y(most_y));
        // The line through the origin with the least squares.
        let slope = self.sum(|pairs, seconds| pairs * seconds) / self.sum(|pairs, _| pairs * pairs);
        let end = most_x.min(most_y / slope);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"13\" fill=\"#333\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
             <path d=\"M{left:.0} {top:.0}V{bottom:.0}H{right:.0}\" fill=\"none\" stroke=\"#333\"/>\n\
             <path d=\"M{left:.1} {bottom:.1}L{:.1} {:.1}\" stroke=\"#999\" stroke-dasharray=\"5 4\"/>\n\
             <text x=\"{left:.0}\" y=\"{:.0}\">processor time, s</text>\n\
             <text x=\"{right:.0}\" y=\"{:.0}\" text-anchor=\"end\">pair increments, M; dashed: {:.2} ns each</text>\n",
            x(end),
            y(slope * end),
            top - 12.0,
            bottom + 36.0,
            slope * 1e9,
        );
        for (pairs, seconds, name) in &self.points {
            let (at_x, at_y) = (x(*pairs), y(*seconds));
            // What would reach over the border stands before its point.
            let (anchor, gap) = if *pairs > most_x / 2.0 {
                ("end", -10.0)
            } else {
                ("start", 10.0)
            };
            write!(
                out,
                "<circle cx=\"{at_x:.1}\" cy=\"{at_y:.1}\" r=\"4\" fill=\"#0a6\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{name}: {:.0} M, {seconds:.2} s</text>\n",
                at_x + gap,
                at_y + 4.0,
                pairs / 1e6,
            )
            .expect("a string takes everything");
        }
        out + "</svg>\n"
    }

    fn sum(&self, of: fn(f64, f64) -> f64) -> f64 {
        self.points
            .iter()
            .map(|(pairs, seconds, _)| of(*pairs, *seconds))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_line_stand_on_it() {
        let point = |lines: f64| (lines * 1e6, lines, format!("{lines} M lines"));
        let text = Plot::of(vec![point(1.0), point(4.0)]).text();
        assert!(text.contains("dashed: 1000.00 ns each"), "{text}");
        assert!(text.contains(">4 M lines: 4 M, 4.00 s<"), "{text}");
        // 528 and 248 wide and high between the margins, of which the farther point has 0.92.
        assert!(text.contains("<circle cx=\"541.8\" cy=\"75.8\""), "{text}");
        assert!(text.contains("<circle cx=\"177.4\" cy=\"247.0\""), "{text}");
    }
}
