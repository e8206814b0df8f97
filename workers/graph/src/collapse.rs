//! Refusing a build that lost most of its input: a broken feed must not empty every page.

use tandem_domain::generation::BuildStats;

use crate::config::BuildConfig;

/// What collapsed against the generation on serve, in words; `None` when nothing did.
pub(crate) fn collapse(settings: &BuildConfig, serving: &BuildStats, built: &BuildStats) -> Option<String> {
    let fell = |what: &str, least: f64, from: u64, to: u64| {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a threshold needs no more than 52 bits"
        )]
        let too_few = (to as f64) < least * (from as f64);
        too_few.then(|| format!("{what} fell from {from} to {to}"))
    };
    let events = fell("events", settings.least_events, serving.events, built.events);
    let edges = fell("edges", settings.least_edges, serving.edges, built.edges);
    let fallen: Vec<String> = events.into_iter().chain(edges).collect();
    (!fallen.is_empty()).then(|| fallen.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn stats(events: u64, edges: u64) -> BuildStats {
        BuildStats {
            events,
            edges,
            ..BuildStats::default()
        }
    }

    #[test]
    fn half_of_the_events_and_edges_pass_and_less_does_not() {
        let settings = Settings::default().build;
        let serving = stats(100, 10);
        assert_eq!(collapse(&settings, &serving, &stats(50, 5)), None);
        assert_eq!(
            collapse(&settings, &serving, &stats(49, 4)).as_deref(),
            Some("events fell from 100 to 49; edges fell from 10 to 4")
        );
        assert_eq!(collapse(&settings, &stats(0, 0), &stats(0, 0)), None);
    }
}
