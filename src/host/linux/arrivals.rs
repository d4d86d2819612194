//! How much arrives at a slot, told by the kernel: each connection leaves a socket in TIME-WAIT for a minute, whose
//! timer says when it began. Where nginx keeps connections, many requests are one.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::HostResult;
use super::super::facts::Arrivals;
use super::net::each_socket;
use super::process::Program;
use super::tcp_table::{ended_within, is_connection_to};

/// The time that is looked back.
const WINDOW_S: u32 = 5;
const SS_DEADLINE: Duration = Duration::from_secs(5);

pub(super) async fn of(address: SocketAddr, listeners: &[u16]) -> HostResult<Arrivals> {
    let (mut ended, mut lately): (u32, u32) = (0, 0);
    each_socket(|line| {
        ended += u32::from(ended_within(line, address, WINDOW_S));
        lately += u32::from(is_connection_to(line, address) || ended_within(line, address, 1));
    })?;
    Ok(Arrivals {
        per_second: f64::from(ended) / f64::from(WINDOW_S),
        lately,
        round_trip_ms: round_trip(listeners).await,
    })
}

/// The mean over the clients that are connected now; `ss` asks the kernel (`tcp_info`, `tcpi_rtt`).
async fn round_trip(listeners: &[u16]) -> Option<f64> {
    let ports: Vec<String> = listeners
        .iter()
        .map(|port| format!("sport = :{port}"))
        .collect();
    if ports.is_empty() {
        return None;
    }
    let filter = format!("( {} )", ports.join(" or "));
    let ss = Program::find("ss", "ask for the round trip to the clients").ok()?;
    let ss = ss
        .args(["-Htin", "state", "established", &filter])
        .deadline(SS_DEADLINE);
    mean(&String::from_utf8_lossy(&ss.capture().await.ok()?))
}

fn mean(output: &str) -> Option<f64> {
    let times = output.split_ascii_whitespace().filter_map(|word| {
        let (rtt, _) = word.strip_prefix("rtt:")?.split_once('/')?;
        rtt.parse::<f64>().ok()
    });
    let (sum, count) = times.fold((0.0, 0_u32), |(sum, count), rtt| (sum + rtt, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_the_mean_over_clients() {
        let output = "0 0 127.0.0.1:80 127.0.0.1:4000\n\t cubic wscale:7,7 rto:204 rtt:4.5/2 ato:40\n\
                      0 0 127.0.0.1:80 127.0.0.1:4002\n\t cubic rtt:1.5/0.7 minrtt:1\n";
        assert_eq!(mean(output), Some(3.0));
        assert_eq!(mean(""), None);
    }
}
