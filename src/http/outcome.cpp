#include "walwrap/http/outcome.hpp"

#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <system_error>

namespace walwrap::http {
namespace {

std::string words_of(int os_errno, std::string_view otherwise) {
  if (os_errno == 0) return std::string(otherwise);
  return std::generic_category().message(os_errno);
}

// What to do about a certificate that is not valid.
std::string_view advice_of(const Circumstances& circumstances) {
  if (!circumstances.has_roots) {
    return "this system has no root certificates; install ca-certificates, or set --ca-file";
  }
  switch (circumstances.verify_result) {
    case X509_V_OK:
      return "it is for another host name; use the certificate's name in the endpoint";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "renew it on the server, or correct the clock of this machine";
    default:
      return "if the CA is your own, set --ca-file to its certificate";
  }
}

std::string sentence_before_sending(const Ending& ending, const Circumstances& circumstances) {
  switch (ending.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "the host name has no address, or DNS does not answer";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "the proxy's host name has no address, or DNS does not answer";
    case CURLE_COULDNT_CONNECT:
      return fmt::format("cannot connect: {}", words_of(circumstances.os_errno, "no answer"));
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format(
          "no connection within {}",
          format_duration(std::min(circumstances.connect_limit, circumstances.limit)));
    case CURLE_PEER_FAILED_VERIFICATION:
      return fmt::format("its certificate is not trusted ({}); {}", circumstances.detail,
                         advice_of(circumstances));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "the URL of the request is malformed";
    case CURLE_SSL_CONNECT_ERROR:
      return fmt::format("TLS failed: {}", circumstances.detail);
    default:
      return fmt::format("no connection: {}", circumstances.detail.empty()
                                                  ? curl_easy_strerror(ending.code)
                                                  : circumstances.detail);
  }
}

std::string sentence_after_sending(const Ending& ending, const Circumstances& circumstances) {
  switch (ending.code) {
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "the answer is not HTTP";
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format("no complete answer within {}", format_duration(circumstances.limit));
    default:
      break;
  }
  if (!ending.has_answer) return "the connection closed before an answer";
  return fmt::format("the connection closed within the answer, after {} bytes of its body",
                     circumstances.body_bytes);
}

}  // namespace

bool may_be_sent_again(Method method) {
  return method == Method::Get || method == Method::Head;
}

Code code_of(const Ending& ending) {
  switch (ending.code) {
    case CURLE_WEIRD_SERVER_REPLY:
      return Code::Corrupt;
    case CURLE_UNSUPPORTED_PROTOCOL:  // sent: the answer was not HTTP
      return ending.was_sent ? Code::Corrupt : Code::Invalid;
    case CURLE_URL_MALFORMAT:
      return Code::Invalid;
    case CURLE_PEER_FAILED_VERIFICATION:
      return Code::Denied;
    default:
      return ending.was_sent ? Code::Unknown : Code::Unavailable;
  }
}

Error error_of(const Ending& ending, const Circumstances& circumstances) {
  const std::string sentence = ending.was_sent ? sentence_after_sending(ending, circumstances)
                                               : sentence_before_sending(ending, circumstances);
  return Error{code_of(ending), fmt::format("{}: {}", circumstances.host, sentence)};
}

}  // namespace walwrap::http
