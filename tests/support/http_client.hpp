// A client that a test can rely on having.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "walwrap/http/client.hpp"

namespace walwrap::testing {

inline std::unique_ptr<http::Transport> new_client(const http::ClientOptions& options = {}) {
  auto client = http::make_client(options);
  REQUIRE(client.has_value());
  return *std::move(client);
}

}  // namespace walwrap::testing
