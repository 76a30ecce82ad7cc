#include "walwrap/client/exchange.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "walwrap/client/connection.hpp"

namespace walwrap::client {
namespace {

using How = Exchanged::How;

constexpr milliseconds kReconnectPause{20};
constexpr std::size_t kReadBytes = 4UL << 10;

How how_of(const Done& done) {
  switch (done.how) {
    case Done::How::Ok:
      return How::Answered;
    case Done::How::Late:
      return How::Late;
    case Done::How::Interrupted:
      return How::Interrupted;
    case Done::How::Failed:
      return How::Broken;
  }
  return How::Broken;
}

Exchanged receive_answer(const Connection& connection, const TimeLimit& patience, Answer& answer) {
  std::array<char, kReadBytes> buffer;
  while (answer.state() == Answer::State::Partial) {
    const auto got = connection.receive(buffer, patience);
    if (got.how != Done::How::Ok) return {how_of(got), got.error};
    if (got.bytes == 0) return {How::Broken, 0};
    answer.feed({buffer.data(), got.bytes});
  }
  switch (answer.state()) {
    case Answer::State::Whole:
      return {How::Answered, 0};
    case Answer::State::NoMemory:
      return {How::NoMemory, 0};
    default:
      return {How::Malformed, 0};
  }
}

class Exchange {
 public:
  Exchange(const char* path, const Request& request, const Limits& limits, Progress progress)
      : path_(path),
        request_(request),
        limits_(limits),
        began_(mono_now()),
        patience_(began_ + request.timeout + limits.slack, progress),
        reconnect_until_(began_ + std::min(limits.reconnect, request.timeout)) {}

  Exchanged run(Answer& answer) {
    while (true) {
      const Exchanged tried = attempt(answer);
      if (!is_worth_another(tried)) return tried;
      const Wake wake = patience_.pause(kReconnectPause);
      if (wake == Wake::Interrupted) return {How::Interrupted, 0};
      if (wake != Wake::Ready) return tried;
    }
  }

 private:
  Exchanged attempt(Answer& answer) {
    Connection connection;
    const auto opened = connection.open(path_, patience_);
    if (opened.how == Done::How::Failed) return {How::Unreachable, opened.error};
    if (opened.how != Done::How::Ok) return {how_of(opened), 0};
    was_there_ = true;
    Text bytes(kMostRequestBytes);
    format_request(request_, began_ + request_.timeout - mono_now(), bytes);
    if (!bytes.is_whole()) return {How::NoMemory, 0};
    const auto sent = connection.send(bytes.view(), patience_);
    // A server may refuse a request before it has read it: the answer comes first.
    if (sent.how != Done::How::Ok && sent.how != Done::How::Failed) return {how_of(sent), 0};
    answer.clear();
    return receive_answer(connection, patience_, answer);
  }

  bool is_worth_another(const Exchanged& tried) {
    if (tried.how == How::Broken) {
      if (is_repeated_ || request_.repeat == Repeat::Never) return false;
      is_repeated_ = true;
      reconnect_until_ = mono_now() + limits_.reconnect;
      return true;
    }
    if (tried.how != How::Unreachable || mono_now() >= reconnect_until_) return false;
    was_there_ = was_there_ || tried.error == ECONNREFUSED;
    return tried.error == ECONNREFUSED || (tried.error == ENOENT && was_there_);
  }

  const char* path_;
  const Request& request_;
  const Limits& limits_;
  milliseconds began_;
  TimeLimit patience_;
  milliseconds reconnect_until_;
  bool was_there_ = false;    // a walwrap, or the socket that one has left
  bool is_repeated_ = false;  // the request
};

}  // namespace

Exchanged exchange(const char* path, const Request& request, const Limits& limits,
                   Progress progress, Answer& answer) {
  return Exchange(path, request, limits, progress).run(answer);
}

}  // namespace walwrap::client
