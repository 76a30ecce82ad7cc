#include "walwrap/daemon/handover.hpp"

#include <fmt/format.h>

#include <string>

#include "walwrap/client/exchange.hpp"
#include "walwrap/client/problem.hpp"

namespace walwrap::daemon {
namespace {

using client::Exchanged;
using client::milliseconds;
using replication::OwnerAnswer;

// A person waits for the refusal.
constexpr milliseconds kAnswerLimit{1'000};

std::string target_of(const control::Newcomer& newcomer) {
  client::Text target(client::kMostRequestBytes);
  target.append("/v1/handover?id=");
  target.append(fmt::format("{:016x}", newcomer.command.id));
  if (newcomer.takes_over) target.append("&take-over=true");
  if (newcomer.asks_only) target.append("&ask-only=true");
  target.append("&command=");
  client::append_encoded(target, newcomer.command.text);
  return std::string(target.view());
}

Exchanged exchange_briefly(const os::Path& socket, const client::Request& request,
                           client::Answer& answer) {
  return client::exchange(socket.c_str(), request,
                          {.slack = milliseconds{0}, .reconnect = milliseconds{0}}, {}, answer);
}

}  // namespace

Result<OwnerAnswer> ask_owner(const os::Path& socket, const control::Newcomer& newcomer) {
  const std::string target = target_of(newcomer);
  const client::Request request{.method = "POST",
                                .target = target,
                                .timeout = kAnswerLimit,
                                .says = client::Request::Says::Target,
                                .repeat = client::Repeat::Never};
  client::Answer answer;
  switch (exchange_briefly(socket, request, answer).how) {
    case Exchanged::How::Answered:
      break;
    case Exchanged::How::Late:
      return fail(
          Code::Mismatch,
          "another walwrap has this database and does not answer at {}: it may be paused. End "
          "that one, then start again",
          socket.string());
    default:
      return OwnerAnswer::NotThere;
  }
  if (answer.status() == 200) return OwnerAnswer::HandsOver;
  client::Text sentence(client::kMostSentenceBytes);
  client::judge_problem(answer.status(), answer.body(), sentence);
  return fail(Code::Mismatch, "{}", sentence.view());
}

bool is_answering(const os::Path& socket) {
  client::Answer answer;
  const client::Request request{.method = "GET",
                                .target = "/readyz",
                                .timeout = kAnswerLimit,
                                .says = client::Request::Says::Target};
  return exchange_briefly(socket, request, answer).how == Exchanged::How::Answered;
}

}  // namespace walwrap::daemon
