// A request to the API, as bytes.
//
// Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "walwrap/client/text.hpp"

namespace walwrap::client {

// walwrap takes 8 KiB. More is refused there, with a reason.
inline constexpr std::size_t kMostRequestBytes = 32UL << 10;

enum class Repeat { Allowed, Never };  // after it was sent and the connection broke

struct Request {
  std::string_view method;  // GET or POST
  std::string_view target;  // a path, and a query where it has parameters
  std::chrono::milliseconds timeout{0};
  enum class Says { Timeout, Target } says = Says::Timeout;  // Timeout: as one more parameter
  Repeat repeat = Repeat::Allowed;
};

// Appends "db" and "position" to a path, if they are not empty.
struct Parameters {
  std::string_view database;
  std::string_view position;
};
void append_parameters(Text& target, const Parameters& parameters);

// Letters, digits and -._~ stay, all else becomes %XX.
void append_encoded(Text& out, std::string_view value);

// GET or POST, and a target of visible ASCII that begins with a slash.
bool is_well_formed(const Request& request);

// The head, which is the whole request. `left`: how long walwrap may take.
void format_request(const Request& request, std::chrono::milliseconds left, Text& out);

}  // namespace walwrap::client
