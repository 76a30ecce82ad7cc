// Decides what init does next: the whole life of the container as one function.
//
// Pure. The loop in init.cpp waits for an event or for deadline_of(state), asks step(), and
// performs the actions in their order. Failures come back as events. Nothing else may end the
// process once the app runs (Law 3).
//
//   Starting ──▶ Running ──▶ Stopping ──▶ Quiescing ──▶ Flushing ──▶ Leaving ──▶ Done
//      │            │ app ended by itself ───▲                         ▲  │        ▲
//      └── refused, aborted, fenced ───────────────────────────────────┘  ▼        │
//                                                      handed over:    Standby ────┘
//
//   Starting   the replicator prepares; the app starts when it is Ready
//   Running    nothing is pending; the replicator may die and restart, and the app does not notice
//   Stopping   the app has its signal and drains, until its part of the grace period is over
//   Quiescing  the app has ended; processes that it left get TERM and CONT, then KILL, so that none
//              writes to the database during the last capture
//   Flushing   the replicator stores the rest, until its deadline
//   Leaving    the channel is closed; init waits briefly for the replicator's exit
//   Standby    another walwrap has the database; this one waits for its stop signal, because a
//              platform that sees it exit would start it again. If nobody has the database for the
//              hand-over's time-out, it exits with kNoSuccessorCode: the platform starts it again
//
// Every wait has a deadline except three. The replicator's preparation limits itself by
// --start-timeout, and a restore may take as long as it needs. The app may run as long as it wants,
// and with --kill-app=never it may also end as late as it wants. Standby lasts as long as the other
// walwrap.
#pragma once

#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/supervisor/lifecycle_state.hpp"

namespace walwrap::supervisor {

// The first step, before anything runs.
Step begin(const Rules& rules, MonoTime now);
// The reaction to an event. Events without a meaning in this state change nothing.
Step step(const State& state, const Event& event, MonoTime now);
// The latest time for DeadlinePassed. nullopt: only an event can change the state.
std::optional<MonoTime> deadline_of(const State& state);

}  // namespace walwrap::supervisor
