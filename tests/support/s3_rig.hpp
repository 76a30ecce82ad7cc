// An S3Store on a FakeS3, with a clock that stands still and pauses that are only written down.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_s3.hpp"
#include "tests/support/manual_clock.hpp"
#include "walwrap/http/uri.hpp"
#include "walwrap/storage/s3/s3_store.hpp"

namespace walwrap::testing {

struct S3Rig {
  static constexpr const char* kUrl = "s3://bucket/app/db?endpoint=http://127.0.0.1:9000";

  ManualClock clock;
  FakeS3 server;
  std::vector<std::string> lines;
  std::vector<std::chrono::milliseconds> pauses;
  storage::CallBudgetFn budget = [] { return storage::CallBudget{}; };
  std::mutex mutex;  // of the pauses and of the environment
  Log log{{.minimum = LogLevel::Info,
           .now = [this] { return clock.wall(); },
           .sink = [this](std::string_view line) { lines.emplace_back(line); }}};
  // Between the store and the server.
  std::function<std::unique_ptr<http::Transport>()> transport = [this] {
    return std::make_unique<FakeS3Transport>(server);
  };

  S3Rig() {
    server.now = [this] { return clock.wall(); };
  }
  S3Rig(const S3Rig&) = delete;
  S3Rig& operator=(const S3Rig&) = delete;

  storage::LookupFn environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const std::lock_guard lock(mutex);
      const auto found = variables_.find(name);
      if (found == variables_.end() || found->second.empty()) return std::nullopt;
      return found->second;
    };
  }
  void set_variable(const std::string& name, std::string value) {
    const std::lock_guard lock(mutex);
    variables_[name] = std::move(value);
  }
  storage::S3Location target(const std::string& url = kUrl) {
    auto parsed = storage::parse_s3_location(http::parse_uri(url).value(), url, environment());
    if (!parsed) throw std::runtime_error(parsed.error().text);
    return *std::move(parsed);
  }
  std::unique_ptr<storage::S3Store> open(const std::string& url = kUrl) {
    auto store = storage::S3Store::open({.target = target(url),
                                         .make_transport = [this] { return transport(); },
                                         .environment = environment(),
                                         .clock = clock,
                                         .log = log,
                                         .budget = budget,
                                         .pause =
                                             [this](std::chrono::milliseconds pause) {
                                               const std::lock_guard lock(mutex);
                                               pauses.push_back(pause);
                                             }});
    if (!store) throw std::runtime_error(store.error().text);
    return *std::move(store);
  }

  // The next `count` requests that begin so go wrong.
  void fail_next(int count, std::string what, S3Fault fault) {
    server.fault = [left = count, what = std::move(what), fault = std::move(fault)](
                       const S3Call& call, int) mutable -> std::optional<S3Fault> {
      if (left == 0 || !call.what.starts_with(what)) return std::nullopt;
      --left;
      return fault;
    };
  }
  bool has_line(std::string_view part) const {
    for (const auto& line : lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

 private:
  std::map<std::string, std::string, std::less<>> variables_ = {
      {"AWS_ACCESS_KEY_ID", "key"}, {"AWS_SECRET_ACCESS_KEY", "secret"}};
};

// Keys of a listing, with blanks between.
inline std::string keys(storage::S3Store& store, const std::string& prefix,
                        const std::string& after = "") {
  const auto found = store.list(prefix, after);
  REQUIRE_MESSAGE(found.has_value(), found.error().text);
  std::string text;
  for (const storage::ObjectInfo& info : *found) text += (text.empty() ? "" : " ") + info.key;
  return text;
}

// What the bucket was asked, in order.
inline std::vector<std::string> asked(const S3Rig& rig) {
  std::vector<std::string> asked;
  for (const auto& call : rig.server.calls()) asked.push_back(call.what);
  return asked;
}

inline Result<std::string> get_text(storage::ObjectStore& store, const std::string& key,
                                    storage::ByteRange range = {}) {
  std::string text;
  TRY(store.get(key, range, [&](ByteSpan bytes) -> Result<void> {
    text += as_text(bytes);
    return {};
  }));
  return text;
}

}  // namespace walwrap::testing
