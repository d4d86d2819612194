//! Entry point.

fn main() -> std::process::ExitCode {
    pct_deploy::cli::main()
}
