// libcurl as a Transport.
//
// One easy handle, kept for its connections; one thread. Create it after the last fork (Law 2), in
// a process that executes no other program, because libcurl's descriptors would be inherited.
//
// HTTP/1.1, or HTTP/2 if it is requested and the server offers it over TLS. With HTTP/2, libcurl
// 7.88 loses an answer that comes before the body was sent (a store's "denied" or "slow down":
// Unknown), and spins while the server's window is closed.
//
// TLS 1.2 or later. OpenSSL verifies it with the system's certificates, those of SSL_CERT_FILE and
// SSL_CERT_DIR, or those of `ca_file` alone. The proxy comes from the environment (https_proxy,
// no_proxy, ...), except for link-local addresses. A request ends early if it connects for too
// long, transfers less than a kilobyte a second for too long, or takes longer than its own limit
// (Law 5). A GET or HEAD on a dead connection of an earlier request is repeated once at once.
// Everything else is repeated by the caller.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"

namespace walwrap::http {

enum class Version { Http1, Http2 };

struct ClientOptions {
  Version version = Version::Http1;
  std::string ca_file = {};      // PEM; "": the system's certificates
  std::string unix_socket = {};  // connect to it instead of the URL's host; "": do not
  std::chrono::milliseconds connect_limit{5'000};
  std::chrono::milliseconds stalled_limit{20'000};  // below kStalledBytes a second for this long
  // How long an idle connection is reused. Servers close theirs after some time.
  std::chrono::seconds idle_limit{30};
  // How long a name's address is used before the next look-up: the address of a name may change
  // when a store is repaired. If a look-up fails, the last working address is tried.
  std::chrono::seconds address_limit{30};
  // Called at least every 100 ms during a request. True ends it as Cancelled. None: never.
  std::function<bool()> cancelled = {};
};

inline constexpr long kStalledBytes = 1'000;

// Errors: Invalid (the CA file cannot be read), Unavailable (libcurl cannot be initialized).
Result<std::unique_ptr<Transport>> make_client(const ClientOptions& options);

}  // namespace walwrap::http
