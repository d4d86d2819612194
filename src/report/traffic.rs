//! Requests per second around the switch: a chart that GitHub draws, and the same in a line. Pure.

use std::fmt::Write as _;

use crate::config::types::Language;
use crate::protocol::series::{Point, Series};

/// A wide chart, and the colours of old slot, new slot and failed: those of the squares in the line below it.
const SETUP: &str = r##"{"xyChart": {"width": 900, "height": 300}, "themeVariables": {"xyChart": {"plotColorPalette": "#3b82f6, #22a34a, #d1242f"}}}"##;

/// The chart and the line, under a title; nothing when nothing was measured or there is no more than one point.
pub(super) fn traffic(series: Option<&Series>, language: Language) -> String {
    let Some(Series {
        step_seconds,
        points,
    }) = series
    else {
        return String::new();
    };
    let ([first, .., last], true) = (points.as_slice(), *step_seconds > 0) else {
        return String::new();
    };
    let words = language.words();
    let labels = words.labels();
    let rates = |count: fn(&Point) -> u64| Rates::of(points, *step_seconds, count);
    let (old, new) = (rates(|point| point.old), rates(|point| point.new));
    let bad = rates(|point| point.bad);
    let bad_in_all: u64 = points.iter().map(|point| point.bad).sum();
    let mut page = format!("#### {}\n\n```mermaid\n", labels.traffic);
    writeln!(page, "%%{{init: {SETUP}}}%%").ok();
    writeln!(page, "xychart-beta").ok();
    let (x, y) = (labels.seconds_axis, labels.requests_axis);
    writeln!(
        page,
        "  x-axis \"{x}\" {} --> {}",
        first.second, last.second
    )
    .ok();
    let top = old.most.max(new.most).max(1.0).ceil();
    writeln!(page, "  y-axis \"{y}\" 0 --> {top}").ok();
    writeln!(page, "  line {}", old.list).ok();
    writeln!(page, "  line {}", new.list).ok();
    if bad_in_all > 0 {
        writeln!(page, "  line {}", bad.list).ok();
    }
    page.push_str("```\n\n");
    let line = words.traffic(old.most, new.most, bad_in_all);
    writeln!(page, "{line}\n").ok();
    page
}

/// One line of the chart.
struct Rates {
    list: String,
    most: f64,
}

impl Rates {
    fn of(points: &[Point], step_seconds: u64, count: impl Fn(&Point) -> u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of a few minutes")]
        let rate = |point: &Point| count(point) as f64 / step_seconds as f64;
        // One decimal, and none where it would be zero.
        let shown = |rate: f64| ((rate * 10.0).round() / 10.0).to_string();
        let list: Vec<String> = points.iter().map(|point| shown(rate(point))).collect();
        Self {
            list: format!("[{}]", list.join(", ")),
            most: points.iter().map(rate).fold(0.0, f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::deployed;

    fn series() -> Series {
        deployed().receipt.series.unwrap()
    }

    #[test]
    fn a_switch_is_two_lines_and_a_sentence() {
        let expected = "#### Traffic around the switch

```mermaid
%%{init: {\"xyChart\": {\"width\": 900, \"height\": 300}, \"themeVariables\": {\"xyChart\": {\"plotColorPalette\": \"#3b82f6, #22a34a, #d1242f\"}}}}%%
xychart-beta
  x-axis \"seconds from the switch\" -2 --> 2
  y-axis \"requests per second\" 0 --> 1204
  line [1180, 1204, 610, 0, 0]
  line [0, 0, 588, 1197, 1190]
```

🟦 old slot: at most 1,204 requests per second · 🟩 new slot: at most 1,197 · no failed request

";
        assert_eq!(traffic(Some(&series()), Language::English), expected);
        let korean = traffic(Some(&series()), Language::Korean);
        for told in [
            "#### 전환 전후 트래픽\n",
            "  x-axis \"전환 시점 기준(초)\" -2 --> 2\n",
            "\n🟦 이전 슬롯: 초당 최대 1,204건 · 🟩 새 슬롯: 초당 최대 1,197건 · 실패한 요청 없음\n",
        ] {
            assert!(korean.contains(told), "{korean}");
        }
    }

    #[test]
    fn bad_answers_are_a_third_line_and_longer_steps_are_still_per_second() {
        let mut series = series();
        series.step_seconds = 8;
        series.points[3].bad = 37;
        let text = traffic(Some(&series), Language::English);
        assert!(
            text.contains("  line [147.5, 150.5, 76.3, 0, 0]\n"),
            "{text}"
        );
        assert!(text.contains("  line [0, 0, 0, 4.6, 0]\n```"), "{text}");
        assert!(text.contains("0 --> 151\n"), "{text}");
        assert!(text.ends_with(" · 🟥 failed: 37 requests\n\n"), "{text}");
        series.points[3].bad = 1;
        let text = traffic(Some(&series), Language::English);
        assert!(text.ends_with(" · 🟥 failed: 1 request\n\n"), "{text}");
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        assert_eq!(traffic(None, Language::English), "");
        let mut series = series();
        series.points.truncate(1);
        assert_eq!(traffic(Some(&series), Language::English), "");
        series.step_seconds = 0;
        assert_eq!(traffic(Some(&series), Language::English), "");
    }
}
