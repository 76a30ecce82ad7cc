// What each database must hold: slow and obvious.
//
// A state is what a database held after a commit, or after its file was replaced. Each state knows
// the one that it was made from, so that "nothing that was confirmed is lost" can be asked: every
// confirmed state is the found one, or one that the found one was made from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::simulation {

using Rows = std::map<int, std::string>;
using StateId = int;
inline constexpr StateId kNothing = 0;  // no database, or no row

class Oracle {
 public:
  Oracle() : states_{{.parent = kNothing, .rows = {}, .text = {}, .since = {}}} {
    by_text_[""] = {kNothing};
  }

  // The time of day; each state and each confirmation has one.
  std::function<WallTime()> now = [] { return WallTime{}; };

  StateId add(StateId parent, Rows rows);
  const Rows& rows(StateId state) const { return at(state).rows; }
  bool descends(StateId state, StateId from) const;
  bool is_known(const std::string& text) const { return by_text_.contains(text); }
  // Of the states with these rows the newest one that `must` leads to; nullopt: there is none.
  std::optional<StateId> find(const std::string& text, const std::vector<StateId>& must) const;

  // A client was told that this is stored.
  void confirm(StateId state) {
    confirmed_.push_back(state);
    confirmed_at_.push_back(now());
  }
  const std::vector<StateId>& confirmed() const { return confirmed_; }
  // Two hosts had the replica, or its objects were removed: what was confirmed may be lost.
  void forget_confirmed() {
    confirmed_.clear();
    confirmed_at_.clear();
  }
  // An app had these rows by then, and what had been confirmed by then is in them. For a time of
  // day that never went back.
  bool was_there(const std::string& text, WallTime by) const;

  static std::string text_of(const Rows& rows);

 private:
  struct State {
    StateId parent;
    Rows rows;
    std::string text;
    WallTime since{};
  };
  const State& at(StateId state) const { return states_.at(static_cast<std::size_t>(state)); }

  std::vector<State> states_;
  std::map<std::string, std::vector<StateId>> by_text_;
  std::vector<StateId> confirmed_;
  std::vector<WallTime> confirmed_at_;
};

// The rows of a database in memory, as Oracle::text_of; an error of SQLite's or of its integrity
// check begins with "!".
std::string rows_in(ByteVector image);

}  // namespace walwrap::simulation
