#include "walwrap/replication/upload/store_profile.hpp"

#include <algorithm>

namespace walwrap::replication {

using std::chrono::milliseconds;

KeyStyle key_style_of(storage::StoreKind kind) {
  switch (kind) {
    case storage::StoreKind::File:
      return KeyStyle::Directory;
    case storage::StoreKind::S3:
      return KeyStyle::S3;
  }
  return KeyStyle::Directory;
}

Pace::Options upload_pace(storage::StoreKind kind, milliseconds interval) {
  Pace::Options pace;
  if (interval.count() > 0) {
    pace.interval = interval;
  } else if (kind == storage::StoreKind::S3) {
    pace.interval = milliseconds(1'000);
  } else {
    pace.interval = milliseconds(100);
    pace.steady_share_percent = 1;
  }
  pace.longest = std::max<std::chrono::nanoseconds>(pace.longest, pace.interval);
  return pace;
}

std::optional<Pace::Options> pace_of_waits(storage::StoreKind kind) {
  if (kind == storage::StoreKind::S3) return std::nullopt;
  Pace::Options pace;
  pace.interval = milliseconds(0);
  pace.burst = 1;
  return pace;
}

}  // namespace walwrap::replication
