//! The table of what `doctor` looks at.

use pct_deploy::protocol::doctor::{CheckedEnd, DoctorCheck};

use crate::documents::rewrite;

fn table() -> String {
    let mut text = String::new();
    for (end, title) in [
        (CheckedEnd::Runner, "From here"),
        (CheckedEnd::Server, "On the server"),
    ] {
        text.push_str(&format!(
            "\n### {title}\n\n| `id` | what it is | how it should be |\n|---|---|---|\n"
        ));
        for check in DoctorCheck::ALL.iter().filter(|check| check.end() == end) {
            text.push_str(&format!(
                "| `{}` | {} | {} |\n",
                check.id(),
                check.severity().as_str(),
                check.fine()
            ));
        }
    }
    text + "\n"
}

#[test]
fn the_document_lists_every_check_of_doctor() {
    let (begin, end) = ("<!-- checks:begin -->\n", "<!-- checks:end -->");
    rewrite("docs/doctor.md", begin, end, &table());
}
