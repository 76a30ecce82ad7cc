#include "walwrap/control/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace walwrap::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

ClientMetric labelled(const DatabaseStatus& database) {
  ClientMetric metric;
  metric.label.push_back({"db", database.path});
  return metric;
}

// One value for each database.
template <typename ValueOf>
MetricFamily family(MetricType type, std::string name, std::string help, const Status& status,
                    ValueOf value_of) {
  MetricFamily out{std::move(name), std::move(help), type, {}};
  for (const DatabaseStatus& database : status.databases) {
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
MetricFamily histograms(std::string name, std::string help, const Status& status,
                        HistogramOf histogram_of) {
  MetricFamily out{std::move(name), std::move(help), MetricType::Histogram, {}};
  for (const DatabaseStatus& database : status.databases) {
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

MetricFamily single(MetricType type, std::string name, std::string help, double value) {
  MetricFamily out{std::move(name), std::move(help), type, {}};
  ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  out.metric.push_back(std::move(metric));
  return out;
}

// Left out if it is not known.
template <typename ValueOf>
void add_known(std::vector<MetricFamily>& out, std::string name, std::string help,
               const Status& status, ValueOf value_of) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Gauge, {}};
  for (const DatabaseStatus& database : status.databases) {
    const std::optional<double> value = value_of(database);
    if (!value) continue;
    ClientMetric metric = labelled(database);
    metric.gauge.value = *value;
    family.metric.push_back(std::move(metric));
  }
  if (!family.metric.empty()) out.push_back(std::move(family));
}

void add_lag(std::vector<MetricFamily>& out, const Status& status) {
  const auto gauge = [&](std::string name, std::string help, auto value_of) {
    out.push_back(family(MetricType::Gauge, std::move(name), std::move(help), status, value_of));
  };
  gauge("walwrap_healthy", "1 if writes are stored in time.",
        [](const auto& db) { return db.replicated && db.health.ok ? 1 : 0; });
  gauge("walwrap_attached", "1 if the database exists and walwrap is attached to it.",
        [](const auto& db) { return db.status.attached ? 1 : 0; });
  gauge("walwrap_lag_seconds", "Age of the oldest unstored write.",
        [](const auto& db) { return seconds(db.health.lag); });
  gauge("walwrap_lag_bytes", "Bytes of the unstored pages.",
        [](const auto& db) { return db.status.lag_bytes; });
  gauge("walwrap_lag_commits", "Number of unstored commits.",
        [](const auto& db) { return commits_behind(db.progress); });
  gauge("walwrap_wal_bytes", "Size of the WAL file.", [](const auto& db) { return db.wal_bytes; });
  gauge("walwrap_stored_txid", "TXID of the newest file in the replica.",
        [](const auto& db) { return db.status.txid.value; });
  gauge("walwrap_predicted_flush_seconds", "Predicted time for a final flush now.",
        [](const auto& db) { return seconds(predict_flush(db.status)); });
  // A time of 0 would mean an age of half a century.
  add_known(out, "walwrap_last_stored_timestamp_seconds", "Unix time of the last upload.", status,
            [](const auto& db) -> std::optional<double> {
              if (!db.status.stored_at) return std::nullopt;
              return seconds(db.status.stored_at->time_since_epoch());
            });
  add_known(out, "walwrap_last_snapshot_timestamp_seconds",
            "Unix time of the newest known snapshot.", status,
            [](const auto& db) -> std::optional<double> {
              const auto newest = newest_snapshot(db);
              if (newest.txid.value == 0) return std::nullopt;
              return seconds(newest.stored_at.time_since_epoch());
            });
  add_known(out, "walwrap_restore_duration_seconds", "Duration of the restore at the start.",
            status, [](const auto& db) -> std::optional<double> {
              if (!db.status.restored_in) return std::nullopt;
              return seconds(*db.status.restored_in);
            });
}

// One counter for each kind.
template <std::size_t N, typename CountsOf>
MetricFamily kinds(std::string name, std::string help, const char* label,
                   const std::array<std::string_view, N>& names, const Status& status,
                   CountsOf counts_of) {
  MetricFamily out{std::move(name), std::move(help), MetricType::Counter, {}};
  for (const DatabaseStatus& database : status.databases) {
    for (std::size_t i = 0; i < N; ++i) {
      ClientMetric metric = labelled(database);
      metric.label.push_back({label, std::string(names[i])});
      metric.counter.value = static_cast<double>(counts_of(database)[i]);
      out.metric.push_back(std::move(metric));
    }
  }
  return out;
}

void add_store(std::vector<MetricFamily>& out, const Status& status) {
  out.push_back(kinds("walwrap_store_requests_total",
                      "Requests to the object store, retries included, by billing class.",
                      "operation", storage::kRequestKinds, status,
                      [](const auto& db) { return db.status.store.requests; }));
  out.push_back(
      kinds("walwrap_store_errors_total", "Failed requests to the store, by kind of error.", "kind",
            storage::kStoreErrors, status, [](const auto& db) { return db.status.store.errors; }));
  add_known(out, "walwrap_store_requests_dollars",
            "Estimated price of the requests since the start, without free tiers.", status,
            [](const auto& db) { return db.status.request_dollars; });
}

void add_work(std::vector<MetricFamily>& out, const Status& status) {
  out.push_back(histograms(
      "walwrap_upload_duration_seconds", "Duration of completed uploads.", status,
      [](const auto& db) -> const auto& { return db.status.uploads.took; }));
  const auto counter = [&](std::string name, std::string help, auto value_of) {
    out.push_back(family(MetricType::Counter, std::move(name), std::move(help), status, value_of));
  };
  counter("walwrap_uploaded_bytes_total", "Bytes uploaded to the replica.",
          [](const auto& db) { return db.status.uploads.bytes; });
  counter("walwrap_upload_failures_total", "Failed uploads; each is repeated.",
          [](const auto& db) { return db.status.uploads.failed; });
  counter("walwrap_checkpoints_total", "Checkpoints of the WAL.",
          [](const auto& db) { return db.status.checkpoints.passes; });
  counter("walwrap_checkpoint_lock_lent_total",
          "Times walwrap lent the checkpoint lock to the app, so that the app can restart the WAL.",
          [](const auto& db) { return db.status.checkpoints.lent; });
  counter("walwrap_wal_restarts_lent_total",
          "Loans of the checkpoint lock after which the WAL restarted.",
          [](const auto& db) { return db.status.checkpoints.restarts; });
  counter("walwrap_commits_missed_total",
          "Commits that walwrap did not capture; after each, it compared every page.",
          [](const auto& db) { return db.status.checkpoints.missed_commits; });
  out.push_back(histograms(
      "walwrap_writers_blocked_seconds", "How long writers were blocked for a checkpoint.", status,
      [](const auto& db) -> const auto& { return db.status.checkpoints.held; }));
}

}  // namespace

std::string format_metrics(const Status& status) {
  std::vector<MetricFamily> families;
  MetricFamily info{"walwrap_info",
                    "Always 1; the labels name the version and the platform.",
                    MetricType::Gauge,
                    {}};
  ClientMetric us;
  us.label = {{"version", status.version}, {"platform", status.platform}};
  us.gauge.value = 1;
  info.metric.push_back(std::move(us));
  families.push_back(std::move(info));
  families.push_back(single(MetricType::Gauge, "walwrap_platform_grace_seconds",
                            "Time from the platform's stop signal to its SIGKILL.",
                            seconds(status.grace)));
  families.push_back(single(MetricType::Gauge, "walwrap_waits",
                            "Clients waiting for a commit to be stored.",
                            static_cast<double>(status.waits)));
  families.push_back(single(MetricType::Counter, "walwrap_replicator_restarts_total",
                            "Restarts of the replicator process while the app ran.",
                            static_cast<double>(status.restarts)));
  add_lag(families, status);
  add_work(families, status);
  add_store(families, status);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace walwrap::control
