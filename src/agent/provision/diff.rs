//! The lines that differ between two texts, as `diff -U0` has them.

/// Beyond this, the texts are shown as one change.
const MOST_LINES: usize = 2000;

/// None when nothing differs.
pub(super) fn lines(path: &str, before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = in_common(&old, &new);
    let mut shown = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for (next_old, next_new) in same.into_iter().chain([(old.len(), new.len())]) {
        let gone = old.get(at_old..next_old).unwrap_or_default();
        let come = new.get(at_new..next_new).unwrap_or_default();
        if !gone.is_empty() || !come.is_empty() {
            shown.push(format!(
                "@@ -{} +{} @@",
                range(at_old, gone.len()),
                range(at_new, come.len())
            ));
            shown.extend(gone.iter().map(|line| format!("-{line}")));
            shown.extend(come.iter().map(|line| format!("+{line}")));
        }
        (at_old, at_new) = (next_old + 1, next_new + 1);
    }
    if !shown.is_empty() {
        shown.splice(0..0, [format!("--- {path}"), format!("+++ {path}")]);
    }
    shown
}

fn range(at: usize, len: usize) -> String {
    match len {
        0 => format!("{at},0"),
        1 => (at + 1).to_string(),
        len => format!("{},{len}", at + 1),
    }
}

/// The places of a longest sequence of lines that both have.
fn in_common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    if old.len().max(new.len()) > MOST_LINES {
        return Vec::new();
    }
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    let at = |table: &[u32], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
    for (i, line) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let best = if line == other {
                at(&longest, i + 1, j + 1) + 1
            } else {
                at(&longest, i + 1, j).max(at(&longest, i, j + 1))
            };
            if let Some(cell) = longest.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut same) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old.get(i) == new.get(j) {
            same.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&longest, i + 1, j) >= at(&longest, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_with_its_place() {
        let before = "server {\n    listen 80;\n    location / {\n        proxy_pass http://api;\n    }\n}\n";
        let after = "server {\n    include /x.inc;\n    listen 80;\n    location / {\n        proxy_pass $x;\n    }\n}\n";
        let expected = [
            "--- /a.conf",
            "+++ /a.conf",
            "@@ -1,0 +2 @@",
            "+    include /x.inc;",
            "@@ -4 +5 @@",
            "-        proxy_pass http://api;",
            "+        proxy_pass $x;",
        ];
        assert_eq!(lines("/a.conf", before, after), expected);
        assert_eq!(lines("/a.conf", before, before), Vec::<String>::new());
        assert_eq!(
            lines("/a", "1\n2\n3\n", "# new\n3\n"),
            ["--- /a", "+++ /a", "@@ -1,2 +1 @@", "-1", "-2", "+# new"]
        );
    }
}
