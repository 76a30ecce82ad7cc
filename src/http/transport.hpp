// One HTTP request, one answer: the interface of libcurl, and of a fake in tests.
//
// A Transport belongs to one thread and keeps its connections between requests. Redirects are
// answers and never followed: they would carry a signature to another host. Header names are lower
// case in both directions.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/http/message.hpp"

namespace walwrap::http {

// How much of a body is kept in memory by default (Law 5): a listing of a thousand long keys is
// below a mebibyte.
inline constexpr Bytes kResponseLimit = 4ULL << 20;

struct Request {
  Method method = Method::Get;
  std::string url = {};  // encoded already; sent byte for byte
  std::vector<HeaderField> headers = {};
  ByteSpan body = {};  // borrowed; for Put or Post, which always have a length
  // If given, the body of a 2xx answer goes here as it arrives and is not kept. An error of the
  // sink ends the request, and perform() returns it.
  WriteFn sink = {};
  // If given, called once with the status and headers of a 2xx answer, before its first byte goes
  // to the sink, also for an empty body. An error ends the request, like the sink's.
  std::function<Result<void>(const Response& head)> on_head = {};
  Bytes response_limit = kResponseLimit;
  std::chrono::milliseconds limit{30'000};  // of the whole exchange
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Every complete answer is a value, whatever its status. Error codes:
  //   Unavailable  the request was surely not carried out: no address, no connection, no TLS
  //   Unknown      sent, in part or whole, and no whole answer: it may have been carried out. Also
  //                a body that ended early: what the sink has taken so far counts
  //   Denied       the server's certificate does not verify; the text says what to do
  //   Corrupt      an answer larger than the request's limit, or no HTTP
  //   Cancelled    stopped
  //   Invalid      the URL is none
  virtual Result<Response> perform(const Request& request) = 0;
};

}  // namespace walwrap::http
