//! Open connections, and those that the server cut off.

use actix_guarded_server::{Connections, Cutoff};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Error, IntCounterVec, IntGauge, Opts};

/// Reads the counts of a server at each scrape.
pub(super) struct ConnectionCounts {
    connections: Connections,
    open: IntGauge,
    cut_off: Opts,
    descriptions: Vec<Desc>,
}

impl ConnectionCounts {
    pub(super) fn new(connections: Connections) -> Result<Self, Error> {
        let open = IntGauge::new("weapp_connections_open", "Open connections.")?;
        let cut_off = Opts::new(
            "weapp_connections_cut_off_total",
            "Connections closed because the client was too slow or sent a head that is too large, by reason.",
        );
        let counters = IntCounterVec::new(cut_off.clone(), &["reason"])?;
        let descriptions = open.desc().into_iter().chain(counters.desc());
        let descriptions = descriptions.cloned().collect();
        Ok(Self {
            connections,
            open,
            cut_off,
            descriptions,
        })
    }

    /// Returns counters with the current counts. Each scrape has its own: concurrent scrapes would add to a shared one twice.
    fn cut_off(&self) -> Result<IntCounterVec, Error> {
        let counters = IntCounterVec::new(self.cut_off.clone(), &["reason"])?;
        for reason in Cutoff::ALL {
            let counter = counters.get_metric_with_label_values(&[reason.name()])?;
            counter.inc_by(self.connections.cut_off(reason));
        }
        Ok(counters)
    }
}

impl Collector for ConnectionCounts {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let open = self.connections.open();
        self.open.set(i64::try_from(open).unwrap_or(i64::MAX));
        let cut_off = self.cut_off().map(|counters| counters.collect());
        let families = self.open.collect().into_iter();
        families.chain(cut_off.into_iter().flatten()).collect()
    }
}
