// Status -> the answer: JSON for programs, and whether everything is healthy. Pure.
#pragma once

#include <string>

#include "walwrap/control/protocol.hpp"
#include "walwrap/control/status.hpp"

namespace walwrap::control {

std::string format_status(const Status& status);                   // JSON, one line
std::string format_points(const replication::PointsFound& found);  // the same
Answer answer_health(const Status& status);                        // 200, or 503 with the reasons
// 200 if every database is attached or does not exist yet. 503 during a stop and without
// replication.
Answer answer_readiness(const Status& status);

// "replicating", "waiting to attach", "waiting for the database", "stopped".
std::string_view state_of(const DatabaseStatus& database);

}  // namespace walwrap::control
