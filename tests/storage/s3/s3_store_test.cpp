#include "walwrap/storage/s3/s3_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/support/s3_rig.hpp"
#include "tests/support/text.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::storage;
using testing::asked;
using testing::get_text;
using testing::has;
using testing::keys;
using testing::S3Fault;
using testing::S3Rig;

namespace {

const PutOptions kCreate{.mode = PutMode::CreateOnly, .timestamp = std::nullopt};
const PutOptions kReplace{.mode = PutMode::Replace, .timestamp = std::nullopt};

Result<void> put(S3Store& store, const std::string& key, const std::string& text,
                 const PutOptions& options = kCreate) {
  return store.put(key, body_of(as_bytes(text)), options);
}

}  // namespace

TEST_CASE("opening an S3 store sends no request") {
  S3Rig rig;
  const auto store = rig.open();
  CHECK(rig.server.calls().empty());
  CHECK(store->describe() == "s3://bucket/app/db?endpoint=http://127.0.0.1:9000");
}

TEST_CASE("an S3 object is read, listed and removed under its key below the prefix") {
  S3Rig rig;
  const auto store = rig.open();
  const std::string odd = "walwrap/a b+c=d%&\"<é>~";
  REQUIRE(put(*store, "0000/a", "hello world").has_value());
  REQUIRE(put(*store, odd, "{}").has_value());
  CHECK(rig.server.keys() == std::vector<std::string>{"app/db/0000/a", "app/db/" + odd});
  CHECK(get_text(*store, "0000/a").value() == "hello world");
  CHECK(store->head("0000/a")->size == 11);
  CHECK(keys(*store, "") == "0000/a " + odd);
  CHECK(store->remove("0000/a").has_value());
  CHECK(store->remove("0000/a").has_value());  // of an absent object: fine
  CHECK(store->remove(odd).has_value());
  CHECK(rig.server.keys().empty());
  CHECK(keys(*store, "").empty());
}

TEST_CASE("a small put is one request, create-only, with both hashes and the timestamp") {
  S3Rig rig;
  const auto store = rig.open();
  const WallTime time{1'767'225'601'250ms};
  REQUIRE(put(*store, "0000/a", "x", {.mode = PutMode::CreateOnly, .timestamp = time}));
  REQUIRE(put(*store, "0000/a", "y", kReplace));
  const auto calls = rig.server.calls();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].what == "PUT /app/db/0000/a");
  CHECK(calls[0].headers.at("if-none-match") == "*");
  CHECK(calls[0].headers.at("content-md5") == md5_base64(as_bytes("x")));
  CHECK(calls[0].headers.at("x-amz-content-sha256") == sha256_hex(as_bytes("x")));
  CHECK(calls[0].headers.at("x-amz-meta-litestream-timestamp") == "2026-01-01T00:00:01.250Z");
  CHECK_FALSE(calls[1].headers.contains("if-none-match"));
  CHECK_FALSE(calls[1].headers.contains("x-amz-meta-litestream-timestamp"));
}

TEST_CASE("a create-only put never overwrites an object in S3, and a replacing put does") {
  S3Rig rig;
  const auto store = rig.open();
  REQUIRE(put(*store, "k", "first").has_value());
  const auto second = put(*store, "k", "second");
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Code::Exists);
  CHECK(get_text(*store, "k").value() == "first");
  REQUIRE(put(*store, "k", "third", kReplace).has_value());
  CHECK(get_text(*store, "k").value() == "third");
}

TEST_CASE("a failing body is its caller's error, and nothing is sent") {
  S3Rig rig;
  const auto store = rig.open();
  const auto done = store->put(
      "k",
      [](const WriteFn& sink) -> Result<void> {
        TRY(sink(as_bytes("half")));
        return fail(Code::Mismatch, "the snapshot ended");
      },
      kCreate);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Code::Mismatch);
  CHECK(done.error().text == "the snapshot ended");
  CHECK(rig.server.calls().empty());
}

TEST_CASE("the error of a put says whether it may be repeated") {
  struct Row {
    const char* name;
    S3Fault fault;
    Code code;
  };
  const Row rows[] = {
      {"no connection", S3Fault::unreachable(), Code::Unavailable},
      {"lost reply", S3Fault::lost_reply(), Code::Unknown},
      {"slow down", S3Fault::error(503, "SlowDown"), Code::Unavailable},
      {"denied", S3Fault::error(403, "AccessDenied"), Code::Denied},
      {"the bucket does not exist", S3Fault::error(404, "NoSuchBucket"), Code::Denied},
      {"no S3: a page with 200", {S3Fault::Kind::Answer, {.status = 200}}, Code::Unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    S3Rig rig;
    const auto store = rig.open();
    rig.fail_next(9, "PUT", row.fault);
    const auto done = put(*store, "k", "x");
    REQUIRE_FALSE(done.has_value());
    CAPTURE(done.error().text);
    CHECK(done.error().code != Code::NotFound);
    CHECK(done.error().code != Code::Corrupt);
    if (row.code != Code::Denied) CHECK(done.error().code == row.code);
    CHECK(rig.server.count("PUT") == 1);
  }
}

TEST_CASE("a HEAD shows the time given with a put") {
  S3Rig rig;
  const auto store = rig.open();
  const WallTime time{1'700'000'000'123ms};
  REQUIRE(put(*store, "a", "x", {.mode = PutMode::CreateOnly, .timestamp = time}));
  REQUIRE(put(*store, "b", "x"));
  CHECK(store->head("a")->modified == time);
  CHECK(store->head("b")->modified == rig.clock.wall());
}

TEST_CASE("S3 range reads give exactly their bytes, and an object that is too short is corrupt") {
  for (const bool ignores_ranges : {false, true}) {
    CAPTURE(ignores_ranges);
    S3Rig rig;
    rig.server.ignores_ranges = ignores_ranges;
    const auto store = rig.open();
    REQUIRE(put(*store, "k", "0123456789"));
    REQUIRE(put(*store, "empty", ""));
    CHECK(get_text(*store, "k", {0, 0}).value() == "0123456789");
    CHECK(get_text(*store, "k", {3, 0}).value() == "3456789");
    CHECK(get_text(*store, "k", {3, 4}).value() == "3456");
    CHECK(get_text(*store, "k", {9, 1}).value() == "9");
    CHECK(get_text(*store, "k", {10, 0}).value().empty());
    CHECK(get_text(*store, "empty").value().empty());
    for (const ByteRange range : {ByteRange{0, 11}, {9, 2}, {10, 1}, {11, 0}}) {
      CAPTURE(range.offset);
      const auto short_of = get_text(*store, "k", range);
      REQUIRE_FALSE(short_of.has_value());
      CHECK(short_of.error().code == Code::Corrupt);
    }
    CHECK(get_text(*store, "empty", {0, 1}).error().code == Code::Corrupt);
    CHECK(get_text(*store, "none").error().code == Code::NotFound);
    CHECK(get_text(*store, "none", {3, 4}).error().code == Code::NotFound);
  }
}

TEST_CASE("an error of the sink for bytes from S3 is returned by get") {
  S3Rig rig;
  const auto store = rig.open();
  REQUIRE(put(*store, "k", "0123456789"));
  const auto stopped =
      store->get("k", {}, [](ByteSpan) -> Result<void> { return fail(Code::Cancelled, "enough"); });
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().code == Code::Cancelled);
  CHECK(stopped.error().text == "enough");
}

TEST_CASE("an answer that breaks off or is short may be repeated from where it ended") {
  struct Row {
    const char* name;
    S3Fault fault;
  };
  const Row rows[] = {{"breaks off", S3Fault::breaks_off()}, {"short", S3Fault::short_range()}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    S3Rig rig;
    const auto store = rig.open();
    REQUIRE(put(*store, "k", "0123456789"));
    rig.fail_next(1, "GET", row.fault);
    std::string text;
    const WriteFn sink = [&](ByteSpan bytes) -> Result<void> {
      text += as_text(bytes);
      return {};
    };
    const auto first = store->get("k", {1, 8}, sink);
    REQUIRE_FALSE(first.has_value());
    CHECK((first.error().code == Code::Unknown || first.error().code == Code::Unavailable));
    CHECK(text == "1234");
    REQUIRE(store->get("k", {5, 4}, sink).has_value());
    CHECK(text == "12345678");
    CHECK(rig.server.calls().back().headers.contains("if-match"));
  }
}

TEST_CASE("range reads never mix an object with its replacement") {
  for (const bool bare : {false, true}) {
    CAPTURE(bare);
    S3Rig rig;
    rig.server.takes_bare_etags_only = bare;
    const auto store = rig.open();
    rig.server.set("app/db/k", "0123456789");
    CHECK(get_text(*store, "k", {0, 5}).value() == "01234");
    CHECK(get_text(*store, "k", {5, 0}).value() == "56789");
    CHECK(get_text(*store, "k", {5, 2}).value() == "56");
    // Ceph's way is tried once, then known.
    CHECK(rig.server.count("GET") == (bare ? 4 : 3));
    rig.server.set("app/db/k", "abcdefghij");
    const auto mixed = get_text(*store, "k", {5, 0});
    REQUIRE_FALSE(mixed.has_value());
    CHECK(mixed.error().code == Code::NotFound);
    CHECK(has(mixed.error().text, "replaced"));
    // Whoever begins anew gets what is there now.
    CHECK(get_text(*store, "k", {5, 0}).value() == "fghij");
    rig.server.set("app/db/k", "ABCDEFGHIJ");
    CHECK(get_text(*store, "k", {0, 5}).value() == "ABCDE");
    CHECK(get_text(*store, "k", {5, 5}).value() == "FGHIJ");
    rig.server.set("app/db/k", "x");
    CHECK(get_text(*store, "k").value() == "x");
  }
}

TEST_CASE("ETags of a limited number of objects are remembered") {
  S3Rig rig;
  const auto store = rig.open();
  for (std::size_t i = 0; i < 2 * S3Store::kMostEtags; ++i) {
    const std::string key = "k" + std::to_string(i);
    rig.server.set("app/db/" + key, "0123456789");
    CHECK(get_text(*store, key, {0, 1}).value() == "0");
  }
  rig.server.forget_calls();
  CHECK(get_text(*store, "k0", {1, 1}).value() == "1");
  CHECK_FALSE(rig.server.calls().back().headers.contains("if-match"));
}

TEST_CASE("a HEAD that fails without a reason is followed by a GET for the reason") {
  S3Rig rig;
  const auto store = rig.open();
  const auto missing = store->head("k");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == Code::NotFound);
  CHECK(asked(rig) == std::vector<std::string>{"HEAD /app/db/k", "GET /app/db/k"});

  // The bucket has gone, which a HEAD cannot tell from a missing key.
  rig.server.bucket = "other";
  const auto gone = store->head("k");
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().code != Code::NotFound);
  rig.server.bucket = "bucket";

  // A clock that is off, too.
  rig.server.set("app/db/k", "0123456789");
  rig.clock.set_wall(rig.clock.wall() + 2h);
  const WallTime right = rig.clock.wall() - 2h;
  rig.server.now = [=] { return right; };
  const auto found = store->head("k");
  REQUIRE_MESSAGE(found.has_value(), found.error().text);
  CHECK(found->size == 10);
  CHECK(rig.has_line("clock differs"));

  // An outage needs no second question.
  rig.server.forget_calls();
  rig.fail_next(9, "HEAD", S3Fault::error(503, ""));
  CHECK(store->head("k").error().code == Code::Unavailable);
  CHECK(rig.server.calls().size() == 1);
}
