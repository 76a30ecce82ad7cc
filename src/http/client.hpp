// libcurl behind Transport.
//
// One easy handle, kept for its connections; one thread. Create it after the last fork (Law 2), in
// a process that executes no other program: libcurl's descriptors would be inherited.
//
// HTTP/1.1, or 2 where that is wanted and the server offers it over TLS. Over 2, libcurl 7.88 loses
// an answer that comes before the body has been sent (a store's "denied" or "slow down": Unknown),
// and spins while the server's window is closed.
//
// TLS, 1.2 or later, is verified by OpenSSL with the system's roots, those that SSL_CERT_FILE and
// SSL_CERT_DIR name, or those of `ca_file` alone. Proxies are those that the environment names
// (https_proxy, no_proxy, ...), but for link-local addresses. A request ends early where it
// connects for too long, moves less than a kilobyte a second for too long, or takes longer than its
// own limit (Law 5). A GET or HEAD that meets a dead connection of an earlier request is sent once
// more at once; anything else is for the caller to repeat.
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
  std::string ca_file = {};      // PEM; "": the system's roots
  std::string unix_socket = {};  // connect to it in place of the URL's host; "": do not
  std::chrono::milliseconds connect_limit{5'000};
  std::chrono::milliseconds stalled_limit{20'000};  // below kStalledBytes a second for so long
  // How long a connection may lie idle before it is not used again; servers close theirs.
  std::chrono::seconds idle_limit{30};
  // How long a name's address is used before it is looked up again: addresses change under a name
  // when a store mends itself. Where a look-up fails, the last address that worked is tried.
  std::chrono::seconds address_limit{30};
  // Asked at least every 100 ms while a request is under way; true ends it as Cancelled. None:
  // never.
  std::function<bool()> cancelled = {};
};

inline constexpr long kStalledBytes = 1'000;

// Errors: Invalid (the CA file cannot be read), Unavailable (libcurl cannot be initialized).
Result<std::unique_ptr<Transport>> make_client(const ClientOptions& options);

}  // namespace walwrap::http
