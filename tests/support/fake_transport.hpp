// A Transport without a network: answers by method and URL, or by a function; requests are kept.
//
// For code that talks to a few fixed addresses. A server with a memory is fake_s3.hpp.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "walwrap/http/transport.hpp"

namespace walwrap::testing {

// What was sent, copied: the body of a request is borrowed.
struct SentRequest {
  std::string what;  // "GET http://host/path"
  std::map<std::string, std::string> headers;
  std::string body;
  Bytes response_limit = 0;
  std::chrono::milliseconds limit{0};
};

class FakeTransport : public http::Transport {
 public:
  using Handler = std::function<Result<http::Response>(const http::Request& request)>;

  std::vector<SentRequest> sent;

  static Result<http::Response> answer(int status, std::string_view body,
                                       std::vector<http::HeaderField> headers = {}) {
    http::Response response;
    response.status = status;
    response.headers = std::move(headers);
    const ByteSpan bytes = as_bytes(body);
    response.body.assign(bytes.begin(), bytes.end());
    return response;
  }
  static Result<http::Response> fault(Code code, std::string_view text = "no answer") {
    return fail(code, "{}", text);
  }

  // What is answered to "GET http://host/path": these, in order, the last one again and again.
  void on(const std::string& what, std::vector<Result<http::Response>> answers) {
    scripts_.insert_or_assign(what, Script{std::move(answers), 0});
  }
  // What answers when no script does. Without one: no such address.
  void otherwise(Handler handler) { handler_ = std::move(handler); }

  // How many requests began so.
  int count(std::string_view what) const {
    int found = 0;
    for (const auto& request : sent) found += std::string_view(request.what).starts_with(what);
    return found;
  }

  Result<http::Response> perform(const http::Request& request) override {
    SentRequest copy{.what = fmt::format("{} {}", http::method_name(request.method), request.url),
                     .headers = {},
                     .body = std::string(as_text(request.body)),
                     .response_limit = request.response_limit,
                     .limit = request.limit};
    for (const auto& field : request.headers) copy.headers[field.name] = field.value;
    sent.push_back(copy);
    return deliver(request, answer_to(copy.what, request));
  }

 private:
  struct Script {
    std::vector<Result<http::Response>> answers;
    std::size_t next = 0;
  };

  Result<http::Response> answer_to(const std::string& what, const http::Request& request) {
    if (const auto found = scripts_.find(what); found != scripts_.end()) {
      Script& script = found->second;
      const auto& chosen = script.answers.at(script.next);
      if (script.next + 1 < script.answers.size()) ++script.next;
      return chosen;
    }
    if (handler_) return handler_(request);
    return fault(Code::Unavailable, "no such address");
  }

  // As a real one: head, then the body to the sink or, within the limit, into memory.
  static Result<http::Response> deliver(const http::Request& request,
                                        Result<http::Response> answered) {
    if (!answered) return answered;
    http::Response response = *std::move(answered);
    if (response.status / 100 == 2) {
      const ByteVector body = std::exchange(response.body, {});
      if (request.on_head) TRY(request.on_head(response));
      if (request.sink) {
        if (!body.empty()) TRY(request.sink(body));
        return response;
      }
      response.body = body;
    }
    if (response.body.size() > request.response_limit) {
      return fail(Code::Corrupt, "the answer is larger than {} bytes", request.response_limit);
    }
    return response;
  }

  std::map<std::string, Script> scripts_;
  Handler handler_;
};

}  // namespace walwrap::testing
