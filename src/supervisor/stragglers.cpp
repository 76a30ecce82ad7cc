#include "walwrap/supervisor/stragglers.hpp"

#include <algorithm>

namespace walwrap::supervisor {

Stragglers::Answer Stragglers::on_look(int processes, const Timeline& line, MonoTime now) {
  if (processes <= 0) return Answer::Done;
  if (!term_until) {
    const auto window =
        std::clamp<MonoTime::duration>(line.app_until - now, MonoTime::duration{0}, kQuiesceLimit);
    term_until = now + window;
    if (window > MonoTime::duration{0}) return Answer::Terminate;
  }
  if (now < *term_until) return Answer::Wait;
  if (!kill_until) {
    kill_until = kill_limit(line, now);
  } else if (now >= *kill_until) {
    return Answer::GiveUp;
  }
  return Answer::Kill;
}

void Stragglers::hurry(MonoTime now) {
  if (term_until) term_until = std::min(*term_until, now);
}

}  // namespace walwrap::supervisor
