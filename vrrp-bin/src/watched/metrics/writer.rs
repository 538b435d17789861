//! [`Writer`]: families of metrics, each with all its series.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet},
    metrics::MetricType,
};
use vrrp_core::Family;

/// Labels, each with its value.
pub(super) type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// What families are written to. `name` is without the endings that belong to a kind of metric
/// (`_total`).
pub(super) struct Writer<'e>(pub(super) DescriptorEncoder<'e>);

/// How long many things took, and how many were below each bound.
pub(super) struct Times {
    /// The bounds in seconds, and how many lie between each and the one before. The last one is
    /// infinite.
    pub(super) buckets: Vec<(f64, u64)>,
    /// The sum of all.
    pub(super) sum: Duration,
    /// How many.
    pub(super) count: u64,
}

impl Writer<'_> {
    /// What only grows, as long as the daemon runs.
    pub(super) fn counter<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            let mut one = family.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
        }
        Ok(())
    }

    /// What rises and falls.
    pub(super) fn gauge<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// How long things took.
    pub(super) fn histogram<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, Times)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, Times { buckets, sum, count }) in series {
            let mut one = family.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(sum.as_secs_f64(), count, &buckets, None)?;
        }
        Ok(())
    }
}

/// The family as labels have it.
pub(super) const fn family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ipv4",
        Family::Ipv6 => "ipv6",
    }
}

/// 1 for what is so.
pub(super) fn flag(is_so: bool) -> u64 {
    u64::from(is_so)
}
