//! How much memory the process took.

/// Highest resident memory of this process in bytes; 0 where the system does not tell.
pub(crate) fn peak_rss_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/status").map_or(0, |status| peak_of(&status))
}

fn peak_of(status: &str) -> u64 {
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|value| value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::peak_of;

    #[test]
    fn the_peak_is_read_in_kilobytes() {
        assert_eq!(
            peak_of("VmPeak:\t  9 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 7 kB\n"),
            1234 * 1024
        );
        assert_eq!(peak_of(""), 0);
    }
}
