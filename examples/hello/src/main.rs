//! `hello`: an HTTP server of a few hundred kilobytes whose misbehaviour is set by its environment.
//!
//! Boot order: settings, forged log lines, crash, leak, delay, and only then the listener.

mod child;
mod config;
mod connection;
mod faults;
mod request;
mod response;
mod routes;
mod server;
mod stop;
mod websocket;

use std::process::ExitCode;
use std::sync::Arc;

use config::Config;
use stop::Stop;

fn main() -> ExitCode {
    let config = match Config::from_env() {
        Ok(config) => Arc::new(config),
        Err(problem) => {
            eprintln!("hello: {problem}");
            return ExitCode::from(2);
        }
    };
    if std::env::args().nth(1).as_deref() == Some("migrate") {
        println!("hello {} has migrated", config.version);
        return ExitCode::SUCCESS;
    }
    println!("hello {} on {} starting", config.version, config.host);

    let stop = Arc::new(Stop::default());
    if let Err(error) = stop::on_signal(&stop, config.port) {
        eprintln!("hello: cannot handle SIGTERM: {error}");
        return ExitCode::FAILURE;
    }
    if child::is_worker() {
        if let Err(error) = child::on_parent(&stop, config.port) {
            eprintln!("hello: cannot listen to its parent: {error}");
            return ExitCode::FAILURE;
        }
    } else if config.child {
        return child::supervise(&stop).unwrap_or_else(|error| {
            eprintln!("hello: cannot start its worker: {error}");
            ExitCode::FAILURE
        });
    }
    match faults::at_boot(&config, &stop) {
        faults::Boot::Listen => {}
        faults::Boot::Stopped => return ExitCode::SUCCESS,
        faults::Boot::Crashed => return ExitCode::from(3),
    }
    match server::run(&config, &stop) {
        Ok(0) => println!("hello {} stopped, nothing cut", config.version),
        Ok(cut) => println!("hello {} stopped, {cut} connections cut", config.version),
        Err(error) => {
            eprintln!("hello: cannot listen on port {}: {error}", config.port);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
