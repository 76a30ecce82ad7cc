#include "walwrap/control/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <vector>

namespace walwrap::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

ClientMetric labelled(const DatabaseFacts& database) {
  ClientMetric metric;
  metric.label.push_back({"db", database.path});
  return metric;
}

// One value of each database.
template <typename ValueOf>
MetricFamily family(MetricType type, std::string name, std::string help, const Facts& facts,
                    ValueOf value_of) {
  MetricFamily out{std::move(name), std::move(help), type, {}};
  for (const DatabaseFacts& database : facts.databases) {
    ClientMetric metric = labelled(database);
    if (type == MetricType::Counter) {
      metric.counter.value = static_cast<double>(value_of(database));
    } else {
      metric.gauge.value = static_cast<double>(value_of(database));
    }
    out.metric.push_back(std::move(metric));
  }
  return out;
}

template <typename HistogramOf>
MetricFamily histograms(std::string name, std::string help, const Facts& facts,
                        HistogramOf histogram_of) {
  MetricFamily out{std::move(name), std::move(help), MetricType::Histogram, {}};
  for (const DatabaseFacts& database : facts.databases) {
    const auto& histogram = histogram_of(database);
    ClientMetric metric = labelled(database);
    const auto count = histogram.bounds().size();
    for (std::size_t i = 0; i <= count; ++i) {
      const double bound =
          i < count ? histogram.bounds()[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({histogram.cumulative(i), bound});
    }
    metric.histogram.sample_count = histogram.cumulative(count);
    metric.histogram.sample_sum = histogram.sum();
    out.metric.push_back(std::move(metric));
  }
  return out;
}

MetricFamily single(std::string name, std::string help, double value) {
  MetricFamily out{std::move(name), std::move(help), MetricType::Gauge, {}};
  ClientMetric metric;
  metric.gauge.value = value;
  out.metric.push_back(std::move(metric));
  return out;
}

void add_lag(std::vector<MetricFamily>& out, const Facts& facts) {
  const auto gauge = [&](std::string name, std::string help, auto value_of) {
    out.push_back(family(MetricType::Gauge, std::move(name), std::move(help), facts, value_of));
  };
  gauge("walwrap_healthy", "1 if what is written is stored in time.",
        [](const auto& db) { return db.replicated && db.health.ok ? 1 : 0; });
  gauge("walwrap_attached", "1 if the database is there and followed.",
        [](const auto& db) { return db.status.attached ? 1 : 0; });
  gauge("walwrap_lag_seconds", "Age of the oldest write that is not stored.",
        [](const auto& db) { return seconds(db.health.lag); });
  gauge("walwrap_lag_bytes", "Pages that are not stored.",
        [](const auto& db) { return db.status.lag_bytes; });
  gauge("walwrap_lag_commits", "Commits that are not stored.",
        [](const auto& db) { return commits_behind(db.progress); });
  gauge("walwrap_wal_bytes", "Size of the write-ahead log.",
        [](const auto& db) { return db.log_bytes; });
  gauge("walwrap_stored_txid", "Transaction id of the newest file in the replica.",
        [](const auto& db) { return db.status.txid.value; });
  gauge("walwrap_predicted_flush_seconds", "What a last upload would take now.",
        [](const auto& db) { return seconds(predict_flush(db.status)); });
  // Absent until there is one: a time of 0 would be an age of half a century.
  MetricFamily stored{"walwrap_last_stored_timestamp_seconds",
                      "When the last upload was stored, since 1970.",
                      MetricType::Gauge,
                      {}};
  for (const DatabaseFacts& database : facts.databases) {
    if (!database.status.stored_at) continue;
    ClientMetric metric = labelled(database);
    metric.gauge.value = seconds(database.status.stored_at->time_since_epoch());
    stored.metric.push_back(std::move(metric));
  }
  if (!stored.metric.empty()) out.push_back(std::move(stored));
}

void add_work(std::vector<MetricFamily>& out, const Facts& facts) {
  out.push_back(histograms(
      "walwrap_upload_duration_seconds", "Uploads that were stored, by what they took.", facts,
      [](const auto& db) -> const auto& { return db.status.uploads.took; }));
  const auto counter = [&](std::string name, std::string help, auto value_of) {
    out.push_back(family(MetricType::Counter, std::move(name), std::move(help), facts, value_of));
  };
  counter("walwrap_uploaded_bytes_total", "Bytes of files that were stored.",
          [](const auto& db) { return db.status.uploads.bytes; });
  counter("walwrap_upload_failures_total", "Uploads that have to be made anew.",
          [](const auto& db) { return db.status.uploads.failed; });
  counter("walwrap_checkpoints_total", "Checkpoints of the write-ahead log.",
          [](const auto& db) { return db.status.checkpoints.passes; });
  out.push_back(histograms(
      "walwrap_writers_held_seconds", "How long writers were held to shorten the log.", facts,
      [](const auto& db) -> const auto& { return db.status.checkpoints.held; }));
}

}  // namespace

std::string format_metrics(const Facts& facts) {
  std::vector<MetricFamily> families;
  MetricFamily info{"walwrap_info", "Always 1; its labels say who we are.", MetricType::Gauge, {}};
  ClientMetric us;
  us.label = {{"version", facts.version}, {"host", facts.host}};
  us.gauge.value = 1;
  info.metric.push_back(std::move(us));
  families.push_back(std::move(info));
  families.push_back(single("walwrap_host_grace_seconds",
                            "From the host's stop signal to its SIGKILL.", seconds(facts.grace)));
  families.push_back(single("walwrap_waits", "Clients that wait for a commit to be stored.",
                            static_cast<double>(facts.waits)));
  add_lag(families, facts);
  add_work(families, facts);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace walwrap::control
