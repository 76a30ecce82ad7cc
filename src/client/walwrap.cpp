// The C interface: include/walwrap.h says what each function means.
#include "walwrap.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#include <string_view>

#include "walwrap/client/connection.hpp"
#include "walwrap/client/exchange.hpp"
#include "walwrap/client/json.hpp"
#include "walwrap/client/problem.hpp"
#include "walwrap/client/request.hpp"
#include "walwrap/client/text.hpp"

using namespace walwrap::client;  // NOLINT(google-build-using-namespace): the C names are outside

// Never changed after it was opened, but for the progress handler: so threads share it without a
// lock, and a fork finds nothing half done.
struct walwrap_handle {
  std::array<char, kLongestPath + 1> socket{};
  Progress progress;
};

namespace {

// Of GET /v1/status, which is answered at once: walwrap gives a request ten seconds.
constexpr milliseconds kStatusLimit{10'000};
constexpr std::size_t kMostTargetBytes = kMostRequestBytes - 1'024;
constexpr std::size_t kMostPositionBytes = 128;
constexpr std::size_t kMostTxidBytes = 64;

using Words = std::initializer_list<std::string_view>;

int fail(char** error, int code, Words words) {
  if (error == nullptr) return code;
  Text sentence(kMostSentenceBytes);
  for (const auto word : words) append_line(sentence, word);
  *error = sentence.release();
  return code;
}

int fail(char** error, int code) {
  return fail(error, code, {walwrap_errstr(code)});
}

// strerror_r has two forms; which one the headers declare depends on the C library.
[[maybe_unused]] const char* error_text(int /*failed*/, const char* buffer) {
  return buffer;
}
[[maybe_unused]] const char* error_text(const char* text, const char* /*buffer*/) {
  return text;
}

int fail_unreachable(char** error, const walwrap_handle& handle, int number) {
  std::array<char, 128> buffer{};
  const std::string_view reason =
      error_text(::strerror_r(number, buffer.data(), buffer.size()), buffer.data());
  if (number == EACCES || number == EPERM) {
    return fail(
        error, WALWRAP_DENIED,
        {"this program has no access to the walwrap at ", handle.socket.data(), ": ", reason});
  }
  return fail(error, WALWRAP_UNREACHABLE, {"no answer at ", handle.socket.data(), ": ", reason});
}

int fail_exchange(char** error, const walwrap_handle& handle, const Exchanged& exchanged) {
  switch (exchanged.how) {
    case Exchanged::How::Unreachable:
      return fail_unreachable(error, handle, exchanged.error);
    case Exchanged::How::Broken:
      return fail(error, WALWRAP_UNREACHABLE,
                  {"no answer at ", handle.socket.data(),
                   ", which closed the connection; it is stopping, or this user is not the app's"});
    case Exchanged::How::Late:
      return fail(error, WALWRAP_UNREACHABLE,
                  {"no answer at ", handle.socket.data(), ": timed out"});
    case Exchanged::How::Interrupted:
      return fail(error, WALWRAP_INTERRUPTED);
    case Exchanged::How::NoMemory:
      return fail(error, WALWRAP_NOMEM);
    case Exchanged::How::Answered:
    case Exchanged::How::Malformed:
      break;
  }
  return fail(error, WALWRAP_PROTOCOL,
              {"what answers at ", handle.socket.data(), " does not answer like walwrap"});
}

// Asks; WALWRAP_OK: `answer` is a whole one with the status 200.
int ask(const walwrap_handle& handle, const Request& request, const Limits& limits, Answer& answer,
        char** error) {
  const auto exchanged = exchange(handle.socket.data(), request, limits, handle.progress, answer);
  if (exchanged.how != Exchanged::How::Answered) return fail_exchange(error, handle, exchanged);
  if (answer.status() == 200) return WALWRAP_OK;
  Text sentence(kMostSentenceBytes);
  const int code = judge_problem(answer.status(), answer.body(), sentence);
  return fail(error, code, {sentence.view()});
}

// Output parameters first, so that they are NULL whatever happens.
void clear(char** text) {
  if (text != nullptr) *text = nullptr;
}

int check(const walwrap_handle* handle, int timeout_ms, char** error) {
  if (handle == nullptr) return fail(error, WALWRAP_MISUSE, {"the handle is NULL"});
  if (timeout_ms < 0 || timeout_ms > WALWRAP_MAX_MILLISECONDS) {
    Text sentence(kMostSentenceBytes);
    sentence.append_decimal(timeout_ms);
    sentence.append(" ms is not a time to wait; give 0 to 600000 ms, which is 10 minutes");
    return fail(error, WALWRAP_MISUSE, {sentence.view()});
  }
  return WALWRAP_OK;
}

int fail_body(char** error, const Text& text) {
  if (text.state() == Text::State::NoMemory) return fail(error, WALWRAP_NOMEM);
  return fail(error, WALWRAP_PROTOCOL);
}

std::string_view view_of(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

int give(Text& text, char** out, char** error) {
  if (out == nullptr) return WALWRAP_OK;
  *out = text.release();
  return *out == nullptr ? fail(error, WALWRAP_NOMEM) : WALWRAP_OK;
}

struct Question {
  std::string_view method = "POST";
  std::string_view path;
  Parameters parameters;
  int timeout_ms = 0;
  Repeat repeat = Repeat::Allowed;
};

// Asks, and gives one member of the answer. `stored`: it must say so, or it is not understood.
struct Wanted {
  std::string_view name;
  std::size_t most_bytes;
  bool stored;
};
int ask_for(const walwrap_handle* handle, const Question& question, const Wanted& wanted,
            char** out, char** error) {
  clear(out);
  clear(error);
  if (const int wrong = check(handle, question.timeout_ms, error); wrong != WALWRAP_OK) {
    return wrong;
  }
  Text target(kMostTargetBytes);
  target.append(question.path);
  append_parameters(target, question.parameters);
  if (target.state() == Text::State::NoMemory) return fail(error, WALWRAP_NOMEM);
  if (!target.is_whole()) {
    return fail(error, WALWRAP_MISUSE, {"the database or the position is too long"});
  }
  Answer answer;
  const Request request{.method = question.method,
                        .target = target.view(),
                        .timeout = milliseconds(question.timeout_ms),
                        .repeat = question.repeat};
  const int code = ask(*handle, request, {}, answer, error);
  if (code != WALWRAP_OK) return code;
  Text text(wanted.most_bytes);
  std::array members = {Member{.name = wanted.name, .text = &text}, Member{.name = "stored"}};
  if (!read_object(answer.body(), members)) return fail(error, WALWRAP_PROTOCOL);
  if (!members[0].is_text || !text.is_whole()) return fail_body(error, text);
  if (wanted.stored && !members[1].is_true) return fail(error, WALWRAP_PROTOCOL);
  return give(text, out, error);
}

constexpr Wanted kStoredTxid{"txid", kMostTxidBytes, true};

}  // namespace

extern "C" {

const char* walwrap_libversion(void) {
  return WALWRAP_VERSION;
}

int walwrap_libversion_number(void) {
  return WALWRAP_VERSION_NUMBER;
}

const char* walwrap_errstr(int code) {
  switch (code) {
    case WALWRAP_OK:
      return "done";
    case WALWRAP_NOT_STORED:
      return "not stored in time";
    case WALWRAP_NO_WALWRAP:
      return "no walwrap is running here: WALWRAP_SOCKET is not set";
    case WALWRAP_UNREACHABLE:
      return "no answer: walwrap has ended, or is restarting";
    case WALWRAP_DENIED:
      return "this program has no access to walwrap";
    case WALWRAP_MISUSE:
      return "an argument is wrong";
    case WALWRAP_WHICH_DATABASE:
      return "walwrap replicates several databases, or none of that name";
    case WALWRAP_POSITION_UNKNOWN:
      return "the position belongs to another file or to an earlier walwrap";
    case WALWRAP_NOT_REPLICATING:
      return "walwrap does not replicate the database";
    case WALWRAP_STOPPING:
      return "walwrap stops";
    case WALWRAP_INTERRUPTED:
      return "interrupted";
    case WALWRAP_PROTOCOL:
      return "this library does not understand walwrap's answer";
    case WALWRAP_NOMEM:
      return "not enough memory";
    default:
      return "unknown result code";
  }
}

int walwrap_open(const char* socket, walwrap_handle** handle, char** error) {
  clear(error);
  if (handle == nullptr) return fail(error, WALWRAP_MISUSE, {"the output parameter is NULL"});
  *handle = nullptr;
  const auto path = view_of(socket == nullptr ? ::secure_getenv("WALWRAP_SOCKET") : socket);
  if (path.empty()) {
    if (socket == nullptr) return fail(error, WALWRAP_NO_WALWRAP);
    return fail(error, WALWRAP_MISUSE, {"the path of the socket is empty"});
  }
  if (path.size() > kLongestPath) {
    return fail(error, WALWRAP_MISUSE,
                {path, " is longer than the 107 bytes that a socket's path may have"});
  }
  void* const memory = std::malloc(sizeof(walwrap_handle));
  if (memory == nullptr) return fail(error, WALWRAP_NOMEM);
  auto* const opened = new (memory) walwrap_handle;
  std::memcpy(opened->socket.data(), path.data(), path.size());
  *handle = opened;
  return WALWRAP_OK;
}

void walwrap_close(walwrap_handle* handle) {
  std::free(handle);
}

void walwrap_free(char* text) {
  std::free(text);
}

int walwrap_position(walwrap_handle* handle, const char* database, int milliseconds,
                     char** position, char** error) {
  return ask_for(handle,
                 {.method = "GET",
                  .path = "/v1/position",
                  .parameters = {.database = view_of(database), .position = {}},
                  .timeout_ms = milliseconds},
                 {"position", kMostPositionBytes, false}, position, error);
}

int walwrap_wait(walwrap_handle* handle, const char* database, const char* position,
                 int milliseconds, char** txid, char** error) {
  return ask_for(handle,
                 {.path = "/v1/wait",
                  .parameters = {.database = view_of(database), .position = view_of(position)},
                  .timeout_ms = milliseconds},
                 kStoredTxid, txid, error);
}

int walwrap_flush(walwrap_handle* handle, const char* database, int milliseconds, char** txid,
                  char** error) {
  return ask_for(handle,
                 {.path = "/v1/flush",
                  .parameters = {.database = view_of(database), .position = {}},
                  .timeout_ms = milliseconds},
                 kStoredTxid, txid, error);
}

int walwrap_snapshot(walwrap_handle* handle, const char* database, int milliseconds, char** txid,
                     char** error) {
  return ask_for(handle,
                 {.path = "/v1/snapshot",
                  .parameters = {.database = view_of(database), .position = {}},
                  .timeout_ms = milliseconds,
                  .repeat = Repeat::Never},
                 kStoredTxid, txid, error);
}

int walwrap_status(walwrap_handle* handle, char** json, char** error) {
  clear(json);
  clear(error);
  if (const int wrong = check(handle, 0, error); wrong != WALWRAP_OK) return wrong;
  Answer answer;
  const Request request{.method = "GET", .target = "/v1/status", .says = Request::Says::Target};
  const int code = ask(*handle, request, {.slack = kStatusLimit, .reconnect = {}}, answer, error);
  if (code != WALWRAP_OK) return code;
  if (!read_object(answer.body(), {})) return fail(error, WALWRAP_PROTOCOL);
  Text body(kMostBodyBytes);
  body.append(answer.body());
  return give(body, json, error);
}

int walwrap_request(walwrap_handle* handle, const char* method, const char* target,
                    int milliseconds, char** body, char** error) {
  clear(body);
  clear(error);
  if (const int wrong = check(handle, milliseconds, error); wrong != WALWRAP_OK) return wrong;
  const Request request{
      .method = view_of(method),
      .target = view_of(target),
      .timeout = std::chrono::milliseconds(milliseconds),
      .says = Request::Says::Target,
      .repeat = view_of(target).starts_with("/v1/snapshot") ? Repeat::Never : Repeat::Allowed};
  if (!is_well_formed(request) || request.target.size() > kMostTargetBytes) {
    return fail(error, WALWRAP_MISUSE,
                {"a request is GET or POST, and a path like /v1/status, percent-encoded"});
  }
  Answer answer;
  const int code = ask(*handle, request, {}, answer, error);
  if (answer.state() != Answer::State::Whole) return code;
  Text text(kMostBodyBytes);
  text.append(answer.body());
  const int given = give(text, body, code == WALWRAP_OK ? error : nullptr);
  return code == WALWRAP_OK ? given : code;
}

void walwrap_progress_handler(walwrap_handle* handle, int (*handler)(void*), void* context) {
  if (handle != nullptr) handle->progress = {handler, context};
}

}  // extern "C"
