// One HTTP request, one answer: the seam behind which libcurl lies, and a fake in tests.
//
// A Transport belongs to one thread and keeps its connections between requests. Redirects are
// answers, never followed: they would carry a signature to another host. Header names are lower
// case on both ways.
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

// What is kept of a body in memory, unless a request says otherwise (Law 5): a listing of a
// thousand long keys is below a mebibyte.
inline constexpr Bytes kResponseLimit = 4ULL << 20;

struct Request {
  Method method = Method::Get;
  std::string url = {};  // encoded already; sent byte for byte
  std::vector<HeaderField> headers = {};
  ByteSpan body = {};  // borrowed; of a Put or Post, which always say its length
  // Given: the body of a 2xx answer goes here as it arrives and is not kept. An error of its own
  // ends the request and is what perform() returns.
  WriteFn sink = {};
  // Given: called once with the status and headers of a 2xx answer, before its first byte goes to
  // the sink, and for an empty body too. An error of its own ends the request, as the sink's does.
  std::function<Result<void>(const Response& head)> on_head = {};
  Bytes response_limit = kResponseLimit;
  std::chrono::milliseconds limit{30'000};  // of the whole exchange
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Every whole answer is a value, whatever its status. Error codes:
  //   Unavailable  the request was surely not carried out: no address, no connection, no TLS
  //   Unknown      sent, in part or whole, and no whole answer: it may have been carried out. Also
  //                a body that ended early: what the sink has taken so far counts
  //   Denied       the server's certificate does not verify; the text says what to do
  //   Corrupt      an answer larger than the request's limit, or no HTTP
  //   Cancelled    told to stop
  //   Invalid      the URL is none
  virtual Result<Response> perform(const Request& request) = 0;
};

}  // namespace walwrap::http
