// The requests over HTTP and their answers. Pure.
//
// JSON. Errors are problem details (RFC 9457), whose types docs/api.md lists. docs/openapi.json
// describes everything for programs, and a test compares it with the real answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/control/handover.hpp"
#include "walwrap/control/waits.hpp"
#include "walwrap/replication/sync_requests.hpp"

namespace walwrap::control {

struct Request {
  std::string method;
  std::string path;
  std::map<std::string, std::string, std::less<>> query;
  Bytes body_bytes = 0;
  std::string host;           // header; "": none
  std::string origin;         // header, of a page in a browser; "": none
  std::string fetch_site;     // Sec-Fetch-Site: header that only browsers set; "": none
  std::string fetch_mode;     // Sec-Fetch-Mode
  std::string fetch_dest;     // Sec-Fetch-Dest
  std::string authorization;  // header; "": none
  std::string password;       // of basic authentication; "": none
  bool over_network = false;  // over the TCP listener, not the Unix socket
  std::optional<std::uint32_t> user = {};  // of the process that connected to the Unix socket
};

enum class Endpoint {
  Page,
  Status,
  Position,
  Wait,
  Flush,
  Snapshot,
  Points,
  Metrics,
  Healthz,
  Readyz,
  Handover,
};

struct Call {
  Endpoint endpoint = Endpoint::Status;
  std::string database;  // as given; "": the only database
  std::optional<replication::CommitPosition> position = {};
  std::chrono::milliseconds timeout{30'000};
  Newcomer newcomer = {};  // of Handover
};

struct Answer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers = {};  // in addition to those of every answer
};

// What a TCP client must present. Without a token the listener is for this machine, and a browser's
// page cannot get in with a host name that resolves to it.
struct Access {
  Secret<std::string> token;  // "": no token is required
  // Who may end the app, besides root: only walwrap's own user.
  std::optional<std::uint32_t> operator_user = {};
};

std::variant<Call, Answer> parse_call(const Request& request, const Access& access);

// {"type": "/problems/<slug>", "title": …, "status": …, "detail": …}
Answer problem(int status, std::string_view slug, std::string_view title, std::string_view detail);
Answer answer_wait(Endpoint endpoint, const Ended& ended, const replication::Progress& progress);

// The time does not depend on the length of a common beginning.
bool is_equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace walwrap::control
