#include "walwrap/control/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "walwrap/base/host_name.hpp"
#include "walwrap/base/text.hpp"

namespace walwrap::control {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

// No platform waits longer for a request, and every wait has a limit (Law 5).
constexpr milliseconds kLongestTimeout{600'000};

struct Route {
  std::string_view path;
  std::string_view method;
  Endpoint endpoint;
  std::string_view parameters;  // "timeout position db"
};
constexpr std::array kRoutes = {
    Route{"/", "GET", Endpoint::Page, ""},
    Route{"/v1/status", "GET", Endpoint::Status, ""},
    Route{"/v1/position", "GET", Endpoint::Position, "db timeout"},
    Route{"/v1/wait", "POST", Endpoint::Wait, "db position timeout"},
    Route{"/v1/flush", "POST", Endpoint::Flush, "db timeout"},
    Route{"/v1/snapshot", "POST", Endpoint::Snapshot, "db timeout"},
    Route{"/v1/points", "GET", Endpoint::Points, "db timeout"},
    Route{"/metrics", "GET", Endpoint::Metrics, ""},
    Route{"/healthz", "GET", Endpoint::Healthz, ""},
    Route{"/readyz", "GET", Endpoint::Readyz, ""},
    Route{"/v1/handover", "POST", Endpoint::Handover, "ask-only command id take-over"},
};

Answer bad_parameter(std::string_view name, std::string_view value, std::string_view problem_text) {
  constexpr std::size_t kShown = 100;
  return problem(400, "bad-parameter", "A parameter is wrong",
                 fmt::format("{}={} {}", name, value.substr(0, kShown), problem_text));
}

// A page in a browser can send requests to this machine by the page's own host name (DNS
// rebinding).
bool is_named_as_this_machine(std::string_view host) {
  const auto parsed = parse_host_port(host);
  return parsed && is_loopback_host(parsed->host);
}

// A request that a browser sends for a page of another site. Without a token, or with a token that
// the browser remembers, it would be answered like the operator's own, so every path refuses it:
// even a GET lists the replica, which costs money. A link to the dashboard is allowed.
bool is_from_another_site(const Request& request) {
  const bool is_other_origin = !request.origin.empty() &&
                               request.origin != "http://" + request.host &&
                               request.origin != "https://" + request.host;
  if (is_other_origin) return true;
  const std::string_view site = request.fetch_site;
  if (site.empty() || site == "none" || site == "same-origin") return false;
  const bool follows_link = request.fetch_mode == "navigate" && request.fetch_dest == "document" &&
                            (request.method == "GET" || request.method == "HEAD") &&
                            request.path == "/";
  return !follows_link;
}

std::optional<Answer> refuse_access(const Request& request, const Access& access) {
  if (!request.over_network) return std::nullopt;
  if (is_from_another_site(request)) {
    return problem(403, "forbidden", "Forbidden origin",
                   "requests from pages of another origin are refused");
  }
  if (access.token.reveal().empty()) {
    if (is_named_as_this_machine(request.host)) return std::nullopt;
    return problem(403, "forbidden", "Forbidden origin",
                   "without a token the listener answers only requests whose Host is localhost, "
                   "an address of 127.0.0.0/8 or [::1]");
  }
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view given = request.authorization;
  if (given.starts_with(kBearer) &&
      is_equal_in_constant_time(given.substr(kBearer.size()), access.token.reveal())) {
    return std::nullopt;
  }
  if (is_equal_in_constant_time(request.password, access.token.reveal())) return std::nullopt;
  Answer answer = problem(401, "unauthorized", "A token is required",
                          "send the header Authorization: Bearer TOKEN with the token of "
                          "--listen-token; in a browser, enter it as the password");
  answer.headers["WWW-Authenticate"] = "Basic realm=\"walwrap\"";
  return answer;
}

// It ends the app.
std::optional<Answer> refuse_handover_access(const Request& request, const Access& access) {
  const bool is_operator = !request.over_network && request.user &&
                           (*request.user == 0 || request.user == access.operator_user);
  if (is_operator) return std::nullopt;
  return problem(403, "forbidden", "Not for this client",
                 "only root and walwrap's own user may ask for a hand-over, on the Unix socket");
}

std::variant<Call, Answer> parse_parameters(const Request& request, const Route& route) {
  Call call{.endpoint = route.endpoint, .database = {}};
  for (const auto& [name, value] : request.query) {
    if (name.empty() || !is_listed(route.parameters, ' ', name)) {
      return bad_parameter(
          name, value,
          route.parameters.empty()
              ? fmt::format("is unknown: {} takes no parameters", route.path)
              : fmt::format("is unknown: {} takes {}", route.path, route.parameters));
    }
    if (name == "db") call.database = value;
    if (name == "timeout") {
      const auto timeout = parse_duration(value);
      if (!timeout) return bad_parameter(name, value, "is not a duration; write one like 30s");
      if (*timeout > kLongestTimeout) return bad_parameter(name, value, "is longer than 10m");
      call.timeout = *timeout;
    }
    if (name == "position") {
      call.position = replication::parse_position(value);
      if (!call.position) {
        return bad_parameter(name, value, "is not a position; pass one from GET /v1/position");
      }
    }
    if (name == "command") call.newcomer.command.text = value;
    if (name == "id") {
      const auto id = parse_hex16(value);
      if (!id) return bad_parameter(name, value, "is not 16 hex digits");
      call.newcomer.command.id = *id;
    }
    if (name == "take-over" || name == "ask-only") {
      if (value != "true") return bad_parameter(name, value, "is not true");
      (name == "take-over" ? call.newcomer.takes_over : call.newcomer.asks_only) = true;
    }
  }
  return call;
}

}  // namespace

std::variant<Call, Answer> parse_call(const Request& request, const Access& access) {
  if (auto refused = refuse_access(request, access)) return *std::move(refused);
  const auto route = std::find_if(kRoutes.begin(), kRoutes.end(),
                                  [&](const Route& row) { return row.path == request.path; });
  if (route == kRoutes.end()) {
    return problem(404, "not-found", "Unknown path", "docs/api.md lists the paths");
  }
  const bool is_head = request.method == "HEAD" && route->method == "GET";
  if (request.method != route->method && !is_head) {
    Answer answer = problem(405, "method-not-allowed", "Method not allowed",
                            fmt::format("{} takes {}", route->path, route->method));
    answer.headers["Allow"] = route->method;
    return answer;
  }
  if (request.body_bytes > 0) {
    return problem(413, "body-not-wanted", "Request bodies are not allowed",
                   "put parameters into the query: /v1/wait?timeout=5s");
  }
  if (route->endpoint == Endpoint::Handover) {
    if (auto refused = refuse_handover_access(request, access)) return *std::move(refused);
  }
  return parse_parameters(request, *route);
}

Answer problem(int status, std::string_view slug, std::string_view title, std::string_view detail) {
  // The client's text may not be UTF-8, and a part of it is shown: invalid bytes are replaced.
  const Json body = {{"type", fmt::format("/problems/{}", slug)},
                     {"title", title},
                     {"status", status},
                     {"detail", detail}};
  return {.status = status,
          .content_type = "application/problem+json",
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Answer answer_wait(Endpoint endpoint, const Ended& ended, const replication::Progress& progress) {
  const auto position = ended.position ? replication::format_position(*ended.position) : "";
  switch (ended.how) {
    case Ended::How::Found: {
      const bool stored = ended.position && ended.position->commits <= progress.stored;
      const Json body = {{"position", position}, {"stored", stored}};
      return {.body = body.dump() + "\n"};
    }
    case Ended::How::Stored: {
      const Json body = {
          {"stored", true}, {"position", position}, {"txid", fmt::format("{}", progress.txid)}};
      return {.body = body.dump() + "\n"};
    }
    case Ended::How::SnapshotDone: {
      const auto& done = progress.snapshot;
      if (!done.error.empty()) {
        return problem(503, "not-stored", "The snapshot was not stored", done.error);
      }
      const Json body = {
          {"stored", true}, {"txid", fmt::format("{}", done.txid)}, {"bytes", done.bytes}};
      return {.body = body.dump() + "\n"};
    }
    case Ended::How::TimedOut:
      if (!progress.attached) {
        return problem(504, "no-database", "There is no database yet",
                       "no database appeared within the timeout");
      }
      if (endpoint == Endpoint::Snapshot) {
        return problem(504, "timed-out", "Not stored in time",
                       "the snapshot continues; GET /v1/points lists it once it is stored");
      }
      return problem(504, "timed-out", "Not stored in time",
                     endpoint == Endpoint::Position
                         ? "the WAL was not read within the timeout"
                         : "it may be stored later; wait again with the same position");
    case Ended::How::Replaced:
      return problem(409, "position-unknown", "The position belongs to another file or another run",
                     "walwrap no longer knows whether it was stored; request a new position");
    case Ended::How::Halted:
      return problem(503, "not-replicating", "Replication has stopped", progress.halted);
  }
  return problem(500, "bug", "A bug", "a wait ended without an answer");
}

bool is_equal_in_constant_time(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other));
  }
  return difference == 0;
}

}  // namespace walwrap::control
