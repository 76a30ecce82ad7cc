// The supervisor's log: each fact is one log line.
//
// lifecycle decides when to log and gives the values; say() adds the level, the constant message
// and the keys. Owned by init's one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/os/signals.hpp"
#include "walwrap/supervisor/channel.hpp"
#include "walwrap/supervisor/grace.hpp"

namespace walwrap::supervisor {

namespace fact {

struct AppStarted {
  os::Pid pid;
};
struct AppSpawnDelayed {  // no process could be forked; tried again
  std::string reason;
  std::chrono::milliseconds retry_in{0};
};
struct AppNotStarted {
  std::string reason;
  int exit_code = 0;
};
struct AppEnded {
  os::ExitStatus status;
  std::chrono::milliseconds ran{0};
};
enum class KillReason { Deadline, ThirdSignal, Terminal };
struct AppKilled {  // by walwrap
  KillReason reason = KillReason::Deadline;
  std::chrono::milliseconds after{0};  // since the stop began
};
struct AppDoesNotDie {};
struct AppNotKilled {};    // after its part of the grace period: --kill-app=never
struct AppOutOfMemory {};  // killed by the kernel

struct StopBegun {
  int signal = 0;  // 0: not by a signal
  std::int32_t sender = 0;
  GraceSplit split;
};
struct StartAborted {
  int signal = 0;
};
struct FlushAbandoned {};

struct ReplicatorDied {
  os::ExitStatus status;
  int times = 0;
  std::chrono::milliseconds restart_in{0};
};
struct ReplicatorSteady {
  int deaths = 0;
};
struct ReplicatorHangs {};  // closed its channel and did not exit
struct ReplicatorGivenUp {
  int deaths = 0;
};
struct StartRefused {
  int exit_code = 0;
  std::string reason;
};
struct ReplicationRefused {  // after a restart, beside a running app
  std::string reason;
};
struct Fenced {};
struct HandsOver {
  std::string to;  // who asked
};
struct StandsBy {
  std::optional<FlushOutcome> flush;
  std::string missing;
  Txid txid;
  std::chrono::milliseconds total{0};  // since the stop began
};
struct NoSuccessor {
  std::chrono::milliseconds waited{0};
  int exit_code = 0;
};

struct LeftoversFound {
  int processes = 0;
};
struct LeftoversRemain {
  int processes = 0;
};

struct Stopped {  // the last line of a run
  int exit_code = 0;
  std::optional<FlushOutcome> flush;  // nullopt: there was nothing to flush
  std::string missing;                // what is not stored, and why
  Txid txid;
  Bytes lag_bytes = 0;
  Fencing fencing = Fencing::NotKnown;
  std::chrono::milliseconds total{0};  // since the stop began
  std::chrono::milliseconds left{0};   // until the platform's SIGKILL, or the end of the flush
};

}  // namespace fact

using Fact =
    std::variant<fact::AppStarted, fact::AppSpawnDelayed, fact::AppNotStarted, fact::AppEnded,
                 fact::AppKilled, fact::AppDoesNotDie, fact::AppNotKilled, fact::AppOutOfMemory,
                 fact::StopBegun, fact::StartAborted, fact::FlushAbandoned, fact::ReplicatorDied,
                 fact::ReplicatorSteady, fact::ReplicatorHangs, fact::ReplicatorGivenUp,
                 fact::StartRefused, fact::ReplicationRefused, fact::Fenced, fact::HandsOver,
                 fact::StandsBy, fact::NoSuccessor, fact::LeftoversFound, fact::LeftoversRemain,
                 fact::Stopped>;

void say(const Log& log, const Fact& fact);

}  // namespace walwrap::supervisor
