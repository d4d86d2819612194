//! "Did you mean …?": the nearest known name.

use strsim::osa_distance;

/// The known name that is nearest to `name`, unless all are far off.
///
/// The distance counts insertions, deletions, replacements and swapped neighbours.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|candidate| (osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
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
            assert_eq!(osa_distance(left, right), expected, "{left} {right}");
            assert_eq!(osa_distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn a_name_that_is_far_off_has_no_neighbour() {
        assert_eq!(nearest("colour", ["ssh-host", "image"]), None);
        assert_eq!(nearest("imgae", ["ssh-host", "image"]), Some("image"));
    }
}
