//! `nightlatch play`.

use std::time::Duration;

/// Replay a session on the terminal
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Keys: space pauses, . goes one step, Right or ] to the next statement, \
                        Left or [ to the one before, + and - change the speed, q ends.")]
pub struct PlayArgs {
    /// The session's id, a unique prefix of it, or last
    #[arg(value_name = "SESSION")]
    pub session: String,
    /// Begin where this statement was sent
    #[arg(long, value_name = "N")]
    pub from: Option<u64>,
    /// How many times as fast
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Never wait longer than so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub idle_limit: Option<Duration>,
}

/// The slowest and the fastest speed.
pub const SPEEDS: (f64, f64) = (0.01, 1000.0);

fn speed(text: &str) -> Result<f64, String> {
    let (least, most) = SPEEDS;
    let speed = text.trim_end_matches('x').parse::<f64>().ok();
    speed
        .filter(|speed| (least..=most).contains(speed))
        .ok_or_else(|| format!("a number from {least} to {most} is wanted"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.trim_end_matches('s').parse::<f64>().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "a number of seconds is wanted, such as 2 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_mean_nothing_are_refused() {
        assert_eq!(speed("2x"), Ok(2.0));
        assert_eq!(seconds("0.5s"), Ok(Duration::from_millis(500)));
        for bad in ["", "0", "-1", "nan", "inf", "1e9", "fast"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
        for bad in ["", "-1", "nan", "inf", "1e40"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
