#include "tests/simulation/oracle.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

namespace walwrap::simulation {

StateId Oracle::add(StateId parent, Rows rows) {
  std::string text = text_of(rows);
  states_.push_back({parent, std::move(rows), text, now()});
  const auto id = static_cast<StateId>(states_.size() - 1);
  by_text_[std::move(text)].push_back(id);
  return id;
}

bool Oracle::descends(StateId state, StateId from) const {
  // A state is younger than the one it was made from.
  while (state > from) state = at(state).parent;
  return state == from;
}

std::optional<StateId> Oracle::find(const std::string& text,
                                    const std::vector<StateId>& must) const {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return std::nullopt;
  for (auto state = found->second.rbegin(); state != found->second.rend(); ++state) {
    const bool holds_all =
        std::all_of(must.begin(), must.end(), [&](StateId each) { return descends(*state, each); });
    if (holds_all) return *state;
  }
  return std::nullopt;
}

bool Oracle::was_there(const std::string& text, WallTime by) const {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](StateId state) {
    if (at(state).since > by) return false;
    for (std::size_t i = 0; i < confirmed_.size(); ++i) {
      if (confirmed_at_[i] < by && !descends(state, confirmed_[i])) return false;
    }
    return true;
  });
}

std::string Oracle::text_of(const Rows& rows) {
  std::string text;
  for (const auto& [id, value] : rows) text += fmt::format("{} {}\n", id, value);
  return text;
}

std::string rows_in(ByteVector image) {
  if (image.empty()) return "";
  if (image.size() < 512) return "!no database";
  // In memory there is no WAL: the bytes that say so are those of a rollback journal.
  image[18] = image[19] = std::byte{1};
  sqlite3* handle = nullptr;
  sqlite3_open(":memory:", &handle);
  auto* bytes = reinterpret_cast<unsigned char*>(image.data());
  const auto size = static_cast<sqlite3_int64>(image.size());
  sqlite3_deserialize(handle, "main", bytes, size, size, SQLITE_DESERIALIZE_READONLY);
  std::string text;
  const auto row = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) +=
        values[0] == nullptr ? "NULL\n" : std::string(values[0]) + "\n";
    return 0;
  };
  std::string check;
  const bool is_read =
      sqlite3_exec(handle, "PRAGMA integrity_check", row, &check, nullptr) == SQLITE_OK;
  if (!is_read || check != "ok\n") {
    text = "!integrity: " + (is_read ? check : sqlite3_errmsg(handle));
  } else if (sqlite3_exec(handle, "SELECT id || ' ' || v FROM t ORDER BY id", row, &text,
                          nullptr) != SQLITE_OK) {
    // Before its first commit a database has no table.
    const std::string message = sqlite3_errmsg(handle);
    text = message.starts_with("no such table") ? "" : "!" + message;
  }
  sqlite3_close(handle);
  return text;
}

}  // namespace walwrap::simulation
