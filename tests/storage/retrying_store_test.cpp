#include "walwrap/storage/retrying_store.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

using namespace walwrap;
using namespace walwrap::storage;
using namespace walwrap::testing;
using namespace std::chrono_literals;

namespace {

const PutOptions kCreateOnly{.mode = PutMode::CreateOnly};

// A retrying store over a fake one, whose sleeps only move the clock.
struct Rig {
  Rig() = default;
  explicit Rig(FaultPlan& faults) : bucket(faults) {}

  FakeBucket bucket;
  ManualClock clock;
  std::vector<std::chrono::milliseconds> sleeps;
  std::vector<std::string> lines;
  std::vector<std::string> outages;  // as told
  CallBudget budget;
  std::function<void()> on_sleep = [] {};
  std::mt19937_64 random;  // the same sequence each time
  Log log{{.minimum = LogLevel::Debug,
           .format = LogFormat::Logfmt,
           .now = [this] { return clock.wall(); },
           .sink = [this](std::string_view line) { lines.emplace_back(line); }}};
  RetryingStore store{std::make_unique<FakeStore>(bucket),
                      {.clock = clock,
                       .log = log,
                       .sleep =
                           [this](std::chrono::milliseconds time) {
                             sleeps.push_back(time);
                             clock.advance(time);
                             on_sleep();
                           },
                       .random = [this] { return random(); },
                       .budget = [this] { return budget; },
                       .on_outage = [this](std::string_view why) { outages.emplace_back(why); },
                       .backoff = {.first = 100ms, .ceiling = 10'000ms}}};

  Result<void> put(const std::string& key, const std::string& text) {
    return store.put(key, body_of(as_bytes(text)), kCreateOnly);
  }
  Result<std::string> get(const std::string& key, ByteRange range = {}) {
    std::string text;
    TRY(store.get(key, range, [&](ByteSpan bytes) -> Result<void> {
      text += as_text(bytes);
      return {};
    }));
    return text;
  }
  int lines_with(const std::string& part) const {
    int count = 0;
    for (const std::string& line : lines) count += line.find(part) != std::string::npos ? 1 : 0;
    return count;
  }
  std::chrono::milliseconds slept() const {
    std::chrono::milliseconds sum{0};
    for (const auto sleep : sleeps) sum += sleep;
    return sum;
  }
};

}  // namespace

TEST_CASE("the retrying store waits through an outage of any length") {
  Rig rig;
  rig.bucket.faults().fail_next(500, StoreFault::error(Code::Unavailable));
  REQUIRE(rig.put("k", "x").has_value());
  CHECK(rig.bucket.count(StoreOperation::Put) == 501);
  CHECK(as_text(*rig.bucket.bytes_of("k")) == "x");
  // Delays grow, on the average, to half their ceiling of ten seconds, in steps.
  CHECK(rig.slept() > 500 * 4s);
  CHECK(rig.slept() < 500 * 6s);
  for (const auto sleep : rig.sleeps) CHECK(sleep <= RetryingStore::kLook);
}

TEST_CASE("a write whose answer was lost is repeated and found as done") {
  Rig rig;
  rig.bucket.faults().fail(1, StoreFault::lost_reply());
  const auto done = rig.put("k", "mine");
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Code::Exists);
  CHECK(as_text(*rig.bucket.bytes_of("k")) == "mine");
  CHECK(rig.bucket.count(StoreOperation::Put) == 2);
}

TEST_CASE("an answer is returned unchanged at once") {
  Rig rig;
  for (const Code code : {Code::NotFound, Code::Exists, Code::Denied, Code::Corrupt, Code::Invalid,
                          Code::Mismatch, Code::Unsupported}) {
    rig.bucket.faults().fail_next(1, StoreFault::error(code));
    const auto head = rig.store.head("k");
    REQUIRE_FALSE(head.has_value());
    CHECK(head.error().code == code);
    CHECK(head.error().text == "injected fault");
  }
  CHECK(rig.sleeps.empty());
  CHECK(rig.lines.empty());
}

TEST_CASE("every operation is repeated after a temporary failure") {
  Rig rig;
  const std::string text = "0123456789";
  const auto fail_next = [&] {
    rig.bucket.faults().fail_next(3, StoreFault::error(Code::Unavailable));
  };
  fail_next();
  CHECK(rig.put("a/k", text).has_value());
  fail_next();
  CHECK(*rig.get("a/k") == text);
  fail_next();
  CHECK(rig.store.head("a/k")->size == 10);
  fail_next();
  CHECK(rig.store.list("a/", "")->size() == 1);
  fail_next();
  CHECK(rig.store.remove("a/k").has_value());
  CHECK(rig.bucket.keys().empty());
  for (const StoreOperation operation :
       {StoreOperation::Put, StoreOperation::Get, StoreOperation::Head, StoreOperation::List,
        StoreOperation::Remove}) {
    CHECK(rig.bucket.count(operation) == 4);
  }
  CHECK(rig.store.describe() == "fake://bucket");
}

TEST_CASE("listing the first objects is repeated until there is an answer") {
  Rig rig;
  for (const std::string key : {"a", "b", "c"}) rig.bucket.set(key, as_bytes("x"));
  rig.bucket.page = 2;
  rig.bucket.faults().fail(1, StoreFault::error(Code::Unavailable));
  const auto first = rig.store.list_first();
  REQUIRE(first.has_value());
  CHECK(first->objects.size() == 2);
  CHECK(!first->are_all);
  CHECK(rig.bucket.count(StoreOperation::List) == 2);
}

TEST_CASE("a removal of many objects that broke off is repeated until all are gone") {
  Rig rig;
  for (const std::string key : {"a", "b", "c", "d"}) rig.bucket.set(key, as_bytes("x"));
  rig.bucket.faults().fail(2, StoreFault::error(Code::Unavailable));
  CHECK(rig.store.remove_many({"a", "b", "c"}).has_value());
  CHECK(rig.bucket.keys() == std::vector<std::string>{"d"});
  CHECK(rig.bucket.count(StoreOperation::Remove) == 2 + 3);
  CHECK(rig.store.remove_many({}).has_value());
  CHECK(rig.bucket.count(StoreOperation::Remove) == 5);
}

TEST_CASE("a read that broke off continues after the last byte it gave") {
  struct Row {
    ByteRange range;
    std::string expected;
    std::vector<ByteRange> asked;
  };
  const Row rows[] = {
      {{0, 0}, "0123456789", {{0, 0}, {5, 0}, {7, 0}}},
      {{2, 6}, "234567", {{2, 6}, {5, 3}, {6, 2}}},
  };
  for (const Row& row : rows) {
    Rig rig;
    rig.bucket.set("k", as_bytes("0123456789"));
    rig.bucket.faults().fail_next(2, StoreFault::truncated());
    const auto got = rig.get("k", row.range);
    REQUIRE(got.has_value());
    CHECK(*got == row.expected);
    std::vector<StoreCall> expected;
    for (const ByteRange range : row.asked) expected.push_back({StoreOperation::Get, "k", range});
    CHECK(rig.bucket.calls() == expected);
  }
}

TEST_CASE("an error of the caller's sink or body is not retried, whatever its code") {
  Rig rig;
  rig.bucket.set("k", as_bytes("0123456789"));
  const auto got = rig.store.get(
      "k", {}, [](ByteSpan) -> Result<void> { return fail(Code::Unavailable, "disk full"); });
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().text == "disk full");
  const auto put = rig.store.put(
      "new",
      [](const WriteFn& sink) -> Result<void> {
        TRY(sink(as_bytes("half")));
        return fail(Code::Unavailable, "the snapshot ended");
      },
      kCreateOnly);
  REQUIRE_FALSE(put.has_value());
  CHECK(put.error().text == "the snapshot ended");
  CHECK(rig.bucket.calls().size() == 2);
  CHECK(rig.lines.empty());

  // The store's failure inside the body is the store's.
  rig.bucket.faults().fail_next(2, StoreFault::truncated());
  CHECK(rig.put("new", "whole").has_value());
  CHECK(as_text(*rig.bucket.bytes_of("new")) == "whole");
}

TEST_CASE("a body that can be sent once is sent once, and its outage is reported") {
  Rig rig;
  const PutOptions once{.repeat = Repeat::Once};
  rig.bucket.faults().fail_next(2, StoreFault::error(Code::Unavailable));
  for (int i = 0; i < 2; ++i) {
    const auto put = rig.store.put("k", body_of(as_bytes("x")), once);
    REQUIRE_FALSE(put.has_value());
    CHECK(put.error().code == Code::Unavailable);
    CHECK(put.error().text == "injected fault");
  }
  CHECK(rig.bucket.count(StoreOperation::Put) == 2);
  CHECK(rig.sleeps.empty());
  CHECK(rig.outages == std::vector<std::string>{"injected fault"});
  CHECK(rig.store.put("k", body_of(as_bytes("x")), once).has_value());
  CHECK(rig.outages.size() == 2);
}

TEST_CASE("a stop ends a retry within a tenth of a second with the last error") {
  Rig rig;
  rig.bucket.faults().fail_all(StoreFault::error(Code::Unavailable));
  MonoTime told{};
  rig.on_sleep = [&] {
    if (rig.slept() < 60s || !rig.budget.go_on) return;
    rig.budget.go_on = false;
    told = rig.clock.mono();
  };
  const auto done = rig.put("k", "x");
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Code::Cancelled);
  CHECK(done.error().text.find("injected fault") != std::string::npos);
  CHECK(rig.clock.mono() - told <= RetryingStore::kLook);
}

TEST_CASE("in a hurry the retries are short and end at the deadline") {
  Rig rig;
  const MonoTime start = rig.clock.mono();
  rig.bucket.faults().fail_all(StoreFault::error(Code::Unavailable));
  rig.budget = {.deadline = start + 10s, .hurry = true};
  const auto done = rig.put("k", "x");
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Code::Deadline);
  CHECK(done.error().text.find("injected fault") != std::string::npos);
  CHECK(rig.clock.mono() - start == 10s);
  CHECK(rig.bucket.count(StoreOperation::Put) >= 20);
}

TEST_CASE("a hurry that begins during a long wait ends the wait") {
  Rig rig;
  rig.bucket.faults().fail_next(20, StoreFault::error(Code::Unavailable));
  MonoTime stop{};
  int tries_at_stop = 0;
  MonoTime next_try{};
  rig.on_sleep = [&] {
    if (rig.bucket.count(StoreOperation::Put) != 20 || rig.budget.deadline) return;
    stop = rig.clock.mono();
    tries_at_stop = rig.bucket.count(StoreOperation::Put);
    rig.budget = {.deadline = stop + 5s, .hurry = true};
  };
  rig.bucket.on_call = [&](const StoreCall&) {
    if (tries_at_stop != 0 && next_try == MonoTime{}) next_try = rig.clock.mono();
  };
  CHECK(rig.put("k", "x").has_value());
  CHECK(rig.bucket.count(StoreOperation::Put) == 21);
  CHECK(next_try == stop);
}

TEST_CASE("after the deadline one try is still made") {
  Rig rig;
  rig.budget.deadline = rig.clock.mono() - 1s;
  CHECK(rig.put("k", "x").has_value());
  rig.bucket.faults().fail_all(StoreFault::error(Code::Unavailable));
  CHECK(rig.store.head("k").error().code == Code::Deadline);
  CHECK(rig.bucket.count(StoreOperation::Head) == 1);
  CHECK(rig.sleeps.empty());
}

TEST_CASE("an outage is logged when it starts, every 30 s, and when it ends") {
  Rig rig;
  rig.bucket.faults().fail_all(StoreFault::error(Code::Unavailable));
  const MonoTime start = rig.clock.mono();
  rig.on_sleep = [&] {
    if (rig.clock.mono() - start >= 100s) rig.bucket.faults().fail_all(std::nullopt);
  };
  CHECK(rig.put("k", "x").has_value());
  CHECK(rig.lines_with("msg=\"store does not answer\"") == 1);
  // No try is further than ten seconds from the next one.
  const int continued = rig.lines_with("msg=\"store still does not answer\"");
  CHECK(continued >= 2);
  CHECK(continued <= 3);
  CHECK(rig.lines_with("msg=\"store answers again\"") == 1);
  REQUIRE(rig.lines.size() == static_cast<std::size_t>(2 + continued));
  CHECK(rig.lines[0].find("operation=put") != std::string::npos);
  CHECK(rig.lines[0].find("key=k") != std::string::npos);
  CHECK(rig.lines[0].find("level=warn") != std::string::npos);
  CHECK(rig.lines.back().find("level=info") != std::string::npos);
  CHECK(rig.lines.back().find("failures=") != std::string::npos);

  // One episode over several operations.
  rig.lines.clear();
  rig.budget.deadline = rig.clock.mono();
  rig.bucket.faults().fail_next(3, StoreFault::error(Code::Unavailable));
  for (int i = 0; i < 3; ++i) CHECK(rig.store.head("k").error().code == Code::Deadline);
  CHECK(rig.store.head("k").has_value());
  CHECK(rig.lines_with("msg=\"store does not answer\"") == 1);
  CHECK(rig.lines_with("failures=3") == 1);
  CHECK(rig.lines.size() == 2);
}

TEST_CASE("a store's Retry-After is respected unless time is short") {
  struct Row {
    std::string_view name;
    std::chrono::milliseconds asked;
    CallBudget budget;
    std::chrono::milliseconds least;
    std::chrono::milliseconds most;
    std::optional<Code> error;
  };
  const MonoTime start = ManualClock().mono();
  const Row rows[] = {
      {"nothing asked", 0ms, {}, 0ms, 100ms, {}},
      {"asked for a while", 7s, {}, 7s, 7s + 100ms, {}},
      {"asked for a day", 24h, {}, 60s, 60s + 100ms, {}},
      {"asked for the past", -5s, {}, 0ms, 100ms, {}},
      {"in a hurry", 7s, {.hurry = true}, 500ms, 500ms, {}},
      {"in a hurry, with time", 7s, {.deadline = start + 9s, .hurry = true}, 500ms, 500ms, {}},
      {"a deadline far away", 7s, {.deadline = start + 90s}, 7s, 7s + 100ms, {}},
      {"a deadline before it", 7s, {.deadline = start + 3s}, 3s, 3s, Code::Deadline},
      {"told to stop", 7s, {.go_on = false}, 0ms, 0ms, Code::Cancelled},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Rig rig;
    rig.budget = row.budget;
    rig.bucket.faults().fail_next(1, {.kind = StoreFault::Kind::Error, .retry_after = row.asked});
    const auto put = rig.put("k", "x");
    CHECK(rig.slept() >= row.least);
    CHECK(rig.slept() <= row.most);
    CHECK(put.has_value() == !row.error.has_value());
    if (row.error && !put) CHECK(put.error().code == *row.error);
  }
}

TEST_CASE("the caller is notified once when an outage begins and once when it ends") {
  Rig rig;
  CHECK(rig.put("before", "x").has_value());
  CHECK(rig.outages.empty());
  rig.bucket.faults().fail_next(5, StoreFault::error(Code::Unavailable));
  CHECK(rig.put("k", "x").has_value());
  CHECK(rig.outages == std::vector<std::string>{"injected fault", ""});
}

TEST_CASE("the first retries are made soon") {
  Rig rig;
  rig.bucket.faults().fail_next(3, StoreFault::error(Code::Unavailable));
  CHECK(rig.put("k", "x").has_value());
  CHECK(rig.slept() > 0ms);
  CHECK(rig.slept() <= 100ms + 200ms + 400ms);
}

TEST_CASE("an object reported as stored is stored after any one fault") {
  int runs = 0;
  for_each_fault([&](FaultPlan& faults) {
    ++runs;
    Rig rig(faults);
    FakeStore other(rig.bucket);  // another thread's, on the same bucket
    for (const std::string key : {"a", "b", "c"}) {
      const auto done = rig.put(key, "bytes of " + key);
      const auto there = rig.bucket.bytes_of(key);
      if (done || done.error().code == Code::Exists) {
        REQUIRE(there.has_value());
        CHECK(as_text(*there) == "bytes of " + key);
      } else {
        CHECK(done.error().code == Code::Denied);
        CHECK_FALSE(there.has_value());
      }
    }
    const auto listed = other.list("", "");
    if (listed) CHECK(listed->size() <= rig.bucket.keys().size());
  });
  CHECK(runs > 5 * 4);
}
