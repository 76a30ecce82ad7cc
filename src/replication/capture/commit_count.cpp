#include "walwrap/replication/capture/commit_count.hpp"

namespace walwrap::replication {

CommitCount::Finding CommitCount::compare(std::uint32_t change) {
  const Compared now{.change = change, .found = found_};
  if (!last_) {
    last_ = now;
    return Finding::Agrees;
  }
  const auto counted = static_cast<std::int32_t>(now.change - last_->change);
  const auto read = static_cast<std::int32_t>(now.found - last_->found);
  last_ = now;
  if (counted < 0) return Finding::BeganAnew;
  if (counted == read) return Finding::Agrees;
  if (counted > read) {
    missed_ += static_cast<std::uint64_t>(counted) - static_cast<std::uint64_t>(read);
    return Finding::Missed;
  }
  can_prove_ = false;
  return Finding::Uncountable;
}

bool CommitCount::agrees_with(std::uint32_t change) const {
  return last_ && last_->change == change && last_->found == found_;
}

}  // namespace walwrap::replication
