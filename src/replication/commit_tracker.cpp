#include "walwrap/replication/commit_tracker.hpp"

#include <algorithm>

namespace walwrap::replication {

void CommitTracker::on_attached(RandomId file, RandomId attachment) {
  progress_.attached = true;
  progress_.committed = {.file = file, .attachment = attachment, .commits = 0};
  progress_.stored = 0;
  progress_.looked = 0;  // earlier looks found another file, or counted in another way
  store_now_ = 0;
  awaited_ = 0;
  store_now_ticket_ = 0;
}

void CommitTracker::on_detached() {
  progress_.attached = false;
  progress_.committed = {};
  progress_.stored = 0;
  store_now_ = 0;
  awaited_ = 0;
}

void CommitTracker::on_look(std::uint64_t commits, const Requested& requested) {
  progress_.looked = requested.look;
  progress_.committed.commits = commits;
  if (requested.listening) awaited_ = commits;
  if (requested.store_now > store_now_ticket_) {
    store_now_ticket_ = requested.store_now;
    store_now_ = commits;
  }
}

void CommitTracker::on_taken(std::uint64_t commits) {
  taken_in_ = progress_.committed.attachment;
  taken_ = commits;
}

void CommitTracker::on_done(Became what, Txid txid) {
  progress_.txid = txid;
  // The job of a detached file says nothing about the current one.
  if (what != Became::Stored || taken_in_ != progress_.committed.attachment) return;
  on_all_stored(taken_);
}

void CommitTracker::on_all_stored(std::uint64_t commits) {
  progress_.stored = std::max(progress_.stored, commits);
  progress_.committed.commits = std::max(progress_.committed.commits, progress_.stored);
}

}  // namespace walwrap::replication
