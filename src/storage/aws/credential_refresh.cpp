#include "walwrap/storage/aws/credential_refresh.hpp"

namespace walwrap::storage {
namespace {

bool is_within(std::optional<MonoTime> since, std::chrono::nanoseconds limit, MonoTime now) {
  return since && now - *since < limit;
}

}  // namespace

bool CredentialRefresh::is_fresh(std::optional<WallTime> expires, Now now) {
  return !expires || now.wall < *expires - kBefore;
}

CredentialRefresh::Do CredentialRefresh::next(Now now) const {
  if (!has_keys_) return Do::Fetch;
  if (is_refused_) return is_within(forced_, kBetweenForced, now.mono) ? Do::Fail : Do::Fetch;
  if (is_fresh(expires_, now)) return Do::Use;
  const bool can_be_used = now.wall < *expires_ || last_succeeded_;
  return can_be_used && is_within(tried_, kBetweenTries, now.mono) ? Do::Use : Do::Fetch;
}

void CredentialRefresh::on_fetched(std::optional<WallTime> expires, Now now) {
  if (is_refused_) forced_ = now.mono;
  has_keys_ = true;
  is_refused_ = false;
  last_succeeded_ = true;
  expires_ = expires;
  tried_ = now.mono;
}

void CredentialRefresh::on_failed(Now now) {
  if (is_refused_) forced_ = now.mono;
  last_succeeded_ = false;
  tried_ = now.mono;
}

bool CredentialRefresh::can_be_used(Now now) const {
  return has_keys_ && !is_refused_ && (!expires_ || now.wall < *expires_);
}

void CredentialRefresh::on_refused(Now now) {
  if (has_keys_ && !is_within(forced_, kBetweenForced, now.mono)) is_refused_ = true;
}

}  // namespace walwrap::storage
