#include "walwrap/cli/ask_command.hpp"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>

#include "walwrap/base/exit_code.hpp"
#include "walwrap/cli/status_view.hpp"
#include "walwrap/daemon/api.hpp"
#include "walwrap/daemon/wiring.hpp"
#include "walwrap/http/client.hpp"
#include "walwrap/http/uri.hpp"

namespace walwrap::cli {
namespace {

using std::chrono::milliseconds;

// For an answer beyond what the server itself was told to wait.
constexpr milliseconds kAnswerTime{5'000};
constexpr milliseconds kWatchEvery{1'000};
constexpr milliseconds kCancelLook{100};
constexpr milliseconds kListingEvery{60'000};
constexpr std::string_view kHomeAndClear = "\x1b[H\x1b[2J";

// What was typed, what walwrap told the app, or what the configuration of a run leads to.
Result<std::string> find_socket(const AskArguments& arguments,
                                const config::Environment& environment) {
  if (!arguments.socket.empty()) return daemon::absolute_path(arguments.socket).native();
  const auto told = environment.find("WALWRAP_SOCKET");
  if (told != environment.end() && !told->second.empty())
    return daemon::absolute_path(told->second).native();
  const auto config = TRY(daemon::load_config({}, environment));
  const auto socket = daemon::api_socket(config);
  if (!socket.empty()) return socket.native();
  if (!arguments.database.empty()) return daemon::api_socket_of(arguments.database).native();
  return fail(Code::Invalid,
              "which walwrap? set WALWRAP_DB as for the run, or give --db FILE or --socket FILE");
}

std::string path_of(const AskArguments& arguments) {
  std::string query;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name,
                         http::percent_encode(value, http::Slash::Encode));
  };
  if (arguments.question == Question::Status) return "/v1/status";
  if (!arguments.database.empty()) add("db", daemon::database_path(arguments.database).native());
  add("timeout", format_duration(arguments.timeout));
  add("position", arguments.position);
  return fmt::format("/v1/{}{}", format_question(arguments.question), query);
}

// Of problem details; "" of anything else.
std::string detail_of(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto text = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string()
               ? json[key].get<std::string>()
               : std::string();
  };
  return fmt::format("{}: {}", text("title"), text("detail"));
}

class Asking {
 public:
  Asking(const AskArguments& arguments, const AskSurroundings& surroundings,
         std::unique_ptr<http::Transport> client, std::string socket)
      : arguments_(arguments),
        around_(surroundings),
        client_(std::move(client)),
        socket_(std::move(socket)) {}

  int once() {
    const auto response = client_->perform(
        {.method = arguments_.question == Question::Status ? http::Method::Get : http::Method::Post,
         .url = "http://localhost" + path_of(arguments_),
         .limit = arguments_.timeout + kAnswerTime});
    if (!response) {
      around_.complain(fmt::format(
          "walwrap: nobody answers at {}: {}; is walwrap running here, and as this user?\n",
          socket_, response.error().text));
      return kExitUnreachable;
    }
    const auto body = as_text(response->body);
    if (response->status != 200) return refused(response->status, body);
    if (arguments_.json) {
      around_.say(body);
      return 0;
    }
    return arguments_.question == Question::Status ? show_status(body) : show_stored(body);
  }

  int watch() {
    MonoTime next_listing{};
    while (true) {
      if (around_.clock.mono() >= next_listing) {
        learn_points();
        next_listing = around_.clock.mono() + kListingEvery;
      }
      if (around_.full_screen) around_.say(kHomeAndClear);
      if (const int code = once(); code != 0) return code;
      const MonoTime next = around_.clock.mono() + kWatchEvery;
      while (around_.clock.mono() < next) {
        if (around_.cancelled()) return 0;
        os::pause_for(kCancelLook);
      }
    }
  }

 private:
  // From then on the status knows what can be restored to. Without it, it is less complete.
  void learn_points() {
    ignore(client_->perform({.url = "http://localhost/v1/points", .limit = kAnswerTime}),
           "what is wrong is among what the status says");
  }

  int refused(int status, std::string_view body) {
    if (arguments_.json) around_.say(body);
    around_.complain(fmt::format("walwrap: {}\n", detail_of(body)));
    const bool is_asked_wrong = status == 400 || status == 404;
    return is_asked_wrong ? kExitUsage : kExitNotSo;
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

  int show_stored(std::string_view body) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    const auto txid = json.is_object() ? json.value("txid", "") : "";
    around_.say(fmt::format("stored, txid {}\n", txid));
    return 0;
  }

  const AskArguments& arguments_;
  const AskSurroundings& around_;
  std::unique_ptr<http::Transport> client_;
  std::string socket_;
};

}  // namespace

int ask(const AskArguments& arguments, const AskSurroundings& surroundings) {
  auto socket = find_socket(arguments, surroundings.environment);
  if (!socket) {
    surroundings.complain(fmt::format("walwrap: {}\n", socket.error().text));
    return kExitUsage;
  }
  http::ClientOptions options;
  options.unix_socket = *socket;
  options.stalled_limit = arguments.timeout + kAnswerTime;
  options.cancelled = surroundings.cancelled;
  auto client = http::make_client(options);
  if (!client) {
    surroundings.complain(fmt::format("walwrap: {}\n", client.error().text));
    return kExitUnreachable;
  }
  Asking asking(arguments, surroundings, *std::move(client), *std::move(socket));
  return arguments.watch ? asking.watch() : asking.once();
}

}  // namespace walwrap::cli
