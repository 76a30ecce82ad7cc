// One request and its answer, and the retry when walwrap's replicator restarts between them.
//
// During a restart the replicator's socket is missing for about 100 ms. A refused connection is
// tried again for a short while, because nothing was sent. If a connection breaks before its answer
// is complete, the same request is sent once more, if it may be repeated. A missing socket is not
// waited for, unless this call has connected to walwrap there before.
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
