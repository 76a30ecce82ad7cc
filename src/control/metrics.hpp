// Status -> Prometheus's text format 0.0.4. Pure.
//
// Names and units follow prometheus.io/docs/practices/naming: seconds and bytes, `_total` for
// counters. docs/monitoring.md describes each.
#pragma once

#include <string>

#include "walwrap/control/status.hpp"

namespace walwrap::control {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
std::string format_metrics(const Status& status);

}  // namespace walwrap::control
