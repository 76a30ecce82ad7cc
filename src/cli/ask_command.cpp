#include "walwrap/cli/ask_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "walwrap.h"
#include "walwrap/base/exit_code.hpp"
#include "walwrap/cli/status_view.hpp"
#include "walwrap/daemon/api.hpp"
#include "walwrap/daemon/wiring.hpp"
#include "walwrap/http/uri.hpp"

namespace walwrap::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWatchEvery{1'000};
constexpr milliseconds kCancelLook{100};
constexpr milliseconds kListingEvery{60'000};
constexpr int kPointsMs = 5'000;
constexpr std::string_view kHomeAndClear = "\x1b[H\x1b[2J";

// The socket from the arguments, the app's environment, or the configuration of a run.
Result<std::string> find_socket(const AskArguments& arguments,
                                const config::Environment& environment) {
  if (!arguments.socket.empty()) return daemon::absolute_path(arguments.socket).native();
  const auto told = environment.find("WALWRAP_SOCKET");
  if (told != environment.end() && !told->second.empty()) {
    return daemon::absolute_path(told->second).native();
  }
  const auto config = TRY(daemon::load_config({}, environment));
  const auto socket = daemon::api_socket(config);
  if (!socket.empty()) return socket.native();
  if (!arguments.database.empty()) return daemon::api_socket_of(arguments.database).native();
  return fail(
      Code::Invalid,
      "no socket to connect to; set WALWRAP_DB as for the run, or give --db FILE or --socket FILE");
}

// The request whose answer --json prints.
std::string target_of(const AskArguments& arguments, const std::string& database) {
  if (arguments.question == Question::Status) return "/v1/status";
  std::string target = fmt::format("/v1/{}?timeout={}", format_question(arguments.question),
                                   format_duration(arguments.timeout));
  const auto add = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    target += fmt::format("&{}={}", name, http::percent_encode(value, http::Slash::Encode));
  };
  add("db", database);
  add("position", arguments.position);
  return target;
}

struct TextReleaser {
  void operator()(char* text) const { walwrap_free(text); }
};
using ClientText = std::unique_ptr<char, TextReleaser>;

struct HandleCloser {
  void operator()(walwrap_handle* handle) const { walwrap_close(handle); }
};
using Handle = std::unique_ptr<walwrap_handle, HandleCloser>;

struct Answered {
  int code = WALWRAP_OK;
  ClientText text;   // the request
  ClientText error;  // why there is no answer

  std::string_view answer() const { return text ? text.get() : ""; }
  std::string_view reason() const { return error ? error.get() : walwrap_errstr(code); }
};

// Calls a function of libwalwrap that ends with its two output parameters.
template <typename Call>
Answered answered(Call call) {
  char* text = nullptr;
  char* error = nullptr;
  const int code = call(&text, &error);
  return {.code = code, .text = ClientText(text), .error = ClientText(error)};
}

int is_cancelled(void* surroundings) {
  return static_cast<const AskSurroundings*>(surroundings)->cancelled() ? 1 : 0;
}

class Asking {
 public:
  Asking(const AskArguments& arguments, const AskSurroundings& surroundings, Handle handle)
      : arguments_(arguments),
        around_(surroundings),
        handle_(std::move(handle)),
        database_(arguments.database.empty() ? ""
                                             : daemon::database_path(arguments.database).native()) {
  }

  int once() {
    const auto got = arguments_.json ? ask_for_json() : ask_for_text();
    if (arguments_.json) around_.say(got.answer());
    if (got.code != WALWRAP_OK) return refused(got);
    if (arguments_.json) return 0;
    if (arguments_.question == Question::Status) return show_status(got.answer());
    around_.say(fmt::format("stored, txid {}\n", got.answer()));
    return 0;
  }

  int watch() {
    MonoTime next_listing{};
    while (true) {
      if (around_.clock.mono() >= next_listing) {
        learn_points();
        next_listing = around_.clock.mono() + kListingEvery;
      }
      if (around_.full_screen) around_.say(kHomeAndClear);
      if (const int code = once(); code != 0) return around_.cancelled() ? 0 : code;
      const MonoTime next = around_.clock.mono() + kWatchEvery;
      while (around_.clock.mono() < next) {
        if (around_.cancelled()) return 0;
        os::pause_for(kCancelLook);
      }
    }
  }

 private:
  // After this the status includes the restore points. If it fails, the status is less complete and
  // says what is wrong.
  void learn_points() {
    answered([&](char** text, char** error) {
      return walwrap_request(handle_.get(), "GET", "/v1/points?timeout=5s", kPointsMs, text, error);
    });
  }

  Answered ask_for_json() {
    const auto target = target_of(arguments_, database_);
    const bool is_status = arguments_.question == Question::Status;
    return answered([&](char** text, char** error) {
      return walwrap_request(handle_.get(), is_status ? "GET" : "POST", target.c_str(),
                             timeout_ms(), text, error);
    });
  }

  Answered ask_for_text() {
    const char* const database = database_.empty() ? nullptr : database_.c_str();
    const char* const position =
        arguments_.position.empty() ? nullptr : arguments_.position.c_str();
    return answered([&](char** text, char** error) {
      switch (arguments_.question) {
        case Question::Status:
          return walwrap_status(handle_.get(), text, error);
        case Question::Wait:
          return walwrap_wait(handle_.get(), database, position, timeout_ms(), text, error);
        case Question::Flush:
          return walwrap_flush(handle_.get(), database, timeout_ms(), text, error);
        case Question::Snapshot:
          return walwrap_snapshot(handle_.get(), database, timeout_ms(), text, error);
      }
      return WALWRAP_MISUSE;
    });
  }

  // The library also refuses a text that is too long, and says so.
  int timeout_ms() const {
    constexpr milliseconds kMost{std::numeric_limits<int>::max()};
    return static_cast<int>(std::min(arguments_.timeout, kMost).count());
  }

  int refused(const Answered& got) {
    const bool is_absent = got.code == WALWRAP_UNREACHABLE || got.code == WALWRAP_DENIED;
    if (got.code != WALWRAP_INTERRUPTED) {
      around_.complain(
          fmt::format("walwrap: {}{}\n", got.reason(),
                      is_absent ? "; check that walwrap runs here, and as this user" : ""));
    }
    switch (got.code) {
      case WALWRAP_UNREACHABLE:
      case WALWRAP_DENIED:
      case WALWRAP_PROTOCOL:
      case WALWRAP_NOMEM:
        return kExitUnreachable;
      case WALWRAP_MISUSE:
      case WALWRAP_WHICH_DATABASE:
        return kExitUsage;
      default:
        return kExitNotSo;
    }
  }

  int show_status(std::string_view body) {
    const auto view = view_status(body, around_.clock.wall());
    if (!view) {
      around_.complain(fmt::format("walwrap: {}\n", view.error().text));
      return kExitUnreachable;
    }
    if (!arguments_.check) around_.say(view->text);
    if (!arguments_.check || view->healthy) return 0;
    around_.complain(fmt::format("walwrap: {}\n", view->reason));
    return kExitNotSo;
  }

  const AskArguments& arguments_;
  const AskSurroundings& around_;
  Handle handle_;
  std::string database_;
};

}  // namespace

int ask(const AskArguments& arguments, const AskSurroundings& surroundings) {
  auto socket = find_socket(arguments, surroundings.environment);
  if (!socket) {
    surroundings.complain(fmt::format("walwrap: {}\n", socket.error().text));
    return kExitUsage;
  }
  walwrap_handle* opened = nullptr;
  const auto open = answered(
      [&](char** /*text*/, char** error) { return walwrap_open(socket->c_str(), &opened, error); });
  if (open.code != WALWRAP_OK) {
    surroundings.complain(fmt::format("walwrap: {}\n", open.reason()));
    return kExitUnreachable;
  }
  Handle handle(opened);
  auto around = surroundings;  // the handler's context is not const
  walwrap_progress_handler(opened, is_cancelled, &around);
  Asking asking(arguments, around, std::move(handle));
  return arguments.watch ? asking.watch() : asking.once();
}

}  // namespace walwrap::cli
