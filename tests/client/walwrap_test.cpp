#include "walwrap.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "tests/support/api_rig.hpp"
#include "tests/support/unix_server.hpp"

namespace {

using walwrap::testing::ApiRig;
using walwrap::testing::json_answer;
using walwrap::testing::TempDir;
using walwrap::testing::UnixServer;
namespace os = walwrap::os;

constexpr const char* kTxid0 = "0000000000000000";

struct Said {
  int code = -1;
  std::string text;
  std::string error;
};

class Handle {
 public:
  explicit Handle(const os::Path& socket) {
    REQUIRE(walwrap_open(socket.c_str(), &handle_, nullptr) == WALWRAP_OK);
  }
  ~Handle() { walwrap_close(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  operator walwrap_handle*() const { return handle_; }  // NOLINT(google-explicit-constructor)

 private:
  walwrap_handle* handle_ = nullptr;
};

template <typename Call>
Said said(Call call) {
  char never_read = 'x';
  char* text = &never_read;
  char* error = &never_read;
  Said said;
  said.code = call(&text, &error);
  if (text != nullptr) said.text = text;
  if (error != nullptr) said.error = error;
  CHECK((said.code == WALWRAP_OK) == said.error.empty());
  walwrap_free(text);
  walwrap_free(error);
  return said;
}

Said wait(walwrap_handle* handle, int ms, const char* position = nullptr,
          const char* database = nullptr) {
  return said([&](char** text, char** error) {
    return walwrap_wait(handle, database, position, ms, text, error);
  });
}

Said position(walwrap_handle* handle, int ms) {
  return said([&](char** text, char** error) {
    return walwrap_position(handle, nullptr, ms, text, error);
  });
}

Said request(walwrap_handle* handle, const char* method, const char* target) {
  return said([&](char** text, char** error) {
    return walwrap_request(handle, method, target, 1'000, text, error);
  });
}

// What a capture thread does, `looks` times: looks when it is asked to.
os::Thread capturing(ApiRig& rig, std::uint64_t looks, std::uint64_t stored) {
  return os::Thread(
      "capture",
      [&rig, looks, stored] {
        for (std::uint64_t i = 1; i <= looks && rig.is_asked(i); ++i) rig.look(5, stored);
      },
      [](std::string_view) {});
}

TEST_CASE("without WALWRAP_SOCKET a program gets one clear error") {
  ::unsetenv("WALWRAP_SOCKET");
  walwrap_handle* handle = nullptr;
  char* error = nullptr;
  CHECK(walwrap_open(nullptr, &handle, &error) == WALWRAP_NO_WALWRAP);
  CHECK(handle == nullptr);
  CHECK(std::string(error) == "no walwrap is running here: WALWRAP_SOCKET is not set");
  walwrap_free(error);
  ::setenv("WALWRAP_SOCKET", "/nowhere/api.sock", 1);
  CHECK(walwrap_open(nullptr, &handle, nullptr) == WALWRAP_OK);
  CHECK(wait(handle, 1'000).error == "no answer at /nowhere/api.sock: No such file or directory");
  walwrap_close(handle);
  ::unsetenv("WALWRAP_SOCKET");
}

TEST_CASE("a wait returns stored and the TXID that holds the commits") {
  ApiRig rig;
  const Handle handle(rig.path);
  const auto capture = capturing(rig, 1, 5);
  const auto stored = wait(handle, 10'000);
  CHECK(stored.code == WALWRAP_OK);
  CHECK(stored.text == kTxid0);
}

TEST_CASE("a wait that times out returns that the commits are not stored") {
  ApiRig rig;
  const Handle handle(rig.path);
  const auto capture = capturing(rig, 1, 4);
  const auto late = wait(handle, 50);
  CHECK(late.code == WALWRAP_NOT_STORED);
  CHECK(late.error.starts_with("Not stored in time: "));
  CHECK(late.text.empty());
}

TEST_CASE("a position is returned at once and can be waited for later") {
  ApiRig rig;
  const Handle handle(rig.path);
  const auto capture = capturing(rig, 1, 4);
  const auto found = position(handle, 10'000);
  REQUIRE(found.code == WALWRAP_OK);
  CHECK(wait(handle, 0, found.text.c_str()).code == WALWRAP_NOT_STORED);
  rig.progress.stored = 5;
  rig.sync_requests->publish(rig.progress);
  CHECK(wait(handle, 10'000, found.text.c_str()).code == WALWRAP_OK);
  CHECK(wait(handle, 0, found.text.c_str()).code == WALWRAP_OK);
  CHECK(wait(handle, 10, "now").code == WALWRAP_MISUSE);
  rig.progress.committed.file = {99};
  rig.sync_requests->publish(rig.progress);
  CHECK(wait(handle, 10'000, found.text.c_str()).code == WALWRAP_POSITION_UNKNOWN);
}

TEST_CASE("flush and status ask the same walwrap") {
  ApiRig rig;
  const Handle handle(rig.path);
  const auto capture = capturing(rig, 1, 5);
  const auto flushed = said([&](char** text, char** error) {
    return walwrap_flush(handle, "app.db", 10'000, text, error);
  });
  CHECK(flushed.code == WALWRAP_OK);
  CHECK(flushed.text == kTxid0);
  const auto status =
      said([&](char** text, char** error) { return walwrap_status(handle, text, error); });
  CHECK(status.code == WALWRAP_OK);
  CHECK(status.text.starts_with("{\"version\":\"test\""));
  const auto late = said([&](char** text, char** error) {
    return walwrap_snapshot(handle, nullptr, 30, text, error);
  });
  CHECK(late.code == WALWRAP_NOT_STORED);
}

TEST_CASE("output parameters may be null") {
  ApiRig rig;
  const Handle handle(rig.path);
  const auto capture = capturing(rig, 1, 5);
  CHECK(walwrap_wait(handle, nullptr, nullptr, 10'000, nullptr, nullptr) == WALWRAP_OK);
  CHECK(walwrap_wait(handle, nullptr, nullptr, -1, nullptr, nullptr) == WALWRAP_MISUSE);
  CHECK(walwrap_status(handle, nullptr, nullptr) == WALWRAP_OK);
  walwrap_close(nullptr);
  walwrap_free(nullptr);
}

TEST_CASE("a wrong argument is refused with a message that names it") {
  ApiRig rig;
  const Handle handle(rig.path);
  CHECK(wait(handle, -1).error ==
        "-1 ms is not a time to wait; give 0 to 600000 ms, which is 10 minutes");
  CHECK(wait(handle, 600'001).code == WALWRAP_MISUSE);
  CHECK(wait(nullptr, 5).code == WALWRAP_MISUSE);
  CHECK(wait(handle, 5, nullptr, "other.db").code == WALWRAP_WHICH_DATABASE);
  CHECK(wait(handle, 5, nullptr, std::string(100'000, 'x').c_str()).code == WALWRAP_MISUSE);
  walwrap_handle* none = nullptr;
  CHECK(walwrap_open("", &none, nullptr) == WALWRAP_MISUSE);
  CHECK(walwrap_open(std::string(108, 'x').c_str(), &none, nullptr) == WALWRAP_MISUSE);
  CHECK(walwrap_open("x", nullptr, nullptr) == WALWRAP_MISUSE);
  CHECK(none == nullptr);
}

TEST_CASE("a request returns the body of the answer, whatever its status") {
  ApiRig rig;
  const Handle handle(rig.path);
  const auto metrics = request(handle, "GET", "/metrics");
  CHECK(metrics.code == WALWRAP_OK);
  CHECK(metrics.text.find("walwrap_") != std::string::npos);
  const auto absent = request(handle, "GET", "/v2/status");
  CHECK(absent.code == WALWRAP_MISUSE);
  CHECK(absent.text.find("/problems/not-found") != std::string::npos);
  CHECK(request(handle, "GET", "/a b").code == WALWRAP_MISUSE);
  CHECK(request(handle, nullptr, nullptr).code == WALWRAP_MISUSE);
}

TEST_CASE("only an answer with stored=true counts as stored") {
  const struct {
    std::string answer;
    int code;
  } rows[] = {
      {json_answer(R"({"stored":true,"txid":"00000000000000a1"})"), WALWRAP_OK},
      {json_answer(R"({"stored":false,"txid":"00000000000000a1"})"), WALWRAP_PROTOCOL},
      {json_answer(R"({"txid":"00000000000000a1"})"), WALWRAP_PROTOCOL},
      {json_answer(R"({"stored":true})"), WALWRAP_PROTOCOL},
      {json_answer(R"({"stored":"true","txid":"00000000000000a1"})"), WALWRAP_PROTOCOL},
      {json_answer(R"({"inner":{"stored":true},"txid":"00000000000000a1"})"), WALWRAP_PROTOCOL},
      {json_answer(R"({"stored":true,"txid":"00000000000000a1")"), WALWRAP_PROTOCOL},
      {json_answer(""), WALWRAP_PROTOCOL},
      {json_answer("<html>"), WALWRAP_PROTOCOL},
      {json_answer(R"({"stored":true,"txid":"a"})", "201 Created"), WALWRAP_PROTOCOL},
      {json_answer(R"({"stored":true,"txid":"a"})", "503 No"), WALWRAP_PROTOCOL},
      {json_answer(R"({"type":"/problems/stopping","title":"a","detail":"b"})", "503 No"),
       WALWRAP_STOPPING},
      {"HTTP/1.1 200 OK\r\n\r\n{\"stored\":true,\"txid\":\"a\"}", WALWRAP_PROTOCOL},
      {"garbage", WALWRAP_PROTOCOL},
  };
  for (const auto& row : rows) {
    CAPTURE(row.answer);
    const TempDir directory;
    const UnixServer server(directory / "s", {walwrap::testing::answers(row.answer)});
    const Handle handle(directory / "s");
    CHECK(wait(handle, 5'000).code == row.code);
  }
}

TEST_CASE("several threads and a forked child can use one handle") {
  ApiRig rig;
  const Handle handle(rig.path);
  rig.look(5, 5);
  const auto found = [&] {
    const auto capture = capturing(rig, 1, 5);
    return position(handle, 10'000).text;
  }();
  std::atomic<int> stored{0};
  {
    std::vector<os::Thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back(
          "app",
          [&] {
            for (int j = 0; j < 20; ++j) {
              stored += walwrap_wait(handle, nullptr, found.c_str(), 10'000, nullptr, nullptr) ==
                        WALWRAP_OK;
            }
          },
          [](std::string_view) {});
    }
    for (auto& thread : threads) thread.join();
  }
  CHECK(stored == 160);
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(walwrap_wait(handle, nullptr, found.c_str(), 10'000, nullptr, nullptr));
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a progress handler ends a wait") {
  ApiRig rig;
  const Handle handle(rig.path);
  int asked = 0;
  walwrap_progress_handler(
      handle, [](void* count) { return ++*static_cast<int*>(count) == 3 ? 1 : 0; }, &asked);
  const auto ended = wait(handle, 60'000);
  CHECK(ended.code == WALWRAP_INTERRUPTED);
  CHECK(ended.error == "interrupted");
}

TEST_CASE("every code has its own text, and the versions agree") {
  std::set<std::string> texts;
  for (int code = WALWRAP_OK; code <= WALWRAP_NOMEM; ++code) texts.insert(walwrap_errstr(code));
  CHECK(texts.size() == WALWRAP_NOMEM + 1);
  CHECK(std::string(walwrap_errstr(-1)) == "unknown result code");
  CHECK(std::string(walwrap_libversion()) == WALWRAP_VERSION);
  CHECK(walwrap_libversion_number() == WALWRAP_VERSION_NUMBER);
}

}  // namespace
