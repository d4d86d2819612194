//! What the pages say, and that nothing in them breaks out.

use proptest::prelude::*;

use super::*;
use crate::error::{Failure, Reason};
use crate::protocol::result::FailedStage;
use crate::report::fixtures::{baked_away, context, deployed, rolled_back};

#[test]
fn a_deploy_is_told_at_a_glance() {
    let page = summary(&deployed(), &context(), Language::English);
    let digest = format!("sha256:{}", "a1".repeat(32));
    let commit = "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b";
    let expected = format!(
        "### ✅ pct-backend deployed

deployed release 0123456789ab on pct-backend-2 (before:\u{200b} pct-backend-1) in 41.2s, 0 of 48,213 requests lost

| release | `0123456789ab` |
|:--|:--|
| image | `user/pct-backend@{digest}` |
| slot | `pct-backend-2` |
| before | `pct-backend-1 ba9876543210` |
| commit | [`0a1b2c3d4e5f`](https://github.com/o/r/commit/{commit}) |
| pull request | [\\#7](https://github.com/o/r/pull/7) |
| took | 41.2s |
| record on the host | `20260131T235959Z-0a1b2c` |

#### Receipt

- 0 of 48,213 requests lost
- bake:\u{200b} good, 812 requests in 5.0s
- switched by the flag, without a reload
- 240 requests of our own, all fine
- 12 ms from healthy to switched
- 15 ms from healthy to the first request on the new slot
- 3.4 MiB pulled by the host
- memory at most:\u{200b} new slot 301.4 MiB, agent 9.1 MiB

| slot | requests | neither 2xx nor 3xx | 5xx | p50 | p99 |
|:--|--:|--:|--:|--:|--:|
| pct-backend-1 (before) | 52,004 | 4 | 1 | 3.1 ms | 40 ms |
| pct-backend-1 (old) | 46,101 | 3 | 0 | 3.2 ms | 41 ms |
| pct-backend-2 (new) | 1,872 | 3 | 0 | 3.4 ms | 44 ms |

"
    );
    let traffic = traffic::traffic(deployed().receipt.series.as_ref(), Language::English);
    let timeline = chart::timeline(&deployed().steps, Language::English);
    assert_eq!(page, expected + &traffic + &timeline);
    assert_eq!(page.matches("```mermaid").count(), 2);
}

#[test]
fn a_comment_shows_the_outcome_and_four_facts_and_folds_the_rest() {
    let page = comment(&deployed(), &context(), Language::English);
    let digest = format!("sha256:{}", "a1".repeat(32));
    let commit = "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b";
    let expected = format!(
        "### ✅ pct-backend deployed

deployed release 0123456789ab on pct-backend-2 (before:\u{200b} pct-backend-1) in 41.2s, 0 of 48,213 requests lost

| release | `0123456789ab` |
|:--|:--|
| slot | `pct-backend-2` |
| commit | [`0a1b2c3d4e5f`](https://github.com/o/r/commit/{commit}) |
| before | `pct-backend-1 ba9876543210` |

<details>
<summary>Receipt</summary>

- 0 of 48,213 requests lost
- bake:\u{200b} good, 812 requests in 5.0s
- switched by the flag, without a reload
- 240 requests of our own, all fine
- 12 ms from healthy to switched
- 15 ms from healthy to the first request on the new slot
- 3.4 MiB pulled by the host
- memory at most:\u{200b} new slot 301.4 MiB, agent 9.1 MiB

| slot | requests | neither 2xx nor 3xx | 5xx | p50 | p99 |
|:--|--:|--:|--:|--:|--:|
| pct-backend-1 (before) | 52,004 | 4 | 1 | 3.1 ms | 40 ms |
| pct-backend-1 (old) | 46,101 | 3 | 0 | 3.2 ms | 41 ms |
| pct-backend-2 (new) | 1,872 | 3 | 0 | 3.4 ms | 44 ms |

</details>

<details>
<summary>More about this run</summary>

| took | 41.2s |
|:--|:--|
| image | `user/pct-backend@{digest}` |
| pull request | [\\#7](https://github.com/o/r/pull/7) |
| record on the host | `20260131T235959Z-0a1b2c` |

</details>

[Log and timeline of the run](https://github.com/o/r/actions/runs/42)
"
    );
    assert_eq!(page, expected);
}

#[test]
fn a_failure_shows_step_cause_cure_and_log() {
    let page = comment(&rolled_back(), &context(), Language::Korean);
    assert!(page.starts_with("### ↩️ pct-backend 롤백됨\n"), "{page}");
    let shown = "| 릴리스 | `0123456789ab` |
|:--|:--|
| 슬롯 | `pct-backend-1` |
| 커밋 | [`0a1b2c3d4e5f`](https://github.com/o/r/commit/0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b) |
| 사유 | `oom-killed` |

#### 실패: `await_healthy`

```text
`pct-backend-2` ended while it started
원인: the kernel killed it: out of memory
조치 방법: raise `limits.memory`
```

<details>
<summary>로그의 마지막 줄</summary>

````text
Started ```boot```
<!channel> & Killed
````

</details>

<details>
<summary>측정 결과</summary>

- 서버가 내려받은 용량 3.4 MiB

</details>

";
    assert!(page.contains(shown), "{page}");
    let end = "| 서버 기록 | `20260131T235959Z-0a1b2c` |

</details>

[실행 로그와 타임라인](https://github.com/o/r/actions/runs/42)
";
    assert!(page.ends_with(end), "{page}");
    assert!(!page.contains("mermaid"));
}

#[test]
fn what_people_got_before_traffic_was_back_is_on_every_page() {
    for page in [
        summary(&baked_away(), &context(), Language::English),
        comment(&baked_away(), &context(), Language::English),
    ] {
        let told = "37 of 412 answers of the new slot were 5xx before traffic was back";
        assert_eq!(page.matches(told).count(), 2, "{page}");
        assert!(
            page.contains("- 4 ms from the decision to go back"),
            "{page}"
        );
        assert!(
            page.contains("| pct-backend-2 (new) | 412 | 40 | 37 |"),
            "{page}"
        );
    }
}

#[test]
fn the_longest_log_stays_within_the_limits() {
    let mut result = rolled_back();
    let failure = &mut result.failure.as_mut().unwrap().failure;
    failure.log_tail = vec!["`".repeat(5000); 1000];
    failure.hints = vec!["가".repeat(5000); 1000];
    let page = summary(&result, &context(), Language::English);
    assert!(page.len() < MAX_SUMMARY, "{}", page.len());
    assert!(page.contains("earlier lines cut") && !page.contains("\n(cut)"));
    let page = comment(&result, &context(), Language::English);
    assert!(page.len() < MAX_COMMENT && page.contains("earlier lines cut"));
}

#[test]
fn a_skipped_run_needs_no_chart() {
    let mut result = deployed();
    result.steps.clear();
    result.receipt = Default::default();
    let page = summary(&result, &RunContext::default(), Language::English);
    assert!(!page.contains("mermaid") && !page.contains("| step"));
}

/// What anybody can put into a branch, a log or an error.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<script>",
            "</details>",
            "```",
            "````text",
            "`",
            "``",
            "|",
            "\\",
            "\\|",
            "@all",
            "#1",
            "[x](y)",
            "](",
            "![i](j)",
            "\n",
            "\r\n",
            "***",
            "__",
            "~~",
            "---",
            "\u{202e}",
            "\u{1b}[1m",
            "한글",
            "http://x.y",
            " ",
            "<!-- ",
            "&lt;",
            "$$",
            "$`x`$"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The only lines of HTML: each stands alone, so that no text of others can be part of one.
const OUR_TAGS: [&str; 8] = [
    "<details>",
    "</details>",
    "<summary>Receipt</summary>",
    "<summary>Last lines of the log</summary>",
    "<summary>More about this run</summary>",
    "<summary>측정 결과</summary>",
    "<summary>로그의 마지막 줄</summary>",
    "<summary>이번 실행의 상세 정보</summary>",
];

/// The lines outside of fences; the page ends outside of one.
fn outside_of_fences(page: &str) -> Vec<&str> {
    let mut open: Option<&str> = None;
    let mut lines = Vec::new();
    for line in page.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match open {
            Some(fence) if line.trim_end().len() == ticks.len() && ticks.len() >= fence.len() => {
                open = None;
            }
            Some(_) => {}
            None if ticks.len() >= 3 => open = Some(ticks),
            None => lines.push(line),
        }
    }
    assert_eq!(open, None, "a fence is left open: {page}");
    lines
}

/// A line without its code and without what a backslash makes harmless.
fn bare(line: &str) -> String {
    let mut bare = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let run = rest.len() - rest.trim_start_matches('`').len();
        if c == '\\' && after.starts_with(|next: char| next.is_ascii_punctuation()) {
            rest = &after[1..];
        } else if run > 0 {
            let body = &rest[run..];
            let close = body
                .match_indices(&rest[..run])
                .map(|(at, _)| at)
                .find(|at| !body[..*at].ends_with('`') && !body[at + run..].starts_with('`'));
            rest = match close {
                Some(at) => &body[at + run..],
                None => body,
            };
        } else {
            bare.push(c);
            rest = after;
        }
    }
    bare
}

fn cells(line: &str) -> usize {
    line.replace("\\|", "").matches('|').count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_text_breaks_out_of_a_page(
        texts in prop::collection::vec(text(), 7),
        lines in prop::collection::vec(text(), 0..12),
        korean in any::<bool>(),
    ) {
        let [a, b, c, d, e, f, g] = texts.try_into().unwrap();
        let mut result = baked_away();
        (result.slot, result.previous_slot) = (Some(a), Some(b));
        result.receipt.bake.as_mut().unwrap().why = c;
        result.reason_code = d;
        result.steps[0].name = e;
        result.failure = Some(FailedStage {
            name: Some(f),
            failure: Failure {
                reason: Reason::InternalError,
                chain: vec![g],
                hints: lines.clone(),
                log_tail: lines,
            },
        });
        let language = if korean { Language::Korean } else { Language::English };
        for page in [summary(&result, &context(), language), comment(&result, &context(), language)] {
            let lines = outside_of_fences(&page);
            let mut open = 0;
            for line in &lines {
                match *line {
                    "<details>" => open += 1,
                    "</details>" => open -= 1,
                    _ => {}
                }
                prop_assert!((0..=1).contains(&open), "{}", page);
                if OUR_TAGS.contains(line) {
                    continue;
                }
                let bare = bare(line);
                prop_assert!(!bare.contains('<'), "{} in {}", bare, line);
                for mention in bare.split(['@', '#']).skip(1) {
                    let ours = line.starts_with("###") || mention.starts_with('\u{200b}');
                    prop_assert!(ours, "{} in {}", bare, line);
                }
                for link in bare.split("](").skip(1) {
                    prop_assert!(link.starts_with("https:"), "{} in {}", bare, line);
                }
            }
            prop_assert_eq!(open, 0, "{}", page);
            for pair in lines.windows(2) {
                if pair.iter().all(|line| line.starts_with('|')) {
                    prop_assert_eq!(cells(pair[0]), cells(pair[1]), "{:?}", pair);
                }
            }
        }
    }
}
