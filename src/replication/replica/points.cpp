#include "walwrap/replication/replica/points.hpp"

#include <algorithm>

namespace walwrap::replication {
namespace {

// As many as a person reads through.
constexpr std::size_t kSome = 100;

}  // namespace

std::vector<RestorePoint> find_points(const std::vector<StoredFile>& files) {
  std::vector<StoredFile> sorted = files;
  std::sort(sorted.begin(), sorted.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.txids.last < b.txids.last; });
  std::vector<RestorePoint> points;
  for (const StoredFile& file : sorted) {
    const Txid last = file.txids.last;
    if (file.level == kSnapshotLevel && file.txids.first != Txid{1}) continue;
    if (!points.empty() && points.back().txid == last) {
      points.back().time = std::min(points.back().time, file.time);
      points.back().level = std::min(points.back().level, file.level);
      continue;
    }
    const Txid reach = points.empty() ? Txid{0} : points.back().txid;
    if (file.txids.first <= reach.next()) points.push_back({last, file.time, file.level});
  }
  return points;
}

std::vector<PointSpan> spans_of(const std::vector<RestorePoint>& points) {
  std::vector<PointSpan> spans;
  for (const RestorePoint& point : points) {
    const bool continues = !spans.empty() && spans.back().level == point.level &&
                           (point.level != kUploadLevel || spans.back().last.next() == point.txid);
    if (!continues) {
      spans.push_back({.level = point.level,
                       .first = point.txid,
                       .last = point.txid,
                       .from = point.time,
                       .to = point.time,
                       .points = 1});
      continue;
    }
    PointSpan& span = spans.back();
    span.last = point.txid;
    span.to = std::max(span.to, point.time);
    ++span.points;
  }
  return spans;
}

std::vector<RestorePoint> choose_some(const std::vector<RestorePoint>& points, std::size_t most) {
  if (points.size() <= most || most < 2) return points;
  std::vector<RestorePoint> some;
  for (std::size_t i = 0; i < most; ++i) {
    some.push_back(points[i * (points.size() - 1) / (most - 1)]);
  }
  return some;
}

PointsFound summarize_points(const std::vector<StoredFile>& files, WallTime listed) {
  const auto points = find_points(files);
  PointsFound found{
      .listed = listed, .spans = spans_of(points), .some = choose_some(points, kSome)};
  for (const StoredFile& file : files) {
    if (file.txids.first != Txid{1}) continue;
    if (found.snapshot && found.snapshot->txid >= file.txids.last) continue;
    found.snapshot = {file.txids.last, file.time, file.level};
  }
  return found;
}

}  // namespace walwrap::replication
