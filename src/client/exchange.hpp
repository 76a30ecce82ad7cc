// One question and its answer, and what to do when walwrap's replicator is restarted between them.
//
// The replicator's socket is gone for about 100 ms then. A connection that is refused is tried
// again for a short while: nothing was sent. A connection that breaks before its answer is
// complete is followed by the same request once more, if that may be repeated. A socket that does
// not exist is not waited for, unless this call has seen walwrap there.
#pragma once

#include "walwrap/client/answer.hpp"
#include "walwrap/client/request.hpp"
#include "walwrap/client/time_limit.hpp"

namespace walwrap::client {

struct Exchanged {
  enum class How {
    Answered,     // `answer` is Whole
    Unreachable,  // no connection; `error` is errno
    Broken,       // a connection, and no complete answer
    Late,
    Interrupted,
    Malformed,
    NoMemory,
  };
  How how = How::Late;
  int error = 0;
};

// `slack`: how long an answer may take beyond the request's own timeout. It counts from `now`.
struct Limits {
  milliseconds slack{5'000};
  milliseconds reconnect{2'000};  // 0: a connection that is refused is not tried again
};

Exchanged exchange(const char* path, const Request& request, const Limits& limits,
                   Progress progress, Answer& answer);

}  // namespace walwrap::client
