// What the end of an attempt means to the caller. Pure: the whole table in one place.
//
// The important question is whether the request may have been carried out. Before there is a
// connection with TLS, nothing was sent: certainly not. After that it may have been carried out,
// and only a complete answer proves it.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/http/transport.hpp"

namespace walwrap::http {

struct Ending {
  CURLcode code = CURLE_OK;
  bool was_sent = false;    // there was a connection, and sending had begun
  bool has_answer = false;  // a byte of an answer has arrived
};

// Whether to repeat a request at once if the connection of an earlier request ended before an
// answer. A write may have been carried out, so its caller decides.
bool may_be_sent_again(Method method);

// For a failed attempt.
Code code_of(const Ending& ending);

// More information for people. None of it contains the query or a header.
struct Circumstances {
  std::string_view host;    // with its port
  std::string_view detail;  // libcurl's text, used if TLS failed
  int os_errno = 0;
  long verify_result = 0;  // X509_V_...; X509_V_OK: the certificate is valid, but for another host
  bool has_roots = true;   // there were CA certificates to verify with
  Bytes body_bytes = 0;    // of the answer, so far
  std::chrono::milliseconds connect_limit{};
  std::chrono::milliseconds limit{};
};
Error error_of(const Ending& ending, const Circumstances& circumstances);

}  // namespace walwrap::http
