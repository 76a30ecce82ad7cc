// An app whose commits follow from a seed, and what its database must hold after each of them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "tests/support/app_db.hpp"

namespace walwrap::testing {

struct Script {
  std::uint64_t seed = 0;
  int page_size = 4096;
  bool is_full = false;      // synchronous=FULL, else NORMAL
  int went_on_at = 1 << 30;  // commits after this one are others: what was lost did not come back
};

// Rows are (id, n, size, body): written by commit n, the body follows from n and size.
class ScriptedApp {
 public:
  using Rows = std::map<int, std::pair<int, int>>;  // id -> n, size

  ScriptedApp(const std::filesystem::path& path, const Script& script)
      : script_(script), db_(path) {
    db_.run(fmt::format("PRAGMA page_size={}; PRAGMA journal_mode=WAL; PRAGMA synchronous={}",
                        script.page_size, script.is_full ? "FULL" : "NORMAL"));
    db_.run(
        "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, n, size, body);"
        "CREATE INDEX IF NOT EXISTS t_n ON t(n, size)");
    done_ = static_cast<int>(db_.number("PRAGMA user_version"));
  }

  // The next one; returns its number.
  int commit() {
    ++done_;
    std::string sql = "BEGIN IMMEDIATE;";
    for (const auto& [id, row] : change(script_, done_)) {
      sql += fmt::format("DELETE FROM t WHERE id={};", id);
      if (row.second < 0) continue;
      sql += fmt::format("INSERT INTO t VALUES({},{},{},{});", id, row.first, row.second,
                         body(std::to_string(row.first), std::to_string(row.second)));
    }
    db_.run(sql + fmt::format("PRAGMA user_version={};COMMIT", done_));
    return done_;
  }

  // 0: there is no database, or nothing in it.
  static int commits_in(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) return 0;
    return static_cast<int>(AppDb(path).number("PRAGMA user_version"));
  }

  // "": the database is intact and holds what it does after `commits`.
  static std::string check(const std::filesystem::path& path, const Script& script, int commits) {
    try {
      if (commits == 0 && !std::filesystem::exists(path)) return "";
      AppDb db(path);
      const auto intact = db.text("PRAGMA integrity_check");
      if (intact != "ok") return "integrity_check: " + intact.substr(0, 200);
      const auto found = db.number("PRAGMA user_version");
      if (found != commits) return fmt::format("{} commits, expected {}", found, commits);
      if (commits == 0) return "";
      if (db.number("SELECT count(*) FROM t WHERE body <> " + body("n", "size")) != 0) {
        return "a row with the body of another";
      }
      if (db.text("SELECT id || ' ' || n || ' ' || size FROM t ORDER BY id") !=
          text_of(rows_after(script, commits))) {
        return "other rows than the app has made";
      }
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }

 private:
  // What a commit puts in place; a size below 0: it deletes the row.
  static Rows change(const Script& script, int commit) {
    std::mt19937_64 random(script.seed * 1'000'003 + static_cast<std::uint64_t>(commit) +
                           (commit > script.went_on_at ? 500'000 : 0));
    Rows rows;
    const auto kind = random() % 16;
    const auto count = kind == 0 ? 40 : 1 + random() % 3;
    for (std::size_t i = 0; i < count; ++i) {
      const int id = static_cast<int>(random() % 150);
      const bool is_deleted = kind < 4 && random() % 2 == 0;
      int size = static_cast<int>(random() % (random() % 8 == 0 ? 6000 : 600));
      if (kind == 15) size = 60'000;
      rows[kind == 15 ? 1000 : id] = {commit, is_deleted ? -1 : size};
    }
    return rows;
  }
  static Rows rows_after(const Script& script, int commits) {
    Rows rows;
    for (int commit = 1; commit <= commits; ++commit) {
      for (const auto& [id, row] : change(script, commit)) {
        rows.erase(id);
        if (row.second >= 0) rows[id] = row;
      }
    }
    return rows;
  }
  static std::string text_of(const Rows& rows) {
    std::string text;
    for (const auto& [id, row] : rows) {
      text += fmt::format("{}{} {} {}", text.empty() ? "" : "\n", id, row.first, row.second);
    }
    return text;
  }
  static std::string body(const std::string& n, const std::string& size) {
    return fmt::format(
        "substr(replace(hex(zeroblob({1}/8+1)),'00',printf('%08x',({0}*2654435761+{1}*40503)%"
        "4294967296)),1,{1})",
        n, size);
  }

  Script script_;
  AppDb db_;
  int done_ = 0;
};

}  // namespace walwrap::testing
