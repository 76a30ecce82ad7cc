// Whatever a client asks, it is a call or an answer that is valid JSON; whatever a server answers,
// a status view of it is made or refused.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "walwrap/cli/status_view.hpp"
#include "walwrap/control/protocol.hpp"
#include "walwrap/os/listen_socket.hpp"

namespace {

// The next line of the input.
std::string take_line(std::string& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  text.erase(0, std::min(end + 1, text.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  const auto address = walwrap::os::parse_tcp_address(text);
  if (address.has_value() && address->host.empty()) std::abort();
  const auto view = walwrap::cli::view_status(text, {});
  if (view.has_value() && view->text.empty()) std::abort();
  walwrap::control::Request request;
  request.method = take_line(text);
  request.path = take_line(text);
  request.host = take_line(text);
  request.over_network = !request.host.empty();
  while (!text.empty()) {
    auto name = take_line(text);
    request.query.insert_or_assign(std::move(name), take_line(text));
  }
  const auto parsed = walwrap::control::parse_call(request, {});
  if (const auto* answer = std::get_if<walwrap::control::Answer>(&parsed)) {
    if (!nlohmann::json::accept(answer->body) || answer->status < 400) std::abort();
  } else if (const auto& call = std::get<walwrap::control::Call>(parsed); call.position) {
    const auto again = walwrap::replication::format_position(*call.position);
    if (walwrap::replication::parse_position(again) != call.position) std::abort();
  }
  return 0;
}
