// The dashboard's two charts, as SVG without its own style: the lag of the last hour, and the
// restore points. Pure.
#pragma once

#include <string>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/control/history.hpp"
#include "walwrap/replication/replica/points.hpp"

namespace walwrap::control {

struct LagDrawing {
  std::string svg;
  std::string top;      // label of the upper bound: "2s"
  std::string summary;  // "at most 1.2s"
};
// `now` of both clocks: the samples use the first, and the labels the second.
LagDrawing draw_lag(const History& history, MonoTime now_mono, WallTime now);

// Each point links to the element `<prefix><txid>` of the page.
std::string draw_points(const replication::PointsFound& found, const std::string& prefix);

std::string format_clock(WallTime time);  // "2026-11-27 15:04:05 UTC"

}  // namespace walwrap::control
