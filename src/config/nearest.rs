//! "Did you mean …?": the nearest known name.

/// The known name that is nearest to `name`, unless all are far off.
///
/// The distance counts insertions, deletions, replacements and swapped neighbours.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance, by rows.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut last_left = None;
    for (row, a) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        let mut last_right = None;
        for (column, b) in right.iter().copied().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&above, column) + usize::from(a != b);
            let mut best = replaced
                .min(at(&above, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped = last_left == Some(b) && last_right == Some(a);
            if swapped && let Some(before) = column.checked_sub(1).and_then(|i| before.get(i)) {
                best = best.min(before + 1);
            }
            current.push(best);
            last_right = Some(b);
        }
        last_left = Some(a);
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_textbook() {
        for (left, right, expected) in [
            ("", "", 0),
            ("kitten", "sitting", 3),
            ("ssh-hots", "ssh-host", 1),
            ("abc", "", 3),
            ("drain-timout", "drain-timeout", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn a_name_that_is_far_off_has_no_neighbour() {
        assert_eq!(nearest("colour", ["ssh-host", "image"]), None);
        assert_eq!(nearest("imgae", ["ssh-host", "image"]), Some("image"));
    }
}
