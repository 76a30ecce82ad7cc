// What the end of an attempt means to the caller. Pure: the whole table in one place.
//
// The question that matters is whether the request may have been carried out. Until there is a
// connection, with its TLS, nothing of it has left: surely not. From then on it may have been,
// however little came back, and only a whole answer says more.
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
  bool was_sent = false;    // there was a connection, and the request began to leave
  bool has_answer = false;  // a byte of an answer has come
};

// Whether a request is sent once more at once where its connection, one that an earlier request had
// left, ended before an answer. A write may have been carried out: that is for the caller to
// settle.
bool may_be_sent_again(Method method);

// Of an attempt that failed.
Code code_of(const Ending& ending);

// What a person needs to know besides; none of it holds the query or a header.
struct Circumstances {
  std::string_view host;    // with its port
  std::string_view detail;  // libcurl's words, used where TLS failed
  int os_errno = 0;
  long verify_result = 0;  // X509_V_...; X509_V_OK: of itself it is good, but another host's
  bool has_roots = true;   // some certificate was there to verify against
  Bytes body_bytes = 0;    // of the answer, so far
  std::chrono::milliseconds connect_limit{};
  std::chrono::milliseconds limit{};
};
Error error_of(const Ending& ending, const Circumstances& circumstances);

}  // namespace walwrap::http
