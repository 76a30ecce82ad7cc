// Status -> what is answered: JSON for programs, and whether all is well. Pure.
#pragma once

#include <string>

#include "walwrap/control/protocol.hpp"
#include "walwrap/control/status.hpp"

namespace walwrap::control {

std::string format_status(const Status& status);                   // JSON, one line
std::string format_points(const replication::PointsFound& found);  // the same
Answer answer_health(const Status& status);                        // 200, or 503 with the reasons
// 200 once every database is attached or not there yet; 503 during a stop and without replication.
Answer answer_readiness(const Status& status);

// "replicating", "waiting to attach", "waiting for the database", "stopped".
std::string_view state_of(const DatabaseStatus& database);

}  // namespace walwrap::control
