#include "walwrap/http/outcome.hpp"

#include <doctest/doctest.h>
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <string>

#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::http;
using namespace std::chrono_literals;
using walwrap::testing::has;

TEST_CASE("a request that failed before it was sent was certainly not carried out") {
  struct Row {
    CURLcode code;
    Code before;  // a connection stood
    Code after;
  };
  const Row rows[] = {
      {CURLE_COULDNT_RESOLVE_PROXY, Code::Unavailable, Code::Unknown},
      {CURLE_COULDNT_RESOLVE_HOST, Code::Unavailable, Code::Unknown},
      {CURLE_COULDNT_CONNECT, Code::Unavailable, Code::Unknown},
      {CURLE_OPERATION_TIMEDOUT, Code::Unavailable, Code::Unknown},
      {CURLE_SSL_CONNECT_ERROR, Code::Unavailable, Code::Unknown},
      {CURLE_SSL_CACERT_BADFILE, Code::Unavailable, Code::Unknown},
      {CURLE_SSL_CIPHER, Code::Unavailable, Code::Unknown},
      {CURLE_PROXY, Code::Unavailable, Code::Unknown},
      {CURLE_OUT_OF_MEMORY, Code::Unavailable, Code::Unknown},
      {CURLE_SEND_ERROR, Code::Unavailable, Code::Unknown},
      {CURLE_RECV_ERROR, Code::Unavailable, Code::Unknown},
      {CURLE_GOT_NOTHING, Code::Unavailable, Code::Unknown},
      {CURLE_PARTIAL_FILE, Code::Unavailable, Code::Unknown},
      {CURLE_HTTP2, Code::Unavailable, Code::Unknown},
      {CURLE_HTTP2_STREAM, Code::Unavailable, Code::Unknown},
      {CURLE_WRITE_ERROR, Code::Unavailable, Code::Unknown},
      {CURLE_ABORTED_BY_CALLBACK, Code::Unavailable, Code::Unknown},
      {CURLE_PEER_FAILED_VERIFICATION, Code::Denied, Code::Denied},
      {CURLE_URL_MALFORMAT, Code::Invalid, Code::Invalid},
      {CURLE_UNSUPPORTED_PROTOCOL, Code::Invalid, Code::Corrupt},
      {CURLE_WEIRD_SERVER_REPLY, Code::Corrupt, Code::Corrupt},
  };
  for (const Row& row : rows) {
    CAPTURE(curl_easy_strerror(row.code));
    CHECK(code_of({.code = row.code, .was_sent = false}) == row.before);
    CHECK(code_of({.code = row.code, .was_sent = true}) == row.after);
    CHECK(code_of({.code = row.code, .was_sent = true, .has_answer = true}) == row.after);
  }
}

TEST_CASE("only a read may be repeated without the caller") {
  CHECK(may_be_sent_again(Method::Get));
  CHECK(may_be_sent_again(Method::Head));
  CHECK_FALSE(may_be_sent_again(Method::Put));
  CHECK_FALSE(may_be_sent_again(Method::Post));
  CHECK_FALSE(may_be_sent_again(Method::Delete));
}

TEST_CASE("an error names the host and says in plain words what happened") {
  const Circumstances at{.host = "store.example:9000",
                         .detail = "curl's words",
                         .os_errno = ECONNREFUSED,
                         .body_bytes = 17,
                         .connect_limit = 5s,
                         .limit = 30s};
  struct Row {
    Ending ending;
    std::string text;
  };
  const Row rows[] = {
      {{.code = CURLE_COULDNT_CONNECT}, "cannot connect: Connection refused"},
      {{.code = CURLE_OPERATION_TIMEDOUT}, "no connection within 5s"},
      {{.code = CURLE_OPERATION_TIMEDOUT, .was_sent = true}, "no complete answer within 30s"},
      {{.code = CURLE_COULDNT_RESOLVE_HOST},
       "the host name has no address, or DNS does not answer"},
      {{.code = CURLE_COULDNT_RESOLVE_PROXY},
       "the proxy's host name has no address, or DNS does not answer"},
      {{.code = CURLE_SSL_CONNECT_ERROR}, "TLS failed: curl's words"},
      {{.code = CURLE_RECV_ERROR}, "no connection: curl's words"},
      {{.code = CURLE_URL_MALFORMAT}, "the URL of the request is malformed"},
      {{.code = CURLE_RECV_ERROR, .was_sent = true}, "the connection closed before an answer"},
      {{.code = CURLE_PARTIAL_FILE, .was_sent = true, .has_answer = true},
       "the connection closed within the answer, after 17 bytes of its body"},
      {{.code = CURLE_WEIRD_SERVER_REPLY, .was_sent = true}, "the answer is not HTTP"},
      {{.code = CURLE_UNSUPPORTED_PROTOCOL, .was_sent = true}, "the answer is not HTTP"},
  };
  for (const Row& row : rows) {
    CHECK(error_of(row.ending, at).text == "store.example:9000: " + row.text);
  }
}

TEST_CASE("an error about a certificate says what to do") {
  struct Row {
    const char* what;
    long verify_result;
    bool has_roots;
    std::string advice;
  };
  const Row rows[] = {
      {"no CA for it", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, true,
       "set --ca-file to its certificate"},
      {"it vouches for itself", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, true,
       "set --ca-file to its certificate"},
      {"so does its issuer", X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, true,
       "set --ca-file to its certificate"},
      {"it is another host's", X509_V_OK, true, "use the certificate's name in the endpoint"},
      {"it is too old", X509_V_ERR_CERT_HAS_EXPIRED, true, "the clock of this machine"},
      {"it is too new", X509_V_ERR_CERT_NOT_YET_VALID, true, "the clock of this machine"},
      {"there is nothing to compare with", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, false,
       "install ca-certificates"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Error error = error_of({.code = CURLE_PEER_FAILED_VERIFICATION},
                                 {.host = "store.example",
                                  .detail = "unable to get local issuer certificate",
                                  .verify_result = row.verify_result,
                                  .has_roots = row.has_roots});
    CHECK(error.code == Code::Denied);
    CHECK(has(error.text, "store.example: "));
    CHECK(has(error.text, "unable to get local issuer certificate"));
    CHECK(has(error.text, row.advice));
  }
}
