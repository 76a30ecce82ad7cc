#include "walwrap/storage/s3/s3_upload.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/s3_rig.hpp"
#include "tests/support/text.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::storage;
using testing::has;
using testing::S3Fault;
using testing::S3Rig;

namespace {

constexpr Bytes kPart = S3Upload::kPartBytes;
const PutOptions kCreateOnly{.mode = PutMode::CreateOnly, .timestamp = std::nullopt};
const PutOptions kReplaceIt{.mode = PutMode::Replace, .timestamp = std::nullopt};

std::string text_of(Bytes size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1'664'525 + 1'013'904'223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

// In pieces that fit no part.
Body in_pieces(std::string_view text, std::size_t piece = 1'000'003) {
  return [text, piece](const WriteFn& sink) -> Result<void> {
    for (std::size_t at = 0; at < text.size(); at += piece) {
      TRY(sink(as_bytes(text.substr(at, piece))));
    }
    return {};
  };
}

int count(const S3Rig& rig, std::string_view start, std::string_view part) {
  int found = 0;
  for (const auto& call : rig.server.calls()) {
    if (call.what.starts_with(start) && has(call.what, part)) ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("a body within one part is one PUT, a larger one a multipart upload of equal parts") {
  struct Row {
    Bytes size;
    int parts;  // 0: one PUT
  };
  const Row rows[] = {{0, 0},         {1, 0},         {kPart, 0},
                      {kPart + 1, 2}, {2 * kPart, 2}, {3 * kPart - 1, 3}};
  for (const Row& row : rows) {
    CAPTURE(row.size);
    S3Rig rig;
    const auto store = rig.open();
    const std::string text = text_of(row.size);
    const auto done = store->put("k", in_pieces(text), kCreateOnly);
    REQUIRE_MESSAGE(done.has_value(), done.error().text);
    CHECK((rig.server.bytes_of("app/db/k") == text));
    CHECK(count(rig, "PUT", "partNumber") == row.parts);
    CHECK(rig.server.calls().size() ==
          static_cast<std::size_t>(row.parts == 0 ? 1 : row.parts + 3));
    CHECK(rig.server.unfinished_uploads() == 0);
  }
}

TEST_CASE("a multipart upload sends the same metadata as a PUT") {
  S3Rig rig;
  const auto store = rig.open();
  const WallTime time{1'767'225'601'250ms};
  const std::string text = text_of(kPart + 7);
  REQUIRE(store->put("k", in_pieces(text), {.mode = PutMode::CreateOnly, .timestamp = time}));
  auto calls = rig.server.calls();
  REQUIRE(calls.size() == 5);
  CHECK(calls[0].what == "POST /app/db/k?uploads=");
  CHECK(calls[0].headers.at("x-amz-meta-litestream-timestamp") == "2026-01-01T00:00:01.250Z");
  // Parts are sent side by side.
  if (calls[1].body < calls[2].body) std::swap(calls[1], calls[2]);
  CHECK(calls[1].what == "PUT /app/db/k?partNumber=1&uploadId=id/1=");
  CHECK(calls[1].body == kPart);
  CHECK(calls[1].headers.contains("content-md5"));
  CHECK(calls[2].what == "PUT /app/db/k?partNumber=2&uploadId=id/1=");
  CHECK(calls[2].body == 7);
  CHECK(calls[3].what == "GET /app/db/k");
  CHECK(calls[4].what == "POST /app/db/k?uploadId=id/1=");
  CHECK(calls[4].headers.at("if-none-match") == "*");
  CHECK(store->head("k")->modified == time);
}

TEST_CASE("a replacing upload does not check for an existing object") {
  S3Rig rig;
  const auto store = rig.open();
  rig.server.set("app/db/k", "old");
  const std::string text = text_of(kPart + 7);
  REQUIRE(store->put("k", in_pieces(text), kReplaceIt));
  CHECK((rig.server.bytes_of("app/db/k") == text));
  CHECK(rig.server.count("GET") == 0);
  CHECK_FALSE(rig.server.calls().back().headers.contains("if-none-match"));
}

TEST_CASE("a multipart upload never overwrites, even if completion ignores the condition") {
  for (const bool ignores : {false, true}) {
    CAPTURE(ignores);
    S3Rig rig;
    rig.server.ignores_completion_condition = ignores;
    rig.server.set("app/db/k", "other's");
    const auto store = rig.open();
    const std::string text = text_of(kPart + 7);
    const auto done = store->put("k", in_pieces(text), kCreateOnly);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == Code::Exists);
    CHECK(rig.server.bytes_of("app/db/k") == "other's");
    CHECK(rig.server.unfinished_uploads() == 0);
  }
  // Somebody is quicker between the look and the completion.
  S3Rig rig;
  const auto store = rig.open();
  rig.server.fault = [&](const testing::S3Call& call, int) -> std::optional<S3Fault> {
    if (call.what != "POST /app/db/k?uploadId=id/1=") return std::nullopt;
    return S3Fault::error(412, "PreconditionFailed");
  };
  const std::string text = text_of(kPart + 7);
  CHECK(store->put("k", in_pieces(text), kCreateOnly).error().code == Code::Exists);
  CHECK(rig.server.unfinished_uploads() == 0);
}

TEST_CASE("a store without conditions gets a check before each create-only put") {
  S3Rig rig;
  rig.server.refuses_conditions = true;
  const auto store = rig.open();
  const std::string large = text_of(kPart + 1);
  REQUIRE(store->put("small", in_pieces("x"), kCreateOnly).has_value());
  REQUIRE(store->put("large", in_pieces(large), kCreateOnly).has_value());
  REQUIRE(store->put("other", in_pieces("x"), kCreateOnly).has_value());
  CHECK(rig.server.bytes_of("app/db/small") == "x");
  CHECK((rig.server.bytes_of("app/db/large") == large));
  // It is asked for the condition once.
  CHECK(rig.server.count("PUT /app/db/small") == 2);
  CHECK(rig.server.count("PUT /app/db/other") == 1);
  CHECK(rig.server.count("POST /app/db/large?uploadId") == 1);
  CHECK(rig.has_line("does not support create-only writes"));
  CHECK(rig.lines.size() == 1);
  CHECK(store->put("small", in_pieces("y"), kCreateOnly).error().code == Code::Exists);
  CHECK(store->put("large", in_pieces(large), kCreateOnly).error().code == Code::Exists);
  // What may not be looked at is not overwritten on a guess.
  rig.fail_next(9, "GET", S3Fault::error(403, "AccessDenied"));
  CHECK(store->put("new", in_pieces("y"), kCreateOnly).error().code == Code::Denied);
  CHECK_FALSE(rig.server.bytes_of("app/db/new").has_value());

  // A completion may be the first to be refused.
  rig.server.fault = nullptr;
  rig.server.erase("app/db/large");
  const auto fresh = rig.open();
  REQUIRE(fresh->put("large", in_pieces(large), kCreateOnly).has_value());
  CHECK((rig.server.bytes_of("app/db/large") == large));
}

TEST_CASE("parts are sent in parallel while the body is read, with two buffers") {
  S3Rig rig;
  std::mutex mutex;
  std::condition_variable changed;
  int under_way = 0;
  int most = 0;
  std::set<const std::byte*> buffers;
  class Watching : public testing::FakeS3Transport {
   public:
    Watching(testing::FakeS3& server, std::function<void(const http::Request&)> before,
             std::function<void()> after)
        : FakeS3Transport(server), before_(std::move(before)), after_(std::move(after)) {}
    Result<http::Response> perform(const http::Request& request) override {
      const bool is_part = has(request.url, "partNumber");
      if (is_part) before_(request);
      auto answer = FakeS3Transport::perform(request);
      if (is_part) after_();
      return answer;
    }

   private:
    std::function<void(const http::Request&)> before_;
    std::function<void()> after_;
  };
  rig.transport = [&]() -> std::unique_ptr<http::Transport> {
    return std::make_unique<Watching>(
        rig.server,
        [&](const http::Request& request) {
          std::unique_lock lock(mutex);
          buffers.insert(request.body.data());
          most = std::max(most, ++under_way);
          changed.notify_all();
          // The first one waits for company, which comes only if the body goes on meanwhile.
          changed.wait_for(lock, 20s, [&] { return most == 2; });
        },
        [&] {
          const std::lock_guard lock(mutex);
          --under_way;
        });
  };
  const auto store = rig.open();
  const std::string text = text_of(9 * kPart + 5);
  REQUIRE(store->put("k", in_pieces(text), kCreateOnly).has_value());
  CHECK((rig.server.bytes_of("app/db/k") == text));
  CHECK(most == 2);
  CHECK(buffers.size() == 2);
}

TEST_CASE("only a failed part is sent again") {
  const S3Fault faults[] = {S3Fault::unreachable(), S3Fault::lost_reply(),
                            S3Fault::error(500, "InternalError"), S3Fault::error(503, "SlowDown"),
                            S3Fault::error(400, "RequestTimeout")};
  for (const S3Fault& fault : faults) {
    S3Rig rig;
    const auto store = rig.open();
    rig.fail_next(3, "PUT /app/db/k?partNumber=2&", fault);
    const std::string text = text_of(3 * kPart);
    REQUIRE(store->put("k", in_pieces(text), kCreateOnly).has_value());
    CHECK((rig.server.bytes_of("app/db/k") == text));
    CHECK(rig.server.count("PUT /app/db/k?partNumber=1&") == 1);
    CHECK(rig.server.count("PUT /app/db/k?partNumber=2&") == 4);
    CHECK(rig.server.count("PUT /app/db/k?partNumber=3&") == 1);
    CHECK(rig.pauses == std::vector(std::begin(S3Upload::kPauses), std::end(S3Upload::kPauses)));
  }
}

TEST_CASE("a store's requested delay is respected within limits") {
  S3Rig rig;
  const auto store = rig.open();
  rig.fail_next(2, "PUT", S3Fault::error(503, "SlowDown", "", {{"retry-after", "30"}}));
  const std::string text = text_of(kPart + 1);
  REQUIRE(store->put("k", in_pieces(text), kCreateOnly).has_value());
  for (const auto pause : rig.pauses) CHECK(pause == S3Upload::kLongestPause);
}

TEST_CASE("a failed multipart upload is aborted and its parts are removed") {
  struct Row {
    const char* name;
    const char* what;
    S3Fault fault;
    Code code;
    int tries;
  };
  constexpr int kTries = 1 + static_cast<int>(S3Upload::kPauses.size());
  const char* const kSecond = "PUT /app/db/k?partNumber=2&";
  const Row rows[] = {
      {"unreachable", kSecond, S3Fault::unreachable(), Code::Unavailable, kTries},
      {"throttled", kSecond, S3Fault::error(503, "SlowDown"), Code::Unavailable, kTries},
      {"denied", kSecond, S3Fault::error(403, "AccessDenied"), Code::Denied, 1},
      {"no S3", kSecond, {S3Fault::Kind::Answer, {.status = 200}}, Code::Unknown, kTries},
      {"look denied goes on, completion denied", "POST /app/db/k?uploadId",
       S3Fault::error(403, "AccessDenied"), Code::Denied, 1},
      {"completion unanswered", "POST /app/db/k?uploadId", S3Fault::unreachable(),
       Code::Unavailable, kTries},
      {"error in a 200", "POST /app/db/k?uploadId", S3Fault::inside_200("InternalError"),
       Code::Unknown, kTries},
      {"look unanswered", "GET", S3Fault::unreachable(), Code::Unavailable, kTries},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    S3Rig rig;
    const auto store = rig.open();
    rig.fail_next(99, row.what, row.fault);
    const std::string text = text_of(2 * kPart);
    const auto done = store->put("k", in_pieces(text), kCreateOnly);
    REQUIRE_FALSE(done.has_value());
    CAPTURE(done.error().text);
    if (row.code != Code::Unknown) CHECK(done.error().code == row.code);
    if (row.code == Code::Unknown) {
      CHECK((done.error().code == Code::Unknown || done.error().code == Code::Unavailable));
    }
    CHECK(rig.server.count(row.what) == row.tries);
    CHECK(rig.server.unfinished_uploads() == 0);
    CHECK_FALSE(rig.server.bytes_of("app/db/k").has_value());
  }
}

TEST_CASE("a body that fails half-way leaves no parts") {
  S3Rig rig;
  const auto store = rig.open();
  const std::string text = text_of(2 * kPart);
  const auto done = store->put(
      "k",
      [&](const WriteFn& sink) -> Result<void> {
        TRY(in_pieces(text)(sink));
        return fail(Code::Mismatch, "the snapshot ended");
      },
      kCreateOnly);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().text == "the snapshot ended");
  CHECK(rig.server.unfinished_uploads() == 0);
  CHECK(rig.server.count("DELETE") == 1);
}

TEST_CASE("parts that cannot be removed are reported") {
  S3Rig rig;
  const auto store = rig.open();
  rig.server.fault = [](const testing::S3Call& call, int) -> std::optional<S3Fault> {
    if (call.what.starts_with("DELETE")) return S3Fault::error(403, "AccessDenied");
    if (call.what.starts_with("PUT")) return S3Fault::error(403, "AccessDenied");
    return std::nullopt;
  };
  const std::string text = text_of(2 * kPart);
  CHECK(store->put("k", in_pieces(text), kCreateOnly).error().code == Code::Denied);
  CHECK(rig.has_line("lifecycle rule"));
}

TEST_CASE("a multipart upload that cannot be started sends no parts") {
  S3Rig rig;
  const auto store = rig.open();
  rig.fail_next(9, "POST", S3Fault::error(503, "SlowDown"));
  const std::string text = text_of(2 * kPart);
  CHECK(store->put("k", in_pieces(text), kCreateOnly).error().code == Code::Unavailable);
  CHECK(rig.server.calls().size() == 1);
  S3Fault page{S3Fault::Kind::Answer, {.status = 200}};
  rig.fail_next(1, "POST", page);
  CHECK(store->put("k", in_pieces(text), kCreateOnly).error().code == Code::Unknown);
}

TEST_CASE("a completion whose answer was lost is repeated and found as done") {
  for (const auto& options : {kCreateOnly, kReplaceIt}) {
    S3Rig rig;
    const auto store = rig.open();
    rig.fail_next(1, "POST /app/db/k?uploadId", S3Fault::lost_reply());
    const std::string text = text_of(2 * kPart);
    const auto done = store->put("k", in_pieces(text), options);
    CHECK((rig.server.bytes_of("app/db/k") == text));
    CHECK(rig.server.count("POST /app/db/k?uploadId") == 2);
    // Whose object it is, whoever asked for create-only settles by its contents.
    if (options.mode == PutMode::CreateOnly) {
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().code == Code::Exists);
    } else {
      CHECK(done.has_value());
    }
  }
}

TEST_CASE("the caller's retry restarts a multipart upload that was removed") {
  S3Rig rig;
  const auto store = rig.open();
  rig.fail_next(1, "POST /app/db/k?uploadId", S3Fault::error(404, "NoSuchUpload"));
  const std::string text = text_of(2 * kPart);
  const auto done = store->put("k", in_pieces(text), kReplaceIt);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Code::Unknown);
  CHECK(has(done.error().text, "no longer exists"));
  // Another object of another size is not taken for ours.
  rig.server.set("app/db/k", "short");
  rig.fail_next(1, "POST /app/db/k?uploadId", S3Fault::error(404, "NoSuchUpload"));
  CHECK(store->put("k", in_pieces(text), kReplaceIt).error().code == Code::Unknown);
}

TEST_CASE("expired credentials and a clock jump during an upload are corrected") {
  S3Rig rig;
  rig.server.owner.token = "new";
  rig.set_variable("AWS_SESSION_TOKEN", "old");
  const auto store = rig.open();
  rig.server.owner.token = "old";
  rig.server.fault = [&](const testing::S3Call& call, int) -> std::optional<S3Fault> {
    if (has(call.what, "partNumber=2&")) {
      rig.server.owner.token = "new";
      rig.set_variable("AWS_SESSION_TOKEN", "new");
    }
    return std::nullopt;
  };
  const std::string text = text_of(3 * kPart);
  const auto done = store->put("k", in_pieces(text), kCreateOnly);
  REQUIRE_MESSAGE(done.has_value(), done.error().text);
  CHECK((rig.server.bytes_of("app/db/k") == text));
  rig.server.fault = nullptr;

  const WallTime right = rig.clock.wall();
  rig.server.now = [=] { return right; };
  rig.clock.set_wall(right + 5h);
  const auto other = store->put("other", in_pieces(text), kCreateOnly);
  REQUIRE_MESSAGE(other.has_value(), other.error().text);
}
