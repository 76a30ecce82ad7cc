#include "walwrap/http/client.hpp"

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/base/host_name.hpp"
#include "walwrap/http/answer.hpp"
#include "walwrap/http/outcome.hpp"
#include "walwrap/http/releaser.hpp"
#include "walwrap/http/stall.hpp"
#include "walwrap/http/trust.hpp"
#include "walwrap/http/wire.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::http {
namespace {

// How often a request in progress checks whether to end.
constexpr std::chrono::milliseconds kStep{100};
// The chunk that libcurl sends or receives at once; memory of each client.
constexpr long kUploadBuffer = 256L << 10;
constexpr long kDownloadBuffer = 128L << 10;

using Easy = std::unique_ptr<CURL, Releaser<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Releaser<curl_multi_cleanup>>;
using FieldList = std::unique_ptr<curl_slist, Releaser<curl_slist_free_all>>;

template <typename T>
void set(CURL* easy, CURLoption option, T value) {
  WW_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

void append(FieldList& list, const std::string& line) {
  curl_slist* const grown = curl_slist_append(list.get(), line.c_str());
  WW_CHECK(grown != nullptr);
  static_cast<void>(list.release());
  list.reset(grown);
}

// Headers of the request, and without those that libcurl would add.
FieldList field_list(const Request& request) {
  FieldList list;
  append(list, "Accept:");
  append(list, "Expect:");
  bool has_type = false;
  for (const HeaderField& field : request.headers) {
    has_type = has_type || field.name == "content-type";
    append(list, format_field(field));
  }
  if (!has_type) append(list, "Content-Type:");
  return list;
}

// One attempt, as the callbacks see it. Exceptions that they must not throw through libcurl are
// kept here.
struct Attempt {
  Attempt(const Request& asked, CURL* handle, Trust& roots)
      : request(asked), easy(handle), trust(roots), answer(asked) {}

  const Request& request;
  CURL* easy;
  Trust& trust;
  Answer answer;
  Ending ending;
  Peer peer;
  std::optional<Error> own_error;  // from walwrap, not libcurl: what perform() returns
  std::exception_ptr thrown;       // thrown after libcurl has returned

  Bytes moved_bytes() const {
    curl_off_t up = 0;
    curl_off_t down = 0;
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return static_cast<Bytes>(up + down) + answer.head_bytes();
  }
};

// Runs a step of the attempt. False: end the request.
template <typename Step>
bool guarded(Attempt& attempt, Step step) {
  try {
    Result<void> done = step();
    if (done) return true;
    attempt.own_error = done.error();
  } catch (...) {
    attempt.thrown = std::current_exception();
  }
  return false;
}

std::string tls_version(CURL* easy) {
  curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK) return {};
  if (session == nullptr || session->internals == nullptr) return {};
  return SSL_get_version(static_cast<const SSL*>(session->internals));
}

// Between the connection and the first byte. libcurl comes here again when an earlier request's
// connection was dead and it is about to repeat the request on a new one.
int on_connected(void* context, char* address, char* /*own*/, int port, int /*own_port*/) {
  Attempt& attempt = *static_cast<Attempt*>(context);
  if (attempt.ending.was_sent && !may_be_sent_again(attempt.request.method)) {
    return CURL_PREREQFUNC_ABORT;
  }
  const bool goes_on = guarded(attempt, [&]() -> Result<void> {
    const std::string_view name = address;
    const bool is_ipv6 = name.find(':') != std::string_view::npos;
    attempt.peer.address =
        is_ipv6 ? fmt::format("[{}]:{}", name, port) : fmt::format("{}:{}", name, port);
    attempt.peer.tls = tls_version(attempt.easy);
    attempt.ending.was_sent = true;
    return {};
  });
  return goes_on ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

CURLcode on_tls(CURL* /*easy*/, void* tls_context, void* context) {
  Attempt& attempt = *static_cast<Attempt*>(context);
  const bool goes_on = guarded(attempt, [&]() -> Result<void> {
    const auto applied = attempt.trust.apply_to(static_cast<SSL_CTX*>(tls_context));
    if (applied) return {};
    // The file was readable when the client was made.
    return fail(Code::Unavailable, "{}: {}", host_of(attempt.request.url), applied.error().text);
  });
  return goes_on ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

// Returning fewer bytes than were given ends the transfer.
std::size_t on_head_line(char* bytes, std::size_t /*one*/, std::size_t size, void* context) {
  Attempt& attempt = *static_cast<Attempt*>(context);
  return guarded(attempt, [&] { return attempt.answer.on_head_line({bytes, size}); }) ? size : 0;
}

std::size_t on_body(char* bytes, std::size_t /*one*/, std::size_t size, void* context) {
  if (size == 0) return 0;
  Attempt& attempt = *static_cast<Attempt*>(context);
  const auto body = as_bytes({bytes, size});
  return guarded(attempt, [&] { return attempt.answer.on_body(body); }) ? size : 0;
}

bool has_body(Method method) {
  return method == Method::Put || method == Method::Post;
}

class Client : public Transport {
 public:
  struct Handles {
    Multi multi;  // has the connections; outlives the handle that uses it
    Easy easy;
  };
  Client(ClientOptions options, Trust trust, Handles handles)
      : options_(std::move(options)),
        trust_(std::move(trust)),
        handles_(std::move(handles)),
        step_(std::min(kStep, options_.stalled_limit)) {}

  Result<Response> perform(const Request& request) override;

 private:
  void run(Attempt& attempt, std::chrono::milliseconds left);
  void configure_connection(Attempt& attempt);
  void configure_request(const Request& request);
  Result<void> drive(Attempt& attempt);
  Result<Response> result_of(Attempt& attempt);
  bool pin_known_address(const Attempt& attempt);

  // The last address of a host. libcurl looks a name up on a separate thread, and during a stop
  // there may be no thread or no resolver when the last commits must be stored.
  struct KnownAddress {
    std::string host;  // as in the URL
    std::string address;
  };

  ClientOptions options_;
  os::SystemClock clock_;
  Trust trust_;
  std::array<char, CURL_ERROR_SIZE> detail_{};  // libcurl's text about the last failure
  Handles handles_;                             // destroyed first: it refers to the members above
  std::chrono::milliseconds step_;
  KnownAddress known_;
  FieldList pinned_;  // "+host:port:address" while it is used
};

Result<Response> Client::perform(const Request& request) {
  TRY(check_request(request));
  WW_CHECK(request.body.empty() || has_body(request.method));
  const MonoTime deadline = clock_.mono() + request.limit;
  while (true) {
    Attempt attempt(request, handles_.easy.get(), trust_);
    run(attempt, std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_.mono()));
    if (attempt.thrown) std::rethrow_exception(attempt.thrown);
    if (attempt.ending.code == CURLE_COULDNT_RESOLVE_HOST && pin_known_address(attempt)) continue;
    pinned_.reset();
    if (attempt.ending.code == CURLE_OK) {
      known_ = {std::string(host_of(request.url)), attempt.peer.address};
    }
    const bool is_denied = attempt.ending.code == CURLE_PEER_FAILED_VERIFICATION;
    if (!is_denied || !trust_.widen()) return result_of(attempt);
  }
}

// False: there is nothing more to try.
bool Client::pin_known_address(const Attempt& attempt) {
  const auto asked = parse_host_port(known_.host);
  const auto found = parse_host_port(known_.address);
  if (pinned_ || known_.host != host_of(attempt.request.url) || !asked || !found) return false;
  append(pinned_, fmt::format("+{}:{}:{}", asked->host, found->port.value_or(0), found->host));
  return true;
}

void Client::run(Attempt& attempt, std::chrono::milliseconds left) {
  CURL* const easy = handles_.easy.get();
  curl_easy_reset(easy);
  detail_.fill('\0');
  configure_connection(attempt);
  configure_request(attempt.request);
  const FieldList fields = field_list(attempt.request);
  set(easy, CURLOPT_HTTPHEADER, fields.get());
  set(easy, CURLOPT_RESOLVE, pinned_.get());
  // 0 would be no limit at all.
  set(easy, CURLOPT_TIMEOUT_MS, std::max<long>(left.count(), 1));

  WW_CHECK(curl_multi_add_handle(handles_.multi.get(), easy) == CURLM_OK);
  guarded(attempt, [&] { return drive(attempt); });  // cancelled() is the caller's, and may throw
  // Ends a request in progress, with its connection.
  curl_multi_remove_handle(handles_.multi.get(), easy);
}

void Client::configure_connection(Attempt& attempt) {
  CURL* const easy = handles_.easy.get();
  set(easy, CURLOPT_ERRORBUFFER, detail_.data());
  set(easy, CURLOPT_NOSIGNAL, 1L);
  // Otherwise a caller that gives up would wait for a look-up that it no longer needs.
  set(easy, CURLOPT_QUICK_EXIT, 1L);
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  const bool may_be_2 = options_.version == Version::Http2;
  set(easy, CURLOPT_HTTP_VERSION,
      static_cast<long>(may_be_2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_limit.count()));
  set(easy, CURLOPT_MAXAGE_CONN, static_cast<long>(options_.idle_limit.count()));
  set(easy, CURLOPT_FORBID_REUSE, options_.idle_limit.count() == 0 ? 1L : 0L);
  set(easy, CURLOPT_TCP_NODELAY, 1L);
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_DNS_CACHE_TIMEOUT, static_cast<long>(options_.address_limit.count()));
  set(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
  set(easy, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
  // Refused while the buffer of an unstarted request is there; it has this size.
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kDownloadBuffer);
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  const bool is_near = is_link_local(host_of(attempt.request.url)) || !options_.unix_socket.empty();
  if (is_near) set(easy, CURLOPT_PROXY, "");
  if (!options_.unix_socket.empty()) {
    set(easy, CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket.c_str());
  }

  // Only walwrap's CA certificates count. They are set when each TLS context is made.
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  set(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  set(easy, CURLOPT_SSL_CTX_FUNCTION, &on_tls);
  set(easy, CURLOPT_SSL_CTX_DATA, &attempt);

  set(easy, CURLOPT_PREREQFUNCTION, &on_connected);
  set(easy, CURLOPT_PREREQDATA, &attempt);
  set(easy, CURLOPT_HEADERFUNCTION, &on_head_line);
  set(easy, CURLOPT_HEADERDATA, &attempt);
  set(easy, CURLOPT_WRITEFUNCTION, &on_body);
  set(easy, CURLOPT_WRITEDATA, &attempt);
}

void Client::configure_request(const Request& request) {
  CURL* const easy = handles_.easy.get();
  set(easy, CURLOPT_URL, request.url.c_str());
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_USERAGENT, "walwrap");
  switch (request.method) {
    case Method::Get:
      set(easy, CURLOPT_HTTPGET, 1L);
      return;
    case Method::Head:
      set(easy, CURLOPT_NOBODY, 1L);
      return;
    case Method::Delete:
      set(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
      return;
    case Method::Put:
      set(easy, CURLOPT_CUSTOMREQUEST, "PUT");
      break;
    case Method::Post:
      break;
  }
  set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  // Not copied. Without an address libcurl would ask for the body.
  set(easy, CURLOPT_POSTFIELDS, request.body.empty() ? "" : as_text(request.body).data());
}

// Until the attempt has ended. An error before libcurl ends is returned as it is.
Result<void> Client::drive(Attempt& attempt) {
  CURLM* const multi = handles_.multi.get();
  const std::string_view host = host_of(attempt.request.url);
  const auto code = [&] { return attempt.ending.was_sent ? Code::Unknown : Code::Unavailable; };
  StallWatch watch({.window = options_.stalled_limit, .bytes_per_second = kStalledBytes});
  int running = 1;
  while (true) {
    if (options_.cancelled && options_.cancelled()) {
      return fail(Code::Cancelled, "interrupted");
    }
    CURLMcode driven = curl_multi_perform(multi, &running);
    if (driven == CURLM_OK && running == 0) break;
    if (attempt.ending.was_sent && watch.is_stalled(clock_.mono(), attempt.moved_bytes())) {
      return fail(code(), "{}: less than {} bytes a second for {}", host, kStalledBytes,
                  format_duration(options_.stalled_limit));
    }
    if (driven == CURLM_OK) {
      driven = curl_multi_poll(multi, nullptr, 0, static_cast<int>(step_.count()), nullptr);
    }
    if (driven != CURLM_OK) return fail(code(), "{}: {}", host, curl_multi_strerror(driven));
  }
  int left = 0;
  const CURLMsg* const message = curl_multi_info_read(multi, &left);
  WW_CHECK(message != nullptr && message->msg == CURLMSG_DONE);
  attempt.ending.code = message->data.result;
  attempt.ending.has_answer = attempt.answer.has_begun();
  return {};
}

Result<Response> Client::result_of(Attempt& attempt) {
  if (attempt.own_error) return fail(*std::move(attempt.own_error));
  if (attempt.ending.code == CURLE_OK) {
    Response response = attempt.answer.take();
    long version = CURL_HTTP_VERSION_NONE;
    curl_easy_getinfo(attempt.easy, CURLINFO_HTTP_VERSION, &version);
    attempt.peer.is_http2 = version == CURL_HTTP_VERSION_2_0;
    response.peer = std::move(attempt.peer);
    return response;
  }
  Circumstances circumstances{.host = host_of(attempt.request.url),
                              .detail = detail_.data(),
                              .has_roots = trust_.has_roots(),
                              .body_bytes = attempt.answer.body_bytes(),
                              .connect_limit = options_.connect_limit,
                              .limit = attempt.request.limit};
  long os_errno = 0;
  curl_easy_getinfo(attempt.easy, CURLINFO_OS_ERRNO, &os_errno);
  circumstances.os_errno = static_cast<int>(os_errno);
  circumstances.verify_result = trust_.verify_result();
  if (attempt.ending.code == CURLE_PEER_FAILED_VERIFICATION) trust_.forget();
  return fail(error_of(attempt.ending, circumstances));
}

// Once per process, when the first client is made: after the last fork (Law 2).
bool is_curl_ready() {
  static const bool is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return is_ready;
}

}  // namespace

Result<std::unique_ptr<Transport>> make_client(const ClientOptions& options) {
  WW_CHECK(options.connect_limit.count() > 0 && options.stalled_limit.count() > 0);
  if (!is_curl_ready()) return fail(Code::Unavailable, "libcurl cannot be initialized");
  auto trust = TRY(Trust::open(options.ca_file));
  Client::Handles handles{.multi = Multi(curl_multi_init()), .easy = Easy(curl_easy_init())};
  if (!handles.multi || !handles.easy) {
    return fail(Code::Unavailable, "libcurl has no memory for a client");
  }
  return std::make_unique<Client>(options, std::move(trust), std::move(handles));
}

}  // namespace walwrap::http
