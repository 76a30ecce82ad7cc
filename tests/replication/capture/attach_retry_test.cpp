#include "walwrap/replication/capture/attach_retry.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonoTime kFirstTry{std::chrono::hours(1)};
constexpr milliseconds kIdle{2000};

TEST_CASE("a file that cannot be attached is tried less and less often, down to every 5 s") {
  AttachRetry retry;
  MonoTime now = kFirstTry;
  int tries = 0;
  while (now < kFirstTry + seconds(29)) {
    retry.on_failure(os::FileStamp{.size = 7}, now);
    CHECK_FALSE(retry.is_due(now));
    CHECK(retry.next() - now <= seconds(5));
    now = retry.next();
    ++tries;
  }
  CHECK(tries < 15);
}

TEST_CASE("an event causes a new try only if the file was replaced or written") {
  AttachRetry retry;
  const os::FileStamp garbage{.id = {1, 1}, .size = 7, .written = seconds(5)};
  for (int i = 0; i < 8; ++i) retry.on_failure(garbage, kFirstTry);
  CHECK_FALSE(retry.on_news(garbage, kFirstTry));
  CHECK_FALSE(retry.is_due(kFirstTry + seconds(1)));
  CHECK(retry.on_news(os::FileStamp{.id = {1, 1}, .size = 7, .written = seconds(6)}, kFirstTry));
  CHECK(retry.is_due(kFirstTry));
  retry.on_failure(garbage, kFirstTry);
  CHECK(retry.is_due(kFirstTry + milliseconds(100)));
}

TEST_CASE("a path without a database is logged once, after ten seconds") {
  AttachRetry retry;
  CHECK_FALSE(retry.on_absent(kFirstTry, kIdle));
  CHECK_FALSE(retry.is_due(kFirstTry + milliseconds(1)));
  CHECK_FALSE(retry.on_news(std::nullopt, kFirstTry));
  CHECK(retry.is_due(kFirstTry));
  CHECK_FALSE(retry.on_absent(kFirstTry + seconds(9), kIdle));
  CHECK(retry.on_absent(kFirstTry + seconds(10), kIdle));
  CHECK_FALSE(retry.on_absent(kFirstTry + seconds(20), kIdle));
  retry.on_attached();
  CHECK_FALSE(retry.on_absent(kFirstTry + seconds(30), kIdle));
  CHECK(retry.on_absent(kFirstTry + seconds(40), kIdle));
}

TEST_CASE("a stop tries at once and waits briefly between two tries") {
  AttachRetry retry;
  for (int i = 0; i < 8; ++i) retry.on_failure(std::nullopt, kFirstTry);
  CHECK_FALSE(retry.is_due(kFirstTry + seconds(1)));
  CHECK(retry.on_finishing(kFirstTry));
  CHECK(retry.is_due(kFirstTry));
  retry.on_failure(std::nullopt, kFirstTry);
  CHECK_FALSE(retry.on_finishing(kFirstTry));
  CHECK_FALSE(retry.is_due(kFirstTry));
  CHECK(retry.is_due(kFirstTry + milliseconds(100)));
  retry.on_detached(kFirstTry, milliseconds(20));
  CHECK(retry.is_due(kFirstTry));
}

TEST_CASE("at the end a database that cannot be attached within a second is given up") {
  AttachRetry retry;
  for (int i = 0; i < 30; ++i) retry.on_failure(std::nullopt, kFirstTry);
  CHECK_FALSE(retry.has_no_hope());
  CHECK(retry.on_finishing(kFirstTry));
  MonoTime now = kFirstTry;
  for (; !retry.has_no_hope(); now = retry.next()) retry.on_failure(std::nullopt, now);
  CHECK(now - kFirstTry <= seconds(2));
  CHECK(now - kFirstTry >= milliseconds(900));
}

TEST_CASE("a locked database is tried again soon, an overwritten one after a moment") {
  AttachRetry retry;
  retry.on_busy(kFirstTry);
  CHECK_FALSE(retry.is_due(kFirstTry));
  CHECK(retry.is_due(kFirstTry + milliseconds(100)));
  retry.on_detached(kFirstTry, milliseconds(20));
  CHECK_FALSE(retry.is_due(kFirstTry));
  CHECK(retry.is_due(kFirstTry + milliseconds(20)));
}

}  // namespace
}  // namespace walwrap::replication
