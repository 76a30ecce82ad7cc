// What is known at one moment, for /v1/status, /metrics, /healthz and /readyz. Values only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/control/health.hpp"
#include "walwrap/replication/exchange.hpp"
#include "walwrap/replication/inquiry.hpp"

namespace walwrap::control {

struct DatabaseFacts {
  std::string path;
  std::string replica;      // URL
  bool replicated = false;  // false: `status` and `progress` say nothing, `why` does
  std::string why;
  replication::ReplicatorStatus status;
  replication::Progress progress;
  Health health;
  Bytes log_bytes = 0;  // size of the -wal file
};

struct Facts {
  std::string version;
  std::string host;  // "heroku"
  std::chrono::milliseconds grace{0};
  bool stopping = false;
  std::size_t waits = 0;
  std::vector<DatabaseFacts> databases = {};
};

std::uint64_t commits_behind(const replication::Progress& progress);
// How long a last upload of what is not stored yet would take, going by those so far.
std::chrono::milliseconds predict_flush(const replication::ReplicatorStatus& status);

}  // namespace walwrap::control
